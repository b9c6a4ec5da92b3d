/** Connections that cannot be had, and those on which nobody answers any more. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { resolveServer, type ServerAddress } from '../../src/postgres/which-server.js';
import { edp, followEdp, startEdp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { holdOpen, waitForLock } from '../support/ledger.js';
import { makeProject } from '../support/scratch.js';
import { startSilentProxy } from '../support/silent-proxy.js';

const database = useTestDatabase('empty');

const modelOf = (table: string) =>
  `tables:\n  ${table}:\n    columns: {id: bigint, v: text}\n    key: id\n`;

function records(count: number): string {
  return `id,v\n${Array.from({ length: count }, (_, i) => `${i + 1},v${i}\n`).join('')}`;
}

describe('too many connections', () => {
  it('is waited for, by any number of commands at once', { timeout: 200_000 }, async () => {
    const role = `edp_few_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 5`);
    await database.query(`GRANT CREATE ON DATABASE ${database.config.database} TO ${role}`);
    await database.query(`GRANT ALL ON SCHEMA public TO ${role}`);
    onTestFinished(async () => {
      await database.query(`DROP OWNED BY ${role} CASCADE`);
      await database.query(`DROP ROLE ${role}`);
    });
    const url = database.url.replace('user=edp', `user=${role}`);
    const results = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const cwd = await makeProject(modelOf(`few_${i}`), { [`few_${i}.csv`]: records(400) });
        const rest = ['--process-count', '3', '--read-batch-size', '100', '--database-url', url];
        return edp(['ingest', `few_${i}.csv`, ...rest], { cwd });
      }),
    );
    for (const { status, stderr } of results) expect(status, stderr).toBe(0);
    const counts = await Promise.all(
      results.map((_, i) => database.query(`SELECT count(*)::int FROM few_${i}`)),
    );
    expect(counts.flat(2)).toEqual(results.map(() => 400));
  });
});

describe('a network that swallows everything once the connection is up', () => {
  const SILENCE_MS = 1500;

  it('ends the command in time, with exit 1', async () => {
    const cwd = await makeProject(modelOf('swallowed'), { 'swallowed.csv': records(2000) });
    const proxy = await startSilentProxy(database, SILENCE_MS);
    const release = await holdOpen(
      database,
      'CREATE TABLE swallowed (id bigint PRIMARY KEY, v text, load_id bigint)',
    );
    const args = ['ingest', 'swallowed.csv', '--json', '--database-url', proxy.url] as const;
    const running = followEdp(startEdp(args, { cwd }), args);
    await waitForLock(database, 'ingest');
    proxy.silence(true);
    const result = await running;
    await release();
    expect(result.status, result.stderr).toBe(1);
    expect(result.json.error!.code).toBe('database_unreachable');
    expect(result.stderr).toMatch(/no answer from 127\.0\.0\.1/);
  });

  it('goes on by another connection, where there is one', async () => {
    const cwd = await makeProject(modelOf('cut'), { 'cut.csv': records(2000) });
    const proxy = await startSilentProxy(database, SILENCE_MS);
    const made = await edp(
      ['ingest', 'cut.csv', '--database-url', database.url, '--max-rejects', '0'],
      { cwd },
    );
    expect(made.status, made.stderr).toBe(0);
    const release = await holdOpen(database, 'LOCK TABLE cut');
    const args = ['undo', '1', '--yes', '--json', '--database-url', proxy.url] as const;
    const [[load]] = (await database.query(
      "SELECT load_id FROM edp.loads WHERE table_name = 'cut'",
    )) as [[number]];
    const running = followEdp(startEdp([args[0], String(load), ...args.slice(2)], { cwd }), args);
    await waitForLock(database, 'undo');
    proxy.silence(false);
    await release();
    const result = await running;
    expect(result.status, result.stderr).toBe(0);
    expect(await database.query('SELECT count(*)::int FROM cut')).toEqual([[0]]);
  });

  it('lets a statement take as long as it takes', async () => {
    const proxy = await startSilentProxy(database, 300);
    const server = resolveServer(proxy.url, {}) as Extract<ServerAddress, { kind: 'server' }>;
    const client = await connect(server.client, 'test');
    const { rows } = await client.query("SELECT pg_sleep(3), 'done' AS end");
    expect(rows[0]).toMatchObject({ end: 'done' });
    await sleep(1000);
    await client.query('SELECT 1');
    await client.end();
  });
});
