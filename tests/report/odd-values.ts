/** A report with odd values of each type: every format must keep them, and CSV is the oracle. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type pg from 'pg';
import type { FormatName } from '../../src/report/format/report-format.js';
import { parseReport, type Report } from '../../src/report/report.js';
import { readReport } from './read-report.js';

/** Type → texts of its values; NULL is added to each. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  smallint: ['-32768', '32767', '0'],
  int: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807', '9007199254740993', '123456789012345'],
  real: ['0.1', '-1e-30', 'NaN', 'Infinity'],
  double: ['0.1', '1e300', '5e-324', 'NaN', '-Infinity', '123456789.123456'],
  'numeric(20,4)': ['1.10', '-0.0001', '1234567890123456.7891'],
  numeric: ['1.10', '0.30000000000000000000004', '12345678901234567'],
  text: [
    '',
    ' ',
    '=1+1',
    '+1',
    '-a',
    '@x',
    "'quoted",
    'a,b"c',
    'line\nend',
    'tab\tcr\rend',
    'größe 😀 €',
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '_x0041_ \u0001',
    ']]>',
    '00012',
    '1e5',
    'null',
  ],
  boolean: ['t', 'f'],
  date: ['2024-02-29', '1900-01-01', '1900-03-01', '9999-12-31', '0001-01-01'],
  timestamp: ['2024-02-29 23:59:59.999999', '2024-01-01 00:00:00', '1969-12-31 23:59:59.5'],
  timestamptz: ['2024-02-29 23:59:59.123+05:30', '2024-01-01 00:00:00+00'],
  uuid: ['00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
  jsonb: ['{"a": [1, null, "<b>"]}', '"x"', '1.10'],
  json: ['{"a":1,  "a":2}'],
  bytea: ['\\x00ff', '\\x'],
  interval: ['1 day 02:03:04'],
  time: ['23:59:59.123456'],
  'int[]': ['{1,NULL,3}', '{}'],
  'text[]': ['{"a,b",NULL,""}', '{x}'],
  'timestamptz[]': ['{"2024-01-01 00:00:00+00"}'],
};

export const TYPES = Object.keys(VALUES);
const ROWS = Math.max(...Object.values(VALUES).map((values) => values.length)) + 1;

/** A column for each type, a row for each value; shorter columns end with NULL. */
const literal = (text: string | undefined, type: string) =>
  text === undefined
    ? `NULL::${type}`
    : `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'::${type}`;
const typeOf = (type: string) => type.replace('double', 'double precision');
const rowSql = (at: number) =>
  `(${at}, ${TYPES.map((type) => literal(VALUES[type]![at], typeOf(type))).join(', ')})`;
const names = TYPES.map((type) => `"${type}"`).join(', ');

export const ODD_REPORT = parseReport(
  `-- title: Odd <values> & "quotes"
-- description: </title><script>alert('description')</script>
-- param note text = '<b>note</b>': any
-- chart: bar x=text y=int by=text

SELECT ${names}, :'note' AS "<i>note</i>" FROM (VALUES ${Array.from({ length: ROWS }, (_, at) => rowSql(at)).join(',\n')}) AS v (at, ${names}) ORDER BY at`,
  'odd',
  'sql/reports/odd.sql',
);

export async function writeBytes(
  client: pg.ClientConfig,
  report: Report,
  format: FormatName,
): Promise<Buffer> {
  const madeAt = new Date('2026-01-02T03:04:05Z');
  return (await readReport(client, report, { format, madeAt })).content;
}

export type Cell = string | null;

/** Rows of the CSV, with its header; NULL is told from the empty string. */
export function parseCsv(text: string | Buffer): Cell[][] {
  return parse(text, {
    record_delimiter: '\n',
    cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
  }) as Cell[][];
}

export async function withFile<T>(
  name: string,
  bytes: Uint8Array,
  work: (file: string, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'edp-file-'));
  try {
    const file = path.join(folder, name);
    await writeFile(file, bytes);
    return await work(file, folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
