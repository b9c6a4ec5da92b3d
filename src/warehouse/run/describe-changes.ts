/** What the difference changes in a table, as the log of changes has it. */
import type pg from 'pg';
import { type Change, type ChangedValues, MOST_LISTED, withoutKeys } from '../../ledger/changes.js';
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { column } from '../../relational/tree.js';
import type { Blueprint } from '../compile/blueprint.js';
import type { KeyReader } from '../compile/key-readers.js';
import { quoteRelation, type Shape } from '../compile/relation-shape.js';
import { sliceText } from '../compile/slice-conditions.js';
import { type DateReader, readerKey, sliceValue } from '../compile/slice-value.js';
import { keysOf } from './changed-keys.js';
import { DELTA, type Difference, replacedRows, STAGE } from './delta.js';

const MAX_LOADS = 100;

/**
 * Entries of the log of changes: by kind and load, with the dates that readers divide the table by.
 *
 * @param types of the columns of the table
 */
export async function describeChanges(
  client: pg.Client,
  blueprint: Blueprint,
  readers: readonly DateReader[],
  keyReaders: readonly KeyReader[],
  types: Shape,
  difference: Difference,
): Promise<Change[]> {
  const table = quoteRelation(blueprint.relation);
  const load = blueprint.hasLoads
    ? `coalesce(stage.${LINEAGE_COLUMN}, made.${LINEAGE_COLUMN})`
    : 'NULL::bigint';
  const joined = `FROM ${DELTA} AS d LEFT JOIN ${STAGE} AS stage ON stage.ctid = d.new
    LEFT JOIN ${replacedRows(blueprint, difference)}`;
  const { rows } = await client.query<{ kind: Change['kind']; load: number | null; rows: number }>(
    `SELECT CASE WHEN d.old IS NULL THEN 'inserted' WHEN d.new IS NULL THEN 'deleted' ELSE 'updated' END AS kind,
       ${load} AS load, count(*) AS rows ${joined} GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  if (rows.length === 0) return [];
  const dates = await datesOf(client, readers, types, joined);
  const keys = await keysOf(client, blueprint, keyReaders, joined);
  const relation = await nameOf(client, table);
  const isDetailed = rows.length <= MAX_LOADS && rows.every(({ load: id }) => id !== null);
  const entries = isDetailed
    ? rows
    : [...new Set(rows.map(({ kind }) => kind))].map((kind) => ({
        kind,
        load: null,
        rows: rows.filter((row) => row.kind === kind).reduce((sum, row) => sum + row.rows, 0),
      }));
  return entries.map(({ kind, load: loadId, rows: count }, i) => ({
    relation,
    kind,
    rows: count,
    ...(loadId === null ? {} : { loadId }),
    ...(readers.length === 0 ? {} : { dates }),
    ...(keyReaders.length === 0 ? {} : { keys: i === 0 ? keys : withoutKeys(keys) }),
  }));
}

async function datesOf(
  client: pg.Client,
  readers: readonly DateReader[],
  types: Shape,
  joined: string,
): Promise<ChangedValues> {
  const dates: Record<string, readonly string[] | null> = {};
  for (const reader of readers) {
    const value = (of: string) =>
      printExpr(sliceValue(column(reader.column, of), types.get(reader.column) ?? '', reader));
    const { rows } = await client.query<{ slice: string }>(
      `SELECT DISTINCT ${sliceText('slice')} AS slice FROM (
         SELECT ${value('stage')} AS slice ${joined} WHERE d.new IS NOT NULL
         UNION ALL SELECT ${value('made')} ${joined} WHERE d.old IS NOT NULL) AS changed LIMIT ${MOST_LISTED + 1}`,
    );
    dates[readerKey(reader)] = rows.length > MOST_LISTED ? null : rows.map(({ slice }) => slice);
  }
  return dates;
}

/** As entries of the log of changes have it. */
export async function nameOf(client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass`,
    [table],
  );
  return rows[0]!.name;
}
