/**
 * Folds the events that are new in the log into their realized tables and histories: one transaction for each table,
 * which also notes up to where it has read. Whatever ends a fold, the next one does what is missing.
 */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { tell } from '../base/happenings.js';
import type { EventTable } from '../events/event-table.js';
import { type ChangeKind, recordChanges, withoutKeys } from '../ledger/changes.js';
import type { ReadersOf } from '../ledger/value-readers.js';
import { quoteTable } from '../model/ddl.js';
import type { Model, Table } from '../model/model.js';
import { historyName } from '../model/realized-model.js';
import { isClosed } from '../postgres/backend.js';
import { withTransaction } from '../postgres/connection.js';
import { holdInTransaction, withNamedLock } from '../postgres/named-lock.js';
import { isConnectionError } from '../postgres/sqlstate.js';
import {
  describeTarget,
  type ListedValues,
  toChangedValues,
  type WantedValue,
} from './changed-values.js';
import { ensureRealized, listLacking } from './ensure-realized.js';
import { toEventTables } from './event-log-table.js';
import { explainFailure, isOfRows } from './find-faulty-key.js';
import {
  extendHistorySql,
  type FoldPlan,
  foldHistorySql,
  foldSql,
  MARKED,
  markSql,
  patchSql,
} from './fold-sql.js';
import { findChangedKeys } from './keys-in-log.js';
import { liftStored } from './lift-stored.js';
import { endSessions, type ParallelSessions, type Share, shareTables } from './share-tables.js';
import { definitionOf, findTouched, NOTED, type Touched } from './touched-keys.js';

export interface FoldedRows {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

export interface FoldedTable {
  readonly table: string;
  readonly rows: FoldedRows;
  /** Of its history. */
  readonly history?: FoldedRows;
  /** Why it is as it was. */
  readonly failure?: unknown;
}

/** What became of the tables that had events to fold. */
export interface Folding {
  /** In the order of the model. */
  readonly tables: readonly FoldedTable[];
  /** Whether tables are left, which the next fold does. */
  readonly isInterrupted: boolean;
}

export const NOT_FOLDED: Folding = { tables: [], isInterrupted: false };

export interface FoldOptions {
  /** Takes messages for the user. */
  note(text: string): void;
  readonly signal: AbortSignal;
  /** Who reads the tables; without it, they compare everything that they read. */
  readonly readersOf?: ReadersOf;
  /** More sessions for many keys. */
  readonly parallel?: ParallelSessions;
  /** Names of tables that are made also before their first event. */
  readonly declared?: readonly string[];
}

/** Only one fold at a time. */
const FOLD_LOCK = 'edp folds change events';

const NO_READERS: ReadersOf = () => [];

const MANY_KEYS = 1000;

/** Sorts of wide events should not go to disk at once. */
const WORK_MEMORY = '128MB';

/** @param log the table of change events, by its name in edp.yaml's form */
export async function foldEvents(
  client: pg.Client,
  model: Model,
  log: string,
  options: FoldOptions,
): Promise<Folding> {
  const tables = toEventTables(model);
  const declarations = new Map(model.tables.map((table) => [table.name, table]));
  const folding = await withNamedLock(client, FOLD_LOCK, options.signal, async () => {
    const failed = await makeDeclared(client, tables, declarations, options);
    const own = (await isThere(client, log))
      ? await foldLog(client, tables, declarations, log, options)
      : NOT_FOLDED;
    const isFolded = (name: string) => own.tables.some(({ table }) => table === name);
    return { ...own, tables: [...own.tables, ...failed.filter(({ table }) => !isFolded(table))] };
  });
  return folding ?? { tables: [], isInterrupted: true };
}

type Declarations = ReadonlyMap<string, Table>;

/**
 * Tables that are declared to be realized, and are not there. Those with events are made by their fold.
 *
 * @returns those that cannot be made
 */
async function makeDeclared(
  client: pg.Client,
  tables: readonly EventTable[],
  declarations: Declarations,
  { declared = [], note, signal }: FoldOptions,
): Promise<FoldedTable[]> {
  const failed: FoldedTable[] = [];
  const own = tables.filter(({ name }) => declared.includes(name));
  for (const table of own.length === 0 ? [] : await listLacking(client, own)) {
    if (signal.aborted) break;
    try {
      await withTransaction(client, () =>
        ensureRealized(client, declarations.get(table.name)!, note),
      );
    } catch (failure) {
      if (isClosed(client) || !isOfTable(failure)) throw failure;
      failed.push(toFailed(table.name, failure));
    }
  }
  return failed;
}

async function foldLog(
  client: pg.Client,
  declared: readonly EventTable[],
  declarations: Declarations,
  log: string,
  options: FoldOptions,
): Promise<Folding> {
  const work = { log, declarations, ...options };
  const refused = await findChangedKeys(client, log, declared);
  const tables = declared.filter(({ name }) => !refused.has(name));
  await ensureLoadIndex(client, log);
  let shares: readonly Share[] = [];
  try {
    const touched = await withTransaction(client, async () => {
      await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      const found = await findTouched(client, quoteTable(log), tables);
      const own = tables.filter(({ name }) => found.keys.has(name));
      shares = await shareTables(client, quoteTable(log), own, found, options.parallel);
      return found;
    });
    await failpoint('realize.found', client);
    await notePoints(
      client,
      tables.filter(({ name }) => !touched.keys.has(name)),
      touched,
    );
    const ended = await Promise.allSettled(shares.map((share) => foldShare(share, touched, work)));
    const done = ended.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    const places = new Map(declared.map(({ name }, i) => [name, i]));
    const all = [
      ...done.flatMap((one) => one.tables),
      ...[...refused].map(([name, failure]) => toFailed(name, failure)),
    ];
    return {
      tables: all.sort((a, b) => places.get(a.table)! - places.get(b.table)!),
      isInterrupted: done.some((one) => one.isInterrupted),
    };
  } finally {
    await endSessions(shares.slice(1));
  }
}

interface FoldWork extends FoldOptions {
  readonly log: string;
  readonly declarations: Declarations;
}

/** One table after the other. */
async function foldShare(
  { client, tables }: Share,
  touched: Touched,
  work: FoldWork,
): Promise<Folding> {
  const folded: FoldedTable[] = [];
  for (const table of tables) {
    if (work.signal.aborted) return { tables: folded, isInterrupted: true };
    const one = await foldSafely(client, table, touched, work);
    if (one === undefined) return { tables: folded, isInterrupted: true };
    folded.push(one);
  }
  return { tables: folded, isInterrupted: false };
}

async function isThere(client: pg.Client, log: string): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AND to_regclass('edp.realized') IS NOT NULL AS "isThere"`,
    [quoteTable(log)],
  );
  return rows[0]!.isThere;
}

/** By it the events of new loads are found. Made behind the first load, which builds its indexes at the end. */
async function ensureLoadIndex(client: pg.Client, log: string): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid = to_regclass($1) AND m.amname = 'brin'`,
    [quoteTable(log)],
  );
  if (rowCount !== 0) return;
  await client.query(
    `CREATE INDEX IF NOT EXISTS change_events_load_id ON ${quoteTable(log)} USING brin (load_id) WITH (autosummarize = on)`,
  );
}

