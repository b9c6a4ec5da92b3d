/** Some hundred cases of what `npm run test:faults -- --agreement 20000` tries. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runAgreement } from './agreement.js';

describe('random tables and files', () => {
  it('what edp says, and what it loads, is what the server makes of one record after the other', {
    timeout: 300_000,
  }, async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'edp-agreement-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const { failures, cases } = await runAgreement({
      directory,
      seed: 1,
      count: 240,
      atOnce: 2,
      deadline: Date.now() + 90_000,
      say: () => {},
    });
    expect(failures).toEqual([]);
    expect(cases).toBeGreaterThan(40);
  });
});
