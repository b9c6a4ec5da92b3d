/** Up to 240 cases of what `npm run test:faults -- --agreement 20000` tries. */
import { describe, expect, it } from 'vitest';
import { makeDirectory } from '../support/cli.js';
import { runAgreement } from './agreement.js';

describe('random tables and files', () => {
  it('what edp says, and what it loads, is what the server makes of one record after the other', {
    timeout: 300_000,
  }, async () => {
    const { failures, cases } = await runAgreement({
      directory: await makeDirectory(),
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
