/**
 * Makes the values right that columns copy from other tables (`copy-of`). A load writes what the other row has at its
 * commit; what somebody changes there later is brought into the copies here, in batches.
 *
 * Whoever loads holds the rows that it copies from. So a row that changes does so before or behind the load, and all rows
 * of a transaction that this reads are either there already, or copied what is there now.
 */
import type pg from 'pg';
import { tell } from '../../base/happenings.js';
import { type ReadPoint, readPoint, recordChanges } from '../../ledger/changes.js';
import { quoteIdentifier, quoteTable } from '../../model/ddl.js';
import { type Model, neededTables, type Table } from '../../model/model.js';
import { plainTableName } from '../../model/table-name.js';
import { withTransaction } from '../../postgres/connection.js';
import { findTableInCatalog } from '../../postgres/table-in-catalog.js';
import { listPartitions } from '../promote/backfill.js';
import { assertOneRowPerKey, type Copy, notKept } from './unfit-copies.js';

/** Blocks that a transaction goes over. */
const STEP_BLOCKS = 2048;
/** After so many passes that each found rows, something else writes other values. */
const MAX_PASSES = 100;
/** More keys are not named in a statement: all are compared. */
const MAX_KEYS = 10_000;

export interface MendedCopy {
  /** As the model names it. */
  readonly table: string;
  readonly column: string;
  /** Rows that got another value, or would. */
  readonly rows: number;
  readonly seconds: number;
}

/** Those that copy from another copy come behind it. */
export function listCopies(model: Model): Copy[] {
  const depth = (table: Table, seen: readonly Table[]): number =>
    Math.max(
      0,
      ...table.columns.flatMap(neededTables).map((name) => {
        const other = model.tables.find((one) => one.name === name);
        return other === undefined || seen.includes(other) || other === table
          ? 0
          : 1 + depth(other, [...seen, table]);
      }),
    );
  return model.tables
    .flatMap((table) =>
      table.columns.flatMap(({ name, origin }): Copy[] =>
        origin?.kind === 'copy' ? [{ table, column: name, origin }] : [],
      ),
    )
    .map((copy) => ({ copy, depth: depth(copy.table, []) }))
    .sort((a, b) => a.depth - b.depth)
    .map(({ copy }) => copy);
}

export interface MendOrders {
  readonly dryRun: boolean;
  /** Compares all rows, also where nothing seems to have changed. */
  readonly full: boolean;
}

/** @returns of the copies that had wrong values; tables that are not there have none */
export async function mendCopies(
  client: pg.Client,
  model: Model,
  orders: MendOrders,
  signal: AbortSignal,
): Promise<MendedCopy[]> {
  const mended: MendedCopy[] = [];
  for (const copy of listCopies(model)) {
    if (signal.aborted) break;
    const startedAt = performance.now();
    const rows = await mendCopy(client, copy, orders, signal);
    if (rows === 0) continue;
    const seconds = (performance.now() - startedAt) / 1000;
    mended.push({ table: copy.table.name, column: copy.column, rows, seconds });
  }
  return mended;
}

async function mendCopy(
  client: pg.Client,
  copy: Copy,
  { dryRun, full }: MendOrders,
  signal: AbortSignal,
): Promise<number> {
  const relation = await findTableInCatalog(client, copy.table.name);
  const other = await findTableInCatalog(client, copy.origin.table);
  if (relation === undefined || other === undefined) return 0;
  const { point, changed, members } = await readOther(client, copy, relation.name, full);
  if (changed !== undefined && changed.length === 0) return 0;
  await assertOneRowPerKey(client, copy);
  if (dryRun) return countWrong(client, copy, relation.name, changed);
  let rows = 0;
  // Rows that others move meanwhile may be passed over, so a last pass finds none.
  for (let found = -1, passes = 0; found !== 0; passes++) {
    if (passes > MAX_PASSES) throw notKept(copy, found);
    found = 0;
    for (const { name, oid } of await listPartitions(client, relation.name)) {
      for (let block = 0; block < (await countBlocks(client, oid)); block += STEP_BLOCKS) {
        if (signal.aborted) return rows + found;
        found += await mendStep(client, copy, relation.name, name, block, changed);
      }
    }
    rows += found;
  }
  await client.query(
    `INSERT INTO edp.copies (relation, column_name, definition, history, snapshot, members)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (relation, column_name) DO UPDATE SET definition = EXCLUDED.definition, history = EXCLUDED.history,
       snapshot = EXCLUDED.snapshot, members = EXCLUDED.members, mended_at = now()`,
    [relation.name, copy.column, definitionOf(copy), point.history, point.snapshot, members],
  );
  return rows;
}

/** A stretch of blocks, in a transaction. */
async function mendStep(
  client: pg.Client,
  copy: Copy,
  relation: string,
  partition: string,
  block: number,
  changed: readonly string[] | undefined,
): Promise<number> {
  const range = `t.ctid >= '(${block},0)'::tid AND t.ctid < '(${block + STEP_BLOCKS},0)'::tid`;
  const updated = await withTransaction(client, async () => {
    const rows = await mendRange(client, copy, partition, range, changed);
    if (rows > 0) await recordChanges(client, [{ relation, kind: 'updated', rows }]);
    return rows;
  });
  if (updated > 0) {
    const change = { inserted: 0, updated, deleted: 0 };
    tell({ kind: 'rows_changed', table: plainTableName(relation), change });
  }
  return updated;
}

