/** What edp says and loaded, against what the oracle made of the same records. */
import type pg from 'pg';
import { REJECT_CODES } from '../../src/model/reject-codes.js';
import type { Case, Options } from './case.js';
import { judge } from './judge.js';
import { type Fate, fatesOf } from './oracle.js';
import { offsetsOf } from './records.js';
import { statementsOf } from './setup.js';

interface Rows {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  readonly duplicate: number;
}

/** What a load prints with `--json`, as far as it is compared. */
export interface Printed {
  readonly files?: readonly {
    readonly path: string;
    readonly status: string;
    readonly loadId: number | null;
    readonly rows: Rows;
    readonly reason?: string;
  }[];
  readonly rejects?: Readonly<Record<string, number>>;
  readonly firstRejects?: readonly {
    readonly path: string;
    readonly code: string;
    readonly byteOffset: number;
  }[];
  readonly error?: { readonly code: string; readonly message: string };
}

interface Reject {
  readonly offset: number;
  readonly code: string;
}

/** @returns what differs */
export async function compare(
  { setup, file }: Case,
  options: Options,
  client: pg.Client,
  printed: Printed,
): Promise<string[]> {
  const found = printed.files?.find(({ path: name }) => name === `${setup.table}.csv`);
  const judgements = await judge({ setup, file }, options, client);
  if (found?.status !== 'loaded' || found.loadId === null) {
    return [`edp: ${found?.status} ${found?.reason ?? ''} ${printed.error?.message ?? ''}`];
  }
  const rejects = await rejectsOf(client, found.loadId);
  const mayDefer = statementsOf(setup).some((statement) => statement.includes('DEFERRABLE'));
  const checksLate = setup.pieces.some(({ what }) =>
    /^(exclusion|trigger that (changes|writes elsewhere))/.test(what),
  );
  const fates = file.records.map((record) => {
    // Beside a character that the database lacks, other values may be wrong, too.
    if (record.codes.includes('refused_by_server'))
      return new Set(Object.keys(REJECT_CODES) as Fate[]);
    if (record.codes.length > 0) return new Set<Fate>(record.codes);
    const hasNull = file.fields.some(
      (name, i) =>
        record.values![i] === null && setup.pieces.some(({ what }) => what === `not null ${name}`),
    );
    return fatesOf(judgements.shift()!, options, { hasNull, mayDefer, checksLate });
  });
  const differences = [
    ...compareRecords(
      fates,
      rejects,
      offsetsOf(file),
      file.records.map(({ text }) => text),
    ),
    ...compareCounts(fates, rejects, found.rows),
    ...(await compareTables({ setup, file }, options, client)),
  ];
  return differences;
}

async function rejectsOf(client: pg.Client, loadId: number): Promise<Reject[]> {
  const { rows } = await client.query<Reject>(
    'SELECT byte_offset AS offset, code FROM edp.rejects WHERE load_id = $1 ORDER BY 1',
    [loadId],
  );
  return rows.map(({ offset, code }) => ({ offset: Number(offset), code }));
}

function compareRecords(
  fates: readonly Set<Fate>[],
  rejects: readonly Reject[],
  offsets: readonly number[],
  texts: readonly string[],
): string[] {
  const differences: string[] = [];
  for (const { offset, code } of rejects) {
    if (!offsets.includes(offset))
      differences.push(`a reject at byte ${offset}, where no record is`);
    else if (rejects.filter((other) => other.offset === offset).length > 1)
      differences.push(`two rejects at byte ${offset}: ${code}`);
  }
  for (const [i, allowed] of fates.entries()) {
    const code = rejects.find(({ offset }) => offset === offsets[i])?.code as Fate | undefined;
    const isAgreed =
      code === undefined ? allowed.has('loaded') || allowed.has('duplicate') : allowed.has(code);
    if (!isAgreed) {
      differences.push(
        `record ${i + 1} (${texts[i]}): edp says ${code ?? 'no reject'}, the server ${[...allowed].join(' or ')}`,
      );
    }
  }
  return differences;
}

