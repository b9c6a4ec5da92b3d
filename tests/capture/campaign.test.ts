/** A short version of the trials of capture; `npm run test:faults -- --capture 200` runs longer ones. */
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Journal } from '../faults/capture/journal.js';
import { createServer, runTrial } from '../faults/capture/trial.js';
import type { FaultServer } from '../faults/server.js';
import { CLI, withDirectory } from '../support/cli.js';

let server: FaultServer;
beforeAll(async () => {
  server = await createServer();
});
afterAll(() => server.remove());

const SEEDS = process.env.CAPTURE_SEEDS?.split(',').map(Number) ?? [1, 2];

it.each(SEEDS)(
  'loses and invents nothing, whatever is killed (seed %i)',
  { timeout: 300_000 },
  async (seed) => {
    const { faults } = await withDirectory((directory) =>
      runTrial({
        server,
        directory: path.join(directory, 'trial'),
        name: `trial_${seed}`,
        cli: CLI,
        seed,
        writers: 20,
        transactions: 8,
      }),
    );
    expect(faults).toEqual([]);
  },
);

it('events of a transaction that was tried again are not those of the try whose answer was lost', () => {
  const journal = new Journal();
  journal.note(['delete 2 first-2', 'write 3 k1'], 'unknown');
  journal.note(['delete 2 first-2', 'write 3 k2'], 'committed');
  expect(journal.judge(new Map([['7', ['delete 2 first-2', 'write 3 k2']]]))).toEqual([]);
  expect(journal.judge(new Map([['7', ['write 3 k2']]]))).toEqual([
    'journal: no event of "delete 2 first-2"',
  ]);
});
