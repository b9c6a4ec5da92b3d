/**
 * `edp capture snapshot`: the rows that are there, as events with op `read`.
 *
 * All rows of a table have one number, drawn before the first of them is read, and read when every transaction has ended that ran
 * then: what such a transaction published with a lower number is in the rows, and whatever comes later has a higher one. So
 * rows may be read in any order and at any time, and a change in flight wins over the row that was read.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint, tunable } from '../base/failpoints.js';
import { quoteIdentifier, quoteTable } from '../model/ddl.js';
import { formatTableName } from '../model/table-name.js';
import { withTransaction } from '../postgres/connection.js';
import { sleepUnless } from './consumer.js';
import { eventLine, OUTBOX_ROW, type OutboxRow } from './event-line.js';
import { EVENT_COLUMNS, filterOf, readQuery } from './event-sql.js';
import { flushLog } from './flush-log.js';
import type { CapturedModel } from './plan.js';
import type { Sink } from './sinks/sink.js';

const RANGE_ROWS = 10_000;
const WAIT_MS = 200;

export interface SnapshotOptions {
  readonly source: string;
  /** Undefined: through the outbox. */
  readonly sink: Sink | undefined;
  /** Names where rows go to; empty for the outbox. One that was stopped goes on only to the same place. */
  readonly target: string;
  /** Bytes of the outbox from which it waits for consumers. */
  readonly capBytes: number;
  readonly signal: AbortSignal;
  readonly onNote: (text: string) => void;
}

interface State {
  readonly sequence: string;
  readonly waitsFor: string;
  readonly position: readonly string[] | null;
}

/** @returns rows that were read by this call */
export async function snapshotModel(
  client: pg.Client,
  model: CapturedModel,
  options: SnapshotOptions,
): Promise<number> {
  const state = await beginOrResume(client, model, options);
  await failpoint('snapshot.begun', client);
  await waitForOthers(client, state, options);
  let { position } = state;
  let rows = 0;
  let uncommitted = 0;
  const keep = async () => {
    if (options.sink !== undefined && uncommitted > 0) await flushLog(client);
    await options.sink?.commit();
    await failpoint('snapshot.sent', client);
    await client.query(
      'UPDATE edp_capture.snapshots SET position = $3, rows = rows + $4 WHERE model = $1 AND target = $2',
      [model.name, options.target, JSON.stringify(position), uncommitted],
    );
    uncommitted = 0;
  };
  for (;;) {
    if (options.signal.aborted) break;
    const range = await readRange(client, model, state, position, options);
    rows += range.rows;
    uncommitted += range.rows;
    if (options.sink === undefined) await failpoint('snapshot.sent', client);
    position = range.position ?? position;
    const isLast = range.position === null;
    if (options.sink !== undefined && (isLast || options.sink.isDue())) await keep();
    if (isLast) {
      await client.query(
        'UPDATE edp_capture.snapshots SET finished_at = clock_timestamp() WHERE model = $1 AND target = $2',
        [model.name, options.target],
      );
      return rows;
    }
  }
  if (options.sink !== undefined) await keep();
  throw new EdpError('interrupted', `${model.name}: stopped after ${rows} rows`, {
    hint: 'the same command goes on where it stopped',
  });
}

async function beginOrResume(
  client: pg.Client,
  { name }: CapturedModel,
  { onNote, target }: SnapshotOptions,
): Promise<State> {
  const columns = 'sequence::text AS sequence, waits_for::text AS "waitsFor", position';
  const { rows } = await client.query<State & { done: boolean }>(
    `SELECT ${columns}, finished_at IS NOT NULL AS done FROM edp_capture.snapshots WHERE model = $1 AND target = $2`,
    [name, target],
  );
  const [there] = rows;
  if (there !== undefined && !there.done) {
    if (there.position !== null) onNote(`${name}: going on where the last snapshot stopped`);
    return there;
  }
  // Whoever has drawn a lower number has a lower transaction id than the one that is taken afterwards. (The xmax of a
  // snapshot is no such bound: a transaction above it may be running.)
  const drawn = await client.query<{ sequence: string }>(
    "SELECT nextval('edp_capture.event_sequence')::text AS sequence",
  );
  const begun = await client.query<State>(
    `INSERT INTO edp_capture.snapshots (model, target, sequence, waits_for) VALUES ($1, $2, $3, pg_current_xact_id())
     ON CONFLICT (model, target) DO UPDATE SET sequence = excluded.sequence, waits_for = excluded.waits_for, position = NULL,
       rows = 0, started_at = clock_timestamp(), finished_at = NULL
     RETURNING ${columns}`,
    [name, target, drawn.rows[0]!.sequence],
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
      throw new EdpError('interrupted', 'stopped before the first row was read', {
        hint: 'the same command goes on',
      });
    }
  }
}

