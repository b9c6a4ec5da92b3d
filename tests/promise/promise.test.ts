/** Some of what `npm run test:faults -- --warehouse 1000` tries. */
import { describe, expect, inject, it } from 'vitest';
import { leaseEmbeddedServer } from '../../src/postgres/embedded/embedded-server.js';
import { makeDirectory } from '../support/cli.js';
import { OLDER_SERVERS } from '../support/older-servers.js';
import { runPromise } from './promise.js';

/** On some platforms not all are there. */
const oldest = OLDER_SERVERS.find(({ isInstalled }) => isInstalled) ?? OLDER_SERVERS[0]!;

describe('the promise of the warehouse', () => {
  it('holds after any sequence of loads, undone loads, changed declarations and killed runs', {
    timeout: 300_000,
  }, async () => {
    const { failures, sequences } = await runPromise({
      server: {
        host: inject('serverHost'),
        port: 5432,
        user: 'edp',
        database: 'postgres',
        ssl: false,
      },
      seed: 1,
      count: 25,
      atOnce: 2,
      deadline: Date.now() + 150_000,
      isShrunk: false,
      say: () => {},
    });
    expect(failures).toEqual([]);
    expect(sequences).toBeGreaterThan(5);
  });

  it.skipIf(!oldest.isInstalled)(
    `holds on PostgreSQL ${oldest.major}, too`,
    {
      timeout: 300_000,
    },
    async () => {
      const directory = await makeDirectory();
      const server = await leaseEmbeddedServer(directory, oldest.packageName);
      try {
        const { failures, sequences } = await runPromise({
          server: server.client,
          seed: 500,
          count: 5,
          atOnce: 1,
          deadline: Date.now() + 40_000,
          isShrunk: false,
          say: () => {},
        });
        expect(failures).toEqual([]);
        expect(sequences).toBeGreaterThan(0);
      } finally {
        await server.release();
      }
    },
  );
});
