/** Numbers, times and names as the axes of a chart show them. */
import type { Period } from './chart-line.js';

/** A place or a series of rows without a value. */
export const NO_VALUE = '(none)';

const COMPACT = new Intl.NumberFormat('en-US', {
  notation: 'compact',
  maximumSignificantDigits: 4,
});
const PLAIN = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6, useGrouping: false });
const FULL = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 12 });

/**
 * `20K`, `1.5M`, `0.00012`; up to 9999 with all digits, as it may be a year.
 *
 * @param largest of the axis, so that all its numbers are written alike
 */
export function axisNumber(value: number, largest = Math.abs(value)): string {
  if (value === 0 || largest === 0) return PLAIN.format(value);
  if (largest >= 1e15 || largest < 1e-6) return value.toExponential(1);
  return largest < 10_000 ? PLAIN.format(value) : COMPACT.format(value);
}

/** For what is shown when the pointer stands on a mark. */
export function fullNumber(value: number): string {
  return FULL.format(value);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As exact as the moments are told apart: `2024-01-31 06:00`, `2024-01-31`, `Jan 2024`, `2024`. */
export function fullTime(time: number, period: Period | undefined): string {
  const text = new Date(time).toISOString();
  if (period === 'year') return text.slice(0, -20);
  if (period === 'month') return `${MONTHS[new Date(time).getUTCMonth()]} ${text.slice(0, -20)}`;
  if (period === 'day' || period === 'week') return text.slice(0, -14);
  return text.slice(0, period === undefined ? -5 : -8).replace('T', ' ');
}

/**
 * Ticks of a time axis: the changing part, and below it what it is a part of, where that is new.
 *
 * @param step of as many ticks one has words, if there is no room for more
 */
export function timeTicks(
  ticks: readonly Date[],
  step: number,
): (tick: Date, index: number) => string {
  const isYearly = ticks.every(
    (t) => t.getUTCMonth() === 0 && t.getUTCDate() === 1 && isMidnight(t),
  );
  const isMonthly = ticks.every((t) => t.getUTCDate() === 1 && isMidnight(t));
  const isDaily = ticks.every(isMidnight);
  const clockEnd = clockLength(ticks);
  return (tick, index) => {
    if (index % step !== 0) return '';
    const before = index === 0 ? undefined : ticks[index - step];
    const year = String(tick.getUTCFullYear());
    const month = MONTHS[tick.getUTCMonth()]!;
    const day = `${month} ${tick.getUTCDate()}`;
    const isNewYear = before?.getUTCFullYear() !== tick.getUTCFullYear();
    if (isYearly && ticks.length > 1) return year;
    if (isMonthly && ticks.length > 1) return isNewYear ? `${month}\n${year}` : month;
    if (isDaily) return isNewYear ? `${day}\n${year}` : day;
    const clock = tick.toISOString().slice(-13, clockEnd);
    if (isNewYear) return `${clock}\n${day}, ${year}`;
    return before?.toISOString().slice(0, -13) === tick.toISOString().slice(0, -13)
      ? clock
      : `${clock}\n${day}`;
  };
}

/** Where a clock of ISO ends: with minutes, seconds or milliseconds. */
function clockLength(ticks: readonly Date[]): number {
  if (ticks.some((tick) => tick.getUTCMilliseconds() !== 0)) return -1;
  return ticks.some((tick) => tick.getUTCSeconds() !== 0) ? -5 : -8;
}

function isMidnight(time: Date): boolean {
  return time.getTime() % 86_400_000 === 0;
}

/** Letters that are about half as wide as others, and those that are wider. */
const THIN = /[ijlt.,:;|'!()[\] fr]/g;
const THICK = /[mwMWA-Z@%_]/g;
/** Chinese, Japanese, Korean, and pictures. */
const DOUBLE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uff60]|\p{Extended_Pictographic}/gu;

/** How much room a text takes, in letters of average width. */
export function lettersOf(text: string): number {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  return [...text].length - 0.4 * count(THIN) + 0.25 * count(THICK) + count(DOUBLE);
}

/**
 * Names with an ellipsis where they are too long: at their end, or in the middle where they begin alike, as paths do.
 *
 * @returns what shortens one of them
 */
export function shortenAll(names: readonly string[], most: number): (name: string) => string {
  const isUnique = new Set(names.map((name) => shorten(name, most))).size === new Set(names).size;
  return isUnique ? (name) => shorten(name, most) : (name) => shortenInside(name, most);
}

function shortenInside(text: string, most: number): string {
  const letters = [...text.replace(/\s+/g, ' ')];
  if (letters.length <= most) return letters.join('');
  const end = Math.ceil((most - 1) * 0.6);
  return `${letters.slice(0, most - 1 - end).join('')}…${letters.slice(-end).join('')}`;
}

/** With an ellipsis, and without line breaks. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s+/g, ' ');
  const letters = [...line];
  return letters.length <= most ? line : `${letters.slice(0, most - 1).join('')}…`;
}
