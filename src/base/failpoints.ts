/**
 * Named places at which the tests of tests/faults make something fail: the process is killed there,
 * the connection cut, an error thrown.
 *
 * This module contains none of the failures. `EDP_FAILPOINTS` alone does nothing: it makes this
 * module look for `tests/faults/inject.js` beside the built program, which the repository has and
 * the published package does not have (`files` in package.json). Without both, {@link failpoint} is
 * a function that returns at once. It is called per batch, window, split or load, never per record.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type pg from 'pg';
import { packageFile } from './package-files.js';

/** All failpoints, by the room that they are in. */
export const FAILPOINTS = [
  // A split, in its worker.
  'worker.connected',
  'split.opened',
  'split.begun',
  'split.read',
  'split.hashed',
  'split.copied',
  'split.unchanged',
  'split.careful',
  'split.partitions',
  'split.allowed',
  'split.refused',
  'split.settled',
  'split.rejects_written',
  'split.receipt_written',
  'split.acknowledged',
  'split.committed',
  'lane.encoded',
  'lane.full',
  'copy.begin',
  'copy.middle',
  'copy.end',
  'stage.created',
  'stage.copied',
  'stage.partitions',
  'stage.references',
  'stage.keys',
  'stage.inserted',
  'stage.blame',
  'stage.merged',
  'receipt.inserted',
  // A run.
  'run.migrating',
  'run.migrated',
  'run.table',
  'run.model_held',
  'run.planned',
  'dispatch.answer',
  'dispatch.committed',
  'dispatch.partitions',
  'dispatch.retry',
  // Claims and ends of loads.
  'claim.locked',
  'claim.judged',
  'claim.resumed',
  'claim.created',
  'claim.committed',
  'claim.released',
  'end.begin',
  'end.members',
  'end.written',
  'end.released',
  // A bulk load.
  'bulk.begun',
  'bulk.locked',
  'bulk.indexes_off',
  'bulk.write',
  'bulk.settled',
  'bulk.copied',
  'bulk.index_built',
  'bulk.indexes_built',
  'bulk.receipts',
  'bulk.acknowledged',
  'bulk.committed',
  // A run with --replace.
  'replace.locked',
  'replace.cleared',
  'replace.before_commit',
  'replace.acknowledged',
  // A load that undo or replay holds.
  'held.locked',
  'held.taken',
  'held.begun',
  'held.before_commit',
  'held.acknowledged',
  'undo.checked',
  'undo.marked',
  'undo.rows_deleted',
  'undo.rows_removed',
  'undo.members_removed',
  'undo.rejects_removed',
  'undo.receipts_removed',
  'undo.closed',
  'replay.read',
  'replay.tried',
  'replay.refused',
  'replay.taken_out',
  'replay.receipts',
  'replay.counted',
  // Captured events, and their consumer's cursor.
  'capture.linked',
  'capture.sent',
  'capture.moved',
  'capture.rotated',
  'snapshot.begun',
  'snapshot.sent',
  // A fold of change events.
  'realize.loaded',
  'realize.found',
  'realize.merged',
  'realize.folded',
  // A promotion.
  'promote.locked',
  'promote.adding',
  'promote.noted',
  'promote.added',
  'promote.file_written',
  'promote.declared',
  'promote.step_read',
  'promote.step_moved',
  'promote.step_noted',
  'promote.step_acknowledged',
  'promote.pass_ended',
  'promote.done',
  // The embedded server.
  'embedded.installed',
  'embedded.initdb',
  'embedded.initialised',
  'embedded.starting',
  'embedded.started',
  'embedded.leased',
  'embedded.kept',
  'embedded.database',
  'embedded.destroy_moved',
  'embedded.destroy_stopped',
  'embedded.release',
  // Promotion of an environment.
  'environment.prepared',
  'environment.swapped',
  'environment.moved',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

interface Injection {
  reach(name: string, client: pg.Client | undefined): Promise<void> | undefined;
  setting(name: string): number | undefined;
}

const injection = process.env.EDP_FAILPOINTS === undefined ? undefined : loadInjection();

function loadInjection(): Injection | undefined {
  const file = packageFile('tests/faults/inject.js');
  return existsSync(file) ? (createRequire(import.meta.url)(file) as Injection) : undefined;
}

const INACTIVE: (name: Failpoint, client?: pg.Client) => Promise<void> | undefined = () =>
  undefined;

/**
 * Awaited at a place where something may fail.
 *
 * @param client the session whose connection may be lost there
 */
export const failpoint: typeof INACTIVE =
  injection === undefined ? INACTIVE : (name, client) => injection.reach(name, client);

/** A limit that tests of faults may lower, so that small files and short waits reach it. */
export function tunable(
  name:
    | 'bulk.max_ms'
    | 'bulk.min_bytes'
    | 'capture.fetch_rows'
    | 'capture.range_rows'
    | 'capture.rotate_bytes'
    | 'http.idle_ms'
    | 'http.retry_ms'
    | 'notify.total_ms'
    | 'split.related_bytes',
  value: number,
): number {
  return injection?.setting(name) ?? value;
}
