/**
 * Dates and timestamps: ISO 8601 and `YYYY-MM-DD HH:MM:SS[.ffffff]`, `T` or space, optional zone.
 * Values count from 2000-01-01, as in PostgreSQL.
 */
import { Fault } from '../model/reject-codes.js';
import { show } from './coerce.js';

/** PostgreSQL's encoding of infinity. */
export const DATE_INFINITY = 2_147_483_647;
export const DATE_MINUS_INFINITY = -2_147_483_648;
export const TIMESTAMP_INFINITY = 2n ** 63n - 1n;
export const TIMESTAMP_MINUS_INFINITY = -(2n ** 63n);

const DAYS_TO_2000 = 10_957;
const MICROS_PER_SECOND = 1_000_000;
const MICROS_PER_DAY = 86_400_000_000;

// A date has separators everywhere or nowhere; so has a time.
const DATE_PART = String.raw`(\d{4})(-?)(\d{2})\2(\d{2})`;
const TIME_PART = String.raw`(\d{2})(:?)(\d{2})(?:\6(\d{2})(?:\.(\d+))?)?`;
const ZONE_PART = String.raw`(?:[Zz]| ?([+-])(\d{2})(?::?(\d{2}))?)?`;
const DATE = new RegExp(`^${DATE_PART}$`);
const TIMESTAMP = new RegExp(`^${DATE_PART}(?:[Tt ]${TIME_PART}${ZONE_PART})?$`);
const INFINITE = /^([+-]?)infinity$/i;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether the proleptic Gregorian calendar has the day; month and day from 1. */
export function isCalendarDate(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const isLeapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= DAYS_IN_MONTH[month - 1]! + (isLeapDay ? 1 : 0);
}

/** Days from 2000-01-01 in the proleptic Gregorian calendar. */
function daysFromDate(year: number, month: number, day: number): number {
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() / 86_400_000 - DAYS_TO_2000;
}

/** @returns days from 2000-01-01 */
export function coerceDate(text: string): number | Fault {
  const match = DATE.exec(text);
  if (match === null) {
    const infinite = INFINITE.exec(text);
    if (infinite !== null) return infinite[1] === '-' ? DATE_MINUS_INFINITY : DATE_INFINITY;
    return new Fault('bad_date', `${show(text)} is not a date`);
  }
  const year = Number(match[1]);
  const month = Number(match[3]);
  const day = Number(match[4]);
  if (!isCalendarDate(year, month, day)) {
    return new Fault('bad_date', `${show(text)} is not a date of the calendar`);
  }
  return daysFromDate(year, month, day);
}

/**
 * A zone is converted to UTC. Text without a zone is taken as it is; for a timestamptz column it is
 * UTC, whatever the server's time zone.
 *
 * @returns microseconds from 2000-01-01 00:00
 */
export function coerceTimestamp(text: string): bigint | Fault {
  const match = TIMESTAMP.exec(text);
  if (match === null) {
    const infinite = INFINITE.exec(text);
    if (infinite !== null) {
      return infinite[1] === '-' ? TIMESTAMP_MINUS_INFINITY : TIMESTAMP_INFINITY;
    }
    return new Fault('bad_timestamp', `${show(text)} is not a timestamp`);
  }
  const year = Number(match[1]);
  const month = Number(match[3]);
  const day = Number(match[4]);
  const hour = Number(match[5] ?? '0');
  const minute = Number(match[7] ?? '0');
  const second = Number(match[8] ?? '0');
  const micros = roundFraction(match[9]);
  let secondsOfDay = hour * 3600 + minute * 60 + second;
  // As in the server: 24:00:00 is the next midnight, a 60th second the next minute.
  if (
    !isCalendarDate(year, month, day) ||
    minute > 59 ||
    second > 60 ||
    secondsOfDay * MICROS_PER_SECOND + micros > MICROS_PER_DAY
  ) {
    return new Fault('bad_timestamp', `${show(text)} is not a time of the calendar`);
  }
  const zoneSign = match[10];
  if (zoneSign !== undefined) {
    const zoneHours = Number(match[11]);
    const zoneMinutes = Number(match[12] ?? '0');
    if (zoneHours > 15 || zoneMinutes > 59) {
      return new Fault('bad_timestamp', `${show(text)} has a zone that does not exist`);
    }
    const offset = zoneHours * 3600 + zoneMinutes * 60;
    secondsOfDay += zoneSign === '-' ? offset : -offset;
  }
  return (
    BigInt(daysFromDate(year, month, day)) * BigInt(MICROS_PER_DAY) +
    BigInt(secondsOfDay * MICROS_PER_SECOND + micros)
  );
}

/** Whether a timestamp names its zone; false for text that is no timestamp. */
export function hasZone(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  return match !== null && (match[10] !== undefined || /z$/i.test(text));
}

/** Times from year 0001 to 9999, which can be written with four digits. */
const MIN_WRITTEN = BigInt(daysFromDate(1, 1, 1)) * BigInt(MICROS_PER_DAY);
const MAX_WRITTEN = BigInt(daysFromDate(10_000, 1, 1)) * BigInt(MICROS_PER_DAY) - 1n;

/**
 * The reverse of {@link coerceTimestamp}.
 *
 * @param micros from 2000-01-01 00:00
 * @returns undefined where the year does not have four digits
 */
export function writeTimestamp(micros: bigint): string | undefined {
  if (micros < MIN_WRITTEN || micros > MAX_WRITTEN) return undefined;
  const perMilli = 1000n;
  const rest = ((micros % perMilli) + perMilli) % perMilli;
  const millis = Number((micros - rest) / perMilli) + DAYS_TO_2000 * 86_400_000;
  const written = new Date(millis).toISOString().slice(0, -1).replace('T', ' ');
  return `${written}${String(rest).padStart(3, '0')}`;
}

/** Digits after the point → microseconds. The server rounds half to even. */
function roundFraction(digits: string | undefined): number {
  if (digits === undefined) return 0;
  if (digits.length <= 6) return Number(digits.padEnd(6, '0'));
  // The server computes rint(fraction * 1e6) in double precision.
  const scaled = Number(`0.${digits}`) * 1e6;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}
