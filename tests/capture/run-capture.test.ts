/** A run that goes on: what it waits for, what it survives, and who else wants its consumer. */
import { beforeAll, describe, expect, it } from 'vitest';
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
  async open() {}
  async write(events: readonly SentEvent[]) {
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
  await installIn(
    source.config,
    'tables:\n  notes: { key: id, columns: { id: int, text: text } }\ncapture:\n  tables:\n    notes: {}\n',
  );
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

  it('waits for another run of its consumer', async () => {
    const first = follow('shared');
    await expect.poll(() => first.sink.committed.length, soon).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const second = follow('shared');
    await expect
      .poll(() => second.notes, soon)
      .toEqual([expect.stringContaining('another run of consumer shared')]);
    await first.end();
    await source.query("INSERT INTO notes VALUES (3, 'three')");
    await expect.poll(() => second.sink.committed, soon).toEqual(['3']);
    await second.end();
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
