/** Which loads have brought events into the log. */
import type pg from 'pg';
import type { EventPlace } from '../formats/events/rejected-event.js';
import { quoteTable } from '../model/ddl.js';
import { hasLog } from './event-log-table.js';

/**
 * @param log by its name in edp.yaml's form
 * @returns the load of each event; undefined for those that the log does not have
 */
export async function findInLog(
  client: pg.Client,
  log: string,
  places: readonly EventPlace[],
): Promise<readonly (number | undefined)[]> {
  if (places.length === 0 || !(await hasLog(client, log))) return places.map(() => undefined);
  const { rows } = await client.query<{ n: number; loadId: number }>(
    `SELECT p.n::int, l.load_id AS "loadId"
     FROM unnest($1::text[], $2::text[], $3::numeric[], $4::text[]) WITH ORDINALITY
       AS p (table_name, key, sequence, source, n)
     JOIN ${quoteTable(log)} l USING (table_name, key, sequence, source)`,
    [
      places.map(({ table }) => table),
      places.map(({ key }) => key),
      places.map(({ sequence }) => sequence),
      places.map(({ source }) => source),
    ],
  );
  const loads = new Map(rows.map(({ n, loadId }) => [n - 1, loadId]));
  return places.map((_, i) => loads.get(i));
}
