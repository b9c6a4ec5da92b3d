/** A captured source for tests: its declaration, and what one run sends. */
import type pg from 'pg';
import { expect } from 'vitest';
import { install } from '../../src/capture/install.js';
import type { CapturedModel } from '../../src/capture/plan.js';
import { runCapture } from '../../src/capture/run-capture.js';
import type { SentEvent, Sink } from '../../src/capture/sinks/sink.js';
import { type SnapshotOptions, snapshotModel } from '../../src/capture/snapshot.js';
import { uninstall } from '../../src/capture/uninstall.js';
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

export function uninstallFrom(config: pg.ClientConfig) {
  return withClient(config, 'test', (client) =>
    uninstall(client, { isDryRun: false, signal: new AbortController().signal }),
  );
}

/** Through the outbox, unless `options` have a sink. */
export function snapshotOf(
  config: pg.ClientConfig,
  model: CapturedModel,
  options: Partial<SnapshotOptions> = {},
) {
  return withClient(config, 'test', (client) =>
    snapshotModel(client, model, {
      source: 'edp:shop',
      sink: undefined,
      target: '',
      isStrict: false,
      capBytes: 1e9,
      signal: new AbortController().signal,
      onNote: () => {},
      ...options,
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

/** Transactions of other tests on the server hold events back until they end. */
export async function settled(query: (sql: string) => Promise<unknown[][]>): Promise<void> {
  const [[bound]] = (await query('SELECT pg_current_xact_id()::text')) as [[string]];
  await expect
    .poll(() => query(`SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '${bound}'::xid8`), {
      timeout: 30_000,
    })
    .toEqual([[true]]);
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
