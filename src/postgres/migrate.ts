/**
 * The ledger's schema: numbered files of sql/ledger-migrations/, applied once each, in order.
 *
 * An advisory lock separates two processes that start at once. A role that may not create anything
 * can still use a ledger that is up to date.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { withTransaction } from './connection.js';

const MIGRATIONS_DIRECTORY = packageFile('sql/ledger-migrations/');

/** Advisory lock held while schemas and tables are created. */
const SCHEMA_LOCK = '(1162104833, 3)';

const MIN_SERVER_VERSION = 140_000;

/**
 * Runs one transaction that creates schemas or tables, while no other process does.
 *
 * The lock is taken before the transaction begins: a session notices relations that others created
 * when it begins a transaction, not when it gets an advisory lock. Otherwise it would take a name
 * for free that was free before.
 */
export async function withSchemaLock(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query(`SELECT pg_advisory_lock${SCHEMA_LOCK}`);
  try {
    await withTransaction(client, work);
  } finally {
    await client.query(`SELECT pg_advisory_unlock${SCHEMA_LOCK}`).catch(() => {});
  }
}

interface Migration {
  readonly version: number;
  readonly name: string;
}

async function listMigrations(): Promise<Migration[]> {
  const files = (await readdir(MIGRATIONS_DIRECTORY)).filter((name) => /^\d+_.*\.sql$/.test(name));
  return files.sort().map((name) => ({ version: Number.parseInt(name, 10), name }));
}

async function appliedVersion(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ server: number; exists: boolean }>(
    `SELECT current_setting('server_version_num')::int AS server,
            to_regclass('edp.migrations') IS NOT NULL AS exists`,
  );
  const { server, exists } = rows[0]!;
  if (server < MIN_SERVER_VERSION) {
    throw new EdpError('database_refused', 'this PostgreSQL is older than version 14', {
      hint: 'edp supports PostgreSQL 14 to 18',
    });
  }
  if (!exists) return 0;
  const result = await client.query<{ version: number | null }>(
    'SELECT max(version) AS version FROM edp.migrations',
  );
  return result.rows[0]?.version ?? 0;
}

/**
 * Updates the ledger to this version of edp.
 *
 * @throws EdpError `database_refused` for a server too old, a ledger too new, or a role that may
 *   not create the schema
 */
export async function migrate(client: pg.Client): Promise<void> {
  const migrations = await listMigrations();
  if (await isUpToDate(client, migrations)) return;
  await explainRefusal(() => withSchemaLock(client, () => applyMigrations(client, migrations)));
}

/** Does the same within a running transaction, which may be rolled back. */
export async function migrateWithin(client: pg.Client): Promise<void> {
  const migrations = await listMigrations();
  if (await isUpToDate(client, migrations)) return;
  await explainRefusal(() => applyMigrations(client, migrations));
}

async function isUpToDate(client: pg.Client, migrations: readonly Migration[]): Promise<boolean> {
  const newest = migrations.at(-1)?.version ?? 0;
  const applied = await appliedVersion(client);
  if (applied > newest) {
    throw new EdpError(
      'database_refused',
      `the ledger is of a newer edp (its version ${applied}, this edp's ${newest})`,
      {
        hint: 'update edp',
      },
    );
  }
  return applied === newest;
}

/** The version of the ledger in the database, and the one that this edp makes. */
export async function compareLedger(
  client: pg.Client,
): Promise<{ readonly applied: number; readonly newest: number }> {
  const newest = (await listMigrations()).at(-1)?.version ?? 0;
  return { applied: await appliedVersion(client), newest };
}

async function applyMigrations(client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  await client.query('CREATE SCHEMA IF NOT EXISTS edp');
  await client.query(
    `CREATE TABLE IF NOT EXISTS edp.migrations (
       version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  // Checked again under the lock: another process may have been faster.
  const current = await appliedVersion(client);
  for (const migration of migrations.filter(({ version }) => version > current)) {
    await client.query(await readFile(path.join(MIGRATIONS_DIRECTORY, migration.name), 'utf8'));
    await client.query('INSERT INTO edp.migrations (version, name) VALUES ($1, $2)', [
      migration.version,
      migration.name,
    ]);
  }
}

async function explainRefusal(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as { code?: string }).code === '42501') {
      throw new EdpError(
        'database_refused',
        `the ledger cannot be set up: ${(error as Error).message}`,
        {
          hint: 'let the owner of the database run any edp command once, or GRANT CREATE ON DATABASE to this role',
          cause: error,
        },
      );
    }
    throw error;
  }
}
