import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutGap, findGaps } from '../../../src/formats/text/cut-ranges.js';
import type { CommittedRange } from '../../../src/formats/text/ranges.js';

const range = (start: number, end: number, firstLine: number, lineCount: number) => ({
  start,
  end,
  firstLine,
  lineCount,
});

describe('gaps', () => {
  const [dataStart, dataLine, size] = [10, 2, 100];
  it.each<[string, CommittedRange[], [start: number, end: number, firstLine: number][]]>([
    ['nothing committed', [], [[10, 100, 2]]],
    ['all committed', [range(10, 100, 2, 9)], []],
    ['all committed in parts', [range(10, 40, 2, 3), range(40, 100, 5, 6)], []],
    ['the end is missing', [range(10, 40, 2, 3)], [[40, 100, 5]]],
    ['the start is missing', [range(40, 100, 5, 6)], [[10, 40, 2]]],
    ['the middle is missing', [range(10, 40, 2, 3), range(60, 100, 8, 4)], [[40, 60, 5]]],
    [
      'several are missing',
      [range(20, 40, 3, 2), range(60, 70, 9, 1)],
      [
        [10, 20, 2],
        [40, 60, 5],
        [70, 100, 10],
      ],
    ],
  ])('%s', (_, committed, gaps) => {
    expect(findGaps(dataStart, dataLine, size, committed)).toEqual(
      gaps.map(([start, end, firstLine]) => ({ start, end, firstLine })),
    );
  });

  it('of a file without data: none', () => {
    expect(findGaps(50, 2, 50, [])).toEqual([]);
  });

  it('and committed ranges are the file, each byte once', () => {
    const parts = fc.array(
      fc.record({
        bytes: fc.integer({ min: 1, max: 50 }),
        lines: fc.nat(9),
        isCommitted: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(parts, fc.nat(100), fc.integer({ min: 1, max: 9 }), (splits, from, line) => {
        let [at, atLine] = [from, line];
        const ranges = splits.map(({ bytes, lines, isCommitted }) => {
          const made = { ...range(at, at + bytes, atLine, lines), isCommitted };
          at += bytes;
          atLine += lines;
          return made;
        });
        const committed = ranges.filter(({ isCommitted }) => isCommitted);
        const gaps = findGaps(from, line, at, committed);
        const covered = [...committed, ...gaps].sort((a, b) => a.start - b.start);
        expect(covered.map(({ start }) => start)).toEqual(
          covered.map((_, i) => (i === 0 ? from : covered[i - 1]!.end)),
        );
        expect(covered.at(-1)?.end ?? from).toBe(at);
        for (const gap of gaps) {
          expect(gap.firstLine).toBe(ranges.find(({ start }) => start === gap.start)!.firstLine);
        }
      }),
    );
  });
});

describe('splits of a gap', () => {
  it.each([
    ['smaller than a split', { start: 10, end: 60 }, 100, [[10, 60]]],
    ['one and a half splits', { start: 0, end: 149 }, 100, [[0, 149]]],
    [
      'a bit more',
      { start: 0, end: 150 },
      100,
      [
        [0, 75],
        [75, 150],
      ],
    ],
    [
      'uneven',
      { start: 5, end: 15 },
      3,
      [
        [5, 8],
        [8, 11],
        [11, 15],
      ],
    ],
    ['a single byte', { start: 7, end: 8 }, 1, [[7, 8]]],
  ])('%s', (_, gap, splitBytes, expected) => {
    const splits = cutGap({ ...gap, firstLine: 2 }, splitBytes);
    expect(splits.map(({ from, until }) => [from, until])).toEqual(expected);
  });

  it('cover it exactly, each about as large as asked, and only the first is known to be a start', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.integer({ min: 1, max: 200 }),
        (start, length, parts) => {
          const splitBytes = Math.max(1, length / parts);
          const splits = cutGap({ start, end: start + length, firstLine: 1 }, splitBytes);
          expect(splits[0]!.from).toBe(start);
          expect(splits.at(-1)!.until).toBe(start + length);
          for (const [i, { from, until, isExact }] of splits.entries()) {
            expect(isExact).toBe(i === 0);
            expect(until).toBeGreaterThan(from);
            if (i > 0) expect(from).toBe(splits[i - 1]!.until);
            if (splits.length > 1) {
              expect(until - from).toBeGreaterThan(splitBytes / 2 - 1);
              expect(until - from).toBeLessThan(splitBytes * 1.5 + 1);
            }
          }
        },
      ),
    );
  });
});
