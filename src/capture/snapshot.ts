/**
 * `edp capture snapshot`: the rows that are there, as events with op `read`.
 *
 * All rows of a table have one number, drawn before the first of them is read, and read when every transaction has ended that ran
 * then: what such a transaction published with a lower number is in the rows, and whatever comes later has a higher one. So
 * rows may be read in any order and at any time, and a change in flight wins over the row that was read.
 */
import type pg from 'pg';
import type { DatabaseError } from 'pg';
import { EdpError } from '../base/errors.js';
import { sleepUnless } from '../base/sleep-unless.js';
import { quoteIdentifier, quoteTable } from '../model/ddl.js';
import { formatTableName } from '../model/table-name.js';
import { withTransaction } from '../postgres/connection.js';
import { mayBeAboutRecord } from '../postgres/sqlstate.js';
import { OUTBOX_BYTES } from './consumer.js';
import { OUTBOX_ROW, type OutboxRow, sentEvent } from './event-line.js';
import { EVENT_COLUMNS, filterOf, readQuery } from './event-sql.js';
import { holdAlone, snapshotLock } from './hold-alone.js';
import type { CapturedModel } from './plan.js';
import type { Sink } from './sinks/sink.js';

const RANGE_ROWS = 10_000;
const WAIT_MS = 200;

export interface SnapshotOptions {
  readonly source: string;
  /** Undefined: through the outbox. It is opened here, and no other snapshot of the table has it then. */
  readonly sink: Sink | undefined;
  /** Whether a calculation that fails ends the snapshot. */
  readonly isStrict: boolean;
  /** Bytes of the outbox from which it waits for consumers. */
  readonly capBytes: number;
  readonly signal: AbortSignal;
  readonly onNote: (text: string) => void;
  /** How long another snapshot of the table may take to end. */
  readonly patienceMs?: number;
}

export interface SnapshotTotals {
  /** Read by this call. */
  readonly rows: number;
  /** Of them, those with a calculation that failed. */
  readonly failed: number;
}

interface State {
  readonly sequence: string;
  readonly waitsFor: string;
  readonly position: readonly string[] | null;
}