/** A fault of one table does not keep the others. @returns undefined where the signal came before its turn */
async function foldSafely(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  work: FoldWork,
): Promise<FoldedTable | undefined> {
  try {
    const folded = await withTransaction(client, () => foldTable(client, table, touched, work));
    if (folded === undefined) return undefined;
    await failpoint('realize.folded', client);
    tellFolded(folded);
    return folded;
  } catch (failure) {
    if (isClosed(client) || !isOfTable(failure)) throw failure;
    if (!isOfRows(failure) || work.signal.aborted) return toFailed(table.name, failure);
    const explained = await explainFailure(client, table, failure, {
      prepare: () => prepareFold(client, table, touched, { ...work, note: () => {} }),
      fold: (plan) => foldMarked(client, plan, NO_READERS),
    });
    return toFailed(table.name, explained);
  }
}

function toFailed(table: string, failure: unknown): FoldedTable {
  return { table, rows: { inserted: 0, updated: 0, deleted: 0 }, failure };
}

/** Whether the server refused what the table needs: a lost connection concerns all tables. */
function isOfTable(error: unknown): boolean {
  if (error instanceof EdpError) {
    return error.code === 'table_mismatch' || error.code === 'database_refused';
  }
  return error instanceof pg.DatabaseError && !isConnectionError(error.code);
}

async function foldTable(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  work: FoldWork,
): Promise<FoldedTable | undefined> {
  const { name } = table;
  const plan = await prepareFold(client, table, touched, work);
  if (plan === undefined) return undefined;
  const folded = await foldMarked(client, plan, work.readersOf ?? NO_READERS);
  await notePoints(client, [table], touched);
  await client.query(
    `DELETE FROM edp.unfolded_keys u USING ${NOTED} n
     WHERE u.table_name = $1 AND (u.table_name, u.key, u.load_id) = (n.table_name, n.key, n.load_id)`,
    [name],
  );
  return { table: name, ...folded };
}

/**
 * Makes the table what it must be, and marks its keys.
 *
 * @returns undefined where the command is to stop
 */
