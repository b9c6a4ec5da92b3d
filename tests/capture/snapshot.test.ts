/** The rows that are there, and how far a snapshot has come. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { snapshotLock } from '../../src/capture/hold-alone.js';
import { DirectorySink } from '../../src/capture/sinks/directory-sink.js';
import type { SentEvent, Sink } from '../../src/capture/sinks/sink.js';
import { connect } from '../../src/postgres/connection.js';
import { withDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import type { ReadEvent } from './fold.js';
import { installIn, ListSink, snapshotOf, takeEvents, uninstallFrom } from './source.js';

const source = useTestDatabase('empty');
const ROWS = 25_000;

const TEXT = `
tables:
  notes: { key: [a, b], columns: { a: text, b: int, size: int } }
capture:
  tables:
    notes: { columns: { size: { calculation: "length(notes.a)" } }, where: "b <> 7" }
`;

interface Reading {
  readonly signal?: AbortSignal;
  readonly text?: string;
  readonly capBytes?: number;
  readonly notes?: string[];
  readonly target?: string;
}

async function read(
  sink: Sink | undefined,
  {
    signal = new AbortController().signal,
    text = TEXT,
    capBytes = 1e9,
    notes = [],
    target = 'here',
  }: Reading = {},
) {
  const { plan } = await installIn(source.config, text, true);
  return snapshotOf(source.config, plan.models[0]!, {
    sink,
    target,
    isStrict: plan.isStrict,
    capBytes,
    signal,
    onNote: (note) => notes.push(note),
    patienceMs: 200,
  });
}

beforeEach(async () => {
  await uninstallFrom(source.config);
  await source.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE notes (a text, b int, PRIMARY KEY (a, b));
    INSERT INTO notes SELECT 'n' || i % 10, i FROM generate_series(1, ${ROWS}) AS i`);
  await installIn(source.config, TEXT);
});

describe('a snapshot', () => {
  it('goes through the outbox, with calculations, under one number', async () => {
    expect(await read(undefined)).toEqual({ rows: ROWS - 1, failed: 0 });
    const events = await takeEvents(source.config);
    expect(events.at(-1)!.data.op).toBe('truncate');
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(ROWS);
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
    await expect(read(sink, { signal: stop.signal })).rejects.toThrow(
      /stopped after (19999|20000) rows/,
    );
    const before = sent.length;
    expect(await read(sink)).toEqual({ rows: ROWS - 1 - before, failed: 0 });
    // And the truncate behind the last one.
    expect(sent).toHaveLength(ROWS);
    expect(new Set(sent.map(({ sequence }) => sequence)).size).toBe(1);
  });

  it.each([
    ['target', { target: 'there' }],
    ['mapping', { text: TEXT.replace('b <> 7', 'b <> 8') }],
  ])('begins anew for another %s', async (_, other) => {
    const stop = new AbortController();
    const notes: string[] = [];
    const first = new ListSink();
    first.isDue = () => {
      stop.abort();
      return true;
    };
    await expect(read(first, { signal: stop.signal })).rejects.toThrow('stopped after');
    expect(await read(new ListSink(), { ...other, notes })).toEqual({ rows: ROWS - 1, failed: 0 });
    expect(notes).toEqual([expect.stringContaining('this one begins anew')]);
  });

  it('goes straight into files', () =>
    withDirectory(async (directory) => {
      const sink = new DirectorySink(directory, {
        writer: 'x',
        rotateSeconds: 60,
        mostBytes: 2_000_000,
      });
      await read(sink);
      const names = (await readdir(path.join(directory, 'notes'))).sort();
      expect(names.length).toBeGreaterThan(1);
      expect(names.every((name) => /^\d{20}-\d{20}(-\d+)?\.jsonl$/.test(name))).toBe(true);
      const texts = await Promise.all(
        names.map((name) => readFile(path.join(directory, 'notes', name), 'utf8')),
      );
      expect(texts.join('').split('\n')).toHaveLength(ROWS + 1);
    }));

  const FAILING = TEXT.replace('length(notes.a)', '60 / (notes.b % 9000)');

  it.each(['outbox', 'files'])(
    'of rows whose calculation fails has null and the message, as the triggers have it: %s',
    async (way) => {
      await installIn(source.config, FAILING);
      const sink = new ListSink();
      expect(await read(way === 'files' ? sink : undefined, { text: FAILING })).toEqual({
        rows: ROWS - 1,
        failed: 2,
      });
      const events =
        way === 'files'
          ? sink.events.map(({ line }) => JSON.parse(line) as ReadEvent)
          : await takeEvents(source.config);
      expect(new Set(events.map(({ subject }) => subject)).size).toBe(ROWS);
      expect(events).toHaveLength(ROWS);
      const failed = events.filter(({ data }) => data.errors !== undefined);
      expect(
        failed
          .map(({ data }) => [data.after, data.errors])
          .sort((a, b) => (a[0]!.b! > b[0]!.b! ? 1 : -1)),
      ).toEqual([
        [{ a: 'n0', b: 9000, size: null }, { size: 'division by zero' }],
        [{ a: 'n0', b: 18_000, size: null }, { size: 'division by zero' }],
      ]);
      const whole = events.find(({ data }) => data.key!.b === 9001);
      expect(whole!.data.after).toEqual({ a: 'n1', b: 9001, size: 60 });
    },
  );

  it.each([
    [
      'a calculation, where capture is strict',
      FAILING.replace('capture:\n', 'capture:\n  strict: true\n'),
      /^notes\.size: the row \["n0","9000"\] cannot be read: division by zero/,
    ],
    [
      'SQL of an attribute',
      TEXT.replace('{ calculation: "length(notes.a)" }', '{ sql: "60 / (b % 9000)" }'),
      /^notes: the row \["n0","9000"\] cannot be read: division by zero/,
    ],
    [
      'the filter',
      TEXT.replace('b <> 7', '60 / (b % 9000) >= 0'),
      /^notes: the row \["n0","9000"\] cannot be read/,
    ],
  ])('ends with the row that fails by %s', async (_, text, message) => {
    await installIn(source.config, text);
    await expect(read(undefined, { text })).rejects.toThrow(message);
    await source.query('DELETE FROM notes WHERE b % 9000 = 0');
    const { rows } = await read(undefined, { text });
    expect(rows).toBeLessThan(ROWS);
    const subjects = (await takeEvents(source.config)).flatMap(({ data, subject }) =>
      data.op === 'read' ? [subject] : [],
    );
    expect(subjects).toHaveLength(new Set(subjects).size);
    expect(subjects.length).toBeGreaterThanOrEqual(ROWS - 3);
  });

  it('reads by the key of the model, so that no row moves past it without an event', async () => {
    await source.query(`DROP TABLE notes; CREATE TABLE notes (id int PRIMARY KEY, ref text NOT NULL UNIQUE);
      INSERT INTO notes SELECT i, 'r' || lpad(i::text, 6, '0') FROM generate_series(1, ${ROWS}) AS i`);
    const text =
      'tables:\n  notes: { key: ref, columns: { ref: text } }\ncapture:\n  tables:\n    notes: {}\n';
    await installIn(source.config, text);
    const sink = new ListSink();
    sink.isDue = () => true;
    const write = sink.write.bind(sink);
    sink.write = async (events) => {
      // The last row becomes the first one in the order of the primary key.
      await source.query(`UPDATE notes SET id = -1 WHERE id = ${ROWS}`);
      return write(events);
    };
    expect(await read(sink, { text })).toEqual({ rows: ROWS, failed: 0 });
  });

  it('is refused while another one reads the table', async () => {
    const first = await connect(source.config, 'test');
    await first.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [snapshotLock('notes')]);
    const sink = new ListSink();
    await expect(read(sink)).rejects.toMatchObject({
      code: 'capture_busy',
      message: expect.stringMatching(/^snapshot of notes: process \d+ \(edp test of/),
    });
    expect(await source.query('SELECT FROM edp_capture.snapshots')).toEqual([]);
    await first.end();
    expect(await read(sink)).toEqual({ rows: ROWS - 1, failed: 0 });
  });

  it('waits for room outside of any transaction, and counts long values, too', async () => {
    await source.query(
      "INSERT INTO notes SELECT string_agg(md5(i::text), ''), 1 FROM generate_series(1, 60) AS i",
    );
    const stop = new AbortController();
    const notes: string[] = [];
    const reading = read(undefined, { signal: stop.signal, capBytes: 1, notes });
    await expect.poll(() => notes).toEqual(['the outbox is full; waiting for edp capture run']);
    expect(
      await source.query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'edp test' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
      ),
    ).toEqual([[0]]);
    stop.abort();
    await expect(reading).rejects.toMatchObject({ code: 'interrupted' });
  });
});
