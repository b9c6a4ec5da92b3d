import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { PlainRecords } from '../../../../src/formats/csv/scan/plain-records.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { writtenTables } from './dialects.js';
import { COMMA, OLD_MAC, ONE_COLUMN, TAB } from './scanning.js';

const DIALECTS: readonly Dialect[] = [
  PLAIN_DIALECT,
  COMMA,
  TAB,
  ONE_COLUMN,
  { ...COMMA, quote: "'", delimiter: ';' },
  { ...COMMA, quote: '' },
  { ...COMMA, quote: '', escape: 'backslash' },
  { ...COMMA, escape: 'backslash' },
  { ...COMMA, comment: '#' },
  { ...COMMA, comment: '##', quote: '' },
  { ...COMMA, ragged: 'pad' },
];

/** PLAIN_TEXTS=100000 looks at more of them. */
const TEXTS = Number(process.env.PLAIN_TEXTS ?? 3000);

interface Place {
  readonly next: number;
  readonly line: number;
  readonly lookedAt: number;
}

const placeOf = (scanner: CsvScanner): Place => ({
  next: scanner.nextRecord,
  line: scanner.nextLine,
  lookedAt: scanner.lookedAt,
});

/** All places between records, as the scanner alone comes to them. */
function findPlaces(bytes: Buffer, dialect: Dialect): Place[] {
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(8);
  scanner.reset(0);
  const places = [placeOf(scanner)];
  for (;;) {
    batch.count = 0;
    const before = scanner.nextRecord;
    scanner.scan(bytes, bytes.length, before + 1, false, batch);
    if (scanner.nextRecord === before) return places;
    places.push(placeOf(scanner));
  }
}

/** Every text of a few bytes that mean something is a case of its own; long ones cross a block. */
const texts = fc
  .tuple(
    fc.array(fc.constantFrom('"', '"', ',', '\n', '\n', '\r', '\r\n', '\\', '#', "'", ';', 'a'), {
      maxLength: 200,
    }),
    fc.constantFrom('', '', 'a,b\n', '"a ""b"" c",1\n', '1,"2"\r\n'),
    fc.nat(300),
  )
  .map(([parts, plain, count]) => {
    const at = Math.floor(parts.length / 2);
    return Buffer.from(
      parts.slice(0, at).join('') + plain.repeat(count) + parts.slice(at).join(''),
      'latin1',
    );
  });

async function expectSame(bytes: Buffer, dialect: Dialect, target: number): Promise<void> {
  const plain = await PlainRecords.prepare(dialect);
  const places = findPlaces(bytes, dialect);
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(8);
  scanner.reset(0);
  for (;;) {
    const before = scanner.nextRecord;
    const limit = plain!.moveOn(scanner, bytes, bytes.length, target);
    const place = placeOf(scanner);
    const known = places.find(({ next }) => next === place.next);
    // Of a record without an end, the scanner may have looked further.
    if (scanner.isBetweenRecords) expect(place).toEqual(known);
    else expect(known).toBeDefined();
    if (place.next >= target) {
      expect(place).toEqual(places.find(({ next }) => next >= target));
      return;
    }
    expect(limit).toBeGreaterThan(place.next);
    expect(limit).toBeLessThanOrEqual(Math.max(target, place.next + 1));
    batch.count = 0;
    scanner.scan(bytes, bytes.length, limit, false, batch);
    if (scanner.nextRecord === before) break;
  }
  const { next, line } = places.at(-1)!;
  expect(placeOf(scanner)).toMatchObject({ next, line });
}

describe('plain records are passed over', () => {
  it('to where the scanner alone would come, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...DIALECTS), fc.nat(), (bytes, dialect, target) =>
        expectSame(bytes, dialect, (target % (bytes.length + 3)) + 1),
      ),
      { numRuns: TEXTS },
    );
  });

  it('in tables of any dialect', async () => {
    await fc.assert(
      fc.asyncProperty(writtenTables, fc.nat(), async ({ bytes, dialect }, target) => {
        if ((await PlainRecords.prepare(dialect)) === undefined) return;
        await expectSame(bytes, dialect, (target % (bytes.length + 3)) + 1);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['numbers', '1,2,3\n'],
    ['CRLF', '1,"2"\r\n'],
    ['JSON in quotes', '1,"{""a"": ""b, c""}",x\n'],
    ['empty quotes', '"","",""\n\n'],
  ])('all of them, in any block: %s', async (_, record) => {
    const bytes = Buffer.from(record.repeat(30_000));
    const plain = await PlainRecords.prepare(PLAIN_DIALECT);
    const scanner = new CsvScanner(PLAIN_DIALECT);
    scanner.reset(0);
    plain!.moveOn(scanner, bytes, bytes.length, Number.MAX_SAFE_INTEGER);
    const lines = record.split('\n').length - 1;
    expect(placeOf(scanner)).toEqual({
      next: bytes.length,
      line: 30_000 * lines,
      lookedAt: bytes.length,
    });
  });

  it('a record longer than a block is the scanner’s', async () => {
    const long = `"${'x'.repeat(100_000)}\n",y\n`;
    await expectSame(Buffer.from(`a,b\n${long}c,d\n${long}`), COMMA, 150_000);
    await expectSame(Buffer.from(`a,b\n${long}c,d\n${long}`), COMMA, 4);
  });

  it('not in files of other line ends or delimiters', async () => {
    expect(await PlainRecords.prepare(OLD_MAC)).toBeUndefined();
    expect(await PlainRecords.prepare({ ...PLAIN_DIALECT, delimiter: '||' })).toBeUndefined();
  });
});
