/** Moments → the beginning of their minute, hour, day, … in UTC. */
import { PERIODS, type Period } from './chart-line.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long one lasts, about. */
export const PERIOD_MS: Readonly<Record<Period, number>> = {
  minute: MINUTE,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 30.44 * DAY,
  year: 365.24 * DAY,
};

/** 1970-01-01 was a Thursday; a week begins on Monday. */
const FIRST_MONDAY = 4 * DAY;

export function startOfPeriod(time: number, period: Period): number {
  if (period === 'month' || period === 'year') {
    const date = new Date(time);
    const start = new Date(0);
    start.setUTCFullYear(date.getUTCFullYear(), period === 'year' ? 0 : date.getUTCMonth(), 1);
    return start.getTime();
  }
  const length = PERIOD_MS[period];
  const origin = period === 'week' ? FIRST_MONDAY : 0;
  return Math.floor((time - origin) / length) * length + origin;
}

/** The beginning of the next one. */
export function endOfPeriod(start: number, period: Period): number {
  // Half a period further than the next beginning, wherever that is; then back to it.
  return startOfPeriod(start + PERIOD_MS[period] * 1.4, period);
}

/** The shortest period of which at most `most` lie in a stretch of time. */
export function fitPeriod(stretchMs: number, most: number): Period {
  return PERIODS.find((period) => stretchMs / PERIOD_MS[period] <= most) ?? 'year';
}

/** The longest period at whose beginnings all moments lie: how finely they are told apart. */
export function periodOf(times: readonly number[]): Period | undefined {
  return PERIODS.toReversed().find(
    (period) => period !== 'week' && times.every((time) => startOfPeriod(time, period) === time),
  );
}

/** Sums of the points of each period. */
export function coarsen<X extends number | string>(
  series: ReadonlyMap<string, ReadonlyMap<X, number>>,
  period: Period,
): Map<string, Map<X, number>> {
  const longer = new Map<string, Map<X, number>>();
  for (const [name, points] of series) {
    const sums = new Map<X, number>();
    for (const [x, y] of points) {
      const start = startOfPeriod(Number(x), period) as X;
      sums.set(start, (sums.get(start) ?? 0) + y);
    }
    longer.set(name, sums);
  }
  return longer;
}
