/** What edp says and loaded, against what the oracle made of the same records. */
import type pg from 'pg';
import { REJECT_CODES } from '../../src/model/reject-codes.js';
import type { Case, Options } from './case.js';
import { judge } from './judge.js';
import { type Fate, fatesOf, type Judgement } from './oracle.js';
import { type FileRecord, partsOf, placesOf } from './records.js';
import { type Setup, statementsOf } from './setup.js';

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
  readonly place: string;
  readonly code: string;
}

/** The loads of a case, and their counts together. */
export interface Loaded {
  readonly loadIds: readonly number[];
  readonly rows: Rows;
  /** Why one of its files was not loaded. */
  readonly failure?: string;
}

export function loadedOf({ setup, file }: Case, printed: Printed): Loaded {
  const names = [...partsOf(setup.table, file).keys()];
  const found = names.map((name) => printed.files?.find((one) => one.path === name));
  const bad = found.find((one) => one?.status !== 'loaded' || one.loadId === null);
  const sum = (name: keyof Rows) => found.reduce((all, one) => all + (one?.rows[name] ?? 0), 0);
  return {
    loadIds: found.flatMap((one) => one?.loadId ?? []),
    rows: {
      read: sum('read'),
      loaded: sum('loaded'),
      rejected: sum('rejected'),
      duplicate: sum('duplicate'),
    },
    ...(found.includes(undefined) || bad !== undefined
      ? { failure: `edp: ${bad?.status} ${bad?.reason ?? ''} ${printed.error?.message ?? ''}` }
      : {}),
  };
}

/** @returns what differs */
export async function compare(
  each: Case,
  options: Options,
  client: pg.Client,
  printed: Printed,
): Promise<string[]> {
  const { setup, file } = each;
  const judgements = await judge(each, options, client);
  const { failure, loadIds, rows } = loadedOf(each, printed);
  if (failure !== undefined) return [failure];
  const rejects = await rejectsOf(client, loadIds);
  const fates = fatesOfAll(each, options, file.records, judgements);
  return [
    ...compareRecords(
      fates,
      rejects,
      placesOf(setup.table, file),
      file.records.map(({ text }) => text),
    ),
    ...compareCounts(fates, rejects, rows),
    ...(await compareTables(each, options, client)),
  ];
}

/** @param judgements of the records that the program does not reject itself */
function fatesOfAll(
  { setup, file }: Case,
  options: Options,
  records: readonly FileRecord[],
  judgements: Judgement[],
): Set<Fate>[] {
  const mayDefer = statementsOf(setup).some((statement) => statement.includes('DEFERRABLE'));
  const checksLate = setup.pieces.some(({ what }) =>
    /^(exclusion|trigger that (changes|writes elsewhere))/.test(what),
  );
  return records.map((record) => {
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
}

export async function rejectsOf(client: pg.Client, loadIds: readonly number[]): Promise<Reject[]> {
  const { rows } = await client.query<Reject>(
    `SELECT regexp_replace(l.path, '^.*/', '') || '@' || r.byte_offset AS place, r.code
     FROM edp.rejects r JOIN edp.loads l USING (load_id) WHERE r.load_id = ANY ($1)
     ORDER BY l.path, r.byte_offset`,
    [loadIds],
  );
  return rows;
}

function compareRecords(
  fates: readonly Set<Fate>[],
  rejects: readonly Reject[],
  places: readonly string[],
  texts: readonly string[],
): string[] {
  const differences: string[] = [];
  for (const { place, code } of rejects) {
    if (!places.includes(place)) differences.push(`a reject at ${place}, where no record is`);
    else if (rejects.filter((other) => other.place === place).length > 1)
      differences.push(`two rejects at ${place}: ${code}`);
  }
  for (const [i, allowed] of fates.entries()) {
    const code = rejects.find(({ place }) => place === places[i])?.code as Fate | undefined;
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

export async function compareTables(
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
  if (setup.division?.hasGuard === true && setup.key.length > 0) {
    differences.push(...(await compareGuard(setup, client)));
  }
  return differences;
}

/** The side table of a guarded key must have the keys of the table. */
async function compareGuard({ table, key }: Setup, client: pg.Client): Promise<string[]> {
  const list = key.map((name) => `t.${name}::text`).join(', ');
  const [rows, keys] = await Promise.all(
    [table, `${table}_keys`].map((name) => contentOf(client, `public.${name} AS t`, list)),
  );
  const more = without(keys!, rows!);
  const less = without(rows!, keys!);
  return more.length + less.length === 0
    ? []
    : [
        `the guard has too much: ${more.slice(0, 3).join()}; too little: ${less.slice(0, 3).join()}`,
      ];
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
  each: Case,
  client: pg.Client,
  dry: Printed,
  loaded: Printed,
): Promise<string[]> {
  const [tried, real] = [loadedOf(each, dry), loadedOf(each, loaded)];
  const differences: string[] = [];
  if (JSON.stringify(tried.rows) !== JSON.stringify(real.rows)) {
    differences.push(
      `the dry run says ${JSON.stringify(tried.rows)} ${tried.failure ?? dry.error?.message ?? ''}, the load ${JSON.stringify(real.rows)}`,
    );
  }
  const stored = (await rejectsOf(client, real.loadIds)).map(
    ({ place, code }) => `${place} ${code}`,
  );
  const names = partsOf(each.setup.table, each.file);
  const told = (dry.firstRejects ?? [])
    .filter((reject) => names.has(reject.path))
    .map(({ path, byteOffset, code }) => `${path}@${byteOffset} ${code}`);
  if (told.join() !== stored.join()) {
    differences.push(`the dry run rejects ${told.join()}; the load ${stored.join()}`);
  }
  return differences;
}
