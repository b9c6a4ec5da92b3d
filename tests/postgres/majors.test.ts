/** The main use on older PostgreSQL; nearly all other tests run on the newest. */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import {
  type EmbeddedLease,
  leaseEmbeddedServer,
} from '../../src/postgres/embedded/embedded-server.js';
import { toUrl } from '../../src/postgres/which-server.js';
import { edp, makeDirectory } from '../support/cli.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';
import { OLDER_SERVERS } from '../support/older-servers.js';
import { makeTemporary } from '../support/temporary.js';

describe.each(OLDER_SERVERS)('PostgreSQL $major', ({ major, packageName, isInstalled }) => {
  let directory: string;
  let server: EmbeddedLease;
  beforeAll(async () => {
    directory = await makeTemporary();
    if (isInstalled) server = await leaseEmbeddedServer(directory, packageName);
  });
  afterAll(async () => {
    await server?.release();
    await rm(directory, { recursive: true, force: true });
  });

  it.skipIf(!isInstalled)(
    'takes clean and dirty files, an update by --on-conflict, and reports',
    async () => {
      const cwd = await makeDirectory();
      const options = ['--json', '--database-url', toUrl(server.client)];
      const query = (sql: string) =>
        withClient(server.client, 'test', async (client) => {
          const result = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
          return result.rows;
        });
      expect(await query('SHOW server_version')).toEqual([
        [expect.stringMatching(new RegExp(`^${major}\\.`))],
      ]);

      const clean = await generateEvents(cwd, '--files', '2', '--count', '20000');
      expect((await edp(['seed-dimensions', ...options], { cwd })).status).toBe(0);
      const loaded = await edp(['ingest', 'events', '--read-batch-size', '3000', ...options], {
        cwd,
      });
      expect(loaded, loaded.stderr).toMatchObject({ status: 0 });
      const totals = await sumFiles(clean.files.map((file) => path.join(cwd, file)));
      expect(await query(TOTALS_SQL)).toEqual([totalsRow(totals)]);

      const dirty = await generateEvents(
        cwd,
        '--files',
        '1',
        '--count',
        '5000',
        '--seed',
        '3',
        '--first-id',
        '100001',
        '--dirty',
        '0.1',
      );
      const second = await edp(['ingest', dirty.files[0]!, ...options], { cwd });
      expect(second, second.stderr).toMatchObject({ status: 3 });
      expect(second.json.rows).toEqual({ read: 5000, ...dirty.json.expected });
      const again = await edp(
        ['ingest', dirty.files[0]!, '--force', '--on-conflict', 'update', ...options],
        { cwd },
      );
      expect(again.json.rows.read).toBe(5000);

      for (const report of [
        'daily_metric_summary',
        'load_history',
        'metric_totals_by_second_dimension',
      ]) {
        const written = await edp(['generate-report', report, ...options], { cwd });
        expect(written, written.stderr).toMatchObject({ status: 0 });
        expect(written.json.rows).toBeGreaterThan(0);
      }
    },
  );
});
