/** Workloads by letter and name, and two builds in one run. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareBuilds, contendersOf, pairEntries } from '../../bench/against.js';
import { findBuild } from '../../bench/builds.js';
import { edp } from '../../bench/contenders/edp.js';
import { psql } from '../../bench/contenders/psql.js';
import type { Dataset } from '../../bench/datasets/dataset.js';
import { parseOptions, UsageError } from '../../bench/options.js';
import { type EntryResult, turnsOf } from '../../bench/rounds.js';
import { type Entry, isChosen, labelOf } from '../../bench/workload.js';
import { WORKLOADS } from '../../bench/workloads/index.js';
import { makeDirectory } from '../support/cli.js';

describe('workloads', () => {
  it('have a letter and a name each, in order', () => {
    expect(WORKLOADS.map(labelOf).slice(0, 3)).toEqual([
      'A · bare-table',
      'B · model-table',
      'C · text',
    ]);
    const names = WORKLOADS.flatMap(({ letter, name }) => [letter.toLowerCase(), name]);
    expect(new Set(names).size).toBe(2 * WORKLOADS.length);
    expect(labelOf({ letter: 'A' })).toBe('A');
  });

  it.each([
    ['--only', 'A,text'],
    ['--only', 'bare-table,c'],
    ['--workload', 'a,C'],
  ])('are chosen by %s %s', (option, value) => {
    const { workloads } = parseOptions([option, value]);
    const chosen = WORKLOADS.filter((workload) => isChosen(workload, workloads!));
    expect(chosen.map(({ letter }) => letter)).toEqual(['A', 'C']);
  });
});

describe('rounds', () => {
  const groups = [['a', 'a2'], ['b', 'b2'], ['c']];
  it.each([
    [0, 'a a2 b b2 c'],
    [1, 'b2 b c a2 a'],
    [2, 'c a a2 b b2'],
    [3, 'a2 a b2 b c'],
  ])('round %i', (round, turns) => {
    expect(turnsOf(groups, round).join(' ')).toBe(turns);
  });
});

const entry = (contender: Entry['contender']): Entry => ({
  key: contender.name,
  title: contender.title,
  contender,
  dataset: { rows: 100 } as Dataset,
  target: {} as Entry['target'],
});

describe('two builds', () => {
  it('load what is of edp beside each other, and the rest alone', () => {
    const others = contendersOf({ directory: '/before', label: 'before' });
    const [pair, single] = pairEntries([entry(edp), entry(psql)], others);
    expect(pair!.map(({ contender, title }) => [contender.name, title])).toEqual([
      ['edp', 'edp ingest'],
      ['edp of before', 'edp ingest, the other build'],
    ]);
    expect(single!.map(({ key }) => key)).toEqual(['psql']);
  });

  it('are compared within each round', () => {
    const result = (seconds: readonly number[], cpuSeconds: number | undefined): EntryResult => ({
      entry: entry(edp),
      rounds: seconds.map((each) => {
        const usage = { peakRssBytes: 0, peakPssBytes: 0, cpuSeconds };
        return { seconds: each, client: usage, server: { ...usage, cpuSeconds: undefined } };
      }),
    });
    const pairs = [
      [result([1, 20, 4], 2), result([2, 20, 16], 4)],
      [result([1], 1)],
      [result([1], 1), result([], 1)],
    ];
    expect(compareBuilds(pairs)).toEqual([
      {
        title: 'edp ingest',
        seconds: 4,
        otherSeconds: 16,
        // 2, 1 and 4 times as fast.
        speed: { median: 2, min: 1, max: 4 },
        clientCpu: 0.5,
        serverCpu: undefined,
      },
    ]);
  });

  it('have to be built', async () => {
    const directory = await makeDirectory();
    expect(() => findBuild(directory)).toThrow(UsageError);
    const repository = path.join(import.meta.dirname, '../..');
    expect(findBuild(repository)).toEqual({
      directory: repository,
      label: path.basename(repository),
    });
  });

  it('are not gone on with', () => {
    expect(() => parseOptions(['--against', '.', '--resume'])).toThrow(UsageError);
  });
});
