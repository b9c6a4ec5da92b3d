/** Dates and times in the declared form → ISO 8601, which coerceDate and coerceTimestamp read. */
import type { EpochUnit, TruncateUnit } from '../../model/corrections.js';
import { MONTH_NUMBERS, parseDateFormat } from '../../model/date-format.js';
import { Fault } from '../../model/reject-codes.js';
import { show } from '../coerce.js';
import {
  coerceDate,
  coerceTimestamp,
  hasZone,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
  writeTimestamp,
} from '../datetime.js';

/** Pads a number with zeros to `digits` digits. */
const pad = (value: number | string, digits: number) => String(value).padStart(digits, '0');

/** POSIX reads years of two digits from 69 on as 1969 to 1999, those below as 2000 to 2068. */
const FIRST_YEAR_OF_1900S = 69;

/**
 * @param formats of strptime; the first that fits is used
 * @param isDate whether a time of day, if there is one, is ignored
 */
export function makeFormat(
  formats: readonly string[],
  isDate: boolean,
): (text: string) => string | Fault {
  const patterns = formats.map(parseDateFormat);
  const coerce = isDate ? coerceDate : coerceTimestamp;
  return (text) => {
    let odd: string | undefined;
    for (const pattern of patterns) {
      const parts = pattern.exec(text)?.groups;
      const written = parts === undefined ? undefined : writeParts(parts, isDate);
      if (written === undefined) continue;
      // A month 31 in one format may be a day 31 in the next, so the calendar is checked, too.
      if (patterns.length === 1 || !(coerce(written) instanceof Fault)) return written;
      odd ??= written;
    }
    if (odd !== undefined) return odd;
    return new Fault(
      isDate ? 'bad_date' : 'bad_timestamp',
      `${show(text)} is not written as ${formats.join(' or ')}`,
    );
  };
}

/** @returns undefined for a day of the year, or an hour of a 12-hour clock, that does not exist */
function writeParts(
  parts: Record<string, string | undefined>,
  isDate: boolean,
): string | undefined {
  const year = parts.Y ?? longYear(Number(parts.y));
  const date =
    parts.j === undefined ? monthAndDay(parts) : dayOfYear(Number(year), Number(parts.j));
  if (date === undefined) return undefined;
  if (isDate) return `${year}-${date}`;
  let hour = Number(parts.H ?? parts.I ?? 0);
  if (parts.I !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (parts.p!.toLowerCase() === 'p' ? 12 : 0);
  }
  const time = `${pad(hour, 2)}:${pad(parts.M ?? 0, 2)}:${pad(parts.S ?? 0, 2)}`;
  return `${year}-${date} ${time}${parts.f === undefined ? '' : `.${parts.f}`}${parts.z ?? ''}`;
}

function longYear(year: number): string {
  return String(year + (year < FIRST_YEAR_OF_1900S ? 2000 : 1900));
}

function monthAndDay({ m, b, B, d }: Record<string, string | undefined>): string {
  const month = m ?? MONTH_NUMBERS.get((b ?? B)!.toLowerCase())!;
  return `${pad(month, 2)}-${pad(d!, 2)}`;
}

