/**
 * `edp replay`: tries the rejects of a load again, in place.
 *
 * A batch is one transaction (replay-batch.ts): it loads rows, removes their rejects, and moves
 * their counts from rejected to loaded in the load and in the receipt of their split. So each
 * reject is either still a reject or a row, never both, also in a table without a key. After a kill
 * the command continues with what is left.
 */

import { EdpError } from '../../base/errors.js';
import { tell } from '../../base/happenings.js';
import { layoutOf } from '../../formats/stored-reading.js';
import type { RowCounts } from '../../ledger/counts.js';
import { loadGone } from '../../ledger/former-tables.js';
import {
  explainPrivileges,
  type HeldLoad,
  type LoadRecord,
  readLoad,
  withHeldLoad,
} from '../../ledger/held-load.js';
import { openLedger } from '../../ledger/ledger-queries.js';
import { hasLaterLoad, snapshotOf, writeMemberEnds } from '../../ledger/member-ends.js';
import { type RemarkCounts, RemarkTally } from '../../ledger/remarks.js';
import { ruleFor, stagedColumns } from '../../load/sinks/staged-rows.js';
import { tellInferred, tellMemberEnds } from '../../load/tell-splits.js';
import { fitPlan } from '../../mapping/fit-plan.js';
import { planRecords } from '../../mapping/record-plan.js';
import { withDrift } from '../../model/drift.js';
import { loadCommandOf } from '../../model/file-settings.js';
import type { MissingDimensions, OnConflict } from '../../model/load-rules.js';
import { findTableAt, type Model } from '../../model/model.js';
import { formatTableName } from '../../model/table-name.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { inspectTable } from '../../postgres/table-in-catalog.js';
import { type BatchOutcome, type ReplayPlan, replayBatch } from './replay-batch.js';

const NEEDED_PRIVILEGES =
  'what a load takes, and SELECT, UPDATE and DELETE on the tables of schema edp';

export interface ReplayOptions {
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
}

export interface ReplayResult {
  readonly loadId: number;
  readonly path: string;
  readonly schema: string;
  readonly table: string;
  readonly seconds: number;
  /** `read` is how many rejects were tried. */
  readonly rows: RowCounts;
  /** Rejects of the load that are left. */
  readonly remaining: number;
  readonly remarks: RemarkCounts;
  readonly isInterrupted: boolean;
  /** The error that ended it early, if any. */
  readonly failure?: unknown;
}

export interface ReplayProgress {
  start(rejects: number): void;
  /** @param rows counts of what has just committed */
  advance(rows: RowCounts): void;
}

/** @returns the table of the load @throws EdpError `unknown_load` */
export async function lookAtLoad(database: Database, loadId: number): Promise<LoadRecord> {
  return withClient(database.client, 'replay', async (client) => {
    await openLedger(client);
    return readLoad(client, loadId);
  });
}

export async function replay(
  database: Database,
  model: Model,
  loadId: number,
  options: ReplayOptions,
  progress: ReplayProgress,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const startedAt = performance.now();
  return withHeldLoad(database.client, 'replay', loadId, signal, async (hold) => {
    const load = await hold.look();
    assertWhole(load);
    progress.start(load.rows.rejected);
    const totals = new ReplayTotals(load.rows.rejected === 0);
    let failure: unknown;
    try {
      if (!totals.isDone) {
        const plan = await planReplay(hold, model, load, options);
        await replayAll(hold, plan, progress, totals, signal);
        if (totals.isDone) await endMembers(hold, model, plan);
      }
    } catch (error) {
      failure = explainPrivileges(error, 'replay loads', NEEDED_PRIVILEGES);
    }
    const { rows: now } = await hold.look().catch((error: unknown) => {
      throw failure ?? error;
    });
    // Taken from the ledger: a commit whose acknowledgement was lost has happened, too.
    const loaded = now.loaded - load.rows.loaded;
    const duplicate = now.duplicate - load.rows.duplicate;
    const { rejected } = totals;
    const rows = { read: loaded + duplicate + rejected, loaded, rejected, duplicate };
    tellReplayed(load, rows, totals);
    return {
      loadId,
      path: load.path,
      schema: load.place.schema,
      table: load.table,
      seconds: (performance.now() - startedAt) / 1000,
      rows,
      remaining: now.rejected,
      remarks: totals.remarks.counts,
      isInterrupted: signal.aborted && failure === undefined && !totals.isDone,
      ...(failure === undefined ? {} : { failure }),
    };
  });
}

/** @throws EdpError `load_undone`, `load_gone` */
function assertWhole({ loadId, state, isGone, table, format }: LoadRecord): void {
  const command = loadCommandOf(format.format);
  if (isGone) throw loadGone(loadId, table, command);
  if (state === 'undone') {
    throw new EdpError('load_undone', `load ${loadId} is undone: it has no rejects any more`, {
      hint: `load its file again: ${command}`,
    });
  }
  if (state === 'undoing') {
    throw new EdpError(
      'load_undone',
      `load ${loadId} is half undone: its rejects are being removed`,
      {
        hint: `finish that with edp undo ${loadId}, then load its file again`,
      },
    );
  }
}

