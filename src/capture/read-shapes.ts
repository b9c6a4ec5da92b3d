/** The shapes of what triggers have kept, from the source. */
import type pg from 'pg';
import type { Shape } from './change-texts.js';

/** Adds those of `ids` that are not there yet. */
export async function readShapes(
  client: pg.Client,
  shapes: Map<string, Shape>,
  ids: ReadonlySet<string>,
): Promise<void> {
  const missing = [...ids].filter((id) => !shapes.has(id));
  if (missing.length === 0) return;
  const { rows } = await client.query<{ shape: string; texts: Shape }>(
    'SELECT shape::text AS shape, texts FROM edp_capture.shapes WHERE shape = ANY ($1::bigint[])',
    [missing],
  );
  for (const { shape, texts } of rows) shapes.set(shape, texts);
}
