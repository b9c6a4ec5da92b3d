/** Which files are claimed together, and which are loaded together. */
import { describe, expect, it } from 'vitest';
import { type GroupableWithSplits, inGroups, inWaves } from '../../src/load/groups.js';

const MEGABYTE = 1024 * 1024;

describe('waves of files', () => {
  const sizes = (waves: number[][]) => waves.map((wave) => wave.length);
  it.each<[string, files: number[], processCount: number, waves: number[]]>([
    ['no files', [], 2, []],
    ['few small files are one wave', [1, 2, 3], 2, [3]],
    ['a file that is larger than a wave is one by itself', [100 * MEGABYTE], 1, [1]],
    ['a large file ends a wave', [1, 100 * MEGABYTE, 1], 1, [1, 1, 1]],
    ['a wave has 16 files for each of two groups a worker', Array(70).fill(1), 1, [32, 32, 6]],
    ['more workers, larger waves', Array(70).fill(1), 2, [64, 6]],
    ['a wave has 8 MB for each of its groups', Array(5).fill(7 * MEGABYTE), 1, [2, 2, 1]],
  ])('%s', (_, files, processCount, waves) => {
    expect(sizes(inWaves(files, (size) => size, processCount))).toEqual(waves);
  });
});

describe('groups of loads', () => {
  const table = {};
  const columns = [{ name: 'id' }];
  interface Load extends GroupableWithSplits {
    readonly name: string;
  }
  const load = (name: string, change: Partial<Record<string, unknown>> = {}): Load => {
    const { size = 10, batchBytes = 1000, splits = 1, isExact = true } = change as never;
    const range = { from: 0, until: size, isExact };
    return {
      name,
      prepared: {
        target: { table: (change.table as object) ?? table },
        plan: { columns: (change.columns as object[]) ?? columns },
        file: { size },
      },
      plan: { splits: Array.from({ length: splits }, () => ({ range })), batchBytes },
    };
  };
  it.each<[string, loads: Load[], groups: string[]]>([
    ['none', [], []],
    [
      'a worker takes its share',
      ['a', 'b', 'c', 'd'].map((name) => load(name)),
      ['a', 'b', 'c', 'd'],
    ],
    ['small ones go together', [...'abcdefgh'].map((name) => load(name)), ['ab', 'cd', 'ef', 'gh']],
    [
      'not those of another table',
      [...'abcdefgh'].map((name) => load(name, name === 'b' ? { table: {} } : {})),
      ['a', 'b', 'cd', 'ef', 'gh'],
    ],
    [
      'nor those with other columns',
      [...'abcdefgh'].map((name) => load(name, name === 'd' ? { columns: [] } : {})),
      ['ab', 'c', 'd', 'ef', 'gh'],
    ],
    [
      'equal columns are the same',
      [...'abcdefgh'].map((name) => load(name, { columns: [{ name: 'id' }] })),
      ['ab', 'cd', 'ef', 'gh'],
    ],
    [
      'nor those of several splits, nor a piece that another run left',
      [...'abcdefgh'].map((name) =>
        load(name, name === 'a' ? { splits: 2 } : name === 'c' ? { isExact: false } : {}),
      ),
      ['a', 'b', 'c', 'de', 'fg', 'h'],
    ],
    [
      'together they are no more than a split',
      [...'abcdefgh'].map((name) => load(name, { batchBytes: 19 })),
      [...'abcdefgh'],
    ],
  ])('%s', (_, loads, groups) => {
    const names = inGroups(loads, 2).map((group) => group.map(({ name }) => name).join(''));
    expect(names).toEqual(groups);
  });
});
