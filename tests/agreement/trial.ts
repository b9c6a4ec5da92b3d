/** Runs cases in edp and in the oracle, and compares what they say and what is in the tables. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Host } from '../faults/command.js';
import type { Case, Options } from './case.js';
import { PLAIN_ROLE } from './databases.js';
import { type Fate, fatesOf, type Judgement } from './oracle.js';
import { offsetsOf, textOf } from './records.js';
import { modelOf, type Reference, statementsOf } from './setup.js';

/** Where cases run. */
export interface Place {
  readonly client: pg.Client;
  readonly url: string;
  readonly host: Host;
  readonly directory: string;
}

/** What became of a case. */
export interface Outcome {
  /** What differs, if the server made the table. */
  readonly differences: readonly string[];
  /** Why it did not. */
  readonly refusal?: string;
}

interface Rows {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  readonly duplicate: number;
}

interface Printed {
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

export const MODEL_HEAD =
  'csv: { delimiter: ",", quote: double, encoding: utf-8, line-end: lf, comment: none, header: true }\ntables:\n';

export function commandOf(files: readonly string[], options: Options): string[] {
  return [
    'ingest',
    ...files,
    '--process-count',
    String(options.workers),
    '--read-batch-size',
    String(options.splitRecords),
    '--on-conflict',
    options.onConflict,
    '--missing-dimensions',
    options.missingDimensions,
    '--json',
  ];
}

export async function runCases(
  cases: readonly Case[],
  options: Options,
  place: Place,
): Promise<Outcome[]> {
  const refusals: (string | undefined)[] = [];
  for (const each of cases) refusals.push(await makeTables(place.client, each, options));
  const there = cases.filter((_, i) => refusals[i] === undefined);
  const { dry, loaded } = there.length > 0 ? await load(there, options, place) : NOTHING;
  const outcomes: Outcome[] = [];
  for (const [i, each] of cases.entries()) {
    const refusal = refusals[i];
    if (refusal !== undefined) {
      outcomes.push({ differences: [], refusal });
      continue;
    }
    const differences = await compare(each, options, place.client, loaded);
    if (dry !== undefined && differences.length === 0) {
      differences.push(...(await compareDry(each, place.client, dry, loaded)));
    }
    outcomes.push({ differences });
  }
  return outcomes;
}

const NOTHING = { dry: undefined, loaded: {} };

/** Makes the tables for edp and for the oracle. @returns why the server refuses them, if it does */
async function makeTables(
  client: pg.Client,
  { setup }: Case,
  { isPlainRole }: Options,
): Promise<string | undefined> {
  const statements = statementsOf(setup).join(';\n');
  const role = isPlainRole ? PLAIN_ROLE : 'NONE';
  for (const schema of ['public', 'oracle']) {
    try {
      await client.query(`SET search_path = ${schema}; SET LOCAL ROLE ${role}; ${statements}`);
    } catch (error) {
      return (error as Error).message.replace(/\bt\d\w*|"[^"]*"/g, '…');
    }
  }
  return undefined;
}

async function load(cases: readonly Case[], options: Options, { host, url, directory }: Place) {
  const cwd = path.join(directory, cases[0]!.setup.table);
  await mkdir(cwd, { recursive: true });
  try {
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      `${MODEL_HEAD}${cases.map(({ setup }) => modelOf(setup)).join('\n')}\n`,
    );
    const names = cases.map(({ setup }) => `${setup.table}.csv`);
    for (const [i, { file }] of cases.entries()) {
      await writeFile(path.join(cwd, names[i]!), textOf(file));
    }
    const command = commandOf(names, options);
    const failpoints = options.isBulk ? 'bulk.min_bytes:=1' : '';
    const run = async (args: readonly string[]): Promise<Printed> => {
      const { output, hasHung } = await host.start(args, cwd, url, failpoints, '').ended;
      if (hasHung) return { error: { code: 'hung', message: 'the command did not end' } };
      try {
        return JSON.parse(output) as Printed;
      } catch {
        return { error: { code: 'no JSON', message: output } };
      }
    };
    const dry = options.triesFirst
      ? await run([...command, '--dry-run', '--limit', '100000'])
      : undefined;
    return { dry, loaded: await run(command) };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

async function compare(
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
  const fates = file.records.map((record) => {
    if (record.codes.length > 0) return new Set<Fate>(record.codes);
    const hasNull = file.fields.some(
      (name, i) =>
        record.values![i] === null && setup.pieces.some(({ what }) => what === `not null ${name}`),
    );
    return fatesOf(judgements.shift()!, options, { hasNull, mayDefer });
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

async function judge(
  { setup, file }: Case,
  options: Options,
  client: pg.Client,
): Promise<Judgement[]> {
  const { table, key, columns, pieces } = setup;
  const { records } = file;
  const isGiven = file.fields.map(
    (name) => columns.find((column) => column.name === name)?.generated === undefined,
  );
  const fields = file.fields.filter((_, i) => isGiven[i]);
  const compared = fields.filter((name) => !key.includes(name));
  const isJson = (name: string) =>
    columns.find((column) => column.name === name)?.kind.sql === 'json';
  const isSame = compared.map((name) => {
    const cast = isJson(name) ? '::text' : '';
    return `t.${name}${cast} IS NOT DISTINCT FROM s.${name}${cast}`;
  });
  const isReplaced = options.onConflict === 'update' && key.length > 0;
  const assignments = compared.map((name) => `${name} = EXCLUDED.${name}`).join(', ');
  const action = assignments === '' ? 'NOTHING' : `UPDATE SET ${assignments}`;
  const given = {
    table,
    columns: fields.join(', '),
    onKey: key.length > 0 ? key.map((name) => `t.${name} = s.${name}`).join(' AND ') : null,
    isSame: isSame.join(' AND ') || 'true',
    ...options,
    onConflictClause: isReplaced ? `ON CONFLICT (${key.join(', ')}) DO ${action}` : '',
    // Where a trigger may change the row, edp leaves what is missing to the server.
    stopsAtMissing: !pieces.some(({ what }) => /^trigger that (leaves|raises|changes)/.test(what)),
    references: pieces
      .flatMap(({ reference }) => reference ?? [])
      .filter((reference) => reference.columns.every((name) => fields.includes(name)))
      .sort((one, other) => (one.columns.join('_') < other.columns.join('_') ? -1 : 1))
      .map(toMissing),
    records: records
      .filter(({ codes }) => codes.length === 0)
      .map(({ values }) => values!.filter((_, i) => isGiven[i])),
    refersToSelf: pieces.some(({ what }) => what === 'reference to the same table'),
  };
  await client.query('SET search_path = oracle');
  const { rows } = await client.query<{ judged: Judgement[] }>(
    'SELECT agreement.judge($1) AS judged',
    [JSON.stringify(given)],
  );
  return rows[0]!.judged;
}

/** The reference with the condition that a staged row `s` misses it. */
function toMissing(reference: Reference) {
  const { columns, referredColumns, rows, isFull = false } = reference;
  const each = (what: (column: string, i: number) => string) => columns.map(what);
  const pairs = each((column, i) => `d.${referredColumns[i]} = s.${column}`).join(' AND ');
  const areGiven = each((column) => `s.${column} IS NOT NULL`).join(' AND ');
  const anyGiven = each((column) => `s.${column} IS NOT NULL`).join(' OR ');
  const isNone = `NOT EXISTS (SELECT FROM ${rows} d WHERE ${pairs})`;
  const condition = isFull ? `(${anyGiven}) AND ${isNone}` : `${areGiven} AND ${isNone}`;
  return { ...reference, column: columns[0], mayInfer: columns.length === 1, condition };
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

async function compareDry(
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
