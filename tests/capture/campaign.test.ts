/** A short version of the trials of capture; CAPTURE_SEEDS=1,2,3 runs longer ones. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { CLI, cleanEnvironment, withDirectory } from '../support/cli.js';
import { createTestDatabase } from '../support/database.js';
import { runTrial } from './trial.js';

const SEEDS = process.env.CAPTURE_SEEDS?.split(',').map(Number) ?? [1];

it.each(SEEDS)('loses and repeats nothing, whatever is killed (seed %i)', async (seed) => {
  const database = await createTestDatabase('empty');
  const faults = await withDirectory((directory) =>
    runTrial({
      config: database.config,
      url: database.url,
      directory: path.join(directory, 'p'),
      cli: CLI,
      env: cleanEnvironment(),
      seed,
      writers: 20,
      transactions: SEEDS.length > 1 ? 12 : 6,
      kills: SEEDS.length > 1 ? 3 : 2,
    }),
  );
  expect(faults).toEqual([]);
});
