/** Values of the database in plain computation: as texts, in the form in which the server prints them. */

export type Cell = string | null;

const DAY_MS = 86_400_000;
/** Summer time of 2024 in Amsterdam, the only one that the values reach. */
const SUMMER = [Date.parse('2024-03-31T01:00:00Z'), Date.parse('2024-10-27T01:00:00Z')] as const;
const HOUR_MS = 3_600_000;

export function toMs(text: string): number {
  const [day, time = '00:00:00'] = text.replace(/\+00$/, '').split(' ') as [string, string?];
  return Date.parse(`${/^\d{5}/.test(day) ? `+0${day}` : day}T${time}Z`);
}

export function fromMs(ms: number): string {
  const iso = new Date(ms).toISOString().replace(/^\+0/, '');
  const at = iso.indexOf('T');
  return `${iso.slice(0, at)} ${iso.slice(at + 1, at + 9)}`;
}

export const isInfinite = (text: string) => text.endsWith('infinity');

/** The moment of a local time of Amsterdam; standard time where there are none or two. */
export function localToUtc(text: string): string {
  if (isInfinite(text)) return text;
  const local = toMs(text);
  const summer = local - 2 * HOUR_MS;
  const isSummer = summer >= SUMMER[0] && summer < SUMMER[1];
  const standard = local - HOUR_MS;
  const isStandard = standard < SUMMER[0] || standard >= SUMMER[1];
  return `${fromMs(isSummer && !isStandard ? summer : standard)}+00`;
}

export function utcToLocal(text: string): string {
  if (isInfinite(text)) return text;
  const ms = toMs(text);
  return fromMs(ms + (ms >= SUMMER[0] && ms < SUMMER[1] ? 2 : 1) * HOUR_MS);
}

/** Of a date or a time, with or without a zone; the zone is UTC. */
export function truncate(text: string, unit: string): string {
  if (isInfinite(text)) return text;
  const parts = /^(\d+)-(\d+)-(\d+)(?: (\d+):(\d+):(\d+))?(\+00)?$/.exec(text)!;
  const [, year, month, day, hour, minute, second, zone = ''] = parts;
  const depth = ['year', 'month', 'day', 'hour', 'minute', 'second'].indexOf(unit);
  const cut = (at: number, value: string | undefined, low: string) => (at <= depth ? value! : low);
  const date = `${year}-${cut(1, month, '01')}-${cut(2, day, '01')}`;
  if (hour === undefined) return date;
  return `${date} ${cut(3, hour, '00')}:${cut(4, minute, '00')}:${cut(5, second, '00')}${zone}`;
}

const NUMBERS = ['int', 'bigint', 'numeric', 'double'];

/** As an ascending order without NULLs. */
export function compare(a: string, b: string, type: string): number {
  if (NUMBERS.includes(type)) {
    const rank = (text: string) => (text === 'NaN' ? 2 : text === 'Infinity' ? 1 : 0);
    if (rank(a) !== rank(b) || rank(a) > 0) return rank(a) - rank(b);
    const [x, y] = [toScaled(a), toScaled(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (/^(date|timestamp)/.test(type)) {
    const at = (text: string) =>
      text === 'infinity' ? Infinity : text === '-infinity' ? -Infinity : toMs(text);
    const [x, y] = [at(a), at(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Descending, NULL last. */
export function descending(a: Cell, b: Cell, type: string): number {
  if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
  return compare(b, a, type);
}

const DIGITS = 12;
const SCALE = 10n ** BigInt(DIGITS);

/** A decimal number, as a whole number of 10^-12. */
export function toScaled(text: string): bigint {
  if (/e/i.test(text)) return toScaled(BigInt(Number(text)).toString());
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  const value = BigInt(whole!) * SCALE + BigInt(part.padEnd(DIGITS, '0').slice(0, DIGITS));
  return sign === '-' ? -value : value;
}

export function fromScaled(value: bigint): string {
  const sign = value < 0n ? '-' : '';
  const plain = value < 0n ? -value : value;
  const part = (plain % SCALE).toString().padStart(DIGITS, '0').replace(/0+$/, '');
  return `${sign}${plain / SCALE}${part === '' ? '' : `.${part}`}`;
}

export function sum(values: readonly string[]): Cell {
  if (values.length === 0) return null;
  if (values.includes('NaN')) return 'NaN';
  if (values.includes('Infinity')) return 'Infinity';
  return fromScaled(values.reduce((total, value) => total + toScaled(value), 0n));
}

export function product(a: Cell, b: Cell): Cell {
  if (a === null || b === null) return null;
  return fromScaled((toScaled(a) * toScaled(b)) / SCALE);
}

/** Half away from zero. */
export function round(text: Cell, digits: number): Cell {
  if (text === null || text === 'NaN' || text === 'Infinity') return text;
  const unit = 10n ** BigInt(DIGITS - digits);
  const value = toScaled(text);
  const half = value < 0n ? -unit / 2n : unit / 2n;
  return fromScaled(((value + half) / unit) * unit);
}

export function quotient(total: Cell, count: number): Cell {
  if (total === null || count === 0 || total === 'NaN' || total === 'Infinity')
    return count === 0 ? null : total;
  return fromScaled(toScaled(total) / BigInt(count));
}

export const DAY = DAY_MS;
