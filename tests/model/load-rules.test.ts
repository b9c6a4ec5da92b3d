import { describe, expect, it } from 'vitest';
import { explainWords, joinWords } from '../../src/model/choices.js';
import {
  CONFLICT_RULES,
  mostLenient,
  ON_CONFLICT,
  type OnConflict,
  REPLACING,
} from '../../src/model/load-rules.js';

describe('the most lenient rule', () => {
  it.each<[string, OnConflict[], OnConflict]>([
    ['of none is the strictest there is', [], 'reject'],
    ['of one is that one', ['skip'], 'skip'],
    ['of several, in any order', ['skip', 'update', 'reject'], 'update'],
    ['of the two that replace nothing', ['skip', 'reject', 'skip'], 'skip'],
  ])('%s', (_, words, expected) => {
    expect(mostLenient(words)).toBe(expected);
  });
});

describe('a rule', () => {
  it('either replaces the row or says what a record is that does not', () => {
    expect(REPLACING).toContain('update');
    for (const word of ON_CONFLICT) {
      const { replacesRow, isDuplicate } = CONFLICT_RULES[word];
      expect(replacesRow && isDuplicate, word).toBe(false);
    }
  });
});

describe('words', () => {
  it.each<[readonly string[], string]>([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a or b'],
    [['a', 'b', 'c'], 'a, b or c'],
  ])('%j are joined', (words, text) => {
    expect(joinWords(words)).toBe(text);
  });

  it('are explained', () => {
    expect(explainWords({ a: 'one', b: 'another' })).toBe('a (one) or b (another)');
  });
});
