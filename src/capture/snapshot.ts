/**
 * `edp capture snapshot`: the rows that are there, as events with op `read`.
 *
 * All rows of a table have one number, drawn before the first of them is read, and read when every transaction has ended that ran
 * then: what such a transaction published with a lower number is in the rows, and whatever comes later has a higher one. So
 * rows may be read in any order and at any time, and a change in flight wins over the row that was read.
 *
 * Behind the last row comes a truncate of the same number. It ends the keys below it that were not read: rows that went
 * while nothing was installed, or with a partition that was detached. All have the time of the number, so that the history of
 * a row that stays has no gap.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint, tunable } from '../base/failpoints.js';
import { sleepUnless } from '../base/sleep-unless.js';
import { quoteName } from '../model/ddl.js';
import { OUTBOX_BYTES } from './consumer.js';
import { flushLog } from './flush-log.js';
import { holdAlone, snapshotLock } from './hold-alone.js';
import type { CapturedModel } from './plan.js';
import {
  findEnd,
  moveSnapshot,
  type Numbered,
  type Position,
  type RangeOptions,
  RangeReader,
  type RangeTotals,
} from './snapshot-range.js';
import { hasMethods } from './touch-sql.js';

const RANGE_ROWS = 10_000;
const WAIT_MS = 200;

/** The sink is opened here: no other snapshot of the table has it then. */
export interface SnapshotOptions extends RangeOptions {
  /** Where it goes: a snapshot that stopped goes on only into the same target. */
  readonly target: string;
  /** Bytes of the outbox from which it waits for consumers. */
  readonly capBytes: number;
  readonly signal: AbortSignal;
  readonly onNote: (text: string) => void;
  /** How long another snapshot of the table may take to end. */
  readonly patienceMs?: number;
}

interface State extends Numbered {
  readonly waitsFor: string;
  readonly position: Position;
}

/**
 * @returns what was read by this call
 * @throws EdpError `interrupted`; `capture_busy` where another session reads the same table
 */
export async function snapshotModel(
  client: pg.Client,
  model: CapturedModel,
  options: SnapshotOptions,
): Promise<RangeTotals> {
  const isHeld = await holdAlone(client, snapshotLock(model.name), {
    what: `snapshot of ${model.name}`,
    signal: options.signal,
    onWait: options.onNote,
    patienceMs: options.patienceMs,
  });
  if (!isHeld) throw stoppedEarly();
  await refuseHiddenRows(client, model);
  await options.sink?.open();
  const state = await beginOrResume(client, model, options);
  await failpoint('snapshot.begun', client);
  await waitForOthers(client, state, options);
  const reader = new RangeReader(client, model, state, options);
  let { position } = state;
  let rows = 0;
  let failed = 0;
  let uncommitted = 0;
  const keep = async () => {
    if (options.sink !== undefined && uncommitted > 0) await flushLog(client);
    await options.sink?.commit();
    await failpoint('snapshot.sent', client);
    await moveSnapshot(client, model.name, position, uncommitted);
    uncommitted = 0;
  };
  for (;;) {
    if (options.signal.aborted) break;
    if (options.sink === undefined && !(await waitForRoom(client, options))) break;
    const end = await findEnd(client, model, position, tunable('capture.range_rows', RANGE_ROWS));
    const range = await reader.read(position, end);
    rows += range.rows;
    failed += range.failed;
    uncommitted += range.rows;
    if (options.sink === undefined) await failpoint('snapshot.sent', client);
    position = end ?? position;
    const isLast = end === null;
    if (isLast) await reader.endOthers();
    if (options.sink !== undefined && (isLast || options.sink.isDue())) await keep();
    if (isLast) {
      await client.query(
        // What it could not read: values of methods, which the application publishes.
        `${hasMethods(model) ? 'WITH methods AS (INSERT INTO edp_capture.method_rows (model) VALUES ($1)) ' : ''}UPDATE edp_capture.snapshots SET finished_at = clock_timestamp() WHERE model = $1`,
        [model.name],
      );
      return { rows, failed };
    }
  }
  if (options.sink !== undefined) await keep();
  throw new EdpError('interrupted', `${model.name}: stopped after ${rows} rows`, {
    hint: 'the same command goes on where it stopped',
  });
}

