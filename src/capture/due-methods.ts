/** Rows whose methods no application has published yet: they were written past the mapping, or a snapshot has read them. */
import type pg from 'pg';

export interface DueMethods {
  readonly model: string;
  /** Undefined for all rows of the model. */
  readonly rows: number | undefined;
}

export async function readDueMethods(client: pg.Client): Promise<DueMethods[]> {
  const { rows: there } = await client.query(
    // Older installs have no such table.
    "SELECT FROM pg_class WHERE oid = to_regclass('edp_capture.method_rows')",
  );
  if (there.length === 0) return [];
  const { rows } = await client.query<{ model: string; rows: string; all: boolean }>(
    `SELECT model, count(DISTINCT key) AS rows, bool_or(key IS NULL) AS all
     FROM edp_capture.method_rows GROUP BY model ORDER BY model`,
  );
  return rows.map(({ model, rows: count, all }) => ({
    model,
    rows: all ? undefined : Number(count),
  }));
}
