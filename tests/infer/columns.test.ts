/** Values of a column → its type, and why. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Dialect, PLAIN_DIALECT } from '../../src/formats/csv/dialect.js';
import { CsvParser } from '../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../src/formats/text/record-batch.js';
import { RecordReader, readWholeRecords } from '../../src/infer/infer-records.js';
import { type ColumnInference, inferType } from '../../src/infer/infer-type.js';
import { ColumnReader, emptySummary, mergeSummaries } from '../../src/infer/inferred-column.js';
import { Fault } from '../../src/model/reject-codes.js';
import type { ColumnType } from '../../src/model/types.js';
import {
  coerceBigint,
  coerceBoolean,
  coerceDouble,
  coerceInteger,
  coerceJson,
  coerceNumeric,
  coerceText,
  coerceUuid,
} from '../../src/values/coerce.js';
import { coerceDate, coerceTimestamp } from '../../src/values/datetime.js';

/** Byte strings, as fields are. */
function read(values: readonly (string | null)[]): ColumnReader {
  const reader = new ColumnReader();
  for (const [i, value] of values.entries()) {
    reader.addText(value === null ? null : Buffer.from(value).toString('latin1'), i + 1);
  }
  return reader;
}

function infer(values: readonly (string | null)[]): ColumnInference {
  return inferType(read(values).summary);
}

function nest(json: string, depth: number): string {
  return `${'['.repeat(depth)}${json}${']'.repeat(depth)}`;
}

function objectOf(keys: number, last: string): string {
  return `{${Array.from({ length: keys }, (_, i) => `"k${i}": ${i}`).join()}, "${last}": -1}`;
}

const UUID = '6f1c1a52-3e0d-4f0b-9a43-1d1c0f3f9a10';

interface Case {
  readonly name: string;
  readonly values: readonly (string | null)[];
  readonly type: ColumnType;
  readonly why?: RegExp;
}

