/** Some of what `npm run test:faults -- --warehouse 1000` tries. */
import { describe, expect, inject, it } from 'vitest';
import { runPromise } from './promise.js';

describe('the promise of the warehouse', () => {
  it('holds after any sequence of loads, undone loads, changed declarations and killed runs', {
    timeout: 300_000,
  }, async () => {
    const { failures, sequences } = await runPromise({
      server: {
        host: inject('serverHost'),
        port: 5432,
        user: 'edp',
        database: 'postgres',
        ssl: false,
      },
      seed: 1,
      count: 25,
      atOnce: 2,
      deadline: Date.now() + 50_000,
      isShrunk: false,
      say: () => {},
    });
    expect(failures).toEqual([]);
    expect(sequences).toBeGreaterThan(5);
  });
});
