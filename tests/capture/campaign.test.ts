/** A short version of the trials of capture; tests/faults runs many. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { CLI, cleanEnvironment, withDirectory } from '../support/cli.js';
import { createTestDatabase } from '../support/database.js';
import { runTrial } from './trial.js';

const SEEDS = process.env.CAPTURE_SEEDS?.split(',').map(Number) ?? [1, 2];

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
      transactions: 12,
      kills: 3,
    }),
  );
  expect(faults).toEqual([]);
});