const CASES: readonly Case[] = [
  { name: 'small whole numbers', values: ['1', '-2', '300'], type: 'int', why: /from -2 to 300/ },
  { name: 'ones and zeros stay numbers', values: ['1', '0', '1'], type: 'int' },
  { name: 'the ends of int', values: ['2147483647', '-2147483648'], type: 'int' },
  { name: 'one more than int', values: ['1', '2147483648'], type: 'bigint' },
  { name: 'one less than int', values: ['-2147483649'], type: 'bigint' },
  { name: 'more digits than a double has', values: ['1234567890123456789', '5'], type: 'bigint' },
  {
    name: 'the ends of bigint',
    values: ['9223372036854775807', '-9223372036854775808'],
    type: 'bigint',
  },
  {
    name: 'one more than bigint',
    values: ['9223372036854775808'],
    type: 'numeric',
    why: /too large for bigint/,
  },
  { name: 'one less than bigint', values: ['1', '-9223372036854775809'], type: 'numeric' },
  { name: 'forty digits', values: ['1234567890123456789012345678901234567890'], type: 'numeric' },
  { name: 'whole numbers and empty fields', values: ['1', null, '3'], type: 'int' },
  { name: 'whole numbers and quoted empty fields', values: ['1', '', '3'], type: 'int' },
  { name: 'leading zeros', values: ['0123', '1234'], type: 'text' },
  {
    name: 'a leading zero behind many numbers',
    values: ['1', '2', '03'],
    type: 'text',
    why: /"03" \(line 3\) is no whole number, as are the 2 values before it/,
  },
  { name: 'a plus sign', values: ['+491711234567'], type: 'text' },
  { name: 'minus zero is no whole number', values: ['-0', '1'], type: 'numeric' },
  { name: 'spaces around', values: [' 1', '2 '], type: 'text' },
  { name: 'thousands separators', values: ['1,000', '2,500'], type: 'text' },
  { name: 'decimals', values: ['1.5', '2.25', '3'], type: 'numeric', why: /all of which are kept/ },
  { name: 'amounts', values: ['1.50', '20.00'], type: 'numeric' },
  { name: 'decimals without a digit before the point', values: ['.5', '-.25'], type: 'numeric' },
  { name: 'a point at the end', values: ['1.', '2.'], type: 'text' },
  {
    name: 'more decimals than a double keeps',
    values: ['0.12345678901234567890'],
    type: 'numeric',
  },
  { name: 'versions', values: ['1.2', '1.2.3'], type: 'text' },
  { name: 'exponents', values: ['1.5e10', '-2E-3', '7'], type: 'double', why: /exponent/ },
  {
    name: 'an exponent and more digits than a double keeps',
    values: ['1.2345678901234567891e5', '2'],
    type: 'numeric',
  },
  {
    name: 'seventeen digits that are a double',
    values: ['1.2345678901234567e+300', '0.1'],
    type: 'double',
  },
  {
    name: 'an exponent and a whole number that is no double',
    values: ['1.5e3', '9007199254740993'],
    type: 'numeric',
  },
  {
    name: 'codes that look like exponents',
    values: ['12e3', '45e6'],
    type: 'text',
    why: /codes: for numbers, declare type numeric/,
  },
  { name: 'a number too large for a double', values: ['1.5e400'], type: 'numeric' },
  { name: 'a number too large for numeric', values: ['1.5e200000'], type: 'text' },
  { name: 'numbers and NaN', values: ['1.5', 'NaN'], type: 'numeric' },
  { name: 'whole numbers and NaN', values: ['1', 'NaN'], type: 'double' },
  { name: 'true and false', values: ['true', 'FALSE', 'True'], type: 'boolean' },
  { name: 'only true', values: ['true', 'true'], type: 'boolean' },
  { name: 't and f, as PostgreSQL writes them', values: ['t', 'f'], type: 'boolean' },
  { name: 't alone may be a letter', values: ['t', 't'], type: 'text', why: /only t/ },
  { name: 'T and F may be codes', values: ['T', 'F'], type: 'text' },
  { name: 'yes and no stay text', values: ['yes', 'no'], type: 'text' },
  { name: 'true and yes', values: ['true', 'yes'], type: 'text' },
  { name: 'dates', values: ['2024-01-31', '2024-02-29'], type: 'date' },
  {
    name: 'a date that is not in the calendar',
    values: ['2024-01-31', '2023-02-29'],
    type: 'text',
  },
  { name: 'dates of an order nobody knows', values: ['03/04/2024', '04/03/2024'], type: 'text' },
  { name: 'dates without separators stay numbers', values: ['20240131'], type: 'int' },
  { name: 'times', values: ['2024-01-31 12:00:00', '2024-01-31T12:00'], type: 'timestamp' },
  { name: 'times with fractions', values: ['2024-01-31 12:00:00.123456'], type: 'timestamp' },
  {
    name: 'times with fractions that would be rounded',
    values: ['2024-01-31 12:00:00.1234567'],
    type: 'text',
  },
  {
    name: 'times with zones',
    values: ['2024-01-31T12:00:00Z', '2024-01-31 12:00:00+02', '2024-01-31T12:00:00.5-05:30'],
    type: 'timestamptz',
  },
  {
    name: 'some with a zone, some without',
    values: ['2024-01-31T12:00:00Z', '2024-01-31T12:00:00'],
    type: 'text',
    why: /some have a zone and some have none/,
  },
  { name: 'dates among times', values: ['2024-01-31', '2024-01-31 12:00'], type: 'timestamp' },
  {
    name: 'dates among times with zones',
    values: ['2024-01-31', '2024-01-31T12:00Z'],
    type: 'text',
  },
  { name: 'an hour that is not', values: ['2024-01-31 25:00:00'], type: 'text' },
  { name: 'infinity is no time here', values: ['2024-01-31', 'infinity'], type: 'text' },
  { name: 'uuids', values: [UUID, UUID.toUpperCase()], type: 'uuid' },
  { name: 'uuids and something else', values: [UUID, `${UUID}0`], type: 'text' },
  { name: 'JSON objects', values: ['{"a": [1, 2.5e3, "x\\n", null]}', ' {} '], type: 'jsonb' },
  { name: 'JSON lists', values: ['[1]', '[]'], type: 'jsonb' },
  { name: 'JSON and null', values: ['{"a": 1}', 'null'], type: 'jsonb' },
  { name: 'JSON with escapes', values: ['{"a": "\\u00e9"}'], type: 'jsonb' },
  { name: 'JSON that jsonb cannot hold', values: ['{"a": "\\u0000"}'], type: 'text' },
  { name: 'JSON nested deep', values: [`${'['.repeat(100)}${']'.repeat(100)}`], type: 'jsonb' },
  { name: 'a key twice', values: ['{"a": 1, "a": 2}'], type: 'json', why: /key twice/ },
  {
    name: 'a key twice, beside text that is escaped',
    values: ['{"name": "caf\\u00e9", "a": 1, "a": 2}'],
    type: 'json',
  },
  { name: 'a key twice, once escaped', values: ['{"a/b": 1, "a\\/b": 2}'], type: 'json' },
  { name: 'a key twice, once by its number', values: ['{"é": 1, "\\u00e9": "1"}'], type: 'json' },
  { name: 'a key twice, nested deep', values: [nest('{"a": 1, "a": 2}', 100)], type: 'json' },
  { name: 'what is nested thousands of levels', values: [nest('{}', 3000)], type: 'jsonb' },
  { name: 'what no server can read', values: [nest('{}', 100_000)], type: 'text' },
  { name: 'a key twice in a large object', values: [objectOf(1000, 'k7')], type: 'json' },
  { name: 'a large object', values: [objectOf(1000, 'k1000')], type: 'jsonb' },
  { name: 'JSON that is not closed', values: ['{"a": 1}', '{"a": 1'], type: 'text' },
  { name: 'JSON with something behind', values: ['{"a": 1} x'], type: 'text' },
  { name: 'JSON with a comma too many', values: ['[1,]'], type: 'text' },
  { name: 'a number in JSON with a leading zero', values: ['[01]'], type: 'text' },
  { name: 'JSON strings and numbers are text and numbers', values: ['"a"'], type: 'text' },
  { name: 'text', values: ['a', 'b'], type: 'text' },
  { name: 'nothing', values: [null, null], type: 'text', why: /no values/ },
  { name: 'no records', values: [], type: 'text', why: /no values/ },
  { name: 'words for NULL alone', values: ['NA', 'NA'], type: 'text' },
];

