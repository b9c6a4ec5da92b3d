/** What each correction makes of a value, and what it refuses; tests/load/corrections.test.ts asks PostgreSQL. */
import { describe, expect, it } from 'vitest';
import type { Corrections } from '../../src/model/corrections.js';
import { Fault } from '../../src/model/reject-codes.js';
import type { ColumnType } from '../../src/model/types.js';
import { decodeBytes, encodeBytes } from '../../src/values/coerce.js';
import { Corrector } from '../../src/values/correct/corrector.js';

/** Returns the value, or `!` and the code of the fault; and the corrections that acted. */
function correct(
  corrections: Corrections,
  type: ColumnType,
  text: string | null,
): [string | null, string] {
  const corrector = new Corrector(corrections, type);
  const result = corrector.correct(text === null ? null : encodeBytes(text));
  if (result instanceof Fault) return [`!${result.code}`, ''];
  return [result === null ? null : decodeBytes(result), corrector.acted.join(' ')];
}

type Case = readonly [
  corrections: Corrections,
  type: ColumnType,
  text: string | null,
  expected: string | null,
  acted: string,
];

function check(cases: readonly Case[]): void {
  it.each(cases)('%j of %s: %j → %j (%s)', (corrections, type, text, expected, acted) => {
    expect(correct(corrections, type, text)).toEqual([expected, acted]);
  });
}

describe('texts', () => {
  check([
    [{ trim: true }, 'text', ' a b\t', 'a b', 'trim'],
    [{ trim: true }, 'text', '\u00a0é\u00a0 ', 'é', 'trim'],
    [{ trim: true }, 'text', 'à', 'à', ''],
    [{ trim: true }, 'text', ' \n ', '', 'trim'],
    [{ trim: true }, 'int', '  ', '', 'trim'],
    [{ trim: true }, 'text', null, null, ''],
    [{ nulls: ['NA', '\\N', 'null', '-'] }, 'text', '\\N', null, 'nulls'],
    [{ nulls: ['NA'] }, 'text', 'na', 'na', ''],
    [{ nulls: ['NA'] }, 'text', ' NA', ' NA', ''],
    [{ trim: true, nulls: ['NA'] }, 'text', ' NA', null, 'trim nulls'],
    [{ nulls: ['-999'] }, 'int', '-999', null, 'nulls'],
    [{ emptyAsNull: true }, 'text', '', null, 'empty-as-null'],
    [{ trim: true, emptyAsNull: true }, 'text', ' ', null, 'trim empty-as-null'],
    [{ values: { open: ['OPEN', 'Opened'] } }, 'text', 'Opened', 'open', 'values'],
    [{ values: { open: ['OPEN'] } }, 'text', 'open', 'open', ''],
    [{ values: { open: ['OPEN'] } }, 'text', 'opening', 'opening', ''],
    [{ values: { true: ['ja', 'oui'], false: ['nein'] } }, 'boolean', 'oui', 'true', 'values'],
    [{ values: { café: ['CAFÉ'] }, case: 'lower' }, 'text', 'CAFÉ', 'café', 'values'],
    [{ case: 'lower' }, 'text', 'ÀÉ1', 'àé1', 'case'],
    [{ case: 'upper' }, 'text', 'straße', 'STRASSE', 'case'],
    [{ case: 'lower' }, 'text', 'plain', 'plain', ''],
    [{ default: 'none' }, 'text', null, 'none', 'default'],
    [{ default: 'none' }, 'text', '', '', ''],
    [{ default: '0' }, 'int', '', '0', 'default'],
    [{ nulls: ['?'], default: '0' }, 'int', '?', '0', 'nulls default'],
  ]);

  it('bytes that are no UTF-8 are a fault where letters count', () => {
    const corrector = new Corrector({ case: 'lower' }, 'text');
    expect(corrector.correct('\xff')).toMatchObject({ code: 'invalid_utf8' });
  });
});

