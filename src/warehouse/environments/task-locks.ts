/** The locks of tasks, which runs take one by one: who holds all of them is alone. */
import type pg from 'pg';
import { environmentTask } from '../../model/warehouse/environment.js';
import type { Warehouse } from '../../model/warehouse/task.js';

/** Runs `work` while no run makes a task, in production or in the environment. */
export async function withTaskLocks<T>(
  client: pg.Client,
  { tasks }: Warehouse,
  environment: string,
  work: () => Promise<T>,
): Promise<T> {
  const names = tasks.flatMap(({ name }) => [name, environmentTask(name, environment)]);
  // In one order, so that two that want all of them do not wait for each other.
  const locks = names.sort().map((name) => `edp task ${name}`);
  const each = (call: string) =>
    `SELECT ${call}(hashtextextended(name, 0)) FROM unnest($1::text[]) WITH ORDINALITY AS lock (name, place) ORDER BY place`;
  try {
    for (const lock of locks) {
      await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [lock]);
    }
    return await work();
  } finally {
    await client.query(each('pg_advisory_unlock'), [locks]).catch(() => {});
  }
}