describe('the type of a column', () => {
  test.each(CASES)('$name', ({ values, type, why }) => {
    const inference = infer(values);
    expect(inference.type).toBe(type);
    if (why !== undefined) expect(inference.why).toMatch(why);
  });

  test.each(['NA', 'null', '\\N', '-', 'N/A', '#N/A', 'None'])(
    'the word %s makes it text, and what it were without is told',
    (word) => {
      const inference = infer(['1', word, '3', word]);
      expect(inference).toMatchObject({
        type: 'text',
        typeWithoutTokens: 'int',
        nullTokens: { [word]: 2 },
        values: 2,
      });
      expect(inference.why).toContain(`2 × ${word}`);
      const { type, nulls } = parse(inference.doubt!.replace(/^.*; else /, ''));
      expect({ type, nulls }).toEqual({ type: 'int', nulls: [word] });
    },
  );

  test('the notation of the values is declared beside the word', () => {
    const { doubt } = infer(['1,50', 'NA', '3,25', '12,00']);
    expect(parse(doubt!.replace(/^.*; else /, ''))).toEqual({
      type: 'numeric',
      nulls: ['NA'],
      decimal: ',',
    });
  });

  test('one value of two thousand decides, whatever came before', () => {
    const numbers = Array.from({ length: 2000 }, (_, i) => String(i));
    expect(infer(numbers).type).toBe('int');
    expect(infer([...numbers, '0.5']).type).toBe('numeric');
    const text = infer([...numbers, 'x']);
    expect(text.type).toBe('text');
    expect(text.doubt).toContain('"x" (line 2001) is no whole number, as are the 2000 values');
  });
});

