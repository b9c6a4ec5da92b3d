/** Makes the tables of cases, loads their files with edp, and compares with the oracle. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Host } from '../faults/command.js';
import { continueCase, type RunCommand, rowsOf } from './aftermath.js';
import type { Case, Options } from './case.js';
import { compare, compareDry, type Printed } from './compare.js';
import { PLAIN_ROLE } from './databases.js';
import { partsOf, textOf } from './records.js';
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
  return withFolder(
    cases,
    place,
    async (run) => {
      const madeByEdp = options.isDivided ? await letEdpMake(cases, run) : undefined;
      if (madeByEdp !== undefined) return cases.map(() => ({ differences: [madeByEdp] }));
      const refusals: (string | undefined)[] = [];
      for (const each of cases) refusals.push(await makeTables(place.client, each, options));
      const there = cases.filter((_, i) => refusals[i] === undefined);
      const before: string[][] = [];
      for (const each of cases) {
        before.push(there.includes(each) ? await rowsOf(place.client, each) : []);
      }
      const { dry, loaded } = there.length > 0 ? await load(there, options, run) : NOTHING;
      const outcomes: Outcome[] = [];
      for (const [i, each] of cases.entries()) {
        const refusal = refusals[i];
        if (refusal !== undefined) {
          outcomes.push({ differences: [], refusal });
          continue;
        }
        const { client } = place;
        const differences = await compare(each, options, client, loaded);
        if (dry !== undefined && differences.length === 0) {
          differences.push(...(await compareDry(each, client, dry, loaded)));
        }
        if (options.goesOn && options.isDivided && differences.length === 0) {
          const aftermath = {
            each,
            options,
            client,
            run,
            commandOf: (files: readonly string[]) => commandOf(files, options),
          };
          differences.push(...(await continueCase(aftermath, loaded, before[i]!)));
        }
        outcomes.push({ differences });
      }
      return outcomes;
    },
    options,
  );
}

const NOTHING = { dry: undefined, loaded: {} };

/** @returns what went wrong */
async function letEdpMake(cases: readonly Case[], run: RunCommand): Promise<string | undefined> {
  const names = cases.map(({ setup }) => `${setup.table}-none.csv`);
  const { error, files = [] } = await run(['ingest', ...names, '--json']);
  const bad = files.find(({ status }) => status !== 'loaded');
  return error === undefined && bad === undefined
    ? undefined
    : `edp made no table: ${error?.message ?? ''} ${bad?.status ?? ''} ${bad?.reason ?? ''}`;
}

/** Makes the tables for edp and for the oracle. @returns why the server refuses them, if it does */
async function makeTables(
  client: pg.Client,
  { setup }: Case,
  { isPlainRole }: Options,
): Promise<string | undefined> {
  const role = isPlainRole ? PLAIN_ROLE : 'NONE';
  for (const schema of ['public', 'oracle']) {
    const isMade = schema === 'public' && setup.division !== undefined;
    const statements = statementsOf(setup, isMade).join(';\n');
    try {
      await client.query(`SET search_path = ${schema}; SET LOCAL ROLE ${role}; ${statements}`);
    } catch (error) {
      return (error as Error).message.replace(/\bt\d\w*|"[^"]*"/g, '…');
    }
  }
  return undefined;
}

async function load(cases: readonly Case[], options: Options, run: RunCommand) {
  const names = cases.flatMap(({ setup, file }) => [...partsOf(setup.table, file).keys()]);
  const command = commandOf(names, options);
  const dry = options.triesFirst
    ? await run([...command, '--dry-run', '--limit', '100000'])
    : undefined;
  return { dry, loaded: await run(command) };
}

/** Writes the files of the cases, and removes them in the end. */
async function withFolder<T>(
  cases: readonly Case[],
  { host, url, directory }: Place,
  work: (run: RunCommand) => Promise<T>,
  { isBulk }: Options,
): Promise<T> {
  const cwd = path.join(directory, cases[0]!.setup.table);
  await mkdir(cwd, { recursive: true });
  try {
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      `${MODEL_HEAD}${cases.map(({ setup }) => modelOf(setup)).join('\n')}\n`,
    );
    for (const { setup, file } of cases) {
      // A line of its own, so that it is not the content of a file without records.
      await writeFile(
        path.join(cwd, `${setup.table}-none.csv`),
        `\n${textOf({ ...file, records: [] })}`,
      );
      for (const [name, part] of partsOf(setup.table, file)) {
        await writeFile(path.join(cwd, name), textOf(part));
      }
    }
    const failpoints = isBulk ? 'bulk.min_bytes:=1' : '';
    return await work(async (args) => {
      const { output, hasHung } = await host.start(args, cwd, url, failpoints, '').ended;
      if (hasHung) return { error: { code: 'hung', message: 'the command did not end' } };
      try {
        return JSON.parse(output) as Printed;
      } catch {
        return { error: { code: 'no JSON', message: output } };
      }
    });
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
