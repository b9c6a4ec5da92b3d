/** A database of one's own for a test file. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { connect, withClient } from '../../src/postgres/connection.js';
import { toUrl } from '../../src/postgres/which-server.js';
import { TEMPLATE } from './global-setup.js';

export interface TestDatabase {
  readonly config: pg.ClientConfig;
  /** For `--database-url`. */
  readonly url: string;
  /** Rows of a query, each an array. */
  query(sql: string, values?: unknown[]): Promise<unknown[][]>;
}

/**
 * @param template `empty` for a database without ledger and tables
 */
export async function createTestDatabase(
  template: 'built-in' | 'empty' = 'built-in',
): Promise<TestDatabase> {
  const server: pg.ClientConfig = {
    host: inject('serverHost'),
    port: 5432,
    user: 'edp',
    database: 'postgres',
    ssl: false,
  };
  const name = `test_${randomBytes(6).toString('hex')}`;
  const source = template === 'built-in' ? TEMPLATE : 'template0';
  await withClient(server, 'test', (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`),
  );
  const config = { ...server, database: name };
  const client = await connect(config, 'test');
  afterAll(async () => {
    await client.end();
    await withClient(server, 'test', (admin) =>
      admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    );
  });
  return {
    config,
    url: toUrl(config),
    async query(sql, values = []) {
      const result = await client.query<unknown[]>({ text: sql, values, rowMode: 'array' });
      return result.rows;
    },
  };
}

/**
 * A database for the tests of a file, made before the first of them runs.
 *
 * @param template as of {@link createTestDatabase}
 */
export function useTestDatabase(template: 'built-in' | 'empty' = 'built-in'): TestDatabase {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase(template);
  });
  return {
    get config() {
      return database.config;
    },
    get url() {
      return database.url;
    },
    query: (sql, values) => database.query(sql, values),
  };
}