describe('metrics in a JSON column', () => {
  const CASES: readonly [name: string, values: string[], path?: string[], keys?: string[]][] = [
    [
      'under a path',
      ['{"metrics": {"b": 2, "a": 1}}', '{"metrics": {"a": null, "c": -3}}'],
      ['metrics'],
      ['b', 'a', 'c'],
    ],
    ['at the root', ['{"a": 1}', '{"b": 2}', '{}'], [], ['a', 'b']],
    ['none beside text', ['{"a": 1, "b": "x"}']],
    ['none under two paths', ['{"m": {"a": 1}, "n": {"b": 2}}']],
    ['none with decimals', ['{"a": 1.5}']],
    ['none with more digits than are safe', ['{"a": 12345678901234567}']],
    ['none in lists', ['[{"a": 1}]']],
    ['none among lists', ['{"a": 1}', '[1]']],
    ['none with escapes in names', ['{"a\\n": 1}']],
    ['none that is only null', ['{"a": null}']],
    ['none where the path leads to a number', ['{"m": {"a": 1}}', '{"m": 5}']],
    ['none where a key is there twice', ['{"a": 1, "a": 1}']],
    ['none under names that cannot be kept', ['{"$rest": 1}']],
    [
      'none with more names than a table has',
      [`{${Array.from({ length: 65 }, (_, i) => `"k${i}": 1`).join()}}`],
    ],
  ];
  test.each(CASES)('%s', (_, values, path, keys) => {
    const { metrics } = infer(values);
    expect(metrics?.path).toEqual(path);
    expect(metrics?.keys.map(({ name }) => name)).toEqual(keys);
  });
});

const ACCEPTS: Readonly<Record<ColumnType, (text: string) => unknown>> = {
  smallint: (text) => coerceInteger(text, -32_768, 32_767),
  int: (text) => coerceInteger(text, -2_147_483_648, 2_147_483_647),
  bigint: coerceBigint,
  real: coerceDouble,
  double: coerceDouble,
  numeric: coerceNumeric,
  text: coerceText,
  boolean: coerceBoolean,
  date: coerceDate,
  timestamp: coerceTimestamp,
  timestamptz: coerceTimestamp,
  uuid: coerceUuid,
  json: (text) => coerceJson(text, false),
  jsonb: (text) => coerceJson(text, true),
};

const someValue = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.double({ noNaN: true }).map(String),
  fc.stringMatching(/^-?\d{0,22}\.?\d{0,6}([eE][-+]?\d{1,4})?$/),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
  fc.stringMatching(
    /^20\d\d-[01]\d-[0-3]\d[ T][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{1,7})?)?(Z|[+-]\d\d)?$/,
  ),
  fc.uuid(),
  fc.json(),
  fc.constantFrom('true', 'false', 't', 'f', 'NA', 'null', 'NaN', '-', '', '0', '007', '-0'),
  fc.string(),
);

/** Columns of one kind are rare where each value is drawn anew. */
const someColumn = fc.oneof(
  fc.array(someValue),
  ...[
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
    fc.stringMatching(/^-?(0|[1-9]\d{0,9})\.\d{1,9}([eE][-+]?\d{1,2})?$/),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.uuid(),
    fc.json(),
  ].map((values) => fc.array(values)),
);

const toBytes = (text: string) => Buffer.from(text.replaceAll('\0', '')).toString('latin1');

