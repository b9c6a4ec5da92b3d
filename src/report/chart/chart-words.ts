/** Numbers, times and names as the axes of a chart show them. */
import type { Period } from './chart-line.js';

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
  if (value === 0) return '0';
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

/** With an ellipsis, and without line breaks. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s+/g, ' ');
  const letters = [...line];
  return letters.length <= most ? line : `${letters.slice(0, most - 1).join('')}…`;
}
