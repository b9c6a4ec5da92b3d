/** Kept results of reports in which a value is a text that identifies a subject. */
import type pg from 'pg';
import type { Occurrence, Subject } from './data-port.js';

export async function findInReports(client: pg.Client, subject: Subject): Promise<Occurrence[]> {
  const texts = [subject.id, ...(subject.values ?? [])].filter((text) => text !== '');
  const { rows } = await client.query<{ place: string }>(
    `SELECT DISTINCT c.report || ', kept result ' || entry_id AS place
     FROM edp.report_cache c JOIN edp.report_cache_parts p USING (entry_id),
       jsonb_array_elements(convert_from(p.rows, 'UTF8')::jsonb) AS fields, jsonb_array_elements_text(fields) AS field
     WHERE field = ANY ($1) OR EXISTS (SELECT FROM unnest($1::text[]) AS needle
       WHERE field ~ ('(^|\\W)' || regexp_replace(needle, '([^[:alnum:]_])', '\\\\\\1', 'g') || '(\\W|$)'))
     ORDER BY 1`,
    [texts],
  );
  return rows.map(({ place }) => ({ loadId: undefined, place }));
}
