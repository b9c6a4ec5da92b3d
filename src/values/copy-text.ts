/** The bytes of a COPY field → text, as the server prints the value, and reads it again. */
import type { ColumnType } from '../model/types.js';

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND;
const DAYS_TO_2000 = 10_957;

export function fieldText(type: ColumnType, field: Buffer): string {
  switch (type) {
    case 'smallint':
      return String(field.readInt16BE(0));
    case 'int':
      return String(field.readInt32BE(0));
    case 'bigint':
      return String(field.readBigInt64BE(0));
    case 'real':
      return floatText(field.readFloatBE(0), singleText);
    case 'double':
      return floatText(field.readDoubleBE(0), String);
    case 'numeric':
      return numericText(field);
    case 'boolean':
      return field[0] === 1 ? 'true' : 'false';
    case 'date':
      return dateText(field.readInt32BE(0));
    case 'timestamp':
      return timestampText(field.readBigInt64BE(0));
    case 'timestamptz':
      return withZone(timestampText(field.readBigInt64BE(0)));
    case 'uuid':
      return field.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    case 'jsonb':
      return field.toString('utf8', 1);
    case 'text':
    case 'json':
      return field.toString('utf8');
  }
}

/** Shortest text that reads as the same number. */
function floatText(value: number, print: (value: number) => string): string {
  return Object.is(value, -0) ? '-0' : print(value);
}

function singleText(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

/** Source: numeric_send in src/backend/utils/adt/numeric.c. */
function numericText(field: Buffer): string {
  const groups = field.readInt16BE(0);
  const weight = field.readInt16BE(2);
  const sign = field.readUInt16BE(4);
  const scale = field.readUInt16BE(6);
  if (sign === 0xc000) return 'NaN';
  if (sign === 0xd000) return 'Infinity';
  if (sign === 0xf000) return '-Infinity';
  const group = (index: number) =>
    index < 0 || index >= groups
      ? '0000'
      : String(field.readInt16BE(8 + index * 2)).padStart(4, '0');
  let whole = '';
  for (let index = 0; index <= weight; index++) whole += group(index);
  let fraction = '';
  for (let index = weight + 1; fraction.length < scale; index++) fraction += group(index);
  whole = whole.replace(/^0+(?=\d)/, '') || '0';
  fraction = fraction.slice(0, scale);
  return `${sign === 0x4000 ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function dateText(days: number): string {
  if (days === 2_147_483_647) return 'infinity';
  if (days === -2_147_483_648) return '-infinity';
  const { date, era } = calendarDate(days);
  return date + era;
}

function timestampText(micros: bigint): string {
  if (micros === 2n ** 63n - 1n) return 'infinity';
  if (micros === -(2n ** 63n)) return '-infinity';
  const ofDay = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  const { date, era } = calendarDate(Number((micros - ofDay) / MICROS_PER_DAY));
  const seconds = Number(ofDay / MICROS_PER_SECOND);
  const fraction = String(ofDay % MICROS_PER_SECOND)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0');
  const time = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${date} ${time}${fraction === '' ? '' : `.${fraction}`}${era}`;
}

function withZone(text: string): string {
  if (text.endsWith('infinity')) return text;
  return text.endsWith(' BC') ? `${text.slice(0, -3)}+00 BC` : `${text}+00`;
}

/** @param days from 2000-01-01, in the proleptic Gregorian calendar */
function calendarDate(days: number): { date: string; era: string } {
  // The calendar repeats every 400 years. Date covers fewer years than PostgreSQL's dates.
  const CYCLE_DAYS = 146_097;
  const cycles = Math.floor(days / CYCLE_DAYS);
  const date = new Date((days - cycles * CYCLE_DAYS + DAYS_TO_2000) * 86_400_000);
  const year = date.getUTCFullYear() + cycles * 400;
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0');
  const monthAndDay = date.toISOString().slice(4, 10);
  return { date: `${shown}${monthAndDay}`, era: year > 0 ? '' : ' BC' };
}
