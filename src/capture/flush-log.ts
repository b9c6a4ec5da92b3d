/** The log of the source, up to here, on its disk. */
import type pg from 'pg';
import { withTransaction } from '../postgres/connection.js';

/**
 * A transaction with `synchronous_commit = off` is seen by others before it is on the disk, and a crash of the server takes it back, with
 * the numbers that it has drawn. So before events leave the source, this commits something that waits for the disk: all that has
 * been read was written into the log before it.
 */
export async function flushLog(client: pg.Client): Promise<void> {
  await withTransaction(client, async () => {
    await client.query(
      `SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true),
         pg_logical_emit_message(true, 'edp capture', '')`,
    );
  });
}
