/** The rows that are there, and how far a snapshot has come. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { DirectorySink } from '../../src/capture/sinks/directory-sink.js';
import type { SentEvent, Sink } from '../../src/capture/sinks/sink.js';
import { snapshotModel } from '../../src/capture/snapshot.js';
import { uninstall } from '../../src/capture/uninstall.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { withDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');
const ROWS = 25_000;

const TEXT = `
tables:
  notes: { key: [a, b], columns: { a: text, b: int, size: int } }
capture:
  tables:
    notes: { columns: { size: { calculation: "length(notes.a)" } }, where: "b <> 7" }
`;

async function read(
  sink: Sink | undefined,
  signal = new AbortController().signal,
  target = sink === undefined ? '' : 'list',
) {
  const { plan } = await installIn(source.config, TEXT, true);
  return withClient(source.config, 'test', (client) =>
    snapshotModel(client, plan.models[0]!, {
      source: 'edp:shop',
      sink,
      target,
      capBytes: 1e9,
      signal,
      onNote: () => {},
    }),
  );
}

beforeEach(async () => {
  await withClient(source.config, 'test', (client) =>
    uninstall(client, { isDryRun: false, signal: new AbortController().signal }),
  );
  await source.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE notes (a text, b int, PRIMARY KEY (a, b));
    INSERT INTO notes SELECT 'n' || i % 10, i FROM generate_series(1, ${ROWS}) AS i`);
  await installIn(source.config, TEXT);
});

describe('a snapshot', () => {
  it('goes through the outbox, with calculations, under one number', async () => {
    expect(await read(undefined)).toBe(ROWS - 1);
    const events = await takeEvents(source.config);
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(ROWS - 1);
    expect(new Set(events.map(({ sequence }) => sequence)).size).toBe(1);
    const row = events.find(({ subject }) => subject === '["n0","10"]');
    expect(row!.data).toMatchObject({ op: 'read', after: { a: 'n0', b: 10, size: 2 } });
  });

  it('waits for transactions that run before it', async () => {
    const writer = await connect(source.config, 'test');
    await writer.query(
      "BEGIN; DELETE FROM notes WHERE b = 1; INSERT INTO notes VALUES ('late', 1)",
    );
    const reading = read(undefined);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await writer.query('COMMIT');
    await writer.end();
    await reading;
    const reads = (await takeEvents(source.config)).filter(({ data }) => data.op === 'read');
    const subjects = reads.map(({ subject }) => subject);
    expect(subjects.filter((one) => one!.includes('late') || one === '["n1","1"]')).toEqual([
      '["late","1"]',
    ]);
  });

  it('goes on where it stopped, with the number that it had', async () => {
    const stop = new AbortController();
    const sent: SentEvent[] = [];
    const sink: Sink = {
      open: async () => {},
      write: async (events) => {
        sent.push(...events);
        if (sent.length > 10_000) stop.abort();
      },
      isDue: () => true,
      commit: async () => {},
      discard: async () => {},
    };
    await expect(read(sink, stop.signal)).rejects.toThrow(/stopped after (19999|20000) rows/);
    const before = sent.length;
    expect(await read(sink)).toBe(ROWS - 1 - before);
    expect(sent).toHaveLength(ROWS - 1);
    expect(new Set(sent.map(({ sequence }) => sequence)).size).toBe(1);
  });

  it('goes on only to the place that has what was read before', async () => {
    const stop = new AbortController();
    const sent: SentEvent[] = [];
    const sink: Sink = {
      open: async () => {},
      write: async (events) => {
        sent.push(...events);
        stop.abort();
      },
      isDue: () => true,
      commit: async () => {},
      discard: async () => {},
    };
    await expect(read(sink, stop.signal)).rejects.toThrow(/stopped/);
    const before = sent.length;
    expect(await read(undefined)).toBe(ROWS - 1);
    expect(await read({ ...sink, isDue: () => false }, undefined, 'another')).toBe(ROWS - 1);
    sent.length = before;
    expect(await read(sink)).toBe(ROWS - 1 - before);
  });

  it('goes straight into files', () =>
    withDirectory(async (directory) => {
      const sink = new DirectorySink(directory, {
        writer: 'x',
        rotateSeconds: 60,
        mostBytes: 2_000_000,
      });
      await sink.open();
      await read(sink);
      const names = (await readdir(path.join(directory, 'notes'))).sort();
      expect(names.length).toBeGreaterThan(1);
      expect(names.every((name) => /^\d{20}-\d{20}(-\d+)?\.jsonl$/.test(name))).toBe(true);
      const texts = await Promise.all(
        names.map((name) => readFile(path.join(directory, 'notes', name), 'utf8')),
      );
      expect(texts.join('').split('\n')).toHaveLength(ROWS);
    }));
});
