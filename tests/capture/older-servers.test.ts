/** Capture on older PostgreSQL: install, events, a snapshot, uninstall. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStatus } from '../../src/capture/status.js';
import { withClient } from '../../src/postgres/connection.js';
import {
  type EmbeddedLease,
  leaseEmbeddedServer,
} from '../../src/postgres/embedded/embedded-server.js';
import { OLDER_SERVERS } from '../support/older-servers.js';
import { makeTemporary } from '../support/temporary.js';
import { brief, installIn, snapshotOf, takeEvents, uninstallFrom } from './source.js';

const TEXT = `
tables:
  notes: { key: id, columns: { id: int, text: text, half: numeric } }
  parted: { key: id, columns: { id: int } }
capture:
  tables:
    notes: { columns: { half: { calculation: "60 / length(notes.text)" } } }
    parted: {}
`;

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

  it.skipIf(!isInstalled)('captures as the newest does', async () => {
    const { client: config } = server;
    const run = (sql: string) =>
      withClient(
        config,
        'test',
        async (client) => (await client.query({ text: sql, rowMode: 'array' })).rows,
      );
    await run(`CREATE TABLE notes (id int PRIMARY KEY, text text);
      CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
      REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    const { plan } = await installIn(config, TEXT);
    expect((await installIn(config, TEXT)).steps).toEqual([]);
    await run("INSERT INTO notes VALUES (1, 'one'), (2, ''); INSERT INTO parted VALUES (1)");
    await run("UPDATE notes SET text = 'three' WHERE id = 1; TRUNCATE parted_1");
    await run(
      'INSERT INTO notes SELECT i FROM generate_series(100, 199) AS i; DELETE FROM notes WHERE id >= 100',
    );
    const events = await takeEvents(config);
    const half = (value: string | null, errors?: object) => ({
      after: { half: value },
      partial: true,
      ...(errors === undefined ? {} : { errors }),
    });
    expect(
      brief(events.filter(({ data }) => data.key === undefined || Number(data.key.id) < 100)),
    ).toEqual([
      ['notes.created', { key: { id: 1 }, after: { id: 1, text: 'one' } }],
      ['notes.created', { key: { id: 2 }, after: { id: 2, text: '' } }],
      ['parted.created', { key: { id: 1 }, after: { id: 1 } }],
      ['notes.updated', { key: { id: 1 }, ...half('20') }],
      ['notes.updated', { key: { id: 2 }, ...half(null, { half: 'division by zero' }) }],
      [
        'notes.updated',
        { key: { id: 1 }, after: { text: 'three' }, before: { text: 'one' }, partial: true },
      ],
      ['parted.deleted', { key: { id: 1 }, before: { id: 1 } }],
      ['notes.updated', { key: { id: 1 }, ...half('12') }],
    ]);
    expect(events.filter(({ data }) => Number(data.key?.id) >= 100)).toHaveLength(200);

    const totals = await snapshotOf(config, plan.models[0]!);
    expect(totals).toEqual({ rows: 2, failed: 1 });
    expect((await takeEvents(config)).map(({ data }) => data.op)).toEqual([
      'read',
      'read',
      'truncate',
    ]);
    expect(
      await withClient(config, 'test', (client) => readStatus(client, { plan, misfits: [] })),
    ).toMatchObject({ isCurrent: true, misfits: [], kept: [], outbox: { failedCalculations: 2 } });
    await uninstallFrom(config);
    expect(
      await run(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'edp_capture'",
      ),
    ).toEqual([]);
  });

  it.skipIf(!isInstalled || major < 15)(
    'captures MERGE into partitions as the newest does',
    async () => {
      const { client: config } = server;
      await withClient(config, 'test', (client) =>
        client.query(`CREATE TABLE halves (id int PRIMARY KEY, text text) PARTITION BY RANGE (id);
        CREATE TABLE halves_1 PARTITION OF halves FOR VALUES FROM (0) TO (10); CREATE TABLE halves_2 PARTITION OF halves DEFAULT`),
      );
      await installIn(
        config,
        'tables:\n  halves: { key: id, columns: { id: int, text: text } }\ncapture:\n  tables: { halves: {} }\n',
      );
      await withClient(config, 'test', (client) =>
        client.query(`INSERT INTO halves VALUES (1, 'one'), (11, 'eleven');
        MERGE INTO halves AS h USING (VALUES (9), (1), (19), (11)) AS s (id) ON h.id = s.id
          WHEN MATCHED THEN UPDATE SET text = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'inserted')`),
      );
      const events = await takeEvents(config);
      expect(
        events.map(({ data }) => `${data.op} ${data.key?.id} ${data.after?.text}`).sort(),
      ).toEqual([
        'create 1 one',
        'create 11 eleven',
        'create 19 inserted',
        'create 9 inserted',
        'update 1 merged',
        'update 11 merged',
      ]);
      await uninstallFrom(config);
    },
  );
});