async function prepareFold(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  { log, declarations, note, signal }: FoldWork,
): Promise<FoldPlan | undefined> {
  const { name } = table;
  // To compile such statements takes longer than most of them.
  await client.query(
    `SET LOCAL work_mem = '${WORK_MEMORY}'; SET LOCAL jit = off; TRUNCATE ${MARKED}`,
  );
  // A session of a command that lost its lock may still fold.
  if (!(await holdInTransaction(client, `edp folds ${name}`, signal))) return undefined;
  const places = await ensureRealized(client, declarations.get(name)!, note);
  const version = touched.versions.get(name) ?? 1;
  await liftStored(client, quoteTable(log), table, version);
  const plan: FoldPlan = {
    table,
    ...places,
    log: quoteTable(log),
    hasTruncates: touched.truncated.has(name),
  };
  const { rowCount: marked } = await client.query(markSql(plan));
  // Without statistics, the server would take the keys for few.
  if (marked !== null && marked > MANY_KEYS) await client.query(`ANALYZE ${MARKED}`);
  return plan;
}

/** Folds the keys that are marked. */
async function foldMarked(
  client: pg.Client,
  plan: FoldPlan,
  readersOf: ReadersOf,
): Promise<Pick<FoldedTable, 'rows' | 'history'>> {
  const { name, hasHistory } = plan.table;
  const { rows: some } = await client.query<{ quick: boolean }>(
    `SELECT EXISTS (SELECT FROM ${MARKED} WHERE is_quick) AS quick`,
  );
  const hasQuick = some[0]!.quick;
  const rows = await change(client, name, readersOf, (values) => [
    foldSql(plan, values),
    ...(hasQuick ? [patchSql(plan, values)] : []),
  ]);
  await failpoint('realize.merged', client);
  const history = hasHistory
    ? await change(client, historyName(name), readersOf, (values) => [
        foldHistorySql(plan, values),
        ...(hasQuick ? [extendHistorySql(plan, values)] : []),
      ])
    : undefined;
  return { rows, ...(history === undefined ? {} : { history }) };
}

/** Changes a table by statements, and enters in the log what they changed. */
async function change(
  client: pg.Client,
  name: string,
  readersOf: ReadersOf,
  statements: (values: readonly WantedValue[]) => readonly string[],
): Promise<FoldedRows> {
  const { relation, values } = await describeTarget(client, name, readersOf);
  const sum = { inserted: 0, updated: 0, deleted: 0 };
  const lists: ListedValues[] = [];
  for (const sql of statements(values)) {
    const { rows } = await client.query<FoldedRows & { values?: ListedValues }>(sql);
    const [answer] = rows;
    for (const kind of KINDS) sum[kind] += answer![kind];
    if (answer!.values !== undefined) lists.push(answer!.values);
  }
  const { keys, ...dates } = toChangedValues(values, lists);
  const kinds = KINDS.filter((kind) => sum[kind] > 0);
  await recordChanges(
    client,
    kinds.map((kind, i) => ({
      relation,
      kind,
      rows: sum[kind],
      ...dates,
      ...(keys === undefined ? {} : { keys: i === 0 ? keys : withoutKeys(keys) }),
    })),
  );
  return sum;
}

const KINDS = ['inserted', 'updated', 'deleted'] as const satisfies readonly ChangeKind[];

function tellFolded({ table, rows, history }: FoldedTable): void {
  tell({ kind: 'rows_changed', table, change: rows });
  if (history !== undefined)
    tell({ kind: 'rows_changed', table: historyName(table), change: history });
}

/** Notes that tables have all events that were visible at the point. */
async function notePoints(
  client: pg.Client,
  tables: readonly EventTable[],
  { point }: Touched,
): Promise<void> {
  if (tables.length === 0) return;
  await client.query(
    `INSERT INTO edp.realized (table_name, definition, version, history, snapshot, key_columns)
     SELECT name, definition, version, $4, $5::pg_snapshot, ARRAY(SELECT json_array_elements_text(columns))
     FROM unnest($1::text[], $2::text[], $3::int[], $6::json[]) AS t (name, definition, version, columns)
     ON CONFLICT (table_name) DO UPDATE SET definition = excluded.definition, version = excluded.version,
       history = excluded.history, snapshot = excluded.snapshot, folded_at = clock_timestamp(),
       key_columns = excluded.key_columns`,
    [
      tables.map(({ name }) => name),
      tables.map(definitionOf),
      tables.map(({ version }) => version),
      point.history,
      point.snapshot,
      tables.map(({ key }) => JSON.stringify(key)),
    ],
  );
}