interface Range {
  readonly rows: number;
  /** Identity of its last row; null where there is none. */
  readonly position: readonly string[] | null;
}

async function readRange(
  client: pg.Client,
  model: CapturedModel,
  state: State,
  position: readonly string[] | null,
  options: SnapshotOptions,
): Promise<Range> {
  const { sink } = options;
  const end = await findEnd(client, model, position);
  const range = rangeOf(model, position, end);
  const query = readQuery(model, range.from, state.sequence, true);
  return withSettings(client, model.searchPath, async () => {
    if (sink === undefined) {
      await waitForRoom(client, options);
      const slot = await currentSlot(client);
      await client.query("SELECT pg_current_xact_id(), nextval('edp_capture.event_sequence')");
      const { rowCount } = await client.query({
        text: `INSERT INTO edp_capture.outbox_${slot} (${EVENT_COLUMNS}) ${query}`,
        values: range.values,
      });
      await client.query(
        'UPDATE edp_capture.snapshots SET position = $3, rows = rows + $4 WHERE model = $1 AND target = $2',
        [model.name, options.target, JSON.stringify(end ?? position), rowCount],
      );
      return { rows: rowCount ?? 0, position: end };
    }
    const { rows } = await client.query<OutboxRow>({
      text: `SELECT ${OUTBOX_ROW} FROM (${query}) AS e (${EVENT_COLUMNS})`,
      values: range.values,
    });
    const events = rows.map((row) => ({
      table: row.model,
      sequence: BigInt(row.sequence),
      line: eventLine(row, options.source),
    }));
    if (events.length > 0) await sink.write(events);
    return { rows: rows.length, position: end };
  });
}

/** Values as the triggers write them. */
function withSettings<T>(
  client: pg.Client,
  searchPath: string,
  work: () => Promise<T>,
): Promise<T> {
  return withTransaction(client, async () => {
    await client.query(`SET LOCAL search_path = ${searchPath}`);
    return work();
  });
}

/** Identity of the row that ends a range; null where fewer rows are left. */
async function findEnd(
  client: pg.Client,
  model: CapturedModel,
  position: readonly string[] | null,
): Promise<readonly string[] | null> {
  const { identity, source } = model;
  const columns = identity.map((name) => `t.${quoteIdentifier(name)}`);
  const { rows } = await client.query<{ position: readonly string[] }>(
    `SELECT json_build_array(${columns.map((name) => `${name}::text`).join(', ')}) AS position FROM ${quoteTable(formatTableName(source))} AS t
     ${position === null ? '' : `WHERE ${above(model, 't', 1)}`} ORDER BY ${columns.join(', ')} OFFSET ${tunable('capture.range_rows', RANGE_ROWS) - 1} LIMIT 1`,
    [...(position ?? [])],
  );
  return rows[0]?.position ?? null;
}

function rangeOf(
  model: CapturedModel,
  position: readonly string[] | null,
  end: readonly string[] | null,
): { readonly from: string; readonly values: string[] } {
  const alias = quoteIdentifier(model.source.name);
  const conditions = [
    ...(position === null ? [] : [above(model, alias, 1)]),
    ...(end === null ? [] : [`NOT ${above(model, alias, (position?.length ?? 0) + 1)}`]),
  ];
  const filter = filterOf(model);
  const rest = conditions.map(
    (one, i) => `${i === 0 && filter === '' ? ' WHERE ' : ' AND '}${one}`,
  );
  return {
    from: `${quoteTable(formatTableName(model.source))} AS ${alias}${filter}${rest.join('')}`,
    values: [...(position ?? []), ...(end ?? [])],
  };
}

/** @param first number of the first parameter */
function above({ identity, source }: CapturedModel, alias: string, first: number): string {
  const columns = identity.map((name) => `${alias}.${quoteIdentifier(name)}`);
  const values = identity.map((name, i) => {
    const { type } = source.columns.find((column) => column.name === name)!;
    return `$${first + i}::text::${type}`;
  });
  return `(${columns.join(', ')}) > (${values.join(', ')})`;
}

async function currentSlot(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ slot: number }>(
    'SELECT last_value::int AS slot FROM edp_capture.current_outbox',
  );
  return rows[0]!.slot;
}

async function waitForRoom(
  client: pg.Client,
  { capBytes, signal, onNote }: SnapshotOptions,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ bytes: string }>(
      "SELECT pg_relation_size('edp_capture.outbox_0') + pg_relation_size('edp_capture.outbox_1') AS bytes",
    );
    if (Number(rows[0]!.bytes) < capBytes) return;
    if (tries === 0) onNote('the outbox is full; waiting for edp capture run');
    if (!(await sleepUnless(signal, 1000))) return;
  }
}
