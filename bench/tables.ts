/**
 * What is loaded into: templates of databases, made by edp's own DDL, each with the project directory in
 * which edp finds the same model.
 */
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import {
  createTableStatements,
  quoteColumns,
  quoteIdentifier,
  withReferredTables,
} from '../src/model/ddl.js';
import { findTable, type Table } from '../src/model/model.js';
import { loadProject } from '../src/project/project.js';
import type { ShopTable, Statement } from './capture/shop.js';
import type { Dataset, Totals } from './datasets/dataset.js';

/** A table and what it holds before the load. */
export interface LoadTarget {
  /** Database that is copied for every measurement. */
  readonly template: string;
  readonly table: string;
  /** Working directory of edp. */
  readonly project: string;
  /** Rows that are there already. */
  readonly existing: Totals;
  /** Of what is made from tables. */
  readonly making?: Making;
  /** Of statements on rows that are there. */
  readonly writing?: Writing;
  /** @throws where anything else is there than there should be; without it, the rows of the table are counted and summed */
  assertDone?(client: pg.Client): Promise<void>;
}

/** Statements of an application, in place of a load. */
interface Writing {
  readonly table: ShopTable;
  readonly statement: Statement;
  /** Whether of one row each, in transactions of their own; otherwise one statement of all rows. */
  readonly isSingle: boolean;
}

/** What is made from tables that the template has, in place of a load. */
export interface Making {
  readonly step: 'build' | 'change' | 'nothing';
  /** First date that is to be made, and the one behind the last. */
  readonly from: string;
  readonly until: string;
  /** Makes the template, when it is needed for the first time. */
  ready(): Promise<void>;
  /** @throws where anything else is there than what the tables give */
  assertMade(client: pg.Client): Promise<void>;
}

/** Events without key, index or reference. No lineage, so that every contender writes the same rows. */
export const BARE_EVENTS = `tables:
  events:
    columns:
      id: bigint
      recorded_date: timestamp
      created_date: timestamp
      first_dimension_id: int
      second_dimension_id: int
    metrics:
      from: event_metrics
      path: metrics
      columns: { metric_one: int, metric_two: int, metric_n: int }
    lineage: false
`;

/** @param text of edp.yaml; none for the built-in model */
export async function makeProject(directory: string, text: string | undefined): Promise<string> {
  await mkdir(directory, { recursive: true });
  if (text !== undefined) await writeFile(path.join(directory, 'edp.yaml'), text);
  return directory;
}

/** Creates a table of the project's model, and those it refers to, as edp does. */
export async function createTables(
  client: pg.Client,
  project: string,
  tableName: string,
): Promise<Table> {
  const { model } = await loadProject(project);
  const table = findTable(model, tableName)!;
  for (const wanted of withReferredTables(table, model.tables)) {
    for (const statement of createTableStatements(wanted)) await client.query(statement);
  }
  return table;
}

/** Loads a CSV that begins with its header, by the server's own parser. */
export async function copyCsv(
  client: pg.Client,
  table: string,
  columns: readonly string[],
  file: string,
): Promise<void> {
  const copy = client.query(
    copyFrom(
      `COPY ${quoteIdentifier(table)} (${quoteColumns(columns)}) FROM STDIN (FORMAT csv, HEADER)`,
    ),
  );
  await pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), copy);
}

/** Counts, sums and hash of what is in a table. @param where SQL, for some of its rows */
export async function readTotals(
  client: pg.Client,
  table: string,
  { columns, sumColumns }: Pick<Dataset, 'columns' | 'sumColumns'>,
  withHash: boolean,
): Promise<Totals> {
  const sums = sumColumns.map(
    (column) => `coalesce(sum(${quoteIdentifier(column)}), 0)::text AS ${quoteIdentifier(column)}`,
  );
  // hash_record_extended hashes values, not their text: every bit of a double counts.
  const hash = withHash
    ? `, coalesce(sum(hash_record_extended(ROW(${quoteColumns(columns)}), 0)), 0)::text AS hash`
    : '';
  const { rows } = await client.query<Record<string, string>>(
    `SELECT count(*)::text AS rows, ${sums.join(', ')}${hash} FROM ${quoteIdentifier(table)}`,
  );
  const { rows: count, hash: hashSum, ...sumValues } = rows[0]!;
  return {
    rows: Number(count),
    sums: sumValues,
    ...(hashSum === undefined ? {} : { hash: hashSum }),
  };
}

/** Every constraint, index and trigger of a table, in words, with whether it holds. */
export async function readGuards(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ guard: string }>(
    `SELECT pg_get_constraintdef(oid) || CASE WHEN convalidated THEN '' ELSE ' not valid' END AS guard
     FROM pg_constraint WHERE conrelid = $1::regclass
     UNION ALL
     SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' not valid' END
     FROM pg_index WHERE indrelid = $1::regclass
     UNION ALL
     SELECT tgfoid::regproc || ' ' || tgenabled::text FROM pg_trigger WHERE tgrelid = $1::regclass
     ORDER BY 1`,
    [quoteIdentifier(table)],
  );
  return rows.map(({ guard }) => guard);
}

/** @throws where a load left a table with other constraints or indexes than it found */
export function assertGuards(
  what: string,
  after: readonly string[],
  before: readonly string[],
): void {
  const lost = before.filter((guard) => !after.includes(guard));
  if (lost.length > 0 || after.length !== before.length) {
    throw new Error(
      `${what} changed the table's constraints: ${before.join('; ')} became ${after.join('; ')}`,
    );
  }
}

export const NO_ROWS: Totals = { rows: 0, sums: {}, hash: '0' };

/** What must be there when the rows of `loaded` have come to those of `existing`. */
export function addTotals(existing: Totals, loaded: Totals): Totals {
  const add = (a = '0', b = '0') => String(BigInt(a) + BigInt(b));
  return {
    rows: existing.rows + loaded.rows,
    sums: Object.fromEntries(
      Object.entries(loaded.sums).map(([name, sum]) => [name, add(existing.sums[name], sum)]),
    ),
    ...(loaded.hash === undefined ? {} : { hash: add(existing.hash, loaded.hash) }),
  };
}

/** @throws where the table does not hold what it must */
export function assertTotals(what: string, actual: Totals, expected: Totals): void {
  const faults: string[] = [];
  const compare = (name: string, is: unknown, should: unknown) => {
    if (is !== should) faults.push(`${name} is ${is}, should be ${should}`);
  };
  compare('row count', actual.rows, expected.rows);
  for (const [name, sum] of Object.entries(expected.sums)) {
    compare(`sum of ${name}`, actual.sums[name], sum);
  }
  if (expected.hash !== undefined) compare('hash of all rows', actual.hash, expected.hash);
  if (faults.length > 0) throw new Error(`${what} loaded something else: ${faults.join('; ')}`);
}