describe('for any values', () => {
  test('the type takes each of them', () => {
    fc.assert(
      fc.property(someColumn, (drawn) => {
        const values = drawn.filter((value) => Buffer.from(value).toString('utf8') === value);
        const { type } = infer(values.map((value) => value.replaceAll('\0', '')));
        for (const value of values.map(toBytes)) {
          if (value === '') continue;
          expect(ACCEPTS[type](value), `${JSON.stringify(value)} as ${type}`).not.toBeInstanceOf(
            Fault,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('parts that are merged tell the same as the whole, however they are put together', () => {
    fc.assert(
      fc.property(someColumn, fc.nat(), fc.nat(), (values, m, n) => {
        const [first = 0, second = 0] = [m, n]
          .map((cut) => cut % (values.length + 1))
          .sort((a, b) => a - b);
        const parts = [values.slice(0, first), values.slice(first, second), values.slice(second)];
        const lines = parts.map((part) => part.length);
        const summaries = () => parts.map((part) => read(part).summary);
        const [a, b, c] = summaries() as [never, never, never];
        const left = emptySummary();
        mergeSummaries(left, a, 0);
        mergeSummaries(left, b, lines[0]!);
        mergeSummaries(left, c, lines[0]! + lines[1]!);
        const [d, e, f] = summaries() as [never, never, never];
        const behind = emptySummary();
        mergeSummaries(behind, e, 0);
        mergeSummaries(behind, f, lines[1]!);
        const right = emptySummary();
        mergeSummaries(right, d, 0);
        mergeSummaries(right, behind, lines[0]!);
        const whole = infer(values);
        expect(inferType(left)).toEqual(whole);
        expect(inferType(right)).toEqual(whole);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('objects of a column', () => {
  const someNumber = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom('0', '-0', '007', '1.5', 'null', '"x"', '12345678901234567', '-'),
  );
  const someObject = fc.oneof(
    fc.tuple(someNumber, someNumber).map(([a, b]) => `{"m": {"a": ${a}, "b": ${b}}}`),
    fc.tuple(fc.integer(), fc.integer()).map(([a, b]) => `{"m": {"a": ${a}, "b": ${b}}}`),
    fc.integer().map((a) => `{"a": ${a}}`),
    fc.integer().map((a) => `{"a": ${a}, "a": 1}`),
    fc.constantFrom('{}', '{"m": {}}', '[1]', '{"m": {"a": 1, "b": 2}} '),
  );

  test('tell the same whether each is like the one before or not', () => {
    const summarize = (values: readonly string[]) => {
      const merged = emptySummary();
      for (const value of values) mergeSummaries(merged, read([value]).summary, 0);
      return merged;
    };
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(someObject),
          fc.array(fc.integer().map((a) => `{"m": {"a": ${a}, "b": 1}}`)),
        ),
        (values) => {
          const { summary } = read(values);
          const alone = summarize(values);
          expect(summary.kinds).toBe(alone.kinds);
          if (summary.kinds === 0) return;
          expect(inferType(summary).metrics).toEqual(inferType(alone).metrics);
          expect(summary.shape.hasRepeatedKey).toBe(alone.shape.hasRepeatedKey);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const someField = fc.oneof(
  someValue.map((text) => text.replace(/[\r\n]/g, ' ')),
  someValue.map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.constantFrom('', '""', '"', 'a"b', '"a"b', '\xff', 'a\0b'),
);
const DIALECTS: readonly [string, Partial<Dialect>][] = [
  ['plain', {}],
  ['with trailing delimiters', { hasTrailingDelimiter: true }],
  ['with bare quotes', { allowsBareQuotes: true }],
  ['without quotes', { quote: '' }],
  ['padded', { ragged: 'pad' }],
  ['of Latin-1', { encoding: 'latin1' }],
  ['of any line end', { lineEnd: 'any' }],
];

describe('records', () => {
  test.each(DIALECTS)('%s tell the same as by csv-parse', (_, details) => {
    const dialect: Dialect = { ...PLAIN_DIALECT, fieldCount: 2, ...details };
    fc.assert(
      fc.property(
        fc.array(fc.array(someField, { minLength: 1, maxLength: 3 })),
        fc.constantFrom('\n', '\r\n'),
        (records, lineEnd) => {
          const bytes = Buffer.from(
            records.map((fields) => fields.join(',') + lineEnd).join(''),
            'latin1',
          );
          const reader = new RecordReader({ format: 'csv', dialect }, 2, []);
          readWholeRecords(reader, bytes, 0);
          const expected = readByCsvParse(bytes, dialect);
          expect(reader.records).toBe(expected.records);
          expect(reader.columns.map(({ summary }) => inferType(summary))).toEqual(expected.columns);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function readByCsvParse(bytes: Buffer, dialect: Dialect) {
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(1000);
  scanner.reset(0);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, false, batch);
  const columns = [new ColumnReader(), new ColumnReader()];
  new CsvParser(dialect).parse(bytes, batch, (index, record) => {
    if (record instanceof Fault) return;
    const isFaulty = record.some((field) => field !== null && coerceText(field) instanceof Fault);
    if (isFaulty) return;
    for (const [i, column] of columns.entries()) column.addText(record[i]!, batch.line[index]!);
  });
  return { records: batch.count, columns: columns.map(({ summary }) => inferType(summary)) };
}
