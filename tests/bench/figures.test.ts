/** What the benchmark makes of its figures: ratios, goals, and whether a load left the right rows. */
import { describe, expect, it } from 'vitest';
import type { Dataset, Totals } from '../../bench/datasets/dataset.js';
import { ratioOf, spreadOf } from '../../bench/measure/statistics.js';
import { judge, speedsOf } from '../../bench/report/judge.js';
import type { EntryResult } from '../../bench/rounds.js';
import { addTotals, assertGuards, assertTotals } from '../../bench/tables.js';
import type { Goal } from '../../bench/workload.js';

/** An entry of 100 rows in files of so many bytes, that took so many seconds and bytes in each round. */
function result(key: string, seconds: readonly number[], rssBytes = 0, fileBytes = 0): EntryResult {
  const usage = { peakRssBytes: rssBytes, peakPssBytes: 0, cpuSeconds: 0 };
  return {
    entry: { key, dataset: { rows: 100, bytes: fileBytes } as Dataset } as EntryResult['entry'],
    rounds: seconds.map((each) => ({ seconds: each, client: usage, server: usage })),
  };
}

/** The same, whose tasks took so long in each round. */
function withTasks({ entry, rounds }: EntryResult, taskSeconds: number): EntryResult {
  return { entry, rounds: rounds.map((round) => ({ ...round, taskSeconds })) };
}

describe('statistics', () => {
  it.each([
    ['one value', [3], { median: 3, min: 3, max: 3 }],
    ['an odd number, unsorted', [9, 1, 10], { median: 9, min: 1, max: 10 }],
    ['an even number', [4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
  ])('%s', (_, values, spread) => {
    expect(spreadOf(values)).toEqual(spread);
  });

  it('compares medians, and least and most within a round', () => {
    expect(ratioOf([10, 20, 30], [5, 5, 30])).toEqual({ median: 4, min: 1, max: 4 });
  });

  it('compares a contender of fewer rounds', () => {
    expect(ratioOf([10, 20, 30], [5])).toEqual({ median: 4, min: 2, max: 4 });
  });
});

it('tells the speed of runs without rows', () => {
  const { entry, rounds } = result('nothing', [0.5]);
  expect(speedsOf({ entry: { ...entry, dataset: { rows: 0 } as Dataset }, rounds })).toEqual([2]);
});

describe('goals', () => {
  const results = [
    result('fast', [1, 1, 2], 150e6, 1000),
    result('slow', [4, 2, 2], 310e6, 3000),
    result('left out', []),
    withTasks(result('with tasks', [3, 3]), 0.5),
  ];
  const speed = (of: string, against: string, atLeast: number, aim: number): Goal => ({
    kind: 'speed',
    title: '',
    of,
    against,
    atLeast,
    aim,
  });
  const cases: [string, Goal, number | undefined, boolean | undefined, boolean | undefined][] = [
    ['speed, with its aim', speed('fast', 'slow', 1.5, 2), 2, true, true],
    ['speed, without its aim', speed('fast', 'slow', 1.5, 2.1), 2, true, false],
    ['speed, missed', speed('slow', 'fast', 0.6, 1), 0.5, false, false],
    [
      'a contender that was left out',
      speed('fast', 'left out', 1, 1),
      undefined,
      undefined,
      undefined,
    ],
    ['a contender that is absent', speed('absent', 'fast', 1, 1), undefined, undefined, undefined],
    [
      'bytes a second, of files that differ in size',
      { kind: 'byte speed', title: '', of: 'slow', against: 'fast', atLeast: 0.6, aim: 1 },
      1.5,
      true,
      true,
    ],
    [
      'even speed: slowest by fastest, in whatever order',
      { kind: 'even speed', title: '', of: ['fast', 'slow'], atLeast: 0.5, aim: 0.9 },
      0.5,
      true,
      false,
    ],
    [
      'memory: the greatest of all',
      { kind: 'memory', title: '', of: ['fast', 'slow'], atMost: 300e6, aim: 200e6 },
      310e6,
      false,
      false,
    ],
    [
      'flat memory',
      { kind: 'flat memory', title: '', of: 'fast', against: 'fast', atMost: 1.1, aim: 1 },
      1,
      true,
      true,
    ],
    [
      'seconds, without its aim',
      { kind: 'seconds', title: '', of: 'slow', atMost: 2, aim: 1 },
      2,
      true,
      false,
    ],
    [
      'seconds of tasks, as a part of what is allowed',
      {
        kind: 'allowance',
        title: '',
        of: 'with tasks',
        against: 'slow',
        share: 0.5,
        seconds: 1,
        atMost: 1,
        aim: 0.2,
      },
      0.25,
      true,
      false,
    ],
  ];
  it.each(cases)('%s', (_, goal, measured, isReached, isAimReached) => {
    const verdict = judge(goal, results);
    expect(verdict.measured?.median).toBe(measured);
    expect(verdict.isReached).toBe(isReached);
    expect(verdict.isAimReached).toBe(isAimReached);
  });
});

describe('what a load left', () => {
  const existing: Totals = { rows: 2, sums: { id: '3' }, hash: '-7' };
  const loaded: Totals = { rows: 3, sums: { id: '12' }, hash: '90071992547409931' };
  const both: Totals = { rows: 5, sums: { id: '15' }, hash: '90071992547409924' };

  it('adds to what was there, exactly', () => {
    expect(addTotals(existing, loaded)).toEqual(both);
  });

  it.each([
    ['the same', both, undefined],
    ['a row too few', { ...both, rows: 4 }, /row count is 4, should be 5/],
    ['another sum', { ...both, sums: { id: '16' } }, /sum of id is 16, should be 15/],
    ['a value changed', { ...both, hash: '90071992547409925' }, /hash of all rows/],
    ['sums alone, where the hash is known', { ...both, hash: undefined }, /hash of all rows/],
  ])('%s', (_, actual, fault) => {
    const check = () => assertTotals('edp', actual as Totals, both);
    if (fault === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(fault);
  });

  const guards = ['PRIMARY KEY (id)', 'CREATE INDEX a', 'ri O', 'ri O'];
  it.each([
    ['the same', guards, false],
    ['an index lost', guards.slice(0, 1), true],
    ['a constraint not valid', ['PRIMARY KEY (id) not valid', ...guards.slice(1)], true],
    ['an index more', [...guards, 'CREATE INDEX b'], true],
  ])('constraints: %s', (_, after, isFault) => {
    const check = () => assertGuards('edp', after, guards);
    if (isFault) expect(check).toThrow(/changed the table's constraints/);
    else expect(check).not.toThrow();
  });
});
