/** A run that goes on: what it waits for, what it survives, and who else wants its consumer. */
import { beforeAll, describe, expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { runCapture } from '../../src/capture/run-capture.js';
import type { SentEvent, Sink } from '../../src/capture/sinks/sink.js';
import { connect } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { installIn } from './source.js';

const source = useTestDatabase('empty');

/** Commits whenever it is asked. */
class EagerSink implements Sink {
  readonly committed: string[] = [];
  #written: string[] = [];
  openings = 0;
  /** Of the next write. */
  fault: Error | undefined;
  async open() {
    this.openings++;
  }
  async write(events: readonly SentEvent[]) {
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
    this.#written.push(
      ...events.map(({ line }) => (JSON.parse(line) as { subject: string }).subject),
    );
  }
  isDue() {
    return this.#written.length > 0;
  }
  async commit() {
    this.committed.push(...this.#written);
    this.#written = [];
  }
  async discard() {
    this.#written = [];
  }
}

const TEXT =
  'tables:\n  notes: { key: id, columns: { id: int, text: text } }\ncapture:\n  tables:\n    notes: {}\n';

const OPTIONS = {
  source: 'edp:shop',
  isOnce: true,
  signal: new AbortController().signal,
  onNote: () => {},
};

function follow(consumer: string) {
  const stop = new AbortController();
  const sink = new EagerSink();
  const notes: string[] = [];
  const run = runCapture(source.config, sink, {
    consumer,
    source: 'edp:shop',
    isOnce: false,
    signal: stop.signal,
    onNote: (text) => notes.push(text),
  });
  const end = async () => {
    stop.abort();
    return run;
  };
  return { sink, notes, end };
}

beforeAll(async () => {
  await source.query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
  await installIn(source.config, TEXT);
});

const soon = { timeout: 15_000, interval: 50 };

describe('a run that goes on', () => {
  it('sends what a transaction wrote that was open while nothing else happened', async () => {
    const run = follow('idle');
    const slow = await connect(source.config, 'test');
    await slow.query("BEGIN; INSERT INTO notes VALUES (1, 'slow')");
    // Several polls.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await slow.query('COMMIT');
    await slow.end();
    await expect.poll(() => run.sink.committed, soon).toEqual(['1']);
    expect(await run.end()).toMatchObject({ published: 1, lag: { events: 0 } });
  });

  it('goes on after its connection was lost', async () => {
    const run = follow('lost');
    await expect.poll(() => run.sink.committed, soon).toEqual(['1']);
    await source.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'edp capture' AND datname = current_database()",
    );
    await source.query("INSERT INTO notes VALUES (2, 'two')");
    // What was sent before the cursor had moved comes once more.
    await expect.poll(() => [...new Set(run.sink.committed)], soon).toEqual(['1', '2']);
    expect(run.notes).toEqual([expect.stringContaining('the connection is lost')]);
    await run.end();
  });

  it('waits a moment for the end of another run of its consumer', async () => {
    const first = follow('shared');
    await expect.poll(() => first.sink.committed.length, soon).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const second = follow('shared');
    await expect
      .poll(() => second.notes, soon)
      .toEqual([
        expect.stringMatching(
          /^consumer shared: process \d+ \(edp capture of .* is at it; waiting/,
        ),
      ]);
    await first.end();
    await source.query("INSERT INTO notes VALUES (3, 'three')");
    await expect.poll(() => second.sink.committed, soon).toEqual(['3']);
    await second.end();
  });

  it('is refused where another one goes on, and opens no file', async () => {
    const first = follow('held');
    await expect.poll(() => first.sink.committed.length, soon).toBe(3);
    const sink = new EagerSink();
    await expect(
      runCapture(source.config, sink, { ...OPTIONS, consumer: 'held', patienceMs: 100 }),
    ).rejects.toMatchObject({
      code: 'capture_busy',
      message: expect.stringMatching(/^consumer held: process \d+ .* is at it already$/),
    });
    expect(sink.openings).toBe(0);
    await first.end();
  });

  it.each([
    ['an error of the program', new TypeError('a bug')],
    [
      'a file that is not there',
      Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' }),
    ],
    [
      'a full disk',
      new EdpError('io', 'cannot be written', {
        cause: Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'link' }),
      }),
    ],
    [
      'a server without TLS',
      new EdpError('database_refused', 'no TLS', { cause: new Error('no TLS') }),
    ],
  ])('ends with its message where the target fails by %s', async (_, error) => {
    const sink = new EagerSink();
    sink.fault = error;
    const notes: string[] = [];
    await expect(
      runCapture(source.config, sink, {
        ...OPTIONS,
        consumer: 'faulty',
        isOnce: false,
        onNote: (text) => notes.push(text),
      }),
    ).rejects.toBe(error);
    expect(notes).toEqual([]);
  });

  it.each([
    [
      'a server that restarts',
      new EdpError('database_unreachable', 'none', {
        cause: Object.assign(new Error(), { code: 'ECONNREFUSED', syscall: 'connect' }),
      }),
    ],
    ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
  ])('tries again where the target fails by %s', async (_, error) => {
    const sink = new EagerSink();
    sink.fault = error;
    const { published } = await runCapture(source.config, sink, {
      ...OPTIONS,
      consumer: `again ${error.message}`,
    });
    expect(published).toBe(3);
    expect(sink.openings).toBe(2);
  });

  it('of a consumer that was removed ends, and does not make it again', async () => {
    await source.query("DELETE FROM edp_capture.consumers WHERE name = 'default'");
    const run = () =>
      runCapture(source.config, new EagerSink(), { ...OPTIONS, consumer: 'default', isNew: false });
    await expect(run()).rejects.toThrow('consumer default was removed');
    await installIn(source.config, TEXT);
    await source.query("COMMENT ON SCHEMA edp_capture IS 'edp capture of old'");
    await installIn(source.config, TEXT);
    expect(await source.query("SELECT FROM edp_capture.consumers WHERE name = 'default'")).toEqual(
      [],
    );
  });

  it('empties the outbox behind the slowest consumer', async () => {
    await source.query("DELETE FROM edp_capture.consumers WHERE name <> 'idle'");
    await source.query(
      "INSERT INTO notes SELECT i, repeat('x', 1000) FROM generate_series(100, 30000) AS i",
    );
    const run = follow('idle');
    await expect.poll(() => run.sink.committed.length, soon).toBeGreaterThan(29_000);
    const sizes = () =>
      source.query(
        "SELECT pg_relation_size('edp_capture.outbox_0') < 1000000, pg_relation_size('edp_capture.outbox_1') < 1000000",
      );
    let id = 40_000;
    await expect
      .poll(async () => {
        await source.query(`INSERT INTO notes VALUES (${id++}, 'more')`);
        return sizes();
      }, soon)
      .toEqual([[true, true]]);
    await run.end();
    expect(new Set(run.sink.committed).size).toBe(run.sink.committed.length);
  });
});
