/**
 * One embedded PostgreSQL for all tests, and in it a template database that has the ledger and the
 * built-in tables; each test file clones its own from it.
 */
import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { recordDefinition } from '../../src/ledger/changes.js';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { withClient } from '../../src/postgres/connection.js';
import { leaseEmbeddedServer } from '../../src/postgres/embedded/embedded-server.js';
import { migrate } from '../../src/postgres/migrate.js';
import { ensureTable } from '../../src/postgres/tables.js';
import { makeTemporary, removeAbandoned, removeAtExit } from './temporary.js';

export const TEMPLATE = 'edp_template';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Directory of the server's socket. */
    readonly serverHost: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.stdout.write('starting PostgreSQL for the tests …\n');
  await removeAbandoned();
  const directory = await makeTemporary();
  removeAtExit(directory);
  const lease = await leaseEmbeddedServer(directory, process.env.EDP_TEST_POSTGRES);
  await withClient(lease.client, 'test', (client) => client.query(`CREATE DATABASE ${TEMPLATE}`));
  await withClient({ ...lease.client, database: TEMPLATE }, 'test', async (client) => {
    await migrate(client);
    for (const table of BUILTIN_MODEL.tables) {
      await ensureTable(client, BUILTIN_MODEL, table, recordDefinition);
    }
  });
  project.provide('serverHost', lease.client.host ?? '');
  return async () => {
    await lease.release();
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
}
