/**
 * Folds the events that are new in the log into their realized tables and histories: one transaction for each table,
 * which also notes up to where it has read. Whatever ends a fold, the next one does what is missing.
 */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { tell } from '../base/happenings.js';
import type { EventTable } from '../events/event-table.js';
import { quoteTable } from '../model/ddl.js';
import type { Model } from '../model/model.js';
import { historyName } from '../model/realized-model.js';
import { isClosed } from '../postgres/backend.js';
import { withTransaction } from '../postgres/connection.js';
import { withNamedLock } from '../postgres/named-lock.js';
import { isConnectionError } from '../postgres/sqlstate.js';
import { ensureRealized, listLacking } from './ensure-realized.js';
import { toEventTables } from './event-log-table.js';
import { explainFailure, isOfRows } from './find-faulty-key.js';
import type { Part } from './fold-sql.js';
import {
  type Declarations,
  FEW_SAMPLES,
  type FoldedRows,
  type FoldedTable,
  type FoldOptions,
  type FoldWork,
  foldMarked,
  makeReady,
  NO_READERS,
  prepareFold,
} from './fold-table.js';
import { findChangedKeys } from './keys-in-log.js';
import { endSessions, openSessions, type Share, shareTables } from './share-tables.js';
import { definitionOf, fillTouched, findTouched, NOTED, type Touched } from './touched-keys.js';

/** What became of the tables that had events to fold. */
export interface Folding {
  /** In the order of the model. */
  readonly tables: readonly FoldedTable[];
  /** Whether tables are left, which the next fold does. */
  readonly isInterrupted: boolean;
}

export const NOT_FOLDED: Folding = { tables: [], isInterrupted: false };

/** Only one fold at a time. */
const FOLD_LOCK = 'edp folds change events';

/** For fewer events, another session does not pay. */
const EVENTS_PER_PART = 50_000;

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
    const { parallel: _, ...alone } = work;
    const own = shares.length > 1 ? alone : work;
    const ended = await Promise.allSettled(shares.map((share) => foldShare(share, touched, own)));
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

/**
 * By it the events of new loads are found. Made behind the first load, which builds its indexes at the end; of what it has
 * loaded, the server knows nothing yet.
 */
async function ensureLoadIndex(client: pg.Client, log: string): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid = to_regclass($1) AND m.amname = 'brin'`,
    [quoteTable(log)],
  );
  if (rowCount !== 0) return;
  await withTransaction(client, () =>
    client.query(
      `CREATE INDEX IF NOT EXISTS change_events_load_id ON ${quoteTable(log)} USING brin (load_id) WITH (autosummarize = on);
       ${FEW_SAMPLES}; ANALYZE ${quoteTable(log)} (table_name, key, source, op, load_id)`,
    ),
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
    const folded = await foldByParts(client, table, touched, work);
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

/** Of a table all of whose keys are folded, with many events, further sessions have a part each. */
async function foldByParts(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  work: FoldWork,
): Promise<FoldedTable | undefined> {
  const isWhole = touched.found.whole.has(table.name);
  const wanted = isWhole ? countParts(touched.keys.get(table.name)!, work) : 1;
  if (wanted < 2) {
    return withTransaction(client, async () => {
      const folded = await foldPart(client, table, touched, work);
      if (folded !== undefined) await noteFolded(client, table, touched);
      return folded;
    });
  }
  const clients = await openSessions(work.parallel!.config, wanted - 1);
  try {
    // What the other sessions are to see.
    const isReady = await withTransaction(client, () => makeReady(client, table, touched, work));
    if (isReady === undefined) return undefined;
    const others = clients.map((one, i) => ({ client: one, index: i + 1 }));
    const count = others.length + 1;
    return await withTransaction(client, async () => {
      const parts = others.map(async (other) => {
        await other.client.query('BEGIN');
        await fillTouched(other.client, quoteTable(work.log), [], touched.found);
        return foldPart(other.client, table, touched, work, { index: other.index, count });
      });
      const ended = await Promise.allSettled([
        foldPart(client, table, touched, work, { index: 0, count }),
        ...parts,
      ]);
      const folded = ended.map((one) => {
        if (one.status === 'rejected') throw one.reason;
        return one.value;
      });
      if (folded.includes(undefined)) return undefined;
      // Only the last commit says what is folded: whatever ends the command before it, all is folded again.
      await noteFolded(client, table, touched);
      for (const other of clients) await other.query('COMMIT');
      return addUp(folded as FoldedTable[]);
    });
  } finally {
    await Promise.all(clients.map((one) => one.end().catch(() => {})));
  }
}

function countParts(events: number, { parallel, eventsPerPart = EVENTS_PER_PART }: FoldWork) {
  return Math.min(parallel?.count ?? 1, Math.floor(events / eventsPerPart));
}

function addUp(parts: readonly FoldedTable[]): FoldedTable {
  const [{ table, history }] = parts as [FoldedTable];
  const sum = (rows: readonly FoldedRows[]) =>
    rows.reduce((a, b) => ({
      inserted: a.inserted + b.inserted,
      updated: a.updated + b.updated,
      deleted: a.deleted + b.deleted,
    }));
  return {
    table,
    rows: sum(parts.map(({ rows }) => rows)),
    ...(history === undefined ? {} : { history: sum(parts.map((part) => part.history!)) }),
  };
}

/** @param part of the keys; undefined for all @returns undefined where the command is to stop */
async function foldPart(
  client: pg.Client,
  table: EventTable,
  touched: Touched,
  work: FoldWork,
  part?: Part,
): Promise<FoldedTable | undefined> {
  const plan = await prepareFold(client, table, touched, work, part);
  if (plan === undefined) return undefined;
  const folded = await foldMarked(client, plan, work.readersOf ?? NO_READERS);
  return { table: table.name, ...folded };
}

/** Notes that the table has all events that were visible at the point. */
async function noteFolded(client: pg.Client, table: EventTable, touched: Touched): Promise<void> {
  await notePoints(client, [table], touched);
  await client.query(
    `DELETE FROM edp.unfolded_keys u USING ${NOTED} n
     WHERE u.table_name = $1 AND (u.table_name, u.key, u.load_id) = (n.table_name, n.key, n.load_id)`,
    [table.name],
  );
}

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