/** @throws EdpError `interrupted`; `capture_busy` where another session reads the same table */
export async function snapshotModel(
  client: pg.Client,
  model: CapturedModel,
  options: SnapshotOptions,
): Promise<SnapshotTotals> {
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
  await waitForOthers(client, state, options);
  let { position } = state;
  let rows = 0;
  let failed = 0;
  let uncommitted = 0;
  const keep = async () => {
    await options.sink?.commit();
    await client.query(
      'UPDATE edp_capture.snapshots SET position = $2, rows = rows + $3 WHERE model = $1',
      [model.name, JSON.stringify(position), uncommitted],
    );
    uncommitted = 0;
  };
  for (;;) {
    if (options.signal.aborted) break;
    if (options.sink === undefined && !(await waitForRoom(client, options))) break;
    const end = await findEnd(client, model, position, RANGE_ROWS);
    const range = await new RangeReader(client, model, state, options).read(position, end);
    rows += range.rows;
    failed += range.failed;
    uncommitted += range.rows;
    position = end ?? position;
    const isLast = end === null;
    if (options.sink !== undefined && (isLast || options.sink.isDue())) await keep();
    if (isLast) {
      await client.query(
        'UPDATE edp_capture.snapshots SET finished_at = clock_timestamp() WHERE model = $1',
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

/** Policies would leave out rows without a word. */
async function refuseHiddenRows(client: pg.Client, { name, source }: CapturedModel): Promise<void> {
  const table = quoteTable(formatTableName(source));
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
  // What SQL of edp.yaml reads beside it: the server refuses to leave out rows.
  await client.query('SET row_security = off');
}

async function beginOrResume(
  client: pg.Client,
  { name }: CapturedModel,
  { onNote }: SnapshotOptions,
): Promise<State> {
  const columns = 'sequence::text AS sequence, waits_for::text AS "waitsFor", position';
  const { rows } = await client.query<State & { done: boolean }>(
    `SELECT ${columns}, finished_at IS NOT NULL AS done FROM edp_capture.snapshots WHERE model = $1`,
    [name],
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
    `INSERT INTO edp_capture.snapshots (model, sequence, waits_for) VALUES ($1, $2, pg_current_xact_id())
     ON CONFLICT (model) DO UPDATE SET sequence = excluded.sequence, waits_for = excluded.waits_for, position = NULL,
       rows = 0, started_at = clock_timestamp(), finished_at = NULL
     RETURNING ${columns}`,
    [name, drawn.rows[0]!.sequence],
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

type Position = readonly string[] | null;

/**
 * Reads a range of rows. Where a row cannot be read because a calculation of it fails, the range is halved until that row
 * is alone: its calculations that fail are null, with the message beside, as the triggers do it.
 */
class RangeReader {
  readonly #client: pg.Client;
  readonly #model: CapturedModel;
  readonly #state: State;
  readonly #options: SnapshotOptions;
  #isFenced = false;

  constructor(client: pg.Client, model: CapturedModel, state: State, options: SnapshotOptions) {
    this.#client = client;
    this.#model = model;
    this.#state = state;
    this.#options = options;
  }

  /** @param end identity of the last row; null for all that is left */
  async read(position: Position, end: Position): Promise<SnapshotTotals> {
    try {
      return { rows: await this.#send(position, end), failed: 0 };
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      this.#isFenced = true;
      const size = await this.#count(position, end);
      if (size <= 1) return this.#readOne(position, end, error);
      const middle = await findEnd(this.#client, this.#model, position, Math.floor(size / 2));
      if (middle === null) throw error;
      const first = await this.read(position, middle);
      const second = await this.read(middle, end);
      return { rows: first.rows + second.rows, failed: first.failed + second.failed };
    }
  }

  async #readOne(position: Position, end: Position, cause: DatabaseError): Promise<SnapshotTotals> {
    const { name: table, calculations } = this.#model;
    const range = rangeOf({ ...this.#model, where: undefined }, position, end, true);
    const errors = new Map<string, string>();
    for (const { name, json } of calculations) {
      const fault = await this.#faultOf({
        text: `SELECT ${json} FROM ${range.from}`,
        values: range.values,
      });
      if (fault !== undefined) errors.set(name, fault);
    }
    if (errors.size > 0 && !this.#options.isStrict) {
      const rows = await this.#send(position, end, errors).catch((error: unknown) => {
        // The filter, or another attribute, fails as well.
        if (!isAboutRows(error)) throw error;
        return undefined;
      });
      if (rows !== undefined) return { rows, failed: rows };
    }
    const row = end ?? (await findEnd(this.#client, this.#model, position, 1));
    const attribute = [...errors.keys()].map((name) => `.${name}`)[0] ?? '';
    throw new EdpError(
      'database_refused',
      `${table}${attribute}: the row ${JSON.stringify(row)} cannot be read: ${cause.message}`,
      {
        hint: 'correct the row, or edp.yaml and then edp capture install; the same command goes on where it stopped',
        cause,
      },
    );
  }

  async #faultOf(query: pg.QueryConfig): Promise<string | undefined> {
    try {
      await this.#withSettings(() => this.#client.query(query));
      return undefined;
    } catch (error) {
      if (isAboutRows(error)) return error.message;
      throw error;
    }
  }

  async #count(position: Position, end: Position): Promise<number> {
    const { from, values } = rangeOf({ ...this.#model, where: undefined }, position, end);
    const { rows } = await this.#client.query<{ size: number }>({
      text: `SELECT count(*)::int AS size FROM ${from}`,
      values,
    });
    return rows[0]!.size;
  }

  /** @param errors by calculation that is to be null @returns how many rows it were */
  #send(
    position: Position,
    end: Position,
    errors: ReadonlyMap<string, string> = new Map(),
  ): Promise<number> {
    const { sink, source } = this.#options;
    const calculations = this.#model.calculations.map((one) =>
      errors.has(one.name) ? { ...one, json: "'null'" } : one,
    );
    const model = { ...this.#model, calculations };
    const range = rangeOf(model, position, end, this.#isFenced);
    const read = readQuery(model, range.from, this.#state.sequence, true);
    const values = [
      ...range.values,
      errors.size === 0 ? null : JSON.stringify(Object.fromEntries(errors)),
    ];
    const query = `SELECT ${EVENT_COLUMNS.replace('errors', `$${values.length}::text AS errors`)} FROM (${read}) AS e (${EVENT_COLUMNS})`;
    return this.#withSettings(async () => {
      if (sink !== undefined) {
        const { rows } = await this.#client.query<OutboxRow>({
          text: `SELECT ${OUTBOX_ROW} FROM (${query}) AS e`,
          values,
        });
        if (rows.length > 0) await sink.write(rows.map((row) => sentEvent(row, source)));
        return rows.length;
      }
      const slot = await currentSlot(this.#client);
      // Whoever draws a number has its transaction id before.
      await this.#client.query(
        "SELECT pg_current_xact_id(), nextval('edp_capture.event_sequence')",
      );
      const { rowCount } = await this.#client.query({
        text: `INSERT INTO edp_capture.outbox_${slot} (${EVENT_COLUMNS}) ${query}`,
        values,
      });
      await this.#client.query(
        'UPDATE edp_capture.snapshots SET position = $2, rows = rows + $3 WHERE model = $1',
        [model.name, JSON.stringify(end ?? position), rowCount],
      );
      return rowCount ?? 0;
    });
  }

  /** Names are found as the triggers find them; all other settings are those of each session of edp. */
  #withSettings<T>(work: () => Promise<T>): Promise<T> {
    return withTransaction(this.#client, async () => {
      await this.#client.query(`SET LOCAL search_path = ${this.#model.searchPath}`);
      return work();
    });
  }
}

