/** Many trials of capture, each by its own seed; servers are shared by the trials that follow each other. */

import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../command.js';
import { Counts } from './counts.js';
import { PLANTS, type Plant } from './planted.js';
import { createServer, runTrial, type TrialResult } from './trial.js';

export interface CaptureCampaignOptions {
  readonly directory: string;
  /** Of the first trial; the others follow. */
  readonly seed: number;
  readonly count: number;
  readonly atOnce: number;
  /** Time after which no trial begins. */
  readonly deadline: number;
  /** Name of a fault that is planted into edp, or `all`. */
  readonly plant: string | undefined;
  say(text: string): void;
}

export interface CaptureCampaignResults {
  readonly trials: number;
  readonly seconds: number;
  readonly bad: readonly { readonly seed: number; readonly faults: readonly string[] }[];
  readonly counts: Counts;
  /** Of each planted fault, in how many trials it was found. */
  readonly found: readonly {
    readonly plant: string;
    readonly trials: number;
    readonly found: number;
    readonly first: string;
  }[];
}

const WRITERS = 20;
const TRANSACTIONS = 6;

export async function runCaptureCampaign(
  options: CaptureCampaignOptions,
): Promise<CaptureCampaignResults> {
  const { plant, say } = options;
  const startedAt = Date.now();
  if (plant === undefined) {
    const result = await runTrials(options, path.join(fileURLToPath(ROOT), 'dist/cli.js'), false);
    return { ...result, seconds: (Date.now() - startedAt) / 1000, found: [] };
  }
  const chosen = PLANTS.filter(({ name }) => plant === 'all' || name === plant);
  if (chosen.length === 0)
    throw new Error(`the planted faults are ${PLANTS.map(({ name }) => name).join(', ')}`);
  const found = [];
  for (const one of chosen) {
    say(`planted: ${one.name}`);
    const result = await runTrials(options, buildWith(one, options.directory), true);
    found.push({
      plant: one.name,
      trials: result.trials,
      found: result.bad.length,
      first: (result.bad[0]?.faults[0] ?? '').split('\n')[0]!.slice(0, 120),
    });
    say(`${one.name}: found in ${result.bad.length} of ${result.trials} trials`);
  }
  return {
    trials: 0,
    bad: [],
    counts: new Counts(),
    seconds: (Date.now() - startedAt) / 1000,
    found,
  };
}

async function runTrials(
  { directory, seed, count, atOnce, deadline, say }: CaptureCampaignOptions,
  cli: string,
  isPlanted: boolean,
): Promise<Omit<CaptureCampaignResults, 'found' | 'seconds'>> {
  const startedAt = Date.now();
  const counts = new Counts();
  const bad: { seed: number; faults: readonly string[] }[] = [];
  let next = seed;
  let trials = 0;
  const work = async (worker: number) => {
    let server = await createServer();
    try {
      while (next < seed + count && Date.now() < deadline) {
        const own = next++;
        const result = await runTrial({
          server,
          directory: path.join(directory, `capture-${worker}`),
          name: `trial_${worker}`,
          cli,
          seed: own,
          writers: WRITERS,
          transactions: TRANSACTIONS,
        }).catch(async (error: Error): Promise<TrialResult> => {
          say(`seed ${own} failed: ${error.message}`);
          // Whatever state it is in.
          await server.remove();
          server = await createServer();
          return {
            seed: own,
            faults: [`the trial itself failed: ${error.stack}`],
            counts: new Counts(),
            seconds: 0,
          };
        });
        trials++;
        counts.merge(result.counts);
        if (result.faults.length > 0) {
          bad.push({ seed: own, faults: result.faults });
          if (isPlanted) say(`  seed ${own}: ${result.faults[0]!.slice(0, 160)}`);
          else say(`BAD seed ${own}:\n${result.faults.join('\n')}`);
        }
        if (!isPlanted && trials % 5 === 0) {
          const minutes = (Date.now() - startedAt) / 60_000;
          say(
            `${trials} of ${count} trials, up to seed ${own}, ${minutes.toFixed(1)} min, ${bad.length} bad`,
          );
        }
      }
    } finally {
      await server.remove();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, i) => work(i)));
  return { trials, counts, bad };
}

/** edp with a fault, built in a folder of its own. @returns its program */
function buildWith({ name, edits }: Plant, directory: string): string {
  const root = fileURLToPath(ROOT);
  const home = path.join(directory, `planted-${name.replaceAll(/\W+/g, '-')}`);
  for (const part of [
    'src',
    'sql',
    'build.mjs',
    'rolldown.config.mjs',
    'asconfig.json',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tests/faults/inject.js',
    'docs',
    'reports',
    'data',
  ]) {
    cpSync(path.join(root, part), path.join(home, part), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(home, 'node_modules'));
  for (const { file, find, replace } of edits) {
    const text = readFileSync(path.join(home, file), 'utf8');
    if (!text.includes(find))
      throw new Error(`${file} has no ${JSON.stringify(find)} to plant "${name}"`);
    writeFileSync(path.join(home, file), text.replaceAll(find, replace));
  }
  execFileSync(process.execPath, ['build.mjs'], { cwd: home, stdio: 'pipe' });
  return path.join(home, 'dist/cli.js');
}
