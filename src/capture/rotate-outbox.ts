/** Keeps the outbox small: writers change to the other table, and the one that everybody has read is emptied. */
import type pg from 'pg';
import { tunable } from '../base/failpoints.js';
import { withTransaction } from '../postgres/connection.js';

/** Polls read the whole outbox. */
const ROTATE_BYTES = 16 * 1024 * 1024;

interface Sizes {
  readonly current: number;
  readonly used: string;
  readonly other: string;
}

export async function rotateOutbox(client: pg.Client): Promise<void> {
  const { rows } = await client.query<Sizes>(
    `SELECT last_value::int AS current, pg_relation_size('edp_capture.outbox_' || last_value) AS used,
       pg_relation_size('edp_capture.outbox_' || (1 - last_value)) AS other
     FROM edp_capture.current_outbox`,
  );
  const { current, used, other } = rows[0]!;
  const isEmpty = Number(other) === 0 || (await emptyOutbox(client, 1 - current));
  if (isEmpty && Number(used) > tunable('capture.rotate_bytes', ROTATE_BYTES)) {
    await client.query("SELECT setval('edp_capture.current_outbox', $1)", [1 - current]);
  }
}

/** @returns whether the table is empty now */
async function emptyOutbox(client: pg.Client, slot: number): Promise<boolean> {
  const table = `edp_capture.outbox_${slot}`;
  const hasUnread = async () => {
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ${table} WHERE xid >= (SELECT min(last_xmin) FROM edp_capture.consumers)) AS found`,
    );
    return rows[0]!.found;
  };
  if (await hasUnread()) return false;
  try {
    return await withTransaction(client, async () => {
      // Whoever writes into it keeps its lock until it commits; others must not queue behind this one.
      await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE NOWAIT`);
      if (await hasUnread()) return false;
      await client.query(`TRUNCATE ${table}`);
      return true;
    });
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') return false;
    throw error;
  }
}
