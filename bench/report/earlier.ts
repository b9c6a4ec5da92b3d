/** A run that broke off, to go on with: what it has measured need not be measured again. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../options.js';
import type { Results } from './results.js';

const CONDITIONS = ['options', 'machine', 'versions', 'serverSettings', 'contenders'] as const;

/** What both runs must have in common, so that their workloads can stand in one report. */
export type Conditions = Pick<Results, (typeof CONDITIONS)[number]>;

/** @throws UsageError where there is none */
export async function readEarlier(file: string): Promise<Results> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Results;
  } catch (error) {
    throw new UsageError(`--resume: no run to go on with: ${(error as Error).message}`);
  }
}

/** @throws UsageError where the earlier run was made under other conditions */
export function assertSameConditions(earlier: Conditions, now: Conditions): void {
  for (const name of CONDITIONS) {
    const [then, today] = [earlier, now].map((conditions) => JSON.stringify(conditions[name]));
    if (then !== today) {
      throw new UsageError(`--resume: ${name} differ: ${then} then, ${today} now`);
    }
  }
}
