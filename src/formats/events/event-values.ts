/** Values as events write them (docs/events.md): made of the text of a field, and held against what the server can store. */
import { Fault } from '../../model/reject-codes.js';
import type { ColumnType } from '../../model/types.js';
import {
  coerceBigint,
  coerceBoolean,
  coerceDouble,
  coerceInteger,
  coerceNumeric,
  coerceReal,
  coerceUuid,
  type Decimal,
  decodeBytes,
} from '../../values/coerce.js';
import {
  coerceDate,
  coerceTimestamp,
  DATE_INFINITY,
  DATE_MINUS_INFINITY,
  isCalendarDate,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
  writeTimestamp,
} from '../../values/datetime.js';
import { INT2_MAX, INT2_MIN, INT4_MAX, INT4_MIN } from '../../values/integer-limits.js';

type ToValue = (text: string) => unknown;

/** @param write of a value that is none of the faults */
function from<T>(coerce: (text: string) => T | Fault, write: (value: T) => unknown): ToValue {
  return (text) => {
    const value = coerce(text);
    return value instanceof Fault ? decodeBytes(text) : write(value);
  };
}

const TO_VALUE: Readonly<Record<ColumnType, ToValue>> = {
  smallint: from((text) => coerceInteger(text, INT2_MIN, INT2_MAX), Number),
  int: from((text) => coerceInteger(text, INT4_MIN, INT4_MAX), Number),
  bigint: from(coerceBigint, String),
  real: from(coerceReal, writeFloat),
  double: from(coerceDouble, writeFloat),
  numeric: from(coerceNumeric, writeNumeric),
  text: decodeBytes,
  boolean: from(coerceBoolean, Boolean),
  date: from(coerceDate, writeDate),
  timestamp: (text) => writeMoment(text, ''),
  timestamptz: (text) => writeMoment(text, 'Z'),
  uuid: from(coerceUuid, writeUuid),
  json: parseJson,
  jsonb: parseJson,
};

/**
 * @param text a byte string
 * @returns what is not of the type stays text, which the schema of the event refuses
 */
export function toEventValue(type: ColumnType, text: string): unknown {
  return TO_VALUE[type](text);
}

function writeFloat(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function writeNumeric(value: Decimal | number): string {
  if (typeof value === 'number') return String(value);
  const { isNegative, digits, exponent } = value;
  const sign = isNegative ? '-' : '';
  if (exponent >= 0) return sign + (digits === '' ? '0' : digits + '0'.repeat(exponent));
  const padded = digits.padStart(1 - exponent, '0');
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

const MILLIS_PER_DAY = 86_400_000;
const FROM_1970_TO_2000 = 10_957;

function writeDate(days: number): string {
  if (days === DATE_INFINITY) return 'infinity';
  if (days === DATE_MINUS_INFINITY) return '-infinity';
  return new Date((days + FROM_1970_TO_2000) * MILLIS_PER_DAY)
    .toISOString()
    .replace(/T.*|^\+0*/g, '');
}

function writeMoment(text: string, zone: string): string {
  const micros = coerceTimestamp(text);
  if (micros instanceof Fault) return decodeBytes(text);
  if (micros === TIMESTAMP_INFINITY) return 'infinity';
  if (micros === TIMESTAMP_MINUS_INFINITY) return '-infinity';
  const written = writeTimestamp(micros);
  return written === undefined ? text : `${written.replace(' ', 'T')}${zone}`;
}

function writeUuid(hex: string): string {
  return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(decodeBytes(text));
  } catch {
    return decodeBytes(text);
  }
}

/** Says why the server cannot hold a value that the schema of the event takes; undefined if it can. */
export type Storable = (value: unknown) => string | undefined;

const MAX_YEAR_OF_DATE = 5_874_897;
const MAX_YEAR_OF_TIME = 294_276;
const FIRST_YEAR_BC = 4713;
const DAY = /^(\d{4,})-(\d\d)-(\d\d)/;
const LONG_NUMBER = 1000;

const STORABLE: Readonly<Partial<Record<ColumnType, Storable>>> = {
  bigint: (value) => faultOf(typeof value === 'string' && value.length > 18, coerceBigint, value),
  numeric: (value) =>
    faultOf(typeof value === 'string' && value.length > LONG_NUMBER, coerceNumeric, value),
  real: (value) => faultOf(typeof value === 'number', (text) => coerceReal(text), value),
  date: (value) => findDayFault(value, MAX_YEAR_OF_DATE),
  timestamp: (value) => findDayFault(value, MAX_YEAR_OF_TIME),
  timestamptz: (value) => findDayFault(value, MAX_YEAR_OF_TIME),
};

export function storableOf(type: ColumnType): Storable | undefined {
  return STORABLE[type];
}

function faultOf(
  isAsked: boolean,
  coerce: (text: string) => unknown,
  value: unknown,
): string | undefined {
  if (!isAsked) return undefined;
  const result = coerce(String(value));
  return result instanceof Fault ? result.reason : undefined;
}

function findDayFault(value: unknown, maxYear: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const found = DAY.exec(value);
  if (found === null) return undefined;
  const written = Number(found[1]);
  const isBefore = value.endsWith('BC');
  // The year 1 BC is a leap year, as 4 is.
  const year = isBefore ? 8001 - written : written;
  const isInRange = written > 0 && (isBefore ? written <= FIRST_YEAR_BC : written <= maxYear);
  if (isInRange && isCalendarDate(year, Number(found[2]), Number(found[3]))) return undefined;
  return `${JSON.stringify(value)} is not a day of the calendar`;
}
