/** What follows a load of a table that edp divides: verify, replay, undo, another load, --replace. */
import type pg from 'pg';
import type { Case, Options } from './case.js';
import { compare, compareTables, loadedOf, type Printed, rejectsOf } from './compare.js';
import { judge } from './judge.js';
import { partsOf, placesOf } from './records.js';
import { insertIfPossible, literal } from './setup.js';

export type RunCommand = (args: readonly string[]) => Promise<Printed>;

export interface Aftermath {
  readonly each: Case;
  readonly options: Options;
  readonly client: pg.Client;
  /** Runs a command in the folder with the files. */
  readonly run: RunCommand;
  readonly commandOf: (files: readonly string[]) => string[];
}

/** @param before rows of the table before the load @returns what differs */
export async function continueCase(
  aftermath: Aftermath,
  loaded: Printed,
  before: readonly string[],
): Promise<string[]> {
  const { each, client, options, run, commandOf } = aftermath;
  // What triggers write elsewhere depends on how often records are tried.
  if (each.setup.pieces.some(({ what }) => what.startsWith('trigger'))) return [];
  const { loadIds } = loadedOf(each, loaded);
  const names = [...partsOf(each.setup.table, each.file).keys()];
  const tagged = (step: string, differences: readonly string[]) =>
    differences.map((difference) => `${step}: ${difference}`);
  const verified = tagged('verify', await verify(aftermath, loadIds));
  if (verified.length > 0) return verified;
  const replayed = tagged('replay', await replay(aftermath, loadIds));
  if (replayed.length > 0) return replayed;
  if (options.onConflict !== 'update' && options.missingDimensions === 'reject') {
    if (!each.setup.hasLineage) return [];
    const undone = tagged('undo', await undo(aftermath, loadIds, before));
    if (undone.length > 0) return undone;
    const again = tagged(
      'again',
      await compare(each, options, client, await run(commandOf(names))),
    );
    if (again.length > 0) return again;
  }
  await client.query(`DELETE FROM oracle.${each.setup.table}`);
  const replaced = await run([...commandOf(names), '--replace']);
  // A table is never replaced by nothing.
  if (loadedOf(each, replaced).failure?.includes('records would be rejected')) {
    const outcomes = (await judge(each, options, client)).map(({ outcome }) => outcome);
    return outcomes.includes('loaded') ? ['--replace: the server takes some of them'] : [];
  }
  return tagged('--replace', await compare(each, options, client, replaced));
}

async function verify({ each, run }: Aftermath, loadIds: readonly number[]): Promise<string[]> {
  if (!each.setup.hasLineage) return [];
  const differences: string[] = [];
  for (const id of loadIds) {
    const printed = (await run(['verify', String(id), '--json'])) as { ok?: boolean };
    if (printed.ok !== true) differences.push(JSON.stringify(printed).slice(0, 1500));
  }
  return differences;
}

/** Some references may be complete now. */
async function replay(
  { each, options, client, run }: Aftermath,
  loadIds: readonly number[],
): Promise<string[]> {
  const { setup, file } = each;
  for (const { reference } of setup.pieces) {
    if (reference === undefined || reference.columns.length > 1) continue;
    const { pool } = setup.columns.find(({ name }) => name === reference.columns[0])!.kind;
    for (const schema of ['public', 'oracle']) {
      const inserts = pool.map(({ sql }) =>
        insertIfPossible(reference.table, 'k, note', `${literal(sql)}, 'late'`),
      );
      await client.query(`SET search_path = ${schema}; ${inserts.join(';')}`);
    }
  }
  const rejected = new Set((await rejectsOf(client, loadIds)).map(({ place }) => place));
  const places = placesOf(setup.table, file);
  const records = file.records.filter((_, i) => rejected.has(places[i]!));
  const judgements = await judge(each, options, client, records);
  let loaded = 0;
  for (const id of loadIds) {
    const printed = await run([
      'replay',
      String(id),
      '--on-conflict',
      options.onConflict,
      '--missing-dimensions',
      options.missingDimensions,
      '--json',
    ]);
    const { rows } = printed as { rows?: { loaded: number } };
    if (rows === undefined) return [JSON.stringify(printed).slice(0, 1000)];
    loaded += rows.loaded;
  }
  const expected = judgements.filter(({ outcome }) => outcome === 'loaded').length;
  const differences = await compareTables(each, options, client);
  return loaded === expected
    ? differences
    : [`edp loads ${loaded}, the server ${expected}`, ...differences];
}

async function undo(
  { each, options, client, run }: Aftermath,
  loadIds: readonly number[],
  before: readonly string[],
): Promise<string[]> {
  const { table, columns } = each.setup;
  for (const id of [...loadIds].reverse()) {
    const printed = (await run(['undo', String(id), '--yes', '--json'])) as { ok?: boolean };
    if (printed.ok !== true) return [JSON.stringify(printed).slice(0, 1000)];
  }
  const left = await rowsOf(client, each);
  const names = columns.map(({ name }) => name).join(', ');
  await client.query(
    `DELETE FROM oracle.${table}; INSERT INTO oracle.${table} (${names}) SELECT ${names} FROM public.${table}`,
  );
  const same = left.join('\n') === before.join('\n');
  return same
    ? compareTables(each, options, client)
    : [`left ${left.slice(0, 3).join(' ; ')} (${left.length}), before ${before.length} rows`];
}

/** The rows of the table that edp loads into. */
export async function rowsOf(client: pg.Client, { setup }: Case): Promise<string[]> {
  const list = setup.columns.map(({ name }) => `${name}::text`).join(', ');
  const { rows } = await client.query<unknown[]>({
    text: `SELECT ${list} FROM public.${setup.table}`,
    rowMode: 'array',
  });
  return rows.map((row) => JSON.stringify(row)).sort();
}
