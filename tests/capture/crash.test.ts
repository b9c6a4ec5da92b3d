/** What a crash of the server takes back must not have been sent. */
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install } from '../../src/capture/install.js';
import { runCapture } from '../../src/capture/run-capture.js';
import { DirectorySink } from '../../src/capture/sinks/directory-sink.js';
import { withClient } from '../../src/postgres/connection.js';
import { FaultServer } from '../faults/server.js';
import { withDirectory } from '../support/cli.js';
import { foldEvents, readEvents } from './fold.js';
import { declare } from './source.js';

const MODEL = `
tables:
  notes: { key: id, columns: { id: int, text: text } }
capture:
  tables:
    notes: {}
`;

let server: FaultServer;
beforeAll(async () => {
  server = await FaultServer.create();
});
afterAll(() => server.remove());

async function write(isAsynchronous: boolean, sql: string): Promise<void> {
  const client = new pg.Client(server.config);
  client.on('error', () => {});
  await client.connect();
  await client.query(`SET synchronous_commit = ${isAsynchronous ? 'off' : 'on'}`);
  await client.query(sql);
  await client.end();
}

const signal = new AbortController().signal;

describe('a transaction that does not wait for the disk', () => {
  it('is sent when it is there', async () => {
    await write(false, 'CREATE TABLE notes (id int PRIMARY KEY, text text)');
    const { capture, model } = declare(MODEL);
    await withClient(server.config, 'test', (client) =>
      install(client, capture, model, { isDryRun: false, signal }),
    );
    await withDirectory(async (directory) => {
      const out = path.join(directory, 'out');
      const options = { writer: 'test', rotateSeconds: 60 };
      const run = () =>
        runCapture(server.config, new DirectorySink(out, options), {
          consumer: 'default',
          source: 'edp:shop',
          isOnce: true,
          signal,
          onNote: () => {},
        });
      await write(false, "INSERT INTO notes VALUES (1, 'first')");
      await run();
      await write(true, "INSERT INTO notes VALUES (2, 'lost')");
      // The files are there, and the cursor is not yet moved.
      const sink = new DirectorySink(out, options);
      const crash = sink.commit.bind(sink);
      sink.commit = async () => {
        await crash();
        await server.stop('SIGKILL');
        throw Object.assign(new Error('the run was killed'), { code: 'EDP_KILLED' });
      };
      await expect(
        runCapture(server.config, sink, {
          consumer: 'default',
          source: 'edp:shop',
          isOnce: true,
          signal,
          onNote: () => {},
        }),
      ).rejects.toThrow();
      await server.start();
      await write(false, "INSERT INTO notes VALUES (3, 'third')");
      await run();
      const rows = await server.query('SELECT id FROM notes ORDER BY id');
      const found = foldEvents(readEvents(out).get('notes')!);
      expect([...found.values()].map(({ id }) => [id])).toEqual(rows);
    });
  });
});
