/** The partitions of a table that edp divides: what there is, and what is missing for the rows to come. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';
import type { Table } from '../model/model.js';
import type { Partitions, PartitionUnit, RangePartitions } from '../model/partitions.js';
import type { ColumnType } from '../model/types.js';
import { keyGuardOf } from './key-guard.js';

/** Days from 2000-01-01, as the server sends dates. */
export type Day = number;

/** Days [from, until). */
export type DayRange = readonly [from: Day, until: Day];

const NO_DAYS: DayRange = [0, 0];

/** A partition that holds rows, other than a rest partition; or one without days, which is divided itself. */
export interface KnownPartition {
  /** Schema-qualified and quoted. */
  readonly name: string;
  /** Of the list; '' where no list divides the table. */
  readonly value: string;
  /** All days, where time does not divide the table. */
  readonly days: DayRange;
}

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
  readonly known: readonly KnownPartition[];
  /**
   * Whether rows may be put into a partition by its name, which costs the server less: the role may, and neither triggers
   * of statements nor defaults of the table would act otherwise.
   */
  readonly isOpen: boolean;
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
  readonly name: string;
  readonly list_value: string | null;
  /** Days; infinite where the partition is open. */
  readonly lower: number | null;
  readonly upper: number | null;
  readonly is_rest: boolean;
  readonly rest_check: string | null;
}

