/** A run that is stopped stops what the server does for it, and leaves no trace of the task. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, run } = useWarehouse();

const project = (seconds: number) =>
  declare(
    { models: { quick: { key: 'k' }, slow: { key: 'k' }, behind: { key: 'k' } } },
    {
      'sql/models/quick.sql': 'SELECT 1 AS k',
      'sql/models/slow.sql': `SELECT k, pg_sleep(${seconds})::text AS slept FROM gold.quick`,
      'sql/models/behind.sql': 'SELECT k FROM gold.slow',
    },
  );

async function isAsleep(): Promise<boolean> {
  const rows = await database.query(
    "SELECT FROM pg_stat_activity WHERE application_name = 'edp task' AND wait_event = 'PgSleep'",
  );
  return rows.length > 0;
}

for (const dryRun of [false, true]) {
  it(`ends at once${dryRun ? ', a dry one too' : ''}`, async () => {
    const stop = new AbortController();
    const running = run(await project(600), { signal: stop.signal, dryRun });
    while (!(await isAsleep())) await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    const first = await running;
    expect(statesOf(first)).toEqual([`gold.quick ${dryRun ? 'would-change' : 'done'}`]);
    const there = await database.query(
      "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('gold') AND relkind = 'r'",
    );
    expect(there).toEqual(dryRun ? [] : [['quick']]);
    expect(await isAsleep()).toBe(false);
    const { length: done } = (await run(await project(0))).filter(({ state }) => state === 'done');
    expect(done).toBe(dryRun ? 3 : 2);
    const locks = await database.query(
      "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    expect(locks).toEqual([]);
  });
}
