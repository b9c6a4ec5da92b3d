/** The two ways to the JSON of a value: in the source, and by the reader from the text that a trigger keeps. */
import { beforeAll, expect, it } from 'vitest';
import { type ValueKind, valueJson } from '../../src/capture/value-json.js';
import { useTestDatabase } from '../support/database.js';
import { installIn } from './source.js';

const source = useTestDatabase('empty');

beforeAll(async () => {
  await source.query('CREATE TABLE notes (id int PRIMARY KEY)');
  await installIn(
    source.config,
    'tables:\n  notes: { key: id, columns: { id: int } }\ncapture:\n  tables: { notes: {} }\n',
  );
});

const MOMENTS = [
  "'infinity'",
  "'-infinity'",
  "'1970-01-01'",
  "'1969-12-31'",
  "'0001-01-01'",
  "'0001-12-31 BC'",
  "'0005-02-29 BC'",
  "'4713-12-31 BC'",
  "'2000-02-29'",
  "'1900-03-01'",
  "'9999-12-31'",
  "'123456-07-08'",
];
const TIMES = [
  ...MOMENTS,
  "'1969-12-31 23:59:59.999999'",
  "'1969-12-31 23:59:59.5'",
  "'1970-01-01 00:00:00.000001'",
  "'0044-03-15 12:34:56.789 BC'",
  "'290000-12-31 23:59:59.999999'",
];

/** SQL of many values: over all years, and around the turns of days. */
const MANY_TIMES = `SELECT timestamp '4713-12-31 BC' + i * interval '17 days 05:06:07.890123' FROM generate_series(1, 20000) AS i`;
const MANY_DATES = `SELECT date '4713-12-31 BC' + i * 37 FROM generate_series(1, 20000) AS i`;

const of = (type: string, values: readonly string[]) =>
  `SELECT v::${type} FROM (VALUES ${['NULL', ...values].map((value) => `(${value})`).join(', ')}) AS t (v)`;

const CASES: readonly [kind: ValueKind, type: string, values: string][] = [
  ['number', 'smallint', of('smallint', ['-1', '32767'])],
  ['number', 'int', of('int', ['0', '-2147483648'])],
  ['number', 'bigint', of('bigint', ['9007199254740993'])],
  ['number', 'numeric', of('numeric', ["'NaN'", "'-Infinity'", "'1.500'", "'1e-20'", "'1e30'"])],
  ['number', 'real', of('real', ["'NaN'", "'Infinity'", "'-0'", "'1e20'", "'0.1'"])],
  ['number', 'double precision', of('double precision', ["'NaN'", "'-Infinity'", "'1e-300'"])],
  ['digits', 'bigint', of('bigint', ['9007199254740993', '-1'])],
  ['digits', 'numeric', of('numeric', ["'NaN'", "'Infinity'", "'1.500'"])],
  ['boolean', 'boolean', of('boolean', ["'t'", "'f'"])],
  ['uuid', 'uuid', of('uuid', ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"])],
  ['date', 'date', of('date', [...MOMENTS, "'5874897-12-31'"])],
  ['date', 'date', MANY_DATES],
  ['timestamp', 'timestamp', of('timestamp', TIMES)],
  ['timestamp', 'timestamp', MANY_TIMES],
  [
    'timestamptz',
    'timestamptz',
    of(
      'timestamptz',
      TIMES.map((value) => value.replace(/(\d)( BC)?'$/, "$1Z$2'")),
    ),
  ],
  ['value', 'json', of('json', [`E'{"a":\\r\\n 1.0, "b": "\\\\\\\\n"}'`, "'null'", `'"x"'`])],
  ['value', 'jsonb', of('jsonb', [`'{"b": [1.0, null], "a": "\\u0001"}'`])],
  [
    'text',
    'text',
    of('text', [
      "''",
      `'NULL'`,
      `E'"\\\\\\b\\f\\n\\r\\t\\x01\\x1f\\x7f/'`,
      `'ä € 😀 ' || chr(8232) || chr(65535)`,
      `'{a,"b"}'`,
    ]),
  ],
  ['padded', 'bpchar', of('char(5)', ["'ab'", "''", `'a"b'`])],
];

it.each(CASES)('%s of %s', async (kind, _, values) => {
  const rows = (await source.query(
    `SELECT edp_capture.json_${kind}(v), edp_capture.plain_${kind}(v) FROM (${values}) AS t (v)`,
  )) as [string, string | null][];
  expect(rows.length).toBeGreaterThan(1);
  expect(rows.map(([, plain]) => valueJson(kind, plain))).toEqual(rows.map(([json]) => json));
});
