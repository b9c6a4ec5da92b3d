/** Compiles formats of dates and times, as for strptime of C and Python, to patterns. */
import { escapePattern } from '../base/escape-pattern.js';

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
] as const;
const DAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

/** Number of a month's name, or of its first three letters, in lower case. */
export const MONTH_NUMBERS: ReadonlyMap<string, number> = new Map(
  MONTHS.flatMap((name, i) => [
    [name, i + 1],
    [name.slice(0, 3), i + 1],
  ]),
);

const short = (names: readonly string[]) => names.map((name) => name.slice(0, 3)).join('|');

/** A directive → its pattern; the value is in parentheses. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: String.raw`(?<Y>\d{4})`,
  y: String.raw`(?<y>\d{2})`,
  m: String.raw`(?<m>\d{1,2})`,
  b: `(?<b>${short(MONTHS)})`,
  B: `(?<B>${MONTHS.join('|')})`,
  d: String.raw`(?<d>\d{1,2})`,
  j: String.raw`(?<j>\d{1,3})`,
  a: `(?:${short(DAYS)})`,
  A: `(?:${DAYS.join('|')})`,
  H: String.raw`(?<H>\d{1,2})`,
  I: String.raw`(?<I>\d{1,2})`,
  M: String.raw`(?<M>\d{1,2})`,
  S: String.raw`(?<S>\d{1,2})`,
  f: String.raw`(?<f>\d{1,9})`,
  p: '(?<p>[ap])m',
  z: String.raw`(?<z>[Zz]|[+-]\d{2}(?::?\d{2})?)`,
  '%': '%',
};

/** Directives that are abbreviations of others. */
const SHORTHANDS: Readonly<Record<string, string>> = {
  '%F': '%Y-%m-%d',
  '%T': '%H:%M:%S',
  '%R': '%H:%M',
  '%D': '%m/%d/%y',
  '%e': '%d',
};

/** A date needs all directives of one of these sets. */
const DATES = ['Ymd', 'ymd', 'Ybd', 'ybd', 'YBd', 'yBd', 'Yj', 'yj'];

/**
 * @param format such as `%d.%m.%Y %H:%M`
 * @returns a pattern with a group for each directive with a value
 * @throws RangeError that describes the fault
 */
export function parseDateFormat(format: string): RegExp {
  const plain = format.replace(/%./gs, (directive) => SHORTHANDS[directive] ?? directive);
  const used = new Set<string>();
  const source = plain.replace(/%(.?)|[^%]+/gs, (text, directive: string | undefined) => {
    // A blank matches one blank or more, as in strptime.
    if (directive === undefined) return escapePattern(text).replace(/\s+/g, String.raw`\s+`);
    const pattern = DIRECTIVES[directive];
    if (pattern === undefined) {
      throw new RangeError(
        `%${directive} is not known; known are ${Object.keys(DIRECTIVES)
          .map((name) => `%${name}`)
          .concat(Object.keys(SHORTHANDS))
          .join(' ')}`,
      );
    }
    if (used.has(directive) && directive !== '%') {
      throw new RangeError(`%${directive} stands there twice`);
    }
    used.add(directive);
    return pattern;
  });
  if (!DATES.some((names) => [...names].every((name) => used.has(name)))) {
    throw new RangeError('year, month and day are needed: %Y or %y, %m, %b or %B, and %d; or %j');
  }
  if (used.has('I') !== used.has('p')) throw new RangeError('%I and %p go together');
  if (used.has('I') && used.has('H')) throw new RangeError('%I and %H are both hours');
  return new RegExp(`^${source}$`, 'i');
}
