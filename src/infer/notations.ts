/**
 * Numbers and dates as people of a country write them: 7.820,16 and 26.08.2024. Each value says in
 * which notations it can be read; what all values of a column have in common is declared for it.
 */
import { isCalendarDate } from '../values/datetime.js';

interface NumberNotation {
  readonly decimal: ',' | '.';
  /** As `thousands:` declares it. */
  readonly thousands: string;
  readonly pattern: RegExp;
}

/** Blanks between groups of digits, as bytes of UTF-8: also U+00A0, U+202F and U+2009. */
const BLANKS = '(?: |\\xc2\\xa0|\\xe2\\x80\\xaf|\\xe2\\x80\\x89)';
const APOSTROPHES = "(?:'|\\xe2\\x80\\x99)";

function numbers(decimal: ',' | '.', thousands: string, separator: string): NumberNotation {
  const point = decimal === '.' ? '\\.' : ',';
  const whole = `(?:0|[1-9]\\d*|([1-9]\\d{0,2}(?:${separator}\\d{3})+))`;
  return { decimal, thousands, pattern: new RegExp(`^-?${whole}(${point}\\d+)?$`) };
}

const NUMBERS: readonly NumberNotation[] = [
  numbers(',', '.', '\\.'),
  numbers(',', ' ', BLANKS),
  numbers('.', ',', ','),
  numbers('.', ' ', BLANKS),
  numbers('.', "'", APOSTROPHES),
];
const ALL_NUMBERS = (1 << NUMBERS.length) - 1;

type Order = 'dmy' | 'mdy' | 'ymd';

interface DateNotation {
  readonly order: Order;
  readonly format: string;
  readonly separator: string;
}

const FORMATS: Readonly<Record<Order, readonly string[]>> = {
  dmy: ['%d', '%m', '%Y'],
  mdy: ['%m', '%d', '%Y'],
  ymd: ['%Y', '%m', '%d'],
};

const DATES: readonly DateNotation[] = ['.', '/', '-'].flatMap((separator) =>
  (['dmy', 'mdy', 'ymd'] as const)
    // ISO dates need no declaration.
    .filter((order) => order !== 'ymd' || separator !== '-')
    .map((order) => ({ order, separator, format: FORMATS[order].join(separator) })),
);
const ALL_DATES = ((1 << DATES.length) - 1) << NUMBERS.length;

/** Numbers with a point between groups of digits. */
export const POINT_GROUPS = 1;
const ALL = ALL_NUMBERS | ALL_DATES;

/** What was seen in the values, read in the first notation of numbers; three bits for each. */
const GROUPS = 1;
const PLAIN = 2;
const DECIMALS = 4;
const BITS = 3;
/** How precise dates and times are; each is a bit. */
const DAY = 1;
const MINUTE = 2;
const SECOND = 4;

/** Signs of money, and of a share. */
const SIGNS = ['€', '$', '£', '¥', '%', 'EUR', 'USD', 'GBP', 'CHF', 'kr', 'zł', 'Kč'] as const;
const SIGN_BYTES = SIGNS.map((sign) => Buffer.from(sign).toString('latin1'));

/** Plain data, merged over stretches. */
export interface NotationSummary {
  /** Notations in which every value can be read; each is a bit. */
  possible: number;
  seen: number;
  precision: number;
  /** Signs that values have; each is a bit. */
  signs: number;
  /** Most digits before the decimals. */
  digits: number;
}

export function emptyNotations(): NotationSummary {
  return { possible: ALL, seen: 0, precision: 0, signs: 0, digits: 0 };
}

export function mergeNotations(into: NotationSummary, behind: NotationSummary): void {
  into.possible &= behind.possible;
  into.seen |= behind.seen;
  into.precision |= behind.precision;
  into.signs |= behind.signs;
  into.digits = Math.max(into.digits, behind.digits);
}

/** Longer values are in no notation. */
const MAX_BYTES = 48;

/** Adds a value, a byte string. */
export function addNotation(summary: NotationSummary, value: string): void {
  if (value.length > MAX_BYTES || !/\d/.test(value)) {
    summary.possible = 0;
    return;
  }
  let fitting = 0;
  if ((summary.possible & ALL_NUMBERS) !== 0) fitting |= readNumber(summary, value);
  if ((summary.possible & ALL_DATES) !== 0) fitting |= readDate(summary, value);
  summary.possible &= fitting;
}

function readNumber(summary: NotationSummary, value: string): number {
  const { number, sign } = takeSign(value);
  let fitting = 0;
  for (const [i, { pattern }] of NUMBERS.entries()) {
    const match = (summary.possible & (1 << i)) === 0 ? null : pattern.exec(number);
    if (match === null) continue;
    fitting |= 1 << i;
    const seen = match[1] === undefined ? PLAIN : GROUPS;
    summary.seen |= (match[2] === undefined ? seen : seen | DECIMALS) << (BITS * i);
    const whole = number.slice(0, number.length - (match[2]?.length ?? 0));
    summary.digits = Math.max(summary.digits, whole.replace(/\D/g, '').length);
  }
  if (fitting !== 0 && sign >= 0) summary.signs |= 1 << sign;
  return fitting;
}

function takeSign(value: string): { readonly number: string; readonly sign: number } {
  const sign = SIGN_BYTES.findIndex((bytes) => value.startsWith(bytes) || value.endsWith(bytes));
  if (sign < 0) return { number: value, sign };
  const bytes = SIGN_BYTES[sign]!;
  const rest = value.startsWith(bytes) ? value.slice(bytes.length) : value.slice(0, -bytes.length);
  return {
    number: rest.replace(/^(?: |\xc2\xa0|\xe2\x80\xaf)|(?: |\xc2\xa0|\xe2\x80\xaf)$/g, ''),
    sign,
  };
}

