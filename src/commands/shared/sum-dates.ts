/** What a run did to many dates of a task, as one line. */
import type { SliceRows } from '../../warehouse/run/make-table.js';

/** More dates of a task than these are summed up. */
const MAX_DATES = 12;

interface DateLine {
  readonly task: string;
  readonly slice: string;
  readonly state: string;
  readonly rows: SliceRows;
}

/** Task by task; dates that failed stay lines of their own. */
export function sumDates<R extends DateLine>(results: readonly R[]): R[] {
  const names = [...new Set(results.map(({ task }) => task))];
  return names.flatMap((name) => sumTask(results.filter(({ task }) => task === name)));
}

function sumTask<R extends DateLine>(results: readonly R[]): readonly R[] {
  const failed = results.filter(({ state }) => state === 'failed');
  const rest = results.filter(({ state }) => state !== 'failed');
  const [first, ...others] = rest;
  if (results.length <= MAX_DATES || first === undefined) return results;
  const total = { ...first.rows };
  for (const { rows } of others) {
    for (const name of Object.keys(total) as (keyof SliceRows)[]) {
      (total as Record<typeof name, number>)[name] += rows[name];
    }
  }
  return [{ ...first, slice: `${rest.length} dates`, rows: total }, ...failed];
}
