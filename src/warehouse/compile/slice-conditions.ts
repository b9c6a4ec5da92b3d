/** Conditions by which a query takes rows of some slices only, in a form that an index helps with. */
import type { SliceUnit } from '../../model/warehouse/task.js';
import { binary, cast, type Expr, some, text } from '../../relational/tree.js';

/** The slice of rows without a date, beside those that the server prints: `infinity`, `2024-05-01`. */
export const NO_DATE = 'null';

/** SQL of the slice of a row as text. @param value SQL of the slice */
export function sliceText(value: string): string {
  return `coalesce((${value})::text, '${NO_DATE}')`;
}

const DAY_MS = 86_400_000;
/** More ranges than these are read as one. */
const MAX_RANGES = 40;
const LONGEST_DAYS: Readonly<Record<SliceUnit, number>> = { hour: 1, day: 1, month: 31 };

/** @param of a value of a slice */
export function isSlice(of: Expr, type: string, slices: readonly string[]): Expr {
  const dated = slices.filter((slice) => slice !== NO_DATE);
  return some([
    ...(dated.length === 0
      ? []
      : [
          {
            kind: 'any',
            of,
            list: cast(text(`{${dated.map((slice) => `"${slice}"`).join(',')}}`), `${type}[]`),
          } as const,
        ]),
    ...(dated.length === slices.length ? [] : [{ kind: 'is-null', of } as const]),
  ]);
}

/**
 * A condition on the date column itself that holds for all rows of the slices, and for some more.
 *
 * @returns undefined where there is none
 */
export function isNear(
  of: Expr,
  type: string,
  slices: readonly string[],
  unit: SliceUnit,
): Expr | undefined {
  if (!/^(date$|timestamp)/.test(type)) return undefined;
  const conditions: Expr[] = [];
  const days: number[] = [];
  for (const slice of slices) {
    if (slice === NO_DATE) conditions.push({ kind: 'is-null', of });
    else if (slice.endsWith('infinity')) conditions.push(binary(of, '=', cast(text(slice), type)));
    else {
      const day = /^\d{4}-\d{2}-\d{2}/.exec(slice);
      // Before Christ, and beyond four digits; also of the days around.
      if (day === null || slice.endsWith('BC') || /^(0001|9999)/.test(slice)) return undefined;
      days.push(Date.parse(`${day[0]}T00:00:00Z`));
    }
  }
  const at = (ms: number) => cast(text(new Date(ms).toISOString().slice(0, 10)), type);
  for (const [from, to] of rangesOf(days, LONGEST_DAYS[unit])) {
    // A day more at each end, for any time zone.
    conditions.push(
      binary(binary(of, '>=', at(from - DAY_MS)), 'AND', binary(of, '<', at(to + DAY_MS))),
    );
  }
  return some(conditions);
}

/** Days that are near to each other → the first, and the one behind the last. */
function rangesOf(days: readonly number[], length: number): [number, number][] {
  const sorted = [...days].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const day of sorted) {
    const last = ranges.at(-1);
    const end = day + length * DAY_MS;
    if (last !== undefined && day <= last[1] + 2 * DAY_MS) last[1] = Math.max(last[1], end);
    else ranges.push([day, end]);
  }
  if (ranges.length <= MAX_RANGES) return ranges;
  return [[ranges[0]![0], ranges.at(-1)![1]]];
}