const DATE = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?: (?:[01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?)?$/;

function readDate(summary: NotationSummary, value: string): number {
  const match = DATE.exec(value);
  if (match === null) return 0;
  const [, first = '', separator, second = '', third = '', seconds] = match;
  const isYearFirst = first.length === 4;
  if (isYearFirst ? third.length > 2 : third.length !== 4 || first.length > 2) return 0;
  const [a, b, c] = [Number(first), Number(second), Number(third)];
  let fitting = 0;
  for (const [i, { order, separator: own }] of DATES.entries()) {
    if (own !== separator || (order === 'ymd') !== isYearFirst) continue;
    const fits =
      order === 'ymd'
        ? isCalendarDate(a, b, c)
        : order === 'dmy'
          ? isCalendarDate(c, b, a)
          : isCalendarDate(c, a, b);
    if (fits) fitting |= 1 << (NUMBERS.length + i);
  }
  const hasTime = value.includes(':');
  if (fitting !== 0) {
    summary.precision |= !hasTime ? DAY : seconds === undefined ? MINUTE : SECOND;
  }
  return fitting;
}

/** Adds a plain decimal number, which may also be one with a point between groups of digits. */
export function addDecimal(
  summary: NotationSummary,
  bytes: Buffer,
  from: number,
  to: number,
): void {
  const start = bytes[from] === MINUS ? from + 1 : from;
  const whole = to - 4 - start;
  const isGrouped = whole >= 1 && whole <= 3 && bytes[to - 4] === POINT && bytes[start] !== ZERO;
  if (isGrouped && (summary.seen & GROUPS) !== 0) return;
  addNotation(summary, bytes.toString('latin1', from, to));
}

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

export interface NotationFound {
  readonly type: 'int' | 'bigint' | 'numeric' | 'date' | 'timestamp';
  /** Keys of the column in edp.yaml. */
  readonly corrections: Readonly<Record<string, string | string[]>>;
}

/**
 * @param wholeDigits most digits of the whole numbers among the values
 * @returns a remark where the values can be read in several ways; undefined where in none
 */
export function findNotation(
  summary: NotationSummary,
  wholeDigits: number,
): NotationFound | string | undefined {
  const numbers = NUMBERS.flatMap((notation, i) =>
    (summary.possible & (1 << i)) === 0
      ? []
      : [{ ...notation, seen: (summary.seen >> (BITS * i)) & (GROUPS | PLAIN | DECIMALS) }],
  );
  const [first] = numbers;
  if (first === undefined) return findDates(summary);
  const decimals = new Set(numbers.map(({ decimal }) => decimal));
  if (decimals.size > 1 && numbers.some(({ seen }) => (seen & DECIMALS) !== 0)) return EITHER_COMMA;
  return describeNumbers(first, summary.signs, Math.max(wholeDigits, summary.digits));
}

const EITHER_COMMA =
  'numbers whose comma may stand before decimals or between groups of digits: declare type numeric with decimal: "," or thousands: ","';

const MAX_INT_DIGITS = 9;
const MAX_BIGINT_DIGITS = 18;

function describeNumbers(
  { decimal, thousands, seen }: NumberNotation & { readonly seen: number },
  signs: number,
  digits: number,
): NotationFound | string | undefined {
  const currencies = SIGNS.filter((_, i) => (signs & (1 << i)) !== 0);
  // Amounts in several currencies cannot be added.
  if (currencies.length > 1) return undefined;
  const hasGroups = (seen & GROUPS) !== 0;
  const hasDecimals = (seen & DECIMALS) !== 0;
  // Telephone numbers and the like are written in groups, too, but all of them.
  if (hasGroups && !hasDecimals && (seen & PLAIN) === 0 && currencies.length === 0) {
    return `digits in groups, which may be numbers or codes: for numbers, declare type bigint with thousands: "${thousands}"`;
  }
  const isDeclared = decimal !== '.' && (hasDecimals || thousands === '.');
  const corrections = {
    ...(isDeclared && (hasDecimals || hasGroups) ? { decimal } : {}),
    ...(hasGroups ? { thousands } : {}),
    ...(currencies.length === 0 ? {} : { currency: currencies[0]! }),
  };
  if (Object.keys(corrections).length === 0) return undefined;
  const isInt = digits <= MAX_INT_DIGITS;
  const whole = isInt ? 'int' : digits <= MAX_BIGINT_DIGITS ? 'bigint' : 'numeric';
  return { type: hasDecimals ? 'numeric' : whole, corrections };
}

function findDates({ possible, precision }: NotationSummary): NotationFound | string | undefined {
  const dates = DATES.filter((_, i) => (possible & (1 << (NUMBERS.length + i))) !== 0);
  const [date, other] = dates;
  if (date === undefined || precision === 0) return undefined;
  if (other !== undefined) {
    const formats = dates.map(({ format }) => `format: "${format}"`).join(' or ');
    return `dates of which the day or the month may come first: declare type date with ${formats}`;
  }
  const formats = [
    (precision & SECOND) === 0 ? '' : `${date.format} %H:%M:%S`,
    (precision & MINUTE) === 0 ? '' : `${date.format} %H:%M`,
    (precision & DAY) === 0 ? '' : date.format,
  ].filter(Boolean);
  return {
    type: precision === DAY ? 'date' : 'timestamp',
    corrections: { format: formats.length === 1 ? formats[0]! : formats },
  };
}
