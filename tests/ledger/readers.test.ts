/** The property of the log of changes; `npm run test:faults -- --readers N` is the long form. */
import { expect, it } from 'vitest';
import { runReaders } from '../faults/readers.js';
import { withDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');

it('a reader misses no change, and sees none that was not', { timeout: 240_000 }, async () => {
  await withDirectory(async (directory) => {
    const results = await runReaders({
      directory,
      database: database.config,
      url: database.url,
      seed: 12,
      commands: 18,
      atOnce: 3,
      deadline: Date.now() + 90_000,
    });
    expect(results.problems).toEqual([]);
    expect(results.killed).toBeGreaterThan(0);
    expect(results.transactions).toBeGreaterThan(10);
    expect(results.stale).toBeGreaterThan(10);
    expect(results.looks - results.stale).toBeGreaterThan(10);
  });
});
