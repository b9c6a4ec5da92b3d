/** Names in messages. */
import { expect, it } from 'vitest';
import { listNames, nearest } from '../../src/base/nearest.js';

const names = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);

it.each([
  { count: 0, shown: '' },
  { count: 2, shown: 't0, t1' },
  { count: 20, shown: /, t19$/ },
  { count: 21, shown: /, t19 and 1 more$/ },
  { count: 5000, shown: /, t19 and 4980 more$/ },
])('$count names in a message', ({ count, shown }) => {
  expect(listNames(names(count))).toMatch(shown);
});

it.each([
  { word: 'evnts', words: ['events', 'first'], meant: 'events' },
  { word: 'output', words: ['out', 'to', 'format'], meant: 'out' },
  { word: 'outpost', words: ['from', 'to'], meant: undefined },
  { word: 'lim', words: ['limit', 'list'], meant: 'limit' },
])('$word of $words means $meant', ({ word, words, meant }) => {
  expect(nearest(word, words)).toBe(meant);
});
