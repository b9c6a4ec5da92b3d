/** Faults of a whole server, each mended by the SQL that is printed, and a restart where that is printed. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { toUrl } from '../../src/postgres/which-server.js';
import { OLDER_SERVERS } from '../support/older-servers.js';
import { type OwnServer, startOwnServer } from '../support/own-server.js';
import { added, examine, makePlace, mend, named } from './examined.js';

const HEALTHY = {
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  maintenance_work_mem: '256MB',
  wal_level: 'logical',
  max_prepared_transactions: '5',
};

interface Fault {
  readonly check: string;
  readonly what: string;
  readonly severity: 'error' | 'warning' | 'note';
  readonly plant: readonly string[];
}

const FAULTS: readonly Fault[] = [
  {
    check: 'crash-safety',
    what: 'fsync is off',
    severity: 'error',
    plant: ['ALTER SYSTEM SET fsync = off'],
  },
  {
    check: 'crash-safety',
    what: 'full_page_writes is off',
    severity: 'error',
    plant: ['ALTER SYSTEM SET full_page_writes = off'],
  },
  {
    check: 'settings-that-slow-loads',
    what: 'max_wal_size is small',
    severity: 'warning',
    plant: ["ALTER SYSTEM SET max_wal_size = '128MB'", "ALTER SYSTEM SET min_wal_size = '64MB'"],
  },
  {
    check: 'settings-that-slow-loads',
    what: 'max_wal_size is the default',
    severity: 'note',
    plant: ["ALTER SYSTEM SET max_wal_size = '1GB'"],
  },
  {
    check: 'settings-that-slow-loads',
    what: 'shared_buffers is the default',
    severity: 'warning',
    plant: ["ALTER SYSTEM SET shared_buffers = '128MB'"],
  },
  {
    check: 'settings-that-slow-loads',
    what: 'maintenance_work_mem is the default',
    severity: 'note',
    plant: ["ALTER SYSTEM SET maintenance_work_mem = '64MB'"],
  },
  {
    check: 'settings-that-slow-loads',
    what: 'all statements are logged',
    severity: 'note',
    plant: ["ALTER SYSTEM SET log_statement = 'all'"],
  },
  {
    check: 'autovacuum',
    what: 'autovacuum is off',
    severity: 'warning',
    plant: ['ALTER SYSTEM SET autovacuum = off'],
  },
  {
    check: 'connections',
    what: 'there are few connections',
    severity: 'warning',
    plant: ['ALTER SYSTEM SET max_connections = 8'],
  },
  {
    check: 'read-only',
    what: 'transactions are read-only by default',
    severity: 'error',
    plant: ['ALTER SYSTEM SET default_transaction_read_only = on'],
  },
  {
    check: 'replication-slots',
    what: 'nobody reads a slot',
    severity: 'note',
    plant: [
      "SELECT pg_create_physical_replication_slot('left over', true)".replace(' over', '_over'),
    ],
  },
];

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer(HEALTHY);
}, 60_000);
afterAll(() => server.stop());

async function open(database = 'postgres'): Promise<pg.Client> {
  const client = new pg.Client({ ...server.config, database });
  client.on('error', () => {});
  await client.connect();
  return client;
}

const makeSetup = async (database = 'postgres') => ({
  cwd: await makePlace({ 'edp.yaml': 'process-count: 2\n' }),
  env: { DATABASE_URL: toUrl({ ...server.config, database }) },
});

describe('a fault of the server', () => {
  it.each(FAULTS.map((fault) => ({ ...fault, line: `${fault.check}: ${fault.what}` })))(
    '$line',
    async ({ check, severity, plant }) => {
      const setup = await makeSetup();
      const before = await examine(setup);
      expect(before.findings).toEqual([]);
      const planting = await open();
      for (const statement of plant) await planting.query(statement);
      await planting.end();
      await server.restart();
      const planted = await examine(setup);
      expect(added(planted, before), JSON.stringify(planted.findings)).toEqual([check]);
      const [finding, ...more] = named(planted, check);
      expect(more).toEqual([]);
      expect(finding!.severity).toBe(severity);
      const session = await open();
      await mend(finding!, setup, session);
      await session.end();
      if (finding!.mend.some(({ text }) => text === 'then restart the server')) {
        await server.restart();
      }
      const after = await examine(setup);
      expect(after.findings, JSON.stringify(after.findings)).toEqual([]);
    },
  );

  it('prepared-transactions: one is left, and others wait for it', async () => {
    const setup = await makeSetup();
    const client = await open();
    await client.query('CREATE TABLE held ()');
    await client.query('BEGIN');
    await client.query('LOCK TABLE held');
    await client.query("PREPARE TRANSACTION 'it''s left'");
    const waiting = await open();
    const done = waiting.query('TABLE held');
    await expect
      .poll(async () => (await client.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount)
      .toBe(1);
    const [finding] = named(await examine(setup), 'prepared-transactions');
    expect(finding).toMatchObject({ severity: 'warning' });
    await mend(finding!, setup, client);
    await done;
    expect(named(await examine(setup), 'prepared-transactions')).toEqual([]);
    await waiting.end();
    await client.end();
  });

  it('collation-version: the database was made with another version', async () => {
    const client = await open();
    const made = await client
      .query("CREATE DATABASE sorted LOCALE_PROVIDER icu ICU_LOCALE 'en' TEMPLATE template0")
      .then(
        () => true,
        () => false,
      );
    if (made) {
      await client.query("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'sorted'");
      const setup = await makeSetup('sorted');
      const [finding] = named(await examine(setup), 'collation-version');
      expect(finding).toMatchObject({ severity: 'warning' });
      const session = await open('sorted');
      await mend(finding!, setup, session);
      await session.end();
      expect(named(await examine(setup), 'collation-version')).toEqual([]);
    }
    await client.end();
    expect(typeof made).toBe('boolean');
  });
});

describe.each(OLDER_SERVERS)('PostgreSQL $major', ({ major, packageName, isInstalled }) => {
  it.skipIf(!isInstalled)('is examined by every check', async () => {
    const older = await startOwnServer({ ...HEALTHY }, packageName);
    onTestFinished(() => older.stop());
    const setup = {
      cwd: await makePlace({ 'edp.yaml': 'process-count: 2\n' }),
      env: { DATABASE_URL: toUrl(older.config) },
    };
    const { findings, notExamined, server: found } = await examine(setup);
    expect(findings).toEqual([]);
    expect(notExamined).toEqual([]);
    expect(Math.floor(found!.version / 10_000)).toBe(major);
  });
});