describe('numbers', () => {
  const german: Corrections = { decimal: ',', thousands: '.' };
  check([
    [{ decimal: ',' }, 'numeric', '1,50', '1.50', 'decimal'],
    [{ decimal: ',' }, 'double', '7', '7', ''],
    [{ decimal: ',' }, 'numeric', '1.50', '!bad_number', ''],
    [german, 'numeric', '1.234.567,89', '1234567.89', 'thousands decimal'],
    [german, 'numeric', '-1.234', '-1234', 'thousands'],
    [german, 'int', '1.234', '1234', 'thousands'],
    [german, 'numeric', '1.23', '!bad_number', ''],
    [german, 'int', '12.34', '!bad_integer', ''],
    [german, 'numeric', '1234.567', '!bad_number', ''],
    [german, 'numeric', '1.234,5.6', '!bad_number', ''],
    [{ thousands: ',' }, 'numeric', '12,34,567.5', '1234567.5', 'thousands'],
    [{ thousands: '\u00a0' }, 'int', '1\u00a0000', '1000', 'thousands'],
    [{ thousands: "'" }, 'int', "1'000", '1000', 'thousands'],
    [{ currency: ['€'] }, 'numeric', '€ 12.5', '12.5', 'currency'],
    [{ currency: ['€', 'EUR'] }, 'numeric', '-12.5 EUR', '-12.5', 'currency'],
    [{ currency: ['$', 'US$'] }, 'numeric', '-US$5', '-5', 'currency'],
    [{ currency: ['€'] }, 'numeric', '12.5\u00a0€', '12.5', 'currency'],
    [{ currency: ['CHF'] }, 'numeric', 'CHF\u00a0\u202f-12.5', '-12.5', 'currency'],
    [{ currency: ['$'] }, 'numeric', '5', '5', ''],
    [{ currency: ['$'] }, 'numeric', 'x$5', 'x$5', ''],
    [
      { ...german, currency: ['€'] },
      'numeric',
      '1.234,50 €',
      '1234.50',
      'currency thousands decimal',
    ],
  ]);
});

