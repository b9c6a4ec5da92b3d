/** Lines as records: the same wherever the bytes are cut, and every byte accounted for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineScanner } from '../../../src/formats/jsonl/line-scanner.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import { scanInPieces as scanPieces } from '../../support/scanning.js';

interface Line {
  readonly start: number;
  readonly text: string;
  readonly line: number;
}

function readBatch(bytes: Buffer, batch: RecordBatch, base: number): Line[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    start: base + batch.start[i]!,
    text: bytes.toString('latin1', batch.start[i], batch.end[i]),
    line: batch.line[i]!,
  }));
}

function scanWhole(bytes: Buffer): Line[] {
  const batch = new RecordBatch(bytes.length + 1);
  new LineScanner().scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  return readBatch(bytes, batch, 0);
}

/** What the rules say, by another way: split at each LF. */
function expectedLines(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const [line, text] of bytes.toString('latin1').split('\n').entries()) {
    const record = text.replace(/\r$/, '');
    if (/[^ \t\r]/.test(record)) lines.push({ start, text: record, line });
    start += text.length + 1;
  }
  return lines;
}

function scanInPieces(bytes: Buffer, cuts: readonly number[], limit: number): Line[] {
  const pieces = { cuts, limit, litter: '\n}\n' };
  const scanned = scanPieces(new LineScanner(), bytes, pieces, readBatch);
  expect(scanned.bytes).toBe(bytes.length);
  return scanned.records;
}

const BYTES = fc
  .array(fc.constantFrom('{', '}', '"', 'a', ' ', '\t', '\n', '\n', '\r', '\r\n', '\0', '\xff'), {
    maxLength: 40,
  })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('lines', () => {
  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['one, without a line end', '{}', ['{}']],
    ['two', '{}\n[]\n', ['{}', '[]']],
    ['CR LF', '{}\r\n[]\r\n', ['{}', '[]']],
    ['a CR at the end of the file', '{}\r', ['{}']],
    ['two CRs, of which one is the line’s', '{}\r\r\n', ['{}\r']],
    ['a CR alone, which ends no line', '{"a":\r1}\n', ['{"a":\r1}']],
    ['blank ones, passed over', '\n\r\n \t \n{}\n\n', ['{}']],
    ['other spaces, which are no blanks', '\v\n\xa0\n', ['\v', '\xa0']],
  ])('%s', (_, text, lines) => {
    expect(scanWhole(Buffer.from(text, 'latin1')).map((line) => line.text)).toEqual(lines);
  });

  it('are what lies between the LFs', () => {
    fc.assert(
      fc.property(BYTES, (bytes) => {
        expect(scanWhole(bytes)).toEqual(expectedLines(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(BYTES, fc.array(fc.nat(40)), fc.integer({ min: 1, max: 4 }), (bytes, cuts, n) => {
        const inside = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
        expect(scanInPieces(bytes, inside, n)).toEqual(scanWhole(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  it('are the same in two splits as in one', () => {
    fc.assert(
      fc.property(BYTES, fc.nat(50), (bytes, limit) => {
        const batch = new RecordBatch(bytes.length + 1);
        const scanner = new LineScanner();
        scanner.scan(bytes, bytes.length, limit, true, batch);
        const first = readBatch(bytes, batch, 0);
        const all = scanWhole(bytes);
        expect(first).toEqual(all.filter(({ start }) => start < limit));
        const { nextRecord, nextLine } = scanner;
        const second = scanWhole(bytes.subarray(nextRecord)).map(({ start, text, line }) => ({
          start: start + nextRecord,
          text,
          line: line + nextLine,
        }));
        expect([...first, ...second]).toEqual(all);
      }),
      { numRuns: 5000 },
    );
  });

  it('that are too long to be held are passed over up to their LF', () => {
    fc.assert(
      fc.property(BYTES, fc.integer({ min: 1, max: 8 }), (rest, room) => {
        const bytes = Buffer.concat([Buffer.from('x'.repeat(30)), rest]);
        const scanner = new LineScanner();
        const batch = new RecordBatch(10);
        scanner.scan(bytes, 20, Number.POSITIVE_INFINITY, false, batch);
        expect([batch.count, scanner.cutLongRecord(), scanner.nextRecord]).toEqual([0, false, 0]);
        let base = scanner.position;
        scanner.shift(base);
        for (;;) {
          const end = Math.min(bytes.length, base + room);
          const hasEnded = scanner.pass(
            bytes.subarray(base, end),
            end - base,
            end === bytes.length,
          );
          if (hasEnded) break;
          base += scanner.position;
          scanner.shift(scanner.position);
        }
        const lineEnd = bytes.indexOf('\n');
        expect(base + scanner.nextRecord).toBe(lineEnd < 0 ? bytes.length : lineEnd + 1);
        expect(scanner.nextLine).toBe(lineEnd < 0 ? 0 : 1);
      }),
      { numRuns: 2000 },
    );
  });
});