function compareCounts(
  fates: readonly Set<Fate>[],
  rejects: readonly Reject[],
  rows: Rows,
): string[] {
  const read = fates.length;
  const loaded = fates.filter((allowed) => allowed.has('loaded')).length;
  const rejected = rejects.length;
  const expected: Rows = { read, loaded, rejected, duplicate: read - loaded - rejected };
  const differing = (Object.keys(expected) as (keyof Rows)[]).filter(
    (name) => expected[name] !== rows[name],
  );
  return differing.map((name) => `${name}: edp says ${rows[name]}, the server ${expected[name]}`);
}

async function compareTables(
  { setup }: Case,
  options: Options,
  client: pg.Client,
): Promise<string[]> {
  const own = setup.columns.map(({ name }) => name);
  const others = setup.pieces.some(({ what }) => what.startsWith('column without a field'))
    ? await otherColumns(client, setup.table)
    : [];
  const columns = [...own, ...others].map((name) => `${name}::text`).join(', ');
  const tables = new Map([[setup.table, columns]]);
  for (const { tables: more = [] } of setup.pieces) {
    for (const table of more) tables.set(table, 't::text');
  }
  const differences: string[] = [];
  for (const [table, list] of tables) {
    const [mine, oracle] = await Promise.all(
      ['public', 'oracle'].map((schema) => contentOf(client, `${schema}.${table} AS t`, list)),
    );
    const isInferred = options.missingDimensions === 'infer' && table !== setup.table;
    const [all, others] = isInferred ? [mine!, oracle!].map(spelledAlike) : [mine!, oracle!];
    const more = without(all!, others!);
    const less = without(others!, all!);
    if (more.length > 0)
      differences.push(`${table}: edp alone has ${more.slice(0, 3).join(' ; ')}`);
    if (less.length > 0)
      differences.push(`${table}: the oracle alone has ${less.slice(0, 3).join(' ; ')}`);
  }
  return differences;
}

/** Which of several spellings becomes the member depends on the worker that is first. */
function spelledAlike(rows: readonly string[]): string[] {
  return rows.map((row) => row.toLowerCase().replace('(-0,', '(0,'));
}

/** Columns that have no field and whose values do not depend on the order of attempts. */
async function otherColumns(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND attname IN ('standard', 'doubled')`,
    [`public.${table}`],
  );
  return rows.map(({ name }) => name);
}

async function contentOf(client: pg.Client, from: string, list: string): Promise<string[]> {
  const { rows } = await client.query<unknown[]>({
    text: `SELECT ${list} FROM ${from}`,
    rowMode: 'array',
  });
  return rows.map((row) => JSON.stringify(row)).sort();
}

function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((row) => {
    const place = left.indexOf(row);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
}

/** @returns what differs between a load and the dry run before it */
export async function compareDry(
  { setup }: Case,
  client: pg.Client,
  dry: Printed,
  loaded: Printed,
): Promise<string[]> {
  const name = `${setup.table}.csv`;
  const find = ({ files = [] }: Printed) => files.find((file) => file.path === name);
  const [tried, real] = [find(dry), find(loaded)];
  const differences: string[] = [];
  if (JSON.stringify(tried?.rows) !== JSON.stringify(real?.rows)) {
    differences.push(
      `the dry run says ${JSON.stringify(tried?.rows)} ${tried?.status} ${tried?.reason ?? dry.error?.message ?? ''}, the load ${JSON.stringify(real?.rows)}`,
    );
  }
  const stored = (await rejectsOf(client, real!.loadId!)).map(
    ({ offset, code }) => `${offset} ${code}`,
  );
  const told = (dry.firstRejects ?? [])
    .filter((reject) => reject.path === name)
    .map(({ byteOffset, code }) => `${byteOffset} ${code}`);
  if (told.join() !== stored.join()) {
    differences.push(`the dry run rejects ${told.join()}; the load ${stored.join()}`);
  }
  return differences;
}
