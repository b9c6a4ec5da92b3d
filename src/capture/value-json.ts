/** The plain text of a value, as triggers keep it → its JSON, which is the one that functions `json_…` in the source make of it. */

/** How a value is written: which functions make its texts, and how the one becomes the other. */
export type ValueKind =
  | 'number'
  | 'digits'
  | 'boolean'
  | 'uuid'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'value'
  | 'text'
  | 'padded';

const SECONDS_OF_DAY = 86_400;
const NO_NUMBERS: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);

export function valueJson(kind: ValueKind, text: string | null): string {
  if (text === null) return 'null';
  switch (kind) {
    case 'number':
      return NO_NUMBERS.has(text) ? `"${text}"` : text;
    case 'boolean':
      return text;
    case 'digits':
    case 'uuid':
      return `"${text}"`;
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return momentJson(kind, text);
    case 'value':
      // In JSON, line ends stand between values only; an event is one line.
      return text.replace(/[\n\r]/g, ' ');
    case 'text':
    case 'padded':
      return JSON.stringify(text);
  }
}

/** @param seconds since 1970, with six decimals for those of a day; Infinity, -Infinity */
function momentJson(kind: 'date' | 'timestamp' | 'timestamptz', seconds: string): string {
  if (NO_NUMBERS.has(seconds)) return `"${seconds.toLowerCase()}"`;
  const dot = seconds.indexOf('.');
  let micros = dot === -1 ? 0 : Number(seconds.slice(dot + 1).padEnd(6, '0'));
  let whole = Number(dot === -1 ? seconds : seconds.slice(0, dot));
  if (micros > 0 && seconds.startsWith('-')) {
    micros = 1_000_000 - micros;
    whole -= 1;
  }
  const day = Math.floor(whole / SECONDS_OF_DAY);
  const [year, rest] = dateOf(day);
  const era = year > 0 ? '' : ' BC';
  const date = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${rest}`;
  if (kind === 'date') return `"${date}${era}"`;
  const time = whole - day * SECONDS_OF_DAY;
  const clock = [time / 3600, (time / 60) % 60, time % 60].map(two).join(':');
  const zone = kind === 'timestamptz' ? 'Z' : '';
  return `"${date}T${clock}.${String(micros).padStart(6, '0')}${zone}${era}"`;
}

/** The proleptic Gregorian calendar; year 0 is 1 BC. @param day since 1970-01-01 @returns the year, month and day */
function dateOf(day: number): [number, string] {
  // Counted from 0000-03-01, so that a leap day ends its year.
  const days = day + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const inMonth = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), `${two(month)}-${two(inMonth)}`];
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}