/** Policies would leave out rows without a word, which would count as gone. */
async function refuseHiddenRows(client: pg.Client, { name, source }: CapturedModel): Promise<void> {
  const table = quoteName(source);
  const { rows } = await client.query<{ role: string; hides: boolean }>(
    'SELECT current_user AS role, row_security_active($1::regclass) AS hides',
    [table],
  );
  const { role, hides } = rows[0]!;
  if (hides) {
    throw new EdpError(
      'database_refused',
      `${name}: row level security hides rows of ${source.schema}.${source.name} from ${role}`,
      { hint: 'take the snapshot as the owner of the table, or ALTER ROLE … BYPASSRLS' },
    );
  }
  // Of all that this session reads from here on, with SQL of edp.yaml too: the server refuses to leave out rows.
  await client.query('SET row_security = off');
}

async function beginOrResume(
  client: pg.Client,
  { name, definition, readBy }: CapturedModel,
  { onNote, target }: SnapshotOptions,
): Promise<State> {
  const reading = createHash('md5')
    .update(JSON.stringify([target, definition, readBy]))
    .digest('hex');
  const columns =
    'sequence::text AS sequence, started_at::text AS at, waits_for::text AS "waitsFor", position';
  const { rows } = await client.query<State & { same: boolean }>(
    `SELECT ${columns}, reading = $2 AS same FROM edp_capture.snapshots WHERE model = $1 AND finished_at IS NULL`,
    [name, reading],
  );
  const [there] = rows;
  if (there?.same === false) {
    onNote(
      `${name}: the last snapshot stopped, and had another target or mapping; this one begins anew`,
    );
  }
  if (there?.same === true) {
    if (there.position !== null) onNote(`${name}: going on where the last snapshot stopped`);
    return there;
  }
  // Whoever has drawn a lower number has a lower transaction id than the one that is taken afterwards. (The xmax of a
  // snapshot is no such bound: a transaction above it may be running.)
  const drawn = await client.query<{ sequence: string }>(
    "SELECT nextval('edp_capture.event_sequence')::text AS sequence",
  );
  const begun = await client.query<State>(
    `INSERT INTO edp_capture.snapshots (model, sequence, waits_for, reading) VALUES ($1, $2, pg_current_xact_id(), $3)
     ON CONFLICT (model) DO UPDATE SET sequence = excluded.sequence, waits_for = excluded.waits_for, reading = excluded.reading,
       position = NULL, rows = 0, started_at = clock_timestamp(), finished_at = NULL
     RETURNING ${columns}`,
    [name, drawn.rows[0]!.sequence, reading],
  );
  return begun.rows[0]!;
}

async function waitForOthers(
  client: pg.Client,
  { waitsFor }: State,
  { signal, onNote }: SnapshotOptions,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ ended: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 AS ended',
      [waitsFor],
    );
    if (rows[0]!.ended) return;
    if (tries === 10)
      onNote('waiting for transactions that run since before; edp capture status names them');
    if (!(await sleepUnless(signal, WAIT_MS))) {
      throw stoppedEarly();
    }
  }
}

function stoppedEarly(): EdpError {
  return new EdpError('interrupted', 'stopped before the first row was read', {
    hint: 'the same command goes on',
  });
}

/** @returns false where `signal` came first */
async function waitForRoom(
  client: pg.Client,
  { capBytes, signal, onNote }: SnapshotOptions,
): Promise<boolean> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ bytes: string }>(`SELECT ${OUTBOX_BYTES} AS bytes`);
    if (Number(rows[0]!.bytes) < capBytes) return true;
    if (tries === 0) onNote('the outbox is full; waiting for edp capture run');
    if (!(await sleepUnless(signal, 1000))) return false;
  }
}
