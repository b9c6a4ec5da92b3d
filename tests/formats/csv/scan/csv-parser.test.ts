import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../../../src/formats/csv/dialect.js';
import { CsvParser } from '../../../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { Fault, type RejectCode } from '../../../../src/model/reject-codes.js';
import { COMMA, OLD_MAC, ONE_COLUMN, TAB } from './scanning.js';

/** Fields of a record, or the code of its fault. */
type Parsed = readonly (string | null)[] | RejectCode;

function parseText(text: string, dialect: Dialect): Parsed[] {
  const bytes = Buffer.from(text, 'latin1');
  const batch = new RecordBatch(text.length + 1);
  new CsvScanner(dialect).scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const parsed: Parsed[] = [];
  new CsvParser(dialect).parse(bytes, batch, (index, record) => {
    expect(index).toBe(parsed.length);
    parsed.push(record instanceof Fault ? record.code : record);
  });
  expect(parsed).toHaveLength(batch.count);
  return parsed;
}

describe('fields', () => {
  const cases: readonly (readonly [name: string, Dialect, text: string, Parsed[]])[] = [
    [
      'empty and quoted empty',
      COMMA,
      ',""\n"",\n""',
      [[null, ''], ['', null], 'wrong_field_count'],
    ],
    [
      'empty beside escaped quotes',
      COMMA,
      ',""""\n"""""",',
      [
        [null, '"'],
        ['""', null],
      ],
    ],
    ['empty beside a quoted delimiter', COMMA, ',","\n', [[null, ',']]],
    [
      'blanks are kept',
      COMMA,
      ' a , b\n" "," c"\n',
      [
        [' a ', ' b'],
        [' ', ' c'],
      ],
    ],
    ['line ends in quotes are kept', COMMA, '"a\nb","c\r\nd"\r\n', [['a\nb', 'c\r\nd']]],
    ['CR that ends no line is kept', COMMA, 'a\rb,c\r\r\n', [['a\rb', 'c\r']]],
    ['bytes are kept', COMMA, '\xff\x00,\xc3\xa9\n', [['\xff\x00', '\xc3\xa9']]],
    ['what other dialects mean something by', COMMA, '#a,\\"\n', ['bad_quote']],
    [
      'no comments, no backslash escapes',
      COMMA,
      '#a,\\n\n"\\",b\n',
      [
        ['#a', '\\n'],
        ['\\', 'b'],
      ],
    ],
    [
      'blank lines between records',
      COMMA,
      '\na,b\n\n\r\nc,d\n\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'CR as line end',
      OLD_MAC,
      'a,"b\r"\r\rc,\r',
      [
        ['a', 'b\r'],
        ['c', null],
      ],
    ],
    ['one column', ONE_COLUMN, '\na\n""\n\r\n"b\n"\n', [[null], ['a'], [''], [null], ['b\n']]],
    ['one column, empty at the end', ONE_COLUMN, 'a\n\n', [['a'], [null]]],
    ['one column, only empty lines', ONE_COLUMN, '\n\n', [[null], [null]]],
    ['one column, one empty line', ONE_COLUMN, '\n', [[null]]],
    [
      'blanks beside quotes, which do not count, and others, which do',
      COMMA,
      ' "a,b",  "c"  \r\n d , "e ""f"" "\n"",  ""\n  ,  \n',
      [
        ['a,b', 'c'],
        [' d ', 'e "f" '],
        ['', ''],
        ['  ', '  '],
      ],
    ],
    [
      'bare quotes between tabs',
      TAB,
      '{"a":"b"}\tc"\na""\t""\n',
      [
        ['{"a":"b"}', 'c"'],
        ['a""', ''],
      ],
    ],
    [
      'quoted fields between tabs',
      TAB,
      '"a\t"\t"{""b"":1}"\n\t\n',
      [
        ['a\t', '{"b":1}'],
        [null, null],
      ],
    ],
    [
      'bare and quoted empty between tabs',
      TAB,
      'a""\t\n"a"""\t\n',
      [
        ['a""', null],
        ['a"', null],
      ],
    ],
  ];
  it.each(cases)('%s', (_, dialect, text, expected) => {
    expect(parseText(text, dialect)).toEqual(expected);
  });
});

