/** Event files for tests, and what must be in the table after loading them, computed apart. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { edp } from './cli.js';
import type { JsonOf } from './json.js';

export interface Generated {
  readonly files: readonly string[];
  readonly json: JsonOf<'generate-data'>;
}

/** Writes event files and dimensions into `cwd`/data. */
export async function generateEvents(cwd: string, ...args: string[]): Promise<Generated> {
  const result = await edp(['generate-data', '--json', ...args], { cwd });
  if (result.status !== 0) throw new Error(result.stderr);
  return {
    json: result.json,
    files: result.json.files.map(({ path }) => path),
  };
}

export interface EventTotals {
  records: number;
  metric_one: number;
  metric_two: number;
  metric_n: number;
  ids: number;
}

/** Counts and sums of clean event files, by csv-parse and JSON.parse alone. */
export async function sumFiles(files: readonly string[]): Promise<EventTotals> {
  const totals: EventTotals = { records: 0, metric_one: 0, metric_two: 0, metric_n: 0, ids: 0 };
  for (const file of files) {
    const records = createReadStream(file).pipe(parse({ columns: true }));
    for await (const record of records as AsyncIterable<Record<string, string>>) {
      const { metrics } = JSON.parse(record.event_metrics!) as { metrics: Record<string, number> };
      totals.records++;
      totals.ids += Number(record.id);
      totals.metric_one += metrics.metric_one ?? 0;
      totals.metric_two += metrics.metric_two ?? 0;
      totals.metric_n += metrics.metric_n ?? 0;
    }
  }
  return totals;
}

export const TOTALS_SQL = `
  SELECT count(*)::int AS records, sum(metric_one)::bigint, sum(metric_two)::bigint,
         sum(metric_n)::bigint, sum(id)::bigint FROM events`;

export function totalsRow(totals: EventTotals): number[] {
  const { records, metric_one, metric_two, metric_n, ids } = totals;
  return [records, metric_one, metric_two, metric_n, ids];
}