/** Errors that say something about a row: not about the definition, the session or the server. */
function isAboutRows(error: unknown): error is DatabaseError {
  return mayBeAboutRecord(error) && !error.code!.startsWith('42');
}

/** Identity of the row that ends a range of so many; null where fewer are left. */
async function findEnd(
  client: pg.Client,
  model: CapturedModel,
  position: Position,
  rows: number,
): Promise<Position> {
  const { identity, source } = model;
  const columns = identity.map((name) => `t.${quoteIdentifier(name)}`);
  const found = await client.query<{ position: readonly string[] }>(
    `SELECT json_build_array(${columns.map((name) => `${name}::text`).join(', ')}) AS position FROM ${quoteTable(formatTableName(source))} AS t
     ${position === null ? '' : `WHERE ${above(model, 't', 1)}`} ORDER BY ${columns.join(', ')} OFFSET ${rows - 1} LIMIT 1`,
    [...(position ?? [])],
  );
  return found.rows[0]?.position ?? null;
}

/** @param isFenced whether the filter sees only rows of the range; the planner may ask it first otherwise */
function rangeOf(
  model: CapturedModel,
  position: Position,
  end: Position,
  isFenced = false,
): { readonly from: string; readonly values: string[] } {
  const alias = quoteIdentifier(model.source.name);
  const relation = `${quoteTable(formatTableName(model.source))} AS ${alias}`;
  const conditions = [
    ...(position === null ? [] : [above(model, alias, 1)]),
    ...(end === null ? [] : [`NOT ${above(model, alias, (position?.length ?? 0) + 1)}`]),
  ];
  const within = conditions.length === 0 ? 'true' : conditions.join(' AND ');
  const filter = filterOf(model);
  const from = isFenced
    ? `(SELECT * FROM ${relation} WHERE ${within} OFFSET 0) AS ${alias}${filter}`
    : `${relation}${filter === '' ? ' WHERE' : `${filter} AND`} ${within}`;
  return { from, values: [...(position ?? []), ...(end ?? [])] };
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
