/** What pages, charts and files of a report can do with a column, by the oid of its type in pg_type. */

/** int8, int2, int4, oid */
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23, 26]);
/** float4, float8, numeric */
const FRACTIONS: ReadonlySet<number> = new Set([700, 701, 1700]);
/** date, timestamp, timestamptz */
const TIMES: ReadonlySet<number> = new Set([1082, 1114, 1184]);

export const BOOL_OID = 16;

export type ColumnKind = 'time' | 'number' | 'category';

export function kindOf(typeOid: number): ColumnKind {
  if (TIMES.has(typeOid)) return 'time';
  return INTEGERS.has(typeOid) || FRACTIONS.has(typeOid) ? 'number' : 'category';
}

const MOMENT =
  /^(\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:([+-])(\d\d)(?::?(\d\d))?)?)?$/;

/**
 * @param text as the server prints a date or a timestamp in ISO style
 * @returns milliseconds since 1970 in UTC; undefined for infinity, years before Christ and years that a Date has not
 */
export function toMilliseconds(text: string): number | undefined {
  const match = MOMENT.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', sign, zoneHour, zoneMinute] =
    match;
  const zone = (Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0)) * (sign === '-' ? -1 : 1);
  const whole = new Date(0);
  whole.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  whole.setUTCHours(Number(hour), Number(minute) - zone, 0, 0);
  const time = whole.getTime() + Math.floor(Number(second) * 1000);
  return Number.isFinite(time) ? time : undefined;
}
