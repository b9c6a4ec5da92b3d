/** Makes the tables of cases, loads their files with edp, and compares with the oracle. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Host } from '../faults/command.js';
import type { Case, Options } from './case.js';
import { compare, compareDry, type Printed } from './compare.js';
import { PLAIN_ROLE } from './databases.js';
import { textOf } from './records.js';
import { modelOf, statementsOf } from './setup.js';

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
