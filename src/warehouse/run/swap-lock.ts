/**
 * One swap at a time: two that have a view on both their tables would wait for each other, since each drops
 * and makes again the views on its own.
 */
import type pg from 'pg';

const KEY = "hashtextextended('edp swap', 0)";

/** Until the end of the transaction. */
export async function lockSwaps(client: pg.Client): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${KEY})`);
}

/** Also where a swap is a part of the work. */
export async function whileNoSwap<T>(client: pg.Client, run: () => Promise<T>): Promise<T> {
  await client.query(`SELECT pg_advisory_lock(${KEY})`);
  try {
    return await run();
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${KEY})`).catch(() => {});
  }
}
