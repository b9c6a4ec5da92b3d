import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvParser } from '../../../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { CR, LF } from '../../../../src/formats/text/line-end.js';
import {
  DAMAGE_BAD_QUOTE,
  DAMAGE_NONE,
  DAMAGE_UNTERMINATED_QUOTE,
  RecordBatch,
} from '../../../../src/formats/text/record-batch.js';
import { Fault } from '../../../../src/model/reject-codes.js';
import {
  COMMA,
  type FoundRecord,
  OLD_MAC,
  ONE_COLUMN,
  readBatch,
  scanInPieces,
  scanWhole,
  TAB,
} from './scanning.js';

const MARKS = { [DAMAGE_NONE]: '', [DAMAGE_BAD_QUOTE]: '!', [DAMAGE_UNTERMINATED_QUOTE]: '?' };

/** A record as `line:fields text`; `!` marks a misplaced quote, `?` one that is not closed. */
function describeRecords(bytes: Buffer, records: readonly FoundRecord[]): string[] {
  return records.map(({ start, end, line, fieldCount, damage }) => {
    const mark = MARKS[damage as keyof typeof MARKS];
    return `${line}:${fieldCount}${mark} ${bytes.toString('latin1', start, end)}`;
  });
}

const CASES: readonly (readonly [
  name: string,
  dialect: Dialect,
  text: string,
  records: readonly string[],
])[] = [
  ['empty file', COMMA, '', []],
  ['LF', COMMA, 'a,b\nc,d\n', ['0:2 a,b', '1:2 c,d']],
  ['CRLF', COMMA, 'a,b\r\nc,d\r\n', ['0:2 a,b', '1:2 c,d']],
  ['LF and CRLF mixed', COMMA, 'a,b\r\nc,d\ne,f\r\n', ['0:2 a,b', '1:2 c,d', '2:2 e,f']],
  ['CR', OLD_MAC, 'a,b\rc,"\r"\rd,e\r', ['0:2 a,b', '1:2 c,"\r"', '3:2 d,e']],
  ['LF inside a record of a CR file', OLD_MAC, 'a,\n\rb,c', ['0:2 a,\n', '1:2 b,c']],
  ['no final line end', COMMA, 'a,b\nc,d', ['0:2 a,b', '1:2 c,d']],
  ['no final line end, last field empty', COMMA, 'a,b\nc,', ['0:2 a,b', '1:2 c,']],
  ['no final line end, last field quoted', COMMA, 'a,"b"', ['0:2 a,"b"']],
  ['final CR without LF', COMMA, 'a,b\r', ['0:2 a,b']],
  ['final CR without LF behind a quote', COMMA, 'a,"b"\r', ['0:2 a,"b"']],
  ['CR inside a field', COMMA, 'a\r,\rb\nc,d', ['0:2 a\r,\rb', '1:2 c,d']],
  ['two CR before LF', COMMA, 'a,b\r\r\nc,d', ['0:2 a,b\r', '1:2 c,d']],
  ['blank lines', COMMA, '\n\r\na,b\n\n\nc,d\n\r\n\n', ['2:2 a,b', '5:2 c,d']],
  ['only line ends', COMMA, '\n\r\n\n\r', []],
  ['a line of blanks is a record', COMMA, 'a,b\n \nc,d', ['0:2 a,b', '1:1  ', '2:2 c,d']],
  ['fewer and more fields', COMMA, 'a\nb,c,d\n,\n', ['0:1 a', '1:3 b,c,d', '2:2 ,']],
  ['one column, empty lines', ONE_COLUMN, '\na\n\r\n\n', ['0:1 ', '1:1 a', '2:1 ', '3:1 ']],
  ['one column, no final line end', ONE_COLUMN, 'a\n\nb', ['0:1 a', '1:1 ', '2:1 b']],
  ['one column, quoted', ONE_COLUMN, '""\n"a\n"\n', ['0:1 ""', '1:1 "a\n"']],
  ['quoted delimiters', COMMA, '"a,b",","\nc,d', ['0:2 "a,b",","', '1:2 c,d']],
  ['quoted line ends', COMMA, '"a\nb","c\r\n"\r\nd,e', ['0:2 "a\nb","c\r\n"', '3:2 d,e']],
  ['escaped quotes', COMMA, '"""a""",""""\n"",""\n', ['0:2 """a""",""""', '1:2 "",""']],
  ['escaped quote before a line end', COMMA, 'a,"b""\n"\nc,d', ['0:2 a,"b""\n"', '2:2 c,d']],
  ['bare quotes', COMMA, 'a"b,c""\nd,e"', ['0:2 a"b,c""', '1:2 d,e"']],
  ['tabs', TAB, 'a,b\t{"c": "d"}\n"e\t"\tf', ['0:2 a,b\t{"c": "d"}', '1:2 "e\t"\tf']],
  [
    'bytes above ASCII',
    COMMA,
    'caf\xc3\xa9,\xff\n\x00,\x80\n',
    ['0:2 caf\xc3\xa9,\xff', '1:2 \x00,\x80'],
  ],
  // A damaged record costs no other.
  ['garbage behind a closing quote', COMMA, '"a"b,c\nd,e', ['0:2! "a"b,c', '1:2 d,e']],
  ['CR behind a closing quote', COMMA, '"a"\rb,c\nd,e', ['0:2! "a"\rb,c', '1:2 d,e']],
  ['garbage behind an empty quoted field', COMMA, '""x,a\nb,c', ['0:2! ""x,a', '1:2 b,c']],
  ['garbage behind blanks behind a quote', COMMA, '"a"  b,c\nd,e', ['0:2! "a"  b,c', '1:2 d,e']],
  // Blanks beside quotes do not count.
  ['blanks before quotes', COMMA, ' "a,b",  "c\nd"\ne,f', ['0:2  "a,b",  "c\nd"', '2:2 e,f']],
  ['blanks behind quotes', COMMA, '"a,b" ,"c"  \r\ne,f', ['0:2 "a,b" ,"c"  ', '1:2 e,f']],
  ['blanks around no quotes', COMMA, ' a , \n e,f ', ['0:2  a , ', '1:2  e,f ']],
  ['garbage, then a quoted delimiter', COMMA, '"a"b,"c,d"\ne,f', ['0:2! "a"b,"c,d"', '1:2 e,f']],
  [
    'garbage behind a quote after a line end',
    COMMA,
    '"a\nb"c,d\ne,f',
    ['0:2! "a\nb"c,d', '2:2 e,f'],
  ],
  [
    'a sound multi-line field before a damaged one',
    COMMA,
    '"a\nb","c\nd"e\nf,g',
    ['0:2! "a\nb","c\nd"e', '3:2 f,g'],
  ],
  [
    'an extra field behind a sound multi-line one',
    COMMA,
    'a,"b\nc",d\ne,f\n',
    ['0:3 a,"b\nc",d', '2:2 e,f'],
  ],
  [
    'a stray quote, and a field that closes it by chance',
    { ...COMMA, fieldCount: 3 },
    '1,"x,a\n2,",",b\n3,"y",c\n4,z,d\n',
    ['0:4? 1,"x,a', '1:3 2,",",b', '2:3 3,"y",c', '3:3 4,z,d'],
  ],
  [
    'a quote missing at the end of several lines',
    { ...COMMA, fieldCount: 3 },
    '1,"x\ny,3\n2,"b",4\n3,"c",5\n',
    ['0:3? 1,"x\ny,3', '2:3 2,"b",4', '3:3 3,"c",5'],
  ],
  [
    'garbage behind several lines of which one is like a record',
    { ...COMMA, fieldCount: 3 },
    '1,"x\n2,b,c\ny"z,3\n4,d,5\n',
    ['0:3! 1,"x\n2,b,c\ny"z,3', '3:3 4,d,5'],
  ],
  [
    'stray quotes around a sound record',
    { ...COMMA, fieldCount: 4 },
    '1,"x,a,b\n2,y,a,b\n3,"z,a,b\n4,y,a,b\n',
    ['0:4? 1,"x,a,b', '1:4 2,y,a,b', '2:2? 3,"z,a,b', '3:4 4,y,a,b'],
  ],
  [
    'unterminated in the middle, ended by the next quote',
    COMMA,
    'a,"b\nc,"d"\ne,f\n',
    ['0:2? a,"b', '1:2 c,"d"', '2:2 e,f'],
  ],
  [
    'unterminated in the middle, without quotes behind',
    COMMA,
    'a,"b\nc,d\ne,f\n',
    ['0:2? a,"b', '1:2 c,d', '2:2 e,f'],
  ],
  ['unterminated twice', COMMA, 'a,"b\nc,"d\ne,f', ['0:2? a,"b', '1:2? c,"d', '2:2 e,f']],
  ['unterminated at the end of the file', COMMA, 'a,b\nc,"d', ['0:2 a,b', '1:2? c,"d']],
  ['unterminated, and a last line end', COMMA, 'c,"d\r\n', ['0:2? c,"d']],
  ['a single quote', COMMA, '"', ['0:1? "']],
  ['unterminated, CR dialect', OLD_MAC, 'a,"b\rc,d\r', ['0:2? a,"b', '1:2 c,d']],
  ['unterminated, one column', ONE_COLUMN, '"a\n\nb\n', ['0:1? "a', '1:1 ', '2:1 b']],
  [
    'damaged lines in tab-separated files',
    TAB,
    '"a"b\tc\n"d\ne"f\tg\n',
    ['0:2! "a"b\tc', '1:2? "d', '2:2 e"f\tg'],
  ],
];