function definitionOf({ origin: { table, column, by } }: Copy): string {
  return JSON.stringify([table, column, by]);
}

interface OtherTable {
  readonly point: ReadPoint;
  readonly members: number;
  /** Keys of the rows that changed since all copies were right; undefined where any may have. */
  readonly changed: readonly string[] | undefined;
}

/** The transaction that made a row, as a number that does not wrap around. */
const MADE_BY = `(SELECT CASE WHEN d.xmin::text::bigint > now_at % 4294967296 THEN now_at - now_at % 4294967296 - 4294967296
    ELSE now_at - now_at % 4294967296 END + d.xmin::text::bigint
  FROM (SELECT pg_current_xact_id()::text::bigint AS now_at) AS x)`;

async function readOther(
  client: pg.Client,
  copy: Copy,
  relation: string,
  full: boolean,
): Promise<OtherTable> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  try {
    const point = await readPoint(client);
    const other = quoteTable(copy.origin.table);
    const key = `d.${quoteIdentifier(copy.origin.key)}`;
    const state = await client.query<{ snapshot: string; members: number }>(
      `SELECT snapshot::text, members FROM edp.copies
       WHERE relation = $1 AND column_name = $2 AND definition = $3 AND history = $4`,
      [relation, copy.column, definitionOf(copy), point.history],
    );
    const [before] = state.rows;
    const { rows: counts } = await client.query<{ members: number; kept: number }>(
      `SELECT count(*) AS members, count(*) FILTER (WHERE ${wasThere('$1')}) AS kept FROM ${other} d`,
      [before?.snapshot ?? point.snapshot],
    );
    const { members, kept } = counts[0]!;
    const result = { point, members };
    if (full || before === undefined) return { ...result, changed: undefined };
    if (kept === before.members && members === kept) return { ...result, changed: [] };
    const { rows } = await client.query<{ key: string }>(
      `SELECT ${key}::text AS key FROM ${other} d WHERE NOT ${wasThere('$1')} AND ${key} IS NOT NULL LIMIT ${MAX_KEYS + 1}`,
      [before.snapshot],
    );
    // What is gone leaves no row, unless a foreign key keeps it: its copies are found by comparing all.
    const mayBeGone = kept < before.members && !isReferred(copy);
    const isAll = mayBeGone || rows.length > MAX_KEYS;
    return { ...result, changed: isAll ? undefined : rows.map((row) => row.key) };
  } finally {
    await client.query('COMMIT').catch(() => {});
  }
}

function isReferred({ table, origin }: Copy): boolean {
  const by = table.columns.find(({ name }) => name === origin.by);
  return by?.references?.table === origin.table;
}

function wasThere(snapshot: string): string {
  return `pg_visible_in_snapshot(${MADE_BY}::text::xid8, ${snapshot}::pg_snapshot)`;
}

/** Rows of `t` with another value than the row that they refer to. */
function wrongRows(copy: Copy, relation: string, changed: readonly string[] | undefined): string {
  const { origin, column } = copy;
  const by = `t.${quoteIdentifier(origin.by)}`;
  const value = `d.${quoteIdentifier(origin.column)}`;
  const own = `t.${quoteIdentifier(column)}`;
  const key = `d.${quoteIdentifier(origin.key)}`;
  const some = changed === undefined ? '' : ` AND ${by}::text = ANY ($1::text[])`;
  return `${relation} t LEFT JOIN ${quoteTable(origin.table)} d ON ${key} = ${by}
    WHERE ${own}${asText(copy)} IS DISTINCT FROM ${value}${asText(copy)}${some}`;
}

/** json has no equality of its own. */
function asText({ table, column }: Copy): string {
  return table.columns.find(({ name }) => name === column)?.type === 'json' ? '::text' : '';
}

async function mendRange(
  client: pg.Client,
  copy: Copy,
  relation: string,
  range: string,
  changed: readonly string[] | undefined,
): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE ONLY ${relation} AS m SET ${quoteIdentifier(copy.column)} = w.value
     FROM (SELECT t.ctid AS place, d.${quoteIdentifier(copy.origin.column)} AS value
           FROM ONLY ${wrongRows(copy, relation, changed)} AND ${range} FOR UPDATE OF t) AS w
     WHERE m.ctid = w.place`,
    changed === undefined ? [] : [changed],
  );
  return rowCount ?? 0;
}

async function countWrong(
  client: pg.Client,
  copy: Copy,
  relation: string,
  changed: readonly string[] | undefined,
): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*) AS count FROM ${wrongRows(copy, relation, changed)}`,
    changed === undefined ? [] : [changed],
  );
  return rows[0]!.count;
}

async function countBlocks(client: pg.Client, oid: number): Promise<number> {
  const { rows } = await client.query<{ blocks: number }>(
    `SELECT pg_relation_size($1::oid::regclass) / current_setting('block_size')::int AS blocks`,
    [oid],
  );
  return rows[0]!.blocks;
}
