/** A captured source for tests: its declaration, and what one run sends. */
import type pg from 'pg';
import { install } from '../../src/capture/install.js';
import { runCapture } from '../../src/capture/run-capture.js';
import type { SentEvent, Sink } from '../../src/capture/sinks/sink.js';
import { toModel } from '../../src/model/schema.js';
import { withClient } from '../../src/postgres/connection.js';
import { parseProject } from '../../src/project/parse.js';
import type { ReadEvent } from './fold.js';

/** @param text the sections tables: and capture: without its source */
export function declare(text: string) {
  const whole = text.replace(
    'capture:\n',
    'capture:\n  source: { name: shop, database-url: "postgresql://x" }\n',
  );
  const { capture, tables } = parseProject(whole);
  return { capture: capture!, model: toModel(tables!) };
}

export function installIn(
  config: pg.ClientConfig,
  text: string,
  isDryRun = false,
  patienceMs?: number,
) {
  const { capture, model } = declare(text);
  return withClient(config, 'test', (client) =>
    install(client, capture, model, {
      isDryRun,
      signal: new AbortController().signal,
      ...(patienceMs === undefined ? {} : { patienceMs }),
    }),
  );
}

export class ListSink implements Sink {
  readonly events: SentEvent[] = [];
  async open() {}
  async write(events: readonly SentEvent[]) {
    this.events.push(...events);
  }
  isDue() {
    return false;
  }
  async commit() {}
  async discard() {}
}

/**
 * What is committed and not yet sent. Transactions of other tests on the same server hold events back, too, so it asks
 * until all is there.
 *
 * @param isOnce whether one run is all
 */
export async function takeEvents(
  config: pg.ClientConfig,
  consumer = 'default',
  isOnce = false,
): Promise<ReadEvent[]> {
  const sink = new ListSink();
  for (;;) {
    const { lag } = await runCapture(config, sink, {
      consumer,
      source: 'edp:shop',
      isOnce: true,
      signal: new AbortController().signal,
      onNote: () => {},
    });
    if (isOnce || lag.events === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return sink.events.map(({ line }) => JSON.parse(line) as ReadEvent);
}

/** Events without what differs from run to run. */
export function brief(events: readonly ReadEvent[]): unknown[] {
  return events.map(({ type, data: { op: _, transaction: __, ...data } }) => [type, data]);
}

/** Sorted: the order of events of different keys is not promised. */
export function byText(events: readonly unknown[]): unknown[] {
  return events.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