/** Every way to cut into at most three pieces, and into single bytes. */
function* everyCut(length: number): Generator<number[]> {
  yield Array.from({ length }, (_, i) => i);
  for (let first = 0; first <= length; first++) {
    yield [first];
    for (let second = first; second <= length; second++) yield [first, second];
  }
}

describe('records, at every cut of the bytes', () => {
  it.each(CASES)('%s', (_, dialect, text, expected) => {
    const bytes = Buffer.from(text, 'latin1');
    const found = scanWhole(bytes, dialect);
    expect(describeRecords(bytes, found)).toEqual(expected);
    for (const cuts of everyCut(bytes.length)) {
      for (const batchRecords of [1, 100]) {
        expect(
          scanInPieces(bytes, dialect, cuts, batchRecords),
          `cut at ${cuts}, ${batchRecords} a batch`,
        ).toEqual(found);
      }
    }
  });
});

describe('a record that grew too long', () => {
  it('is cut at the first line end inside its quotes', () => {
    const text = Buffer.from('a,"b\nc,d\ne,f\n');
    const batch = new RecordBatch(10);
    const scanner = new CsvScanner(COMMA);
    scanner.scan(text, text.length, Number.POSITIVE_INFINITY, false, batch);
    expect(batch.count).toBe(0);
    expect(scanner.cutLongRecord(text, text.length, batch)).toBe(true);
    scanner.scan(text, text.length, Number.POSITIVE_INFINITY, true, batch);
    expect(describeRecords(text, readBatch(batch, 0))).toEqual(['0:2? a,"b', '1:2 c,d', '2:2 e,f']);
  });

  it.each(['aaaa,bbbb', 'a,"bbbb'])('is not cut where there is no line end: %s', (line) => {
    const text = Buffer.from(line);
    const batch = new RecordBatch(10);
    const scanner = new CsvScanner(COMMA);
    scanner.scan(text, text.length, Number.POSITIVE_INFINITY, false, batch);
    expect(scanner.cutLongRecord(text, text.length, batch)).toBe(false);
    expect(batch.count).toBe(0);
  });
});