/** Records that are not right, each by its code. */
const DAMAGED: readonly (readonly [name: string, Dialect, record: string, RejectCode])[] = [
  ['a missing field', COMMA, 'a', 'wrong_field_count'],
  ['an extra field', COMMA, 'a,b,c', 'wrong_field_count'],
  ['an extra empty field', COMMA, 'a,b,', 'wrong_field_count'],
  ['a stray quote', COMMA, 'a"b,c', 'bad_quote'],
  ['a stray quote at the end', COMMA, 'a,b"', 'bad_quote'],
  ['a quote inside of a field behind a blank', COMMA, 'a, b"c"', 'bad_quote'],
  ['garbage behind blanks behind a quote', COMMA, 'a,"b"  c', 'bad_quote'],
  ['garbage behind a closing quote', COMMA, '"a"b,c', 'bad_quote'],
  ['a stray quote and a missing field', COMMA, 'a"', 'bad_quote'],
  ['an open quote', COMMA, 'a,"b', 'unterminated_quote'],
  ['an open quote in front', COMMA, '"a,b', 'unterminated_quote'],
  ['a missing field between tabs', TAB, 'a"', 'wrong_field_count'],
  ['garbage behind a closing quote between tabs', TAB, '"a"b\tc', 'bad_quote'],
  ['an open quote between tabs', TAB, 'a\t"b', 'unterminated_quote'],
];

describe('a damaged record', () => {
  it.each(DAMAGED)('%s costs no other', (_, dialect, damaged, code) => {
    const { delimiter } = dialect;
    const good = Array.from({ length: 9 }, (_, i) => [String(i), `"x${delimiter}${i}"`]);
    const parsed = good.map(([first, second]) => [first!, second!.slice(1, -1)]);
    for (let at = 0; at <= good.length; at++) {
      const lines: string[] = good.map((fields) => fields.join(delimiter));
      lines.splice(at, 0, damaged);
      const expected: Parsed[] = [...parsed];
      expected.splice(at, 0, code);
      expect(parseText(`${lines.join('\n')}\n`, dialect), `line ${at}`).toEqual(expected);
      expect(parseText(lines.join('\r\n'), dialect), `line ${at}, CRLF`).toEqual(expected);
    }
  });

  it('is told from good ones in any mixture', () => {
    const good = fc.constantFrom<readonly [string, Parsed]>(
      ['a,b', ['a', 'b']],
      ['"a","b\nc"', ['a', 'b\nc']],
      [',""', [null, '']],
      ['"""",é', ['"', 'é']],
    );
    const damaged = fc.constantFrom(
      ...DAMAGED.filter(
        ([, dialect, , code]) => dialect === COMMA && code !== 'unterminated_quote',
      ).map(([, , text, code]): readonly [string, Parsed] => [text, code]),
    );
    const mixture = fc.array(
      fc.oneof({ arbitrary: good, weight: 3 }, { arbitrary: damaged, weight: 1 }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(mixture, (records) => {
        const text = records.map(([line]) => `${line}\n`).join('');
        expect(parseText(text, COMMA)).toEqual(records.map(([, expected]) => expected));
      }),
    );
  });
});

describe('any bytes', () => {
  it('give one result a record: that of the record parsed alone, with as many fields as scanned', () => {
    const bytes = fc
      .array(
        fc.oneof(
          { arbitrary: fc.constantFrom(...Buffer.from('"",,\t\n\n\ra ')), weight: 19 },
          { arbitrary: fc.nat(255), weight: 1 },
        ),
        { maxLength: 60 },
      )
      .map((array) => Buffer.from(array));
    const dialects = fc.constantFrom(COMMA, TAB, OLD_MAC, ONE_COLUMN);
    fc.assert(
      fc.property(bytes, dialects, (buffer, dialect) => {
        const parser = new CsvParser(dialect);
        const batch = new RecordBatch(buffer.length + 1);
        new CsvScanner(dialect).scan(buffer, buffer.length, Number.POSITIVE_INFINITY, true, batch);
        let count = 0;
        parser.parse(buffer, batch, (index, record) => {
          expect(index).toBe(count++);
          const alone = new RecordBatch(1);
          alone.count = 1;
          alone.start[0] = batch.start[index]!;
          alone.end[0] = batch.end[index]!;
          alone.damage[0] = batch.damage[index]!;
          alone.isPadded[0] = batch.isPadded[index]!;
          parser.parse(buffer, alone, (_, same) => expect(record).toEqual(same));

          const isExpectedWidth = batch.fieldCount[index] === dialect.fieldCount;
          if (!(record instanceof Fault)) expect(isExpectedWidth).toBe(true);
          else if (record.code === 'wrong_field_count') expect(isExpectedWidth).toBe(false);
        });
        expect(count).toBe(batch.count);
      }),
      { numRuns: 3000 },
    );
  });
});
