/** The roles of docs/security.md can do what they are for, and nothing else. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { edp, makeDirectory, startEdp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';
import { slowLoads } from '../support/ledger.js';

const suffix = randomBytes(4).toString('hex');
const LOADER = `edp_loader_${suffix}`;
const READER = `edp_reader_${suffix}`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const text = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```sql\n([^`]+)```/g)].map(([, sql]) => sql!);
  expect(blocks).toHaveLength(2);
  for (const sql of blocks) {
    await database.query(sql.replaceAll('edp_loader', LOADER).replaceAll('edp_reader', READER));
  }
  await database.query('CREATE TABLE secrets (v text)');
});
afterAll(async () => {
  for (const role of [LOADER, READER]) {
    await database.query(`DROP OWNED BY ${role}`);
    await database.query(`DROP ROLE ${role}`);
  }
});

const urlAs = (role: string) => database.url.replace('user=edp', `user=${role}`);

async function withRole(role: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await connect({ ...database.config, user: role }, 'test');
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const DENIED = expect.objectContaining({ code: '42501' });

async function prepare(...args: string[]) {
  const cwd = await makeDirectory();
  const { files } = await generateEvents(cwd, '--files', '1', ...args);
  const seeded = await edp(['seed-dimensions', '--database-url', database.url], { cwd });
  expect(seeded, seeded.stderr).toMatchObject({ status: 0 });
  return { cwd, file: files[0]! };
}

const emptyTables = async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
};

describe('the role that loads', () => {
  const env = { DATABASE_URL: '' };
  const run = <const A extends readonly string[]>(cwd: string, ...args: A) =>
    edp(args, { cwd, env: { ...env, DATABASE_URL: urlAs(LOADER) } });

  it('loads clean and dirty files, skips what is known, and lists what it did', async () => {
    await emptyTables();
    const { cwd, file } = await prepare('--count', '5000', '--dirty', '0.01');
    const loaded = await run(cwd, 'ingest', file, '--json');
    expect(loaded.status, loaded.stderr).toBe(3);
    expect(loaded.json.rows.rejected).toBeGreaterThan(0);
    expect((await run(cwd, 'ingest', file, '--json')).json.files[0].status).toBe('skipped');
    expect(await run(cwd, 'status')).toMatchObject({ status: 0 });
    const load = String(loaded.json.files[0].loadId);
    expect(await run(cwd, 'rejects', load)).toMatchObject({ status: 0 });
    const verified = await run(cwd, 'verify', load);
    expect(verified, verified.stderr).toMatchObject({ status: 0 });
  });

  it('goes on where a killed run stopped', async () => {
    await emptyTables();
    const { cwd, file } = await prepare('--count', '60000');
    const args = ['ingest', file, '--read-batch-size', '2000'];
    const hurry = await slowLoads(database);
    const child = startEdp(args, { cwd, env: { DATABASE_URL: urlAs(LOADER) } });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    const receipts = async () =>
      (await database.query('SELECT count(*) FROM edp.receipts'))[0]![0] as number;
    while ((await receipts()) < 5) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    await hurry();
    const resumed = await run(cwd, 'ingest', file, '--json');
    expect(resumed, resumed.stderr).toMatchObject({ status: 0 });
    const totals = await sumFiles([path.join(cwd, file)]);
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
  });

  it.each([
    'DROP TABLE events',
    'TRUNCATE events',
    'DELETE FROM events',
    'UPDATE events SET metric_one = 0',
    'ALTER TABLE events ADD COLUMN x int',
    'CREATE INDEX ON events (metric_one)',
    'SELECT FROM secrets',
    'INSERT INTO secrets VALUES (1)',
    'DROP TABLE secrets',
    'INSERT INTO first_dimensions VALUES (-1)',
    'DELETE FROM edp.loads',
    'DELETE FROM edp.receipts',
    'UPDATE edp.rejects SET raw = raw',
    'DELETE FROM edp.changes',
    'UPDATE edp.changes SET rows = 0',
    'DELETE FROM edp.runs',
    'DROP SCHEMA edp CASCADE',
    'CREATE TABLE mine (n int)',
    'SET session_replication_role = replica',
    "COPY secrets FROM '/etc/passwd'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
  ])('may not: %s', (sql) =>
    withRole(
      LOADER,
      (client) => expect(client.query(sql)).rejects.toEqual(DENIED) as Promise<void>,
    ),
  );

  it('reports the privileges that it lacks for more', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables:\n  fresh: { columns: { v: text } }\n  events: { columns: { id: bigint }, key: id, metrics: { from: m, columns: {} } }\n',
    );
    await writeFile(path.join(cwd, 'fresh.csv'), 'v\n1\n');
    const made = await run(cwd, 'ingest', 'fresh.csv');
    expect(made.status).toBe(1);
    expect(made.stderr).toMatch(/table "fresh" cannot be made[\s\S]*GRANT CREATE ON SCHEMA/);
    await database.query(`INSERT INTO events (id, extra_metrics) VALUES (-5, '{"metric_x": 1}')`);
    const promoted = await run(cwd, 'promote', 'metric_x');
    await database.query('DELETE FROM events WHERE id = -5');
    expect(promoted.status).toBe(1);
    expect(promoted.stderr).toMatch(/only the owner of a table can add columns/);
  });

  it('replaces rows, and infers members, with the grants that are named for it', async () => {
    await emptyTables();
    await database.query(`GRANT UPDATE ON events TO ${LOADER}`);
    await database.query(`GRANT INSERT ON first_dimensions, second_dimensions TO ${LOADER}`);
    await database.query(`GRANT INSERT, UPDATE ON edp.inferred_members TO ${LOADER}`);
    try {
      const cwd = await makeDirectory();
      const header = 'id,first_dimension_id\n';
      await writeFile(path.join(cwd, 'events-1.csv'), `${header}1,500\n`);
      await writeFile(path.join(cwd, 'events-2.csv'), `${header}1,501\n`);
      const args = ['--missing-dimensions', 'infer', '--on-conflict', 'update', '--json'];
      const result = await run(cwd, 'ingest', 'events-1.csv', 'events-2.csv', ...args);
      expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 0 });
    } finally {
      await database.query(`REVOKE UPDATE ON events FROM ${LOADER}`);
      await database.query(`REVOKE INSERT ON first_dimensions, second_dimensions FROM ${LOADER}`);
      await database.query(`REVOKE INSERT, UPDATE ON edp.inferred_members FROM ${LOADER}`);
    }
  });
});

describe('the role that reads', () => {
  it('makes reports, lists loads, and verifies', async () => {
    await emptyTables();
    const { cwd, file } = await prepare('--count', '3000', '--dirty', '0.01');
    const loaded = await edp(['ingest', file, '--json', '--database-url', database.url], { cwd });
    const load = String(loaded.json.files[0].loadId);
    const env = { DATABASE_URL: urlAs(READER) };
    for (const args of [
      ['generate-report', 'count_hourly_events_by_first_dimension', '--out', '-'],
      ['generate-report', 'load_history', '--format', 'table'],
      ['generate-report', 'unknown_metrics', '--format', 'table'],
      ['generate-report', 'daily_metric_summary', '--out', '-'],
      ['status'],
      ['status', load],
      ['status', '--runs'],
      ['status', '--runs', '1'],
      ['rejects', load],
      ['verify', load],
    ]) {
      const result = await edp(args, { cwd, env });
      expect(result, `${args.join(' ')}: ${result.stderr}`).toMatchObject({ status: 0 });
    }
    const ingest = await edp(['ingest', file, '--force'], { cwd, env });
    expect(ingest.status).toBe(1);
  });

  it.each([
    'INSERT INTO events (id) VALUES (-1)',
    'DELETE FROM events',
    'UPDATE edp.loads SET path = path',
    "INSERT INTO edp.changes (relation, kind) VALUES ('public.events', 'deleted')",
    'SELECT FROM secrets',
    'DROP TABLE events',
    'CREATE TABLE mine (n int)',
  ])('may not: %s', (sql) =>
    withRole(
      READER,
      (client) => expect(client.query(sql)).rejects.toEqual(DENIED) as Promise<void>,
    ),
  );
});
