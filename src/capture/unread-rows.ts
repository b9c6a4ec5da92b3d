/**
 * Rows that no event tells of: they were there before the triggers that would have published them, before their table fed the
 * model, or while triggers were disabled. An install notes them in the transaction that puts it right; a snapshot that began later
 * has read them.
 */
import type pg from 'pg';
import { quoteLiteral, quoteName } from '../model/ddl.js';
import type { TablePlace } from '../model/table-name.js';
import { type CapturedModel, placeText } from './plan.js';

/** A table of the model that wants a snapshot. */
export interface UnreadRows {
  readonly model: string;
  /** Tables and partitions of the source. */
  readonly relations: readonly string[];
}

/**
 * A statement that notes them, where there are any.
 *
 * @param isSure whether something is missed even where no row is left
 */
export function noteUnread(
  { name, version, source }: CapturedModel,
  relation: TablePlace,
  isSure: boolean,
): string {
  const places = new Set([quoteName(relation), quoteName(source)]);
  const conditions = [...places].map((place) => `EXISTS (SELECT FROM ${place})`);
  const where = isSure ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `INSERT INTO edp_capture.models (model, source, version, unread)
  SELECT ${quoteLiteral(name)}, ${quoteLiteral(placeText(source))}, ${version}, jsonb_build_object(${quoteLiteral(placeText(relation))}, clock_timestamp())${where}
  ON CONFLICT (model) DO UPDATE SET unread = models.unread || excluded.unread;`;
}

export async function readUnread(client: pg.Client): Promise<UnreadRows[]> {
  const { rows } = await client.query<UnreadRows>(
    // Older installs have no such column.
    `SELECT m.model, array_agg(u.relation ORDER BY u.relation) AS relations
     FROM edp_capture.models AS m, jsonb_each_text(coalesce(to_jsonb(m) -> 'unread', '{}')) AS u (relation, at)
     WHERE NOT EXISTS (SELECT FROM edp_capture.snapshots AS s
       WHERE s.model = m.model AND s.finished_at IS NOT NULL AND s.started_at >= u.at::timestamptz)
     GROUP BY m.model ORDER BY m.model`,
  );
  return rows;
}
