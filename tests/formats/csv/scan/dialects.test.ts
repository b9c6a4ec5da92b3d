/** Every dialect: written by one program, read by this one, whatever stands in the fields. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvParser } from '../../../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { readFields } from '../../../../src/formats/csv/scan/read-fields.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { toUtf8 } from '../../../../src/formats/text/transcode.js';
import { Fault, type RejectCode } from '../../../../src/model/reject-codes.js';
import { type WrittenTable, writtenTables } from './dialects.js';
import { scanInPieces, scanWhole } from './scanning.js';

type Parsed = readonly (string | null)[] | RejectCode;

function parseBytes(bytes: Buffer, dialect: Dialect): Parsed[] {
  const batch = new RecordBatch(bytes.length + 1);
  new CsvScanner(dialect).scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const parsed: Parsed[] = [];
  new CsvParser(dialect).parse(bytes, batch, (_, record) => {
    parsed.push(record instanceof Fault ? record.code : record);
  });
  return parsed;
}

const TWO: Dialect = { ...PLAIN_DIALECT, fieldCount: 2 };
const BACKSLASH: Dialect = { ...TWO, escape: 'backslash' };
const NO_QUOTES: Dialect = { ...TWO, quote: '' };

describe('a dialect', () => {
  it.each<[name: string, Dialect, text: string, Parsed[]]>([
    [
      'a delimiter of two characters',
      { ...TWO, delimiter: '||' },
      'a||b|c\n"x||y"||\n',
      [
        ['a', 'b|c'],
        ['x||y', null],
      ],
    ],
    [
      'a delimiter with a blank',
      { ...TWO, delimiter: ', ' },
      'a, "b, c"\na,b, c\n',
      [
        ['a', 'b, c'],
        ['a,b', 'c'],
      ],
    ],
    [
      'single quotes',
      { ...TWO, quote: "'" },
      "'a,b','it''s'\n\"a\",b\n",
      [
        ['a,b', "it's"],
        ['"a"', 'b'],
      ],
    ],
    [
      'no quotes',
      NO_QUOTES,
      '"a,b"\n\'c,d"e\n',
      [
        ['"a', 'b"'],
        ["'c", 'd"e'],
      ],
    ],
    [
      'backslash escapes',
      BACKSLASH,
      '"a\\"b","c\\\\"\n"say ""x""",d\n',
      [
        ['a"b', 'c\\'],
        ['say "x"', 'd'],
      ],
    ],
    [
      'other backslashes',
      BACKSLASH,
      '"C:\\new","\\N"\nC:\\\\x,\\N\n',
      [
        ['C:\\new', '\\N'],
        ['C:\\\\x', '\\N'],
      ],
    ],
    ['a line end behind a backslash', BACKSLASH, '"a\\\nb",c\n', [['a\\\nb', 'c']]],
    [
      'escapes without quotes',
      { ...NO_QUOTES, escape: 'backslash' },
      'a\\,b,c\\\nd\n\\\\,\\N\n',
      [
        ['a,b', 'c\nd'],
        ['\\', '\\N'],
      ],
    ],
    [
      'CR LF only',
      { ...TWO, lineEnd: 'crlf' },
      'a\nb,c\rd\r\n"e\r\n",f\r\n',
      [
        ['a\nb', 'c\rd'],
        ['e\r\n', 'f'],
      ],
    ],
    [
      'any line end',
      { ...TWO, lineEnd: 'any' },
      'a,b\rc,d\n"e\r","f\n"\r\ng,h',
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e\r', 'f\n'],
        ['g', 'h'],
      ],
    ],
    ['blank lines of any kind', { ...TWO, lineEnd: 'any' }, '\r\r\n\na,b\r\r', [['a', 'b']]],
    [
      'comments',
      { ...TWO, comment: '#' },
      '# one, two, "three\na,b\n#\nc,"#d"\n"#e",f',
      [
        ['a', 'b'],
        ['c', '#d'],
        ['#e', 'f'],
      ],
    ],
    ['a comment at the end', { ...TWO, comment: '//' }, 'a,b\n// end', [['a', 'b']]],
    ['half a comment sign', { ...TWO, comment: '//' }, '/a,b\n', [['/a', 'b']]],
    [
      'a delimiter at the end',
      { ...TWO, hasTrailingDelimiter: true },
      'a,b,\nc,d\n,,\ne,f,g\n"h",i,""\n',
      [['a', 'b'], ['c', 'd'], [null, null], 'wrong_field_count', ['h', 'i']],
    ],
    [
      'padding',
      { ...TWO, ragged: 'pad' },
      'a\na,b\na,b,,\na,b,,c\n"a"\n',
      [['a', null], ['a', 'b'], ['a', 'b'], 'wrong_field_count', ['a', null]],
    ],
    ['Latin-1', { ...TWO, encoding: 'latin1' }, 'caf\xe9,\x80\n', [['caf\xc3\xa9', '\xc2\x80']]],
    [
      'Windows-1252',
      { ...TWO, encoding: 'windows-1252' },
      '\x93\xe9\x94,\x80\n',
      [['\xe2\x80\x9c\xc3\xa9\xe2\x80\x9d', '\xe2\x82\xac']],
    ],
    [
      'bare quotes where they are text',
      { ...TWO, allowsBareQuotes: true },
      '5" disk,6\'\na"b"c,"d"\n',
      [
        ['5" disk', "6'"],
        ['a"b"c', 'd'],
      ],
    ],
    [
      'more delimiters than anyone needs',
      TWO,
      `a,b\n${','.repeat(5000)}\nc,d\n`,
      [['a', 'b'], 'wrong_field_count', ['c', 'd']],
    ],
  ])('%s', (_, dialect, text, expected) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(parseBytes(bytes, dialect)).toEqual(expected);
    const whole = scanWhole(bytes, dialect);
    if (bytes.length > 1000) return;
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(scanInPieces(bytes, dialect, [cut], 100), `cut at ${cut}`).toEqual(whole);
    }
  });
});

function expectedFields({ table, dialect }: WrittenTable): Parsed[] {
  const rows = table.filter(
    (row) => dialect.fieldCount === 1 || dialect.hasTrailingDelimiter || row.length > 0,
  );
  return rows.map((row) =>
    row.map((field) => (field === null ? null : toUtf8(field, dialect.encoding))),
  );
}

describe('any table, written in any dialect', () => {
  it('reads back equal', () => {
    fc.assert(
      fc.property(writtenTables, (written) => {
        expect(parseBytes(written.bytes, written.dialect)).toEqual(expectedFields(written));
      }),
      { numRuns: 4000 },
    );
  });

  it('has the same records wherever it is cut', () => {
    fc.assert(
      fc.property(writtenTables, ({ bytes, dialect }) => {
        const whole = scanWhole(bytes, dialect);
        expect(scanInPieces(bytes, dialect, [...bytes.keys()], 3)).toEqual(whole);
        for (let cut = 0; cut <= bytes.length; cut++) {
          expect(scanInPieces(bytes, dialect, [cut], 2)).toEqual(whole);
        }
      }),
      { numRuns: 800 },
    );
  });

  it('and damaged, too', () => {
    const mutation = fc.tuple(fc.nat(), fc.constantFrom(...'"\'\\,\n\r#|x'), fc.boolean());
    fc.assert(
      fc.property(
        writtenTables,
        fc.array(mutation, { maxLength: 4 }),
        ({ bytes, dialect }, list) => {
          let damaged = bytes.toString('latin1');
          for (const [place, text, isAdded] of list) {
            const at = place % (damaged.length + 1);
            damaged = damaged.slice(0, at) + text + damaged.slice(isAdded ? at : at + 1);
          }
          const buffer = Buffer.from(damaged, 'latin1');
          const whole = scanWhole(buffer, dialect);
          expect(scanInPieces(buffer, dialect, [...buffer.keys()], 3)).toEqual(whole);
          let from = 0;
          for (const { start, end } of whole) {
            expect(start).toBeGreaterThanOrEqual(from);
            from = end;
          }
          expect(parseBytes(buffer, dialect)).toHaveLength(whole.length);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('has the fields that csv-parse finds, by edp’s own reader', () => {
    fc.assert(
      fc.property(writtenTables, ({ bytes, table, dialect }) => {
        const own = scanWhole(bytes, dialect).map(({ start, end }) =>
          readFields(bytes.toString('latin1', start, end), dialect),
        );
        const trailing = dialect.hasTrailingDelimiter ? [null] : [];
        expect(own).toEqual(table.map((row) => [...row, ...trailing]));
      }),
      { numRuns: 3000 },
    );
  });
});
