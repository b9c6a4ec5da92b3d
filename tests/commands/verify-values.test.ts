/** Differing values as `edp verify` prints them. */
import { describe, expect, it } from 'vitest';
import { showDiffering } from '../../src/commands/verify-values.js';

const LONG = 'x'.repeat(300);

describe('two values that differ', () => {
  it.each<[string, string | null, string | null, string, string]>([
    ['short ones', '10', '11', '"10"', '"11"'],
    ['NULL and a long one', null, LONG, 'NULL', `"${'x'.repeat(80)}…"`],
    [
      'long ones, at the beginning',
      `a${LONG}`,
      `b${LONG}`,
      `"a${'x'.repeat(79)}…"`,
      `"b${'x'.repeat(79)}…"`,
    ],
    [
      'long ones, far behind',
      `${LONG}1${'y'.repeat(100)}`,
      `${LONG}2z`,
      `"…${'x'.repeat(20)}1${'y'.repeat(59)}…" (from character 281 on)`,
      `"…${'x'.repeat(20)}2z" (from character 281 on)`,
    ],
    [
      'one that goes on where the other one ends',
      LONG,
      `${LONG} `,
      `"…${'x'.repeat(20)}" (from character 281 on)`,
      `"…${'x'.repeat(20)} " (from character 281 on)`,
    ],
    [
      'pairs of surrogates, which stay whole',
      `${'😀'.repeat(100)}1`,
      `${'😀'.repeat(100)}2`,
      `"…${'😀'.repeat(10)}1" (from character 181 on)`,
      `"…${'😀'.repeat(10)}2" (from character 181 on)`,
    ],
    [
      'halves of pairs that differ',
      `${'a'.repeat(99)}😀`,
      `${'a'.repeat(99)}😁`,
      `"…${'a'.repeat(19)}😀" (from character 81 on)`,
      `"…${'a'.repeat(19)}😁" (from character 81 on)`,
    ],
  ])('%s', (_, file, table, ...shown) => {
    expect(showDiffering([file, table])).toEqual(shown);
  });
});