describe('times', () => {
  const format = (...formats: string[]): Corrections => ({ format: formats });
  check([
    [format('%d.%m.%Y'), 'date', '31.12.2024', '2024-12-31', 'format'],
    [format('%d.%m.%Y'), 'date', '1.2.2024', '2024-02-01', 'format'],
    [format('%d.%m.%Y'), 'date', '2024-12-31', '!bad_date', ''],
    [format('%m/%d/%y'), 'date', '02/01/69', '1969-02-01', 'format'],
    [format('%D'), 'date', '02/01/68', '2068-02-01', 'format'],
    [format('%d %b %Y'), 'date', '3 Feb 2024', '2024-02-03', 'format'],
    [format('%A, %d %B %Y'), 'date', 'monday,  03 february 2024', '2024-02-03', 'format'],
    [format('%Y-%j'), 'date', '2024-366', '2024-12-31', 'format'],
    [format('%Y-%j'), 'date', '2023-366', '!bad_date', ''],
    [format('%d/%m/%Y', '%Y-%m-%d'), 'date', '2024-02-03', '2024-02-03', ''],
    [format('%d/%m/%Y', '%m/%d/%Y'), 'date', '12/31/2024', '2024-12-31', 'format'],
    [format('%d/%m/%Y', '%m/%d/%Y'), 'date', '03/04/2024', '2024-04-03', 'format'],
    [format('%d/%m/%Y', '%m/%d/%Y'), 'date', '31/31/2024', '2024-31-31', 'format'],
    [
      format('%d/%m/%Y %R', '%m/%d/%Y %R'),
      'timestamp',
      '2/29/2024 4:05',
      '2024-02-29 04:05:00',
      'format',
    ],
    [format('%d/%m/%Y %H:%M'), 'timestamp', '03/02/2024 4:05', '2024-02-03 04:05:00', 'format'],
    [
      format('%m/%d/%Y %I:%M:%S %p'),
      'timestamp',
      '2/3/2024 12:05:06 am',
      '2024-02-03 00:05:06',
      'format',
    ],
    [format('%m/%d/%Y %I %p'), 'timestamp', '2/3/2024 13 pm', '!bad_timestamp', ''],
    [
      format('%d/%b/%Y:%T %z'),
      'timestamptz',
      '03/Feb/2024:04:05:06 +0130',
      '2024-02-03 04:05:06+0130',
      'format',
    ],
    [format('%F %T.%f'), 'timestamp', '2024-02-03 04:05:06.5', '2024-02-03 04:05:06.5', ''],
    [format('%%F %d.%m.%Y'), 'date', '%F 3.2.2024', '2024-02-03', 'format'],
    [{ epoch: 'seconds' }, 'timestamp', '0', '1970-01-01 00:00:00.000000', 'epoch'],
    [{ epoch: 'seconds' }, 'timestamp', '1700000000.25', '2023-11-14 22:13:20.250000', 'epoch'],
    [{ epoch: 'millis' }, 'timestamp', '-1', '1969-12-31 23:59:59.999000', 'epoch'],
    [{ epoch: 'micros' }, 'timestamptz', '1', '1970-01-01 00:00:00.000001', 'epoch'],
    [{ epoch: 'nanos' }, 'timestamp', '1500', '1970-01-01 00:00:00.000002', 'epoch'],
    [{ epoch: 'millis' }, 'timestamp', '2024-01-01', '!bad_timestamp', ''],
    [{ epoch: 'seconds' }, 'timestamp', '99999999999999', '!out_of_range', ''],
    [
      { timezone: 'Europe/Amsterdam' },
      'timestamp',
      '2024-07-01 12:00:00',
      '2024-07-01 10:00:00.000000',
      'timezone',
    ],
    [{ timezone: 'Europe/Amsterdam' }, 'timestamp', '2024-07-01 12:00Z', '2024-07-01 12:00Z', ''],
    [{ timezone: 'Europe/Amsterdam' }, 'timestamp', 'infinity', 'infinity', ''],
    [
      { truncate: 'minute' },
      'timestamp',
      '2024-07-01 12:00:59.9',
      '2024-07-01 12:00:00.000000',
      'truncate',
    ],
    [{ truncate: 'minute' }, 'timestamp', '2024-07-01T12:00:00Z', '2024-07-01T12:00:00Z', ''],
    [
      { truncate: 'day' },
      'timestamp',
      '1969-12-31 23:59:59',
      '1969-12-31 00:00:00.000000',
      'truncate',
    ],
    [
      { ...format('%d.%m.%Y %H:%M:%S'), timezone: 'America/New_York', truncate: 'hour' },
      'timestamptz',
      '01.07.2024 12:34:56',
      '2024-07-01 16:00:00.000000',
      'format timezone truncate',
    ],
  ]);
});

describe('JSON', () => {
  check([
    [{ storedAs: 'json-string' }, 'jsonb', '"{\\"a\\": 1}"', '{"a": 1}', 'stored-as'],
    [{ storedAs: 'json-string' }, 'jsonb', '{"a": 1}', '{"a": 1}', ''],
    [
      { storedAs: 'python' },
      'jsonb',
      "{'a': None, 'b': (True, 1.5,), \"c\": u'\\xe9\\'\\n'}",
      '{"a": null, "b": [true, 1.5], "c": "é\'\\n"}',
      'stored-as',
    ],
    [{ storedAs: 'python' }, 'json', "['a', 'b']", '["a", "b"]', 'stored-as'],
    [{ storedAs: 'python' }, 'json', "['a'", '!bad_json', ''],
    [{ storedAs: 'python' }, 'json', 'datetime(2024)', '!bad_json', ''],
    [{ storedAs: 'python' }, 'json', "{'a', 'b'}", '!bad_json', ''],
    [
      { storedAs: 'postgres-array' },
      'jsonb',
      '{a,"b c",NULL,{1,2}}',
      '["a","b c",null,["1","2"]]',
      'stored-as',
    ],
    [{ storedAs: 'postgres-array' }, 'jsonb', '{}', '[]', 'stored-as'],
    [{ storedAs: 'postgres-array' }, 'jsonb', 'a,b', '!bad_json', ''],
    [{ storedAs: 'list' }, 'jsonb', 'a, b,"c"', '["a","b","\\"c\\""]', 'stored-as'],
    [{ storedAs: 'list', separator: ';' }, 'jsonb', 'é;,', '["é",","]', 'stored-as'],
  ]);
});
