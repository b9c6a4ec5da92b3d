/** The partitions of a table that edp divides: what there is, and what is missing for the rows to come. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';
import type { Table } from '../model/model.js';
import type { Partitions, PartitionUnit } from '../model/partitions.js';
import type { ColumnType } from '../model/types.js';
import { keyGuardOf } from './key-guard.js';

/** Days from 2000-01-01, as the server sends dates. */
export type Day = number;

/** Days [from, until). */
export type DayRange = readonly [from: Day, until: Day];

/** A partition that rows need, by what they have in the columns that divide the table. */
export interface WantedPartition {
  /** Undefined where no list divides the table. */
  readonly value: string | undefined;
  /** Undefined where time does not. */
  readonly day: Day | undefined;
}

export interface DividingColumn {
  readonly column: string;
  readonly type: ColumnType;
}

/** Plain data, so that it can be handed to a thread. */
export interface TablePartitions {
  readonly list: DividingColumn | undefined;
  readonly time:
    | (DividingColumn & {
        readonly every: PartitionUnit;
        /** What lies outside is in the rest partition. */
        readonly within: DayRange;
      })
    | undefined;
  /** Value of the list ('' without one) → days that have partitions; none where time does not divide them. */
  readonly known: ReadonlyMap<string, readonly DayRange[]>;
}

const MS_PER_DAY = 86_400_000;
const DAYS_TO_2000 = 10_957;

/** @param text as 2024-01-31 */
export function dayOf(text: string): Day {
  return Date.parse(`${text}T00:00:00Z`) / MS_PER_DAY - DAYS_TO_2000;
}

export function formatDay(day: Day): string {
  return new Date((day + DAYS_TO_2000) * MS_PER_DAY).toISOString().slice(0, 10);
}

/** The days of the partition that a day belongs to. */
export function daysAround(day: Day, every: PartitionUnit): DayRange {
  if (every === 'day') return [day, day + 1];
  const date = new Date((day + DAYS_TO_2000) * MS_PER_DAY);
  const year = date.getUTCFullYear();
  const at = (months: number) => Date.UTC(year, months) / MS_PER_DAY - DAYS_TO_2000;
  return every === 'year' ? [at(0), at(12)] : [at(date.getUTCMonth()), at(date.getUTCMonth() + 1)];
}

interface Bound {
  readonly partition: number;
  readonly list_value: string | null;
  /** Days; infinite where the partition is open. */
  readonly lower: number | null;
  readonly upper: number | null;
  readonly is_rest: boolean;
  readonly rest_check: string | null;
}

/** Only whole days count: a partition that begins or ends within one is left to the server. */
const BOUNDS = `SELECT partition, list_value, is_rest, rest_check,
    CASE WHEN isfinite(lower) THEN ceil(extract(epoch FROM lower - '2000-01-01') / 86400)::float8
         WHEN lower IS NOT NULL THEN '-infinity' END AS lower,
    CASE WHEN isfinite(upper) THEN floor(extract(epoch FROM upper - '2000-01-01') / 86400)::float8
         WHEN upper IS NOT NULL THEN 'infinity' END AS upper
  FROM edp.partitions_of($1)`;

async function listBounds(client: pg.Client, oid: number): Promise<readonly Bound[]> {
  return (await client.query<Bound>(BOUNDS, [oid])).rows;
}

/**
 * @returns undefined for a table whose partitions, if it has any, are left to its owner
 * @throws EdpError `table_mismatch` where the table is not divided as declared
 */
export async function inspectPartitions(
  client: pg.Client,
  table: Table,
  oid: number,
): Promise<TablePartitions | undefined> {
  const { partitions } = table;
  if (partitions === undefined) return undefined;
  await assertDivided(client, table, partitions, oid);
  const typed = (column: string): DividingColumn => ({
    column,
    type: table.columns.find(({ name }) => name === column)!.type,
  });
  const { list, range } = partitions;
  const { known, bounds } = await listKnown(client, oid, partitions);
  return {
    list: list === undefined ? undefined : typed(list),
    time:
      range === undefined
        ? undefined
        : {
            ...typed(range.column),
            every: range.every,
            within: readWithin(bounds) ?? [dayOf(range.from), dayOf(range.to)],
          },
    known,
  };
}

async function listKnown(
  client: pg.Client,
  oid: number,
  divided: { readonly list?: unknown; readonly range?: unknown },
): Promise<{ readonly known: TablePartitions['known']; readonly bounds: readonly Bound[] }> {
  const outer = await listBounds(client, oid);
  if (divided.list === undefined) return { known: new Map([['', toRanges(outer)]]), bounds: outer };
  const known = new Map<string, readonly DayRange[]>();
  const bounds = [...outer];
  for (const { list_value, partition } of outer) {
    if (list_value === null) continue;
    const inner = divided.range === undefined ? [] : await listBounds(client, partition);
    known.set(list_value, toRanges(inner));
    bounds.push(...inner);
  }
  return { known, bounds };
}