/** Maps the fields of the file, as it was read then, to the model as it is now. */
async function planReplay(
  hold: HeldLoad,
  model: Model,
  { loadId, path, place, table: tableName, format }: LoadRecord,
  options: ReplayOptions,
): Promise<ReplayPlan> {
  const declared = findTableAt(model, place);
  if (declared === undefined) {
    throw new EdpError(
      'unknown_table',
      `load ${loadId} went into table "${tableName}", which the model does not have (any more)`,
      { hint: 'declare the table in edp.yaml, or run edp in the project that loads it' },
    );
  }
  const table = withDrift(declared, format.drift);
  const { plan, recordForm } = planRecords(table, layoutOf(format), path, format.drift?.onNew);
  const target = await hold.read((client) =>
    inspectTable(client, table, options.onConflict, formatTableName(place)),
  );
  const fitted = fitPlan(plan, target);
  return {
    recordForm,
    path,
    footerStart: format.footerStart,
    plan: fitted,
    stage: {
      target,
      columns: stagedColumns(fitted),
      copies: fitted.copies,
      loadId,
      ...options,
      onConflict: ruleFor(target, options.onConflict),
    },
  };
}

/**
 * Where the file holds all members, and has no rejects any more: adds the ends of those that it lacks, unless a later load
 * has been compared with what was there.
 */
async function endMembers(hold: HeldLoad, model: Model, { stage }: ReplayPlan): Promise<void> {
  const { loadId, place, attempt, rows } = await hold.look();
  const table = findTableAt(model, place);
  const snapshot = table && snapshotOf(table, stage.target);
  if (snapshot === undefined || rows.rejected > 0) return;
  const ends = await hold.transaction(async (client) => {
    if (await hasLaterLoad(client, loadId)) return undefined;
    return writeMemberEnds(client, snapshot, { loadId, attempt }, true);
  });
  if (ends !== undefined) tellMemberEnds(ends, place, loadId);
}

/** What cannot be read from the ledger afterwards. */
class ReplayTotals {
  /** Of the present pass over the rejects, by code. */
  rejectCodes = new Map<string, number>();
  isDone: boolean;
  readonly remarks = new RemarkTally();
  readonly changed = { inserted: 0, updated: 0 };
  /** Inferred members: table → rows. */
  readonly inferred = new Map<string, number>();

  constructor(isDone: boolean) {
    this.isDone = isDone;
  }

  get rejected(): number {
    return [...this.rejectCodes.values()].reduce((sum, records) => sum + records, 0);
  }

  add({ remarks, changed, rejectCodes }: BatchOutcome): void {
    this.remarks.addCounts(remarks);
    this.changed.inserted += changed.inserted;
    this.changed.updated += changed.updated;
    addTo(this.inferred, changed.inferred ?? {});
    addTo(this.rejectCodes, rejectCodes);
  }

  /** Before another pass over the rejects that are left. */
  beginPass(): void {
    this.rejectCodes = new Map();
  }
}

function addTo(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
}

function tellReplayed(
  { loadId, place }: Pick<LoadRecord, 'loadId' | 'place'>,
  rows: RowCounts,
  { changed, inferred, rejectCodes }: ReplayTotals,
): void {
  tell({
    kind: 'rows_changed',
    table: formatTableName(place),
    loadId,
    rows,
    change: { ...changed, deleted: 0 },
    rejected: rows.rejected,
    rejectCodes: Object.fromEntries(rejectCodes),
  });
  tellInferred({ ...changed, inferred: Object.fromEntries(inferred) }, loadId);
}

async function replayAll(
  hold: HeldLoad,
  plan: ReplayPlan,
  progress: ReplayProgress,
  totals: ReplayTotals,
  signal: AbortSignal,
): Promise<void> {
  let after = -1;
  let { sessions } = hold;
  /** By the present pass over the rejects. */
  let loaded = 0;
  while (!signal.aborted) {
    if (hold.sessions !== sessions) {
      // Tries again what a crash of the server took back.
      sessions = hold.sessions;
      after = -1;
      totals.beginPass();
    }
    const from = after;
    const outcome = await hold.transaction((client) => replayBatch(client, hold, plan, from));
    if (outcome === undefined) {
      if (hold.sessions !== sessions) continue;
      const { rejected } = totals;
      if (!plan.stage.target.refersToItself || loaded === 0 || rejected === 0) {
        totals.isDone = true;
        return;
      }
      // Rejects may refer to some behind them, which are rows by now.
      progress.advance({ read: -rejected, loaded: 0, rejected: -rejected, duplicate: 0 });
      after = -1;
      totals.beginPass();
      loaded = 0;
      continue;
    }
    loaded += outcome.rows.loaded;
    after = outcome.last;
    totals.add(outcome);
    progress.advance(outcome.rows);
  }
}
