import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../../../src/formats/csv/dialect.js';
import { guessRecordStart } from '../../../../src/formats/csv/scan/boundary.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { COMMA, OLD_MAC, ONE_COLUMN, TAB } from './scanning.js';

const THREE: Dialect = { ...COMMA, fieldCount: 3 };
const THREE_TABS: Dialect = { ...TAB, fieldCount: 3 };

function lineEndOf({ lineEnd }: Dialect): number {
  return lineEnd === 'cr' ? 0x0d : 0x0a;
}

/** Where the split that ends at `from` really ends: known only to who reads from the start. */
function trueStart(bytes: Buffer, from: number, dialect: Dialect): number {
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(bytes.length + 1);
  scanner.scan(bytes, bytes.length, from, true, batch);
  return scanner.nextRecord;
}

function repeat(record: (i: number) => string): string {
  return Array.from({ length: 40 }, (_, i) => record(i)).join('');
}

const pretty = (i: number) =>
  JSON.stringify({ metrics: { metric_one: i, metric_two: 2 } }, undefined, 2).replaceAll('"', '""');

const FILES: readonly (readonly [name: string, Dialect, text: string])[] = [
  ['numbers', THREE, repeat((i) => `${i},2,3\n`)],
  ['quoted delimiters', THREE, repeat((i) => `${i},"a,b",","\n`)],
  ['CRLF', THREE, repeat((i) => `${i},"a""b",c\r\n`)],
  ['CR', { ...OLD_MAC, fieldCount: 3 }, repeat((i) => `${i},"line\rline",c\r`)],
  ['empty fields', THREE, repeat((i) => `${i},,""\n`)],
  ['blank lines', THREE, repeat((i) => `${i},a,b\n\n\n`)],
  ['JSON in quotes', THREE, repeat((i) => `${i},x,"{""metrics"": {""a"": ${i}}}"\n`)],
  ['JSON between tabs', THREE_TABS, repeat((i) => `${i}\t{"metrics": {"a": 1}}\tx\n`)],
  [
    'text of many lines',
    THREE,
    repeat((i) => `${i},"first line\nsecond, and ""more""\nthird",x\n`),
  ],
  ['text of many lines at the end', THREE, repeat((i) => `${i},x,"first\n\nsecond\n"\n`)],
  ['text of many lines in front', THREE, repeat((i) => `"first\nsecond ${i}",x,y\n`)],
  ['text of many lines, CRLF', THREE, repeat((i) => `${i},"first\r\nsecond\r\n",x\r\n`)],
  [
    'text of many lines here and there',
    THREE,
    repeat((i) => (i % 7 ? `${i},a,b\n` : `${i},"a\nb\nc",d\n`)),
  ],
  ['text of many lines between tabs', THREE_TABS, repeat((i) => `${i}\t"first\nsecond"\tx\n`)],
  ['pretty JSON', THREE, repeat((i) => `${i},x,"${pretty(i)}"\n`)],
  ['pretty JSON that begins with a line end', THREE, repeat((i) => `${i},x,"\n${pretty(i)}\n"\n`)],
  ['one column', ONE_COLUMN, repeat((i) => `${i}\n`)],
  ['one column, many lines', ONE_COLUMN, repeat((i) => `"first ${i}\nsecond\nthird"\n`)],
  ['dirt: stray quotes', THREE, repeat((i) => (i % 3 ? `${i},a,b\n` : `${i},a"b,c\n`))],
  ['dirt: missing fields', THREE, repeat((i) => (i % 3 ? `${i},"a",b\n` : `${i},a\n`))],
  ['dirt: open quotes', THREE, repeat((i) => (i % 9 ? `${i},"a",b\n` : `${i},"a,b\n`))],
];

describe('a guess', () => {
  it.each(FILES)('finds the true start from everywhere in a file of %s', (_, dialect, text) => {
    const bytes = Buffer.from(text);
    const wrong: number[] = [];
    const lineEnd = bytes.lastIndexOf(lineEndOf(dialect));
    for (let from = 1; from <= lineEnd; from++) {
      if (guessRecordStart(bytes, from, dialect) !== trueStart(bytes, from, dialect))
        wrong.push(from);
    }
    expect(wrong).toEqual([]);
  });

  it('is a place behind a line end, whatever the bytes', () => {
    const bytes = fc
      .array(fc.constantFrom(...Buffer.from('"",,\t\n\n\ra ')), { minLength: 1, maxLength: 80 })
      .map((array) => Buffer.from(array));
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(THREE, THREE_TABS, ONE_COLUMN, OLD_MAC),
        fc.nat(),
        (buffer, dialect, place) => {
          const from = 1 + (place % buffer.length);
          const guess = guessRecordStart(buffer, from, dialect);
          if (guess === -1) {
            expect(buffer.includes(lineEndOf(dialect), from - 1)).toBe(false);
            return;
          }
          expect(guess).toBeGreaterThanOrEqual(from);
          expect(buffer[guess - 1]).toBe(lineEndOf(dialect));
        },
      ),
      { numRuns: 5000 },
    );
  });
});