function toRanges(bounds: readonly Bound[]): DayRange[] {
  return bounds
    .filter(({ lower, upper }) => lower !== null && upper !== null)
    .map(({ lower, upper }): DayRange => [lower!, upper!])
    .sort(([a], [b]) => a - b);
}

/** The range of the table when it was made, as the CHECK of a rest partition says. */
function readWithin(bounds: readonly Bound[]): DayRange | undefined {
  for (const { rest_check } of bounds) {
    const [from, to] = [...(rest_check ?? '').matchAll(/'(\d{4}-\d\d-\d\d)[ ':+\d]*'/g)];
    if (from !== undefined && to !== undefined) return [dayOf(from[1]!), dayOf(to[1]!)];
  }
  return undefined;
}

async function assertDivided(
  client: pg.Client,
  table: Table,
  { list, range }: Partitions,
  oid: number,
): Promise<void> {
  const { rows } = await client.query<{ strategy: string; column: string | null }>(
    `SELECT p.partstrat AS strategy, CASE WHEN p.partnatts = 1 THEN a.attname END AS column
     FROM pg_partitioned_table p LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partrelid = $1`,
    [oid],
  );
  const [wanted, way] = list === undefined ? [range!.column, 'r'] : [list, 'l'];
  const name = `table "${table.name}"`;
  if (rows[0]?.strategy !== way || rows[0].column !== wanted) {
    const is = rows[0] === undefined ? 'has no partitions' : 'is divided in another way';
    throw new EdpError('table_mismatch', `${name} ${is}, and edp.yaml divides it by "${wanted}"`, {
      hint: `PostgreSQL cannot divide a table that is there: ALTER TABLE … RENAME it, let edp make the new one, and INSERT the rows from the old one; or remove partition-by from edp.yaml`,
    });
  }
  if (table.hasKeyGuard === true && (await keyGuardOf(client, oid)) === undefined) {
    throw new EdpError(
      'table_mismatch',
      `${name} has no guard of its key, which edp.yaml declares`,
      {
        hint: 'remove key-guard from edp.yaml; or rename the table, let edp make the new one, and INSERT the rows',
      },
    );
  }
}

/**
 * Lists the partitions that staged rows need and that are not there.
 *
 * @param stage quoted
 * @param columns names of its columns
 */
export async function listMissing(
  client: pg.Client,
  oid: number,
  { list, time }: TablePartitions,
  stage: string,
  columns: readonly string[],
): Promise<WantedPartition[]> {
  const value = list && columns.includes(list.column) ? quoteIdentifier(list.column) : undefined;
  if (list !== undefined && value === undefined) return [];
  const moment = time && columns.includes(time.column) ? quoteIdentifier(time.column) : undefined;
  if (list === undefined && moment === undefined) return [];
  const day =
    moment === undefined
      ? 'NULL::int'
      : `CASE WHEN isfinite(${moment}) THEN ${time!.type === 'timestamptz' ? `(${moment} AT TIME ZONE 'UTC')` : moment}::date - date '2000-01-01' END`;
  const { rows } = await client.query<{ value: string | null; day: Day | null }>(
    `SELECT DISTINCT ${value === undefined ? 'NULL' : `${value}::text`} AS value, ${day} AS day
     FROM ${stage} ${value === undefined ? '' : `WHERE ${value} IS NOT NULL`}`,
  );
  const { known } = await listKnown(client, oid, { list, range: time });
  const [first, behind] = time?.within ?? [0, 0];
  return rows
    .map((row): WantedPartition => {
      const isInRange = row.day !== null && row.day >= first && row.day < behind;
      return { value: row.value ?? undefined, day: isInRange ? row.day! : undefined };
    })
    .filter((wanted) => {
      const ranges = known.get(wanted.value ?? '');
      if (wanted.day === undefined) return list !== undefined && ranges === undefined;
      return ranges?.some(([from, until]) => from <= wanted.day! && wanted.day! < until) !== true;
    });
}

/** Divides a table that has just been made: adds the partition of what has no other one. */
export async function makeRestPartition(
  client: pg.Client,
  name: string,
  { list, range }: Partitions,
): Promise<void> {
  const values =
    list === undefined ? [name, range!.column, range!.from, range!.to] : [name, list, null, null];
  await client.query('SELECT edp.make_rest($1::regclass, $2, $3, $4)', values);
}

/**
 * Makes partitions in the transaction that runs, or in one of their own.
 *
 * @param table schema-qualified and quoted
 * @returns how many were made
 */
export async function makePartitions(
  client: pg.Client,
  table: string,
  { list, time }: TablePartitions,
  wanted: readonly WantedPartition[],
): Promise<number> {
  const days = wanted.map(({ day }) => (day === undefined ? null : formatDay(day)));
  const { rows } = await client.query<{ made: number }>(
    'SELECT edp.make_partitions($1::regclass, $2, $3, $4, $5, $6, $7) AS made',
    [
      table,
      time?.every ?? null,
      time?.column ?? null,
      time === undefined ? null : formatDay(time.within[0]),
      time === undefined ? null : formatDay(time.within[1]),
      list === undefined ? null : wanted.map(({ value }) => value ?? null),
      days,
    ],
  );
  return rows[0]!.made;
}