function dayOfYear(year: number, day: number): string | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, 0, day);
  if (day < 1 || date.getUTCFullYear() !== year) return undefined;
  return `${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
}

/** Nanoseconds in a unit. */
const NANOS: Readonly<Record<EpochUnit, bigint>> = {
  seconds: 1_000_000_000n,
  millis: 1_000_000n,
  micros: 1000n,
  nanos: 1n,
};
const NANO_DIGITS = 9;
const EPOCH = /^([+-]?)(\d{1,30})(?:\.(\d{1,30}))?$/;
/** From 1970-01-01 to 2000-01-01. */
const MICROS_TO_2000 = 946_684_800_000_000n;

/** Numbers since 1970-01-01 UTC → times, rounded to the microsecond. */
export function makeEpoch(unit: EpochUnit): (text: string) => string | Fault {
  const nanosPerUnit = NANOS[unit];
  return (text) => {
    const match = EPOCH.exec(text);
    if (match === null) {
      return new Fault('bad_timestamp', `${show(text)} is not a number of ${unit} since 1970`);
    }
    const [, sign, whole = '0', fraction = ''] = match;
    const digits = fraction.slice(0, NANO_DIGITS).padEnd(NANO_DIGITS, '0');
    const nanos = BigInt(whole) * nanosPerUnit + (BigInt(digits) * nanosPerUnit) / 10n ** 9n;
    const micros = (nanos + 500n) / 1000n;
    const written = writeTimestamp((sign === '-' ? -micros : micros) - MICROS_TO_2000);
    return (
      written ?? new Fault('out_of_range', `${show(text)} ${unit} since 1970 are out of range`)
    );
  };
}

function isInfinite(micros: bigint): boolean {
  return micros === TIMESTAMP_INFINITY || micros === TIMESTAMP_MINUS_INFINITY;
}

const MICROS: Readonly<Record<TruncateUnit, bigint>> = {
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
  day: 86_400_000_000n,
};

/** Truncates times, in UTC, to a unit. */
export function makeTruncation(unit: TruncateUnit): (text: string) => string | Fault {
  const size = MICROS[unit];
  return (text) => {
    const micros = coerceTimestamp(text);
    if (micros instanceof Fault) return micros;
    if (isInfinite(micros)) return text;
    const rest = ((micros % size) + size) % size;
    return rest === 0n ? text : (writeTimestamp(micros - rest) ?? text);
  };
}

/** Times without a zone, as clocks in the named zone show them → times in UTC. */
export function makeZone(name: string): (text: string) => string | Fault {
  const zone = new Zone(name);
  return (text) => {
    if (hasZone(text)) return text;
    const local = coerceTimestamp(text);
    if (local instanceof Fault) return local;
    if (isInfinite(local)) return text;
    return writeTimestamp(zone.toUtc(local)) ?? text;
  };
}

const MICROS_PER_SECOND = 1_000_000n;
/** Offsets change at full quarters of an hour, apart from some changes long ago. */
const QUARTER = 900n * MICROS_PER_SECOND;
const MAX_CACHED = 100_000;

class Zone {
  readonly #format: Intl.DateTimeFormat;
  /** Offsets in microseconds, by quarter of an hour; null where the offset changes within it. */
  readonly #offsets = new Map<bigint, bigint | null>();

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /**
   * Converts as PostgreSQL's AT TIME ZONE does: of an hour that occurs twice it takes the second;
   * an hour that is left out is read as if the clocks had not been put forward yet.
   *
   * @param local microseconds from 2000-01-01 00:00 on the clocks of the zone
   */
  toUtc(local: bigint): bigint {
    // The offsets a day before and a day after: either one of them holds, or the clocks change in
    // between.
    const day = 86_400n * MICROS_PER_SECOND;
    const before = this.#offsetAt(local - day);
    const after = this.#offsetAt(local + day);
    if (before === after) return local - before;
    const holds = (offset: bigint) => this.#offsetAt(local - offset) === offset;
    if (holds(after)) return local - after;
    return local - before;
  }

  /** Microseconds by which the clocks are ahead of UTC. */
  #offsetAt(utc: bigint): bigint {
    const quarter = utc - (((utc % QUARTER) + QUARTER) % QUARTER);
    let offset = this.#offsets.get(quarter);
    if (offset === undefined) {
      const [first, last] = [this.#readOffset(quarter), this.#readOffset(quarter + QUARTER - 1n)];
      offset = first === last ? first : null;
      if (this.#offsets.size >= MAX_CACHED) this.#offsets.clear();
      this.#offsets.set(quarter, offset);
    }
    return offset ?? this.#readOffset(utc);
  }

  #readOffset(utc: bigint): bigint {
    const millis = Number((utc + MICROS_TO_2000) / 1000n);
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(millis)) parts[type] = value;
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
    const date = new Date(0);
    date.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day));
    date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second));
    const whole = Math.floor(millis / 1000) * 1000;
    return BigInt(date.getTime() - whole) * 1000n;
  }
}
