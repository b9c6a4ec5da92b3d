/** The line of the progress bar at each width of a terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutBar } from '../../src/terminal/bar-line.js';

const LOAD = {
  share: 0.25,
  label: '',
  counts: ['12,345,678 rows'],
  rates: ['1,234,567 rows/s', '207 MB/s'],
  timeLeft: '12 min 30 s',
  last: '12,345 rejected',
};

describe('a bar', () => {
  it.each([
    {
      columns: 160,
      line: '██████░░░░░░░░░░░░░░░░░░ 25% | 12,345,678 rows | 1,234,567 rows/s, 207 MB/s | ETA 12 min 30 s | 12,345 rejected',
    },
    {
      columns: 80,
      line: '██░░░░ 25% | 1,234,567 rows/s, 207 MB/s | ETA 12 min 30 s | 12,345 rejected',
    },
    { columns: 60, line: '25% | 1,234,567 rows/s | ETA 12 min 30 s | 12,345 rejected' },
    { columns: 40, line: '25% 1,234,567 rows/s ETA 12 min 30 s' },
    { columns: 24, line: '25% | ETA 12 min 30 s' },
    { columns: 3, line: '25' },
  ])('of $columns columns', ({ columns, line }) => {
    expect(layOutBar(LOAD, columns)).toBe(line);
  });

  it('of a step keeps its name, or what was done, and the time left', () => {
    const undo = {
      ...LOAD,
      label: 'load 7: rows',
      counts: ['5 rows removed'],
      rates: [],
      last: '',
    };
    expect(layOutBar(undo, 80)).toBe(
      '██████░░░░░░░░░░░░░░░░░░ 25% | load 7: rows, 5 rows removed | ETA 12 min 30 s',
    );
    expect(layOutBar(undo, 40)).toBe('25% | load 7: rows | ETA 12 min 30 s');
  });

  it('never is as wide as the terminal, and from 40 columns on has rate and time left', () => {
    fc.assert(
      fc.property(
        fc.record({
          share: fc.double({ min: 0, max: 1, noNaN: true }),
          label: fc.constantFrom('', 'load 123: trying rejects again'),
          counts: fc.array(fc.constantFrom('1 rows', '123,456,789,012 rows'), { maxLength: 2 }),
          rates: fc.constantFrom(['9 rows/s', '1.2 kB/s'], ['3,234,567 rows/s', '999 MB/s']),
          timeLeft: fc.constantFrom('–', '0.1 s', '59 min 59 s', '99 h 59 min'),
          last: fc.constantFrom('', '123,456,789 rejected'),
        }),
        fc.integer({ min: 1, max: 200 }),
        (parts, columns) => {
          const line = layOutBar(parts, columns);
          expect(line.length).toBeLessThan(Math.max(2, columns));
          if (columns < 40) return;
          expect(line).toContain(`ETA ${parts.timeLeft}`);
          expect(line).toContain(parts.rates[0]);
        },
      ),
    );
  });
});