const DIALECTS = fc.constantFrom(COMMA, TAB, OLD_MAC, ONE_COLUMN, { ...OLD_MAC, fieldCount: 1 });
const BYTES = fc
  .array(
    fc.oneof(
      { arbitrary: fc.constantFrom(...Buffer.from('"",,\t\n\n\ra ')), weight: 9 },
      { arbitrary: fc.nat(255), weight: 1 },
    ),
    { maxLength: 60 },
  )
  .map((bytes) => Buffer.from(bytes));
const CUTS = fc.array(fc.nat(60), { maxLength: 8 });

describe('any bytes', () => {
  it('belong to exactly one record or line end', () => {
    fc.assert(
      fc.property(BYTES, DIALECTS, (bytes, dialect) => {
        const lineEnd = dialect.lineEnd === 'cr' ? CR : LF;
        const lineEnds = lineEnd === LF ? /^(?:\r?\n)+$/ : /^\r+$/;
        const found = scanWhole(bytes, dialect);
        let from = 0;
        for (const [i, { start, end, line }] of found.entries()) {
          const gap = bytes.toString('latin1', from, start);
          if (i === 0) expect(gap).toMatch(/^[\r\n]*$/);
          else expect(gap).toMatch(lineEnds);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(line).toBe(bytes.subarray(0, start).filter((byte) => byte === lineEnd).length);
          from = end;
        }
        expect(bytes.toString('latin1', from)).toMatch(
          lineEnd === LF ? /^(?:\r?\n)*\r?$/ : /^\r*$/,
        );
        if (dialect.fieldCount > 1) {
          expect(found.every(({ start, end }) => end > start)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('give the same records in two splits as in one', () => {
    fc.assert(
      fc.property(BYTES, DIALECTS, fc.nat(60), (bytes, dialect, limit) => {
        const all = scanWhole(bytes, dialect);
        const batch = new RecordBatch(bytes.length + 1);
        const scanner = new CsvScanner(dialect);
        scanner.scan(bytes, bytes.length, limit, true, batch);
        const first = readBatch(batch, 0);
        expect(first).toEqual(all.filter(({ start }) => start < limit));

        const { nextRecord, nextLine } = scanner;
        expect(nextRecord).toBeGreaterThanOrEqual(Math.min(limit, bytes.length));
        const second = scanWhole(bytes.subarray(nextRecord), dialect).map((record) => ({
          ...record,
          start: record.start + nextRecord,
          end: record.end + nextRecord,
          line: record.line + nextLine,
        }));
        expect([...first, ...second]).toEqual(all);
      }),
      { numRuns: 5000 },
    );
  });

  it('give the same records however they are cut', () => {
    fc.assert(
      fc.property(
        BYTES,
        DIALECTS,
        CUTS,
        fc.integer({ min: 1, max: 4 }),
        (bytes, dialect, cuts, capacity) => {
          const inside = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
          expect(scanInPieces(bytes, dialect, inside, capacity)).toEqual(scanWhole(bytes, dialect));
        },
      ),
      { numRuns: 5000 },
    );
  });
});

/** Byte strings that are hard on a CSV reader; `null` stands for an unquoted empty field. */
const FIELD = fc.option(
  fc
    .array(
      fc.constantFrom(
        '"',
        '""',
        ',',
        '\t',
        '\n',
        '\r',
        '\r\n',
        'a',
        ' ',
        '\x00',
        '\xff',
        'é',
        '\\',
        '#',
      ),
      {
        maxLength: 5,
      },
    )
    .map((parts) => Buffer.from(parts.join(''), 'latin1').toString('latin1')),
);
const TABLE = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc.array(fc.array(FIELD, { minLength: width, maxLength: width }), { maxLength: 6 }),
  );
const RECORD_ENDS = fc.constantFrom('\n', '\r\n', '\r');

describe('what csv-stringify writes', () => {
  it('is read back field for field, NULL apart from the empty string', () => {
    fc.assert(
      fc.property(
        TABLE,
        RECORD_ENDS,
        fc.constantFrom(',', '\t', ';'),
        fc.boolean(),
        (table, lineEnd, delimiter, hasFinalLineEnd) => {
          const text = stringify(table, {
            delimiter,
            record_delimiter: lineEnd,
            quoted_string: false,
            quoted_empty: false,
            // What this option does not quote would be ambiguous: a CR at the end of a record.
            quoted_match: /[\r\n]|^$/,
            eof: hasFinalLineEnd,
          });
          const dialect: Dialect = {
            ...PLAIN_DIALECT,
            delimiter,
            lineEnd: lineEnd === '\r' ? 'cr' : 'lf',
            fieldCount: table[0]?.length ?? 1,
            allowsBareQuotes: delimiter === '\t',
          };
          const bytes = Buffer.from(text, 'latin1');
          const batch = new RecordBatch(100);
          new CsvScanner(dialect).scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
          const found: unknown[] = [];
          new CsvParser(dialect).parse(bytes, batch, (index, record) => {
            expect(index).toBe(found.length);
            found.push(record instanceof Fault ? record.reason : record);
          });
          // Without a final line end, an empty last line is no line.
          const last = table.at(-1);
          const isLost = !hasFinalLineEnd && last?.length === 1 && last[0] === null;
          expect(found).toEqual(isLost ? table.slice(0, -1) : table);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
