import { expect, it } from 'vitest';
import { isDay } from '../../src/model/day.js';

it.each([
  ['2024-02-29', true],
  ['0001-01-01', true],
  ['2023-02-29', false],
  ['2024-02-30', false],
  ['2024-13-01', false],
  ['2024-1-1', false],
  ['2024-01-01T00:00', false],
  ['', false],
])('whether %j is a day: %j', (text, is) => {
  expect(isDay(text)).toBe(is);
});