/** Only whole days count: a partition that begins or ends within one is left to the server. */
const BOUNDS = `SELECT partition, (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = partition) AS name, list_value, is_rest, rest_check,
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
    isOpen: await isOpen(client, table, oid),
  };
}

/**
 * Of a table that is divided by time alone, in a way that nobody else can have changed.
 *
 * @param range what it is where the table does not say
 */
export async function inspectTime(
  client: pg.Client,
  oid: number,
  range: RangePartitions,
  type: ColumnType,
): Promise<TablePartitions & { readonly hasRest: boolean }> {
  const { known, bounds } = await listKnown(client, oid, { range });
  const within = readWithin(bounds) ?? [dayOf(range.from), dayOf(range.to)];
  return {
    list: undefined,
    time: { column: range.column, type, every: range.every, within },
    known,
    isOpen: false,
    hasRest: bounds.some((bound) => bound.is_rest),
  };
}

async function listKnown(
  client: pg.Client,
  oid: number,
  divided: { readonly list?: unknown; readonly range?: unknown },
): Promise<{ readonly known: readonly KnownPartition[]; readonly bounds: readonly Bound[] }> {
  const outer = await listBounds(client, oid);
  if (divided.list === undefined) return { known: inTime(outer, ''), bounds: outer };
  const known: KnownPartition[] = [];
  const bounds = [...outer];
  for (const { list_value, partition, name } of outer) {
    if (list_value === null) continue;
    if (divided.range === undefined) {
      known.push({ name, value: list_value, days: [-Infinity, Infinity] });
      continue;
    }
    // Without a day: the value has partitions, of which the rest one is there from the beginning.
    known.push({ name, value: list_value, days: NO_DAYS });
    const inner = await listBounds(client, partition);
    known.push(...inTime(inner, list_value));
    bounds.push(...inner);
  }
  return { known, bounds };
}

function inTime(bounds: readonly Bound[], value: string): KnownPartition[] {
  return bounds
    .filter(({ lower, upper }) => lower !== null && upper !== null)
    .map(({ name, lower, upper }) => ({ name, value, days: [lower!, upper!] }));
}

/** @returns as for {@link TablePartitions.isOpen} */
async function isOpen(client: pg.Client, { columns }: Table, oid: number): Promise<boolean> {
  const { rows } = await client.query<{ open: boolean }>(
    `WITH tree AS (SELECT relid FROM pg_partition_tree($1) WHERE relid <> $1)
     SELECT NOT row_security_active($1) AND NOT EXISTS (
         SELECT FROM tree WHERE NOT has_table_privilege(relid, 'INSERT') OR row_security_active(relid))
       AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal)
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND a.attidentity <> '')
       AND NOT EXISTS (
         SELECT FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
         WHERE (d.adrelid = $1 OR d.adrelid IN (TABLE tree)) AND a.attgenerated = '') AS open`,
    [oid],
  );
  return columns.length > 0 && rows[0]!.open;
}

/** @returns what edp.yaml says of the range of a table, where the table itself says something else */
export function describeOtherRange(
  { name, partitions }: Table,
  { time }: TablePartitions,
): string | undefined {
  const { from, to } = partitions?.range?.given ?? {};
  if (time === undefined) return undefined;
  const [first, behind] = time.within.map(formatDay) as [string, string];
  if ((from ?? first) === first && (to ?? behind) === behind) return undefined;
  return `table "${name}" was made with partitions for the days from ${first} to ${behind}, and stays so, whatever partition-range says now; docs/partitions.md has the statements that change it`;
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

/** Whether a partition is one that was wanted. Without a day, it is the one of the value, whatever divides that. */
function isFor(
  { value: own, days: [from, until] }: KnownPartition,
  { value = '', day }: WantedPartition,
  time: TablePartitions['time'],
): boolean {
  if (own !== value) return false;
  if (time === undefined || day === undefined) return from === until || time === undefined;
  return from <= day && day < until;
}

export interface StagedForPartitions {
  /** Quoted. */
  readonly stage: string;
  /** Names of its columns. */
  readonly columns: readonly string[];
  /** Where staged rows `s` replace rows `t` of the table and need not have all columns: the condition that they do. */
  readonly replaces?: string | undefined;
}

/** Lists the partitions that staged rows need and that are not there. */
export async function listMissing(
  client: pg.Client,
  { oid, table }: { readonly oid: number; readonly table: string },
  { list, time }: TablePartitions,
  staged: StagedForPartitions,
): Promise<WantedPartition[]> {
  const { stage, replaces } = staged;
  const parts = [list, time].filter((part) => part !== undefined);
  const others = parts.filter(({ column }) => !staged.columns.includes(column));
  const defaults = await listDefaults(client, oid, others);
  const select = (from: string, valueIn: (column: string) => string) => {
    const value = list && valueIn(list.column);
    const moment = time && valueIn(time.column);
    const utc = time?.type === 'timestamptz' ? ` AT TIME ZONE 'UTC'` : '';
    const day =
      moment === undefined
        ? 'NULL::int'
        : `CASE WHEN isfinite(${moment}) THEN (${moment}${utc})::date - date '2000-01-01' END`;
    return `SELECT ${value === undefined ? 'NULL' : `${value}::text`} AS value, ${day} AS day FROM ${from}
      ${value === undefined ? '' : `WHERE ${value} IS NOT NULL`}`;
  };
  const own = (column: string) => `s.${quoteIdentifier(column)}`;
  const sources = [select(`${stage} s`, (column) => defaults.get(column) ?? own(column))];
  if (replaces !== undefined && others.length > 0) {
    const kept = (column: string) =>
      defaults.has(column) ? `t.${quoteIdentifier(column)}` : own(column);
    sources.push(select(`${stage} s JOIN ${table} t ON ${replaces}`, kept));
  }
  // Whoever makes the partitions needs a lock that a reader of the table stands in the way of.
  await client.query('SAVEPOINT edp_look');
  const { rows } = await client.query<{ value: string | null; day: Day | null }>(
    `SELECT DISTINCT value, day FROM (${sources.join(' UNION ALL ')}) AS wanted`,
  );
  await client.query('ROLLBACK TO edp_look; RELEASE edp_look');
  const { known } = await listKnown(client, oid, { list, range: time });
  const [first, behind] = time?.within ?? [0, 0];
  return rows
    .map((row): WantedPartition => {
      const isInRange = row.day !== null && row.day >= first && row.day < behind;
      return { value: row.value ?? undefined, day: isInRange ? row.day! : undefined };
    })
    .filter(({ value, day }) => value !== undefined || day !== undefined)
    .filter((one) => !known.some((there) => isFor(there, one, time)));
}

/** What rows have that do not bring a column: column → SQL, typed. */
async function listDefaults(
  client: pg.Client,
  oid: number,
  columns: readonly DividingColumn[],
): Promise<ReadonlyMap<string, string>> {
  if (columns.length === 0) return new Map();
  const { rows } = await client.query<{ name: string; text: string }>(
    `SELECT a.attname::text AS name,
       format('(%s)::%s', coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL'), format_type(a.atttypid, a.atttypmod)) AS text
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1 AND a.attname = ANY ($2) AND NOT a.attisdropped`,
    [oid, columns.map(({ column }) => column)],
  );
  return new Map(rows.map(({ name, text }) => [name, text]));
}

/** Divides a table that has just been made: adds the partition of what has no other one. */
export async function makeRestPartition(
  client: pg.Client,
  name: string,
  { list, range }: Partitions,
): Promise<void> {
  const values = list === undefined ? [range!.column, range!.from, range!.to] : [list, null, null];
  await client.query(
    `SELECT edp.make_rest(${[name, ...values].map((value) => literal(client, value)).join(', ')})`,
  );
}

/** Statements about tables show what they do, so that they can be run by hand. */
function literal(client: pg.Client, value: string | null | readonly (string | null)[]): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return client.escapeLiteral(value);
  return value.length === 0 ? `'{}'` : `ARRAY[${value.map((one) => literal(client, one))}]`;
}

/**
 * Makes partitions in the transaction that runs, or in one of their own.
 *
 * @param table schema-qualified and quoted
 * @returns the partitions of `wanted`, as far as there are any now
 */
export async function makePartitions(
  client: pg.Client,
  { oid, table }: { readonly oid: number; readonly table: string },
  { list, time }: TablePartitions,
  wanted: readonly WantedPartition[],
): Promise<KnownPartition[]> {
  const { rows } = await client.query<{ owns: boolean }>(
    `SELECT pg_has_role(relowner, 'USAGE') AS owns FROM pg_class WHERE oid = $1::regclass`,
    [table],
  );
  const make = rows[0]!.owns ? 'divide' : 'make_partitions';
  const given = [
    table,
    time?.every ?? null,
    time?.column ?? null,
    time === undefined ? null : formatDay(time.within[0]),
    time === undefined ? null : formatDay(time.within[1]),
    list === undefined ? null : wanted.map(({ value }) => value ?? null),
    wanted.map(({ day }) => (day === undefined ? null : formatDay(day))),
  ];
  const values = given.map((value) => literal(client, value));
  await client.query(`SELECT edp.${make}(${values.join(', ')}::date[])`);
  const { known } = await listKnown(client, oid, { list, range: time });
  return known.filter((there) => wanted.some((one) => isFor(there, one, time)));
}

/**
 * Whether tables are partitions of another one, and nobody is taking them out. A session that has put rows into them, and
 * holds a lock of the whole table, can rely on it until its transaction ends.
 */
export async function areAttached(
  client: pg.Client,
  oid: number,
  names: readonly string[],
): Promise<boolean> {
  const { rows } = await client.query<{ attached: boolean }>(
    `WITH tree AS (SELECT relid FROM pg_partition_tree($1))
     SELECT NOT EXISTS (SELECT FROM unnest($2::text[]) AS name WHERE name::regclass::oid NOT IN (SELECT relid::oid FROM tree))
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid IN (SELECT relid FROM tree) AND inhdetachpending) AS attached`,
    [oid, names],
  );
  return rows[0]!.attached;
}
