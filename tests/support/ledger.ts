/** What must hold of the ledger at every moment, and a command that is killed at any. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { connect, withClient } from '../../src/postgres/connection.js';
import { migrate } from '../../src/postgres/migrate.js';
import { type CliOptions, type CliResult, followEdp, startEdp } from './cli.js';
import type { TestDatabase } from './database.js';
import type { CommandOf } from './json.js';

/**
 * Holds the ledger against the table: what it counts as loaded and rejected is there, and the receipts of
 * a load add up to it. Only for tables in which nobody replaced or removed rows.
 *
 * @param table quoted
 */
export async function expectBalanced(
  database: TestDatabase,
  table: string,
  lineage = 'load_id',
): Promise<void> {
  const rows = await database.query(
    `SELECT l.load_id, l.state, l.rows_read, l.rows_loaded, l.rows_rejected, l.rows_duplicate,
       (SELECT count(*) FROM ${table} t WHERE t.${lineage} = l.load_id),
       (SELECT count(*) FROM edp.rejects j WHERE j.load_id = l.load_id),
       r.read, r.loaded, r.rejected, r.duplicate
     FROM edp.loads l, LATERAL (
       SELECT coalesce(sum(rows_read), 0)::bigint AS read, coalesce(sum(rows_loaded), 0)::bigint AS loaded,
         coalesce(sum(rows_rejected), 0)::bigint AS rejected, coalesce(sum(rows_duplicate), 0)::bigint AS duplicate
       FROM edp.receipts WHERE load_id = l.load_id) r
     WHERE to_regclass(quote_ident(l.table_name)) = '${table.replaceAll("'", "''")}'::regclass
     ORDER BY 1`,
  );
  for (const [
    load,
    state,
    read,
    loaded,
    rejected,
    duplicate,
    inTable,
    inRejects,
    ...receipts
  ] of rows) {
    const where = `load ${load}, ${state}`;
    expect(Number(loaded) + Number(rejected) + Number(duplicate), where).toBe(read);
    expect(inTable, where).toBe(loaded);
    expect(inRejects, where).toBe(rejected);
    // While it is undone, receipts tell what there was.
    if (state !== 'undoing') expect(receipts, where).toEqual([read, loaded, rejected, duplicate]);
  }
}

/**
 * Starts a command and kills it a while after its session has begun, if it still runs by then.
 *
 * @param role of the session
 * @returns its exit status; null where it was killed
 */
export async function killDuring(
  database: TestDatabase,
  role: string,
  args: readonly string[],
  options: CliOptions,
  delayMs: number,
): Promise<number | null> {
  const child = startEdp(args, options);
  child.stdout?.resume();
  child.stderr?.resume();
  child.stdin?.end();
  let hasEnded = false;
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (status) => {
      hasEnded = true;
      resolve(status);
    });
  });
  while (!hasEnded) {
    const sessions = await database.query(
      'SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
      [`edp ${role}`],
    );
    if (sessions.length > 0) break;
    await sleep(3);
  }
  await Promise.race([ended, sleep(delayMs)]);
  child.kill('SIGKILL');
  const status = await ended;
  await waitForIdle(database);
  return status;
}

/** Lets every receipt take a while; the ledger must be there. */
export const SLOW_LOADS_SQL = `
  CREATE OR REPLACE FUNCTION edp.test_wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END';
  CREATE OR REPLACE TRIGGER test_wait BEFORE INSERT ON edp.receipts
    FOR EACH ROW EXECUTE FUNCTION edp.test_wait()`;
export const HURRY_SQL = 'DROP FUNCTION edp.test_wait CASCADE';

/**
 * Lets every receipt of the database take a while, so that a load can be met half done on any machine.
 *
 * @returns what takes it back
 */
export async function slowLoads(database: TestDatabase): Promise<() => Promise<void>> {
  await withClient(database.config, 'test', async (client) => {
    await migrate(client);
    await client.query(SLOW_LOADS_SQL);
  });
  return async () => {
    await database.query(HURRY_SQL);
  };
}

/** No command has its hands on a load any more: the server may notice the end of one a moment later. */
export async function waitForIdle(database: TestDatabase): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const [[sessions]] = (await database.query(
      `SELECT count(*) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name ~ '^edp (ingest|worker|undo|replay)$'`,
    )) as [[number]];
    if (sessions === 0) return;
    await sleep(20);
  }
  throw new Error('sessions of commands that were killed are still there');
}

/**
 * Runs a statement in a transaction of its own, which stays open.
 *
 * @returns what rolls it back, after another statement if one is given
 */
export async function holdOpen(
  database: TestDatabase,
  sql: string,
): Promise<(last?: string) => Promise<void>> {
  const client = await connect(database.config, 'test holder');
  await client.query('BEGIN');
  await client.query(sql);
  return async (last) => {
    if (last !== undefined) await client.query(last);
    await client.query('ROLLBACK');
    await client.end();
  };
}

/** Waits until a session of edp waits for a lock. @returns its server process */
export async function waitForLock(database: TestDatabase, role: string): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const [waiting] = await database.query(
      `SELECT pid FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`,
      [`edp ${role}`],
    );
    if (waiting !== undefined) return waiting[0] as number;
    await sleep(20);
  }
  throw new Error(`no session "edp ${role}" waits for a lock`);
}

/**
 * Stops a command by Ctrl-C while it waits for a lock.
 *
 * @param role the session that waits
 * @param release gives the lock back, a moment after Ctrl-C
 */
export async function interruptAtLock<const A extends readonly string[]>(
  database: TestDatabase,
  role: string,
  release: () => Promise<void>,
  cwd: string,
  ...args: A
): Promise<CliResult<CommandOf<A>>> {
  const child = startEdp([...args, '--json', '--database-url', database.url], { cwd });
  const result = followEdp(child, [...args, '--json'] as const);
  await waitForLock(database, role);
  child.kill('SIGINT');
  await sleep(300);
  await release();
  return (await result) as CliResult<CommandOf<A>>;
}
