import { describe, expect, it } from 'vitest';
import { backOff, RETRIES, type RetryPolicy, retry } from '../../src/base/retry.js';

/** Fails as often as there are errors, then gives the number of tries. */
function failing(...errors: Error[]) {
  let tries = 0;
  return {
    work: async () => {
      tries++;
      const error = errors[tries - 1];
      if (error !== undefined) throw error;
      return tries;
    },
    get tries() {
      return tries;
    },
  };
}

const passing = (text = 'busy') => Object.assign(new Error(text), { code: '40001' });
const mayPass = (error: Error) => 'code' in error;
const QUICK: RetryPolicy = { firstDelayMs: 1, maxDelayMs: 2 };

describe('work that fails', () => {
  it('is tried again until it succeeds', async () => {
    const { work } = failing(passing(), passing(), passing());
    expect(await retry(work, mayPass, QUICK)).toBe(4);
  });

  it('is given up after so many tries, with the last error', async () => {
    const job = failing(passing('1'), passing('2'), passing('3'), passing('4'));
    await expect(retry(job.work, mayPass, { ...QUICK, retries: 2 })).rejects.toThrow(/^3$/);
    expect(job.tries).toBe(3);
  });

  it('is given up after a number of tries that is the same for all, unless a policy says more', async () => {
    const errors = Array.from({ length: 30 }, (_, i) => passing(String(i)));
    const usual = failing(...errors);
    await expect(retry(usual.work, mayPass, QUICK)).rejects.toThrow(String(RETRIES));
    expect(usual.tries).toBe(RETRIES + 1);
    const patient = failing(...errors);
    const policy = { ...QUICK, retries: Number.POSITIVE_INFINITY };
    expect(await retry(patient.work, mayPass, policy)).toBe(31);
  });

  it('for a reason that does not pass is not tried again', async () => {
    const job = failing(passing(), new Error('wrong'), passing());
    await expect(retry(job.work, mayPass, QUICK)).rejects.toThrow('wrong');
    expect(job.tries).toBe(2);
  });
});

describe('the delay', () => {
  it.each([
    [1, 50],
    [2, 100],
    [3, 200],
  ])('after failure %d is %d ms, or up to twice that', async (failures, ms) => {
    const startedAt = performance.now();
    await backOff(failures);
    const elapsed = performance.now() - startedAt;
    // A timer may be early by the part of a millisecond that it does not count.
    expect(elapsed).toBeGreaterThan(ms - 2);
    expect(elapsed).toBeLessThan(2 * ms + 1000);
  });
});
