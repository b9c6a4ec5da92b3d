/** Checks of what a test cannot make: old Nodes, little memory, other clocks, many transactions. */
import { describe, expect, it } from 'vitest';
import { PLACE_CHECKS, SERVER_CHECKS } from '../../src/doctor/all-checks.js';
import type { Place, Served } from '../../src/doctor/context.js';
import { judgeAge, judgeHolder } from '../../src/doctor/health-checks.js';

const place: Place = {
  directory: '/',
  environment: {},
  machine: { nodeVersion: 'v22.13.0', memoryBytes: 16e9, now: () => 0 },
  databaseUrl: undefined,
  urlOrigin: undefined,
  processCount: 4,
  address: undefined,
  project: undefined,
};

const lookAt = (name: string, context: Place) =>
  PLACE_CHECKS.find((check) => check.name === name)!.look(context);
const lookOn = (name: string, context: Partial<Served>) =>
  SERVER_CHECKS.find((check) => check.name === name)!.look(context as Served);

describe('a check', () => {
  it.each([
    ['v18.20.0', 1],
    ['v20.18.0', 1],
    ['v20.19.0', 0],
    ['v21.7.0', 1],
    ['v22.12.0', 1],
    ['v22.13.1', 0],
    ['v24.0.0', 0],
    ['v26.1.0', 0],
  ])('node-version of %s', async (nodeVersion, count) => {
    const found = await lookAt('node-version', {
      ...place,
      machine: { ...place.machine, nodeVersion },
    });
    expect(found).toHaveLength(count);
  });

  it('memory: the line of its mend is enough', async () => {
    const machine = { ...place.machine, memoryBytes: 256e6 };
    const [found] = await lookAt('memory', { ...place, processCount: 8, machine });
    expect(found).toMatchObject({ severity: 'warning' });
    const processCount = Number(/^process-count: (\d+)$/.exec(found!.mend[0]!.text)![1]);
    expect(await lookAt('memory', { ...place, processCount, machine })).toEqual([]);
  });

  it.each([
    [13, 'error'],
    [14, undefined],
    [18, undefined],
    [19, 'warning'],
  ])('server-version of PostgreSQL %i', async (major, severity) => {
    expect((await lookOn('server-version', { version: major * 10_000 }))[0]?.severity).toBe(
      severity,
    );
  });

  it.each([
    [0, undefined],
    [4000, undefined],
    [60_000, 'the clock of the server is 60 s ahead of the clock here'],
    [-60_000, 'the clock of the server is 60 s behind the clock here'],
  ])('clock that differs by %i ms', async (server, problem) => {
    expect((await lookOn('clock', { clock: { server, here: 0 } }))[0]?.problem).toBe(problem);
  });

  it.each([
    [200e6, undefined],
    [1.2e9, 'warning'],
    [1.9e9, 'error'],
  ])('transaction-ids of age %i', (age, severity) => {
    expect(judgeAge(age)[0]?.severity).toBe(severity);
  });

  it('time-limits that a pooler did not turn off', async () => {
    const limits = [{ name: 'statement_timeout', value: '30s' }];
    expect(await lookOn('time-limits', { limits })).toMatchObject([{ severity: 'error' }]);
  });

  it.each([
    [5, undefined],
    [90, 'warning'],
  ])(
    'blocking-sessions: a session at work that others have waited %i s for',
    (seconds, severity) => {
      const [found] = judgeHolder({ pid: 7, role: 'me', application: 'psql', waiting: 2, seconds });
      expect(found?.severity).toBe(severity);
      if (severity !== undefined) {
        expect(found?.mend.at(-1)?.text).toBe('SELECT pg_cancel_backend(7);');
      }
    },
  );

  it('tables-differ is bounded, however many tables there are', async () => {
    let now = 0;
    const machine = { ...place.machine, now: () => (now += 6000) };
    const tables = Array.from({ length: 10_000 }, (_, i) => ({
      oid: i,
      name: `t${i}`,
      declared: undefined,
    }));
    await expect(lookOn('tables-differ', { machine, tables, otherKinds: [] })).rejects.toThrow(
      /of 10000 tables agree; the others were not looked at within 10 s/,
    );
  });

  it('has a name of its own, and says all that a reader needs', () => {
    const all = [...PLACE_CHECKS, ...SERVER_CHECKS];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(40);
    for (const { looksAt, why, mends, severities } of all) {
      for (const text of [looksAt, why, mends]) expect(text).toMatch(/[^.]$/);
      expect(severities.length).toBeGreaterThan(0);
    }
  });
});
