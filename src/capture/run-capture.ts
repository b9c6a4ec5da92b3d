/** `edp capture run`: from the outbox into a sink, and the cursor behind it. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { backOff, RETRIES } from '../base/retry.js';
import { sleepUnless } from '../base/sleep-unless.js';
import { isClosed } from '../postgres/backend.js';
import { withClient } from '../postgres/connection.js';
import { isConnectionError, isTransient, withConnectionCode } from '../postgres/sqlstate.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import {
  type Cursor,
  isOtherServerSql,
  type Lag,
  moveCursor,
  NO_LAG,
  OTHER_SERVER,
  readCursor,
  readLag,
} from './consumer.js';
import { type OutboxRow, sentEvent } from './event-line.js';
import { flushLog } from './flush-log.js';
import { consumerLock, holdAlone } from './hold-alone.js';
import { openWindow } from './read-window.js';
import { rotateOutbox } from './rotate-outbox.js';
import type { Sink } from './sinks/sink.js';

const POLL_MS = 500;

export interface RunOptions {
  readonly consumer: string;
  /** Whether the consumer is made if there is none; on by default. */
  readonly isNew?: boolean;
  /** How long another run of the consumer may take to end; a few seconds by default. */
  readonly patienceMs?: number;
  /** Of the events: `edp:shop`. */
  readonly source: string;
  /** Ends when all that was closed at the beginning is sent. */
  readonly isOnce: boolean;
  readonly signal: AbortSignal;
  readonly onNote: (text: string) => void;
  /** Told where rows wait that cannot be mapped, each time that it begins. */
  readonly onWaiting?: (client: pg.Client) => Promise<void>;
}

export interface RunTotals {
  published: number;
  /** By table of the model. */
  readonly tables: Map<string, number>;
  /** Events with a calculation that failed. */
  failedCalculations: number;
  lag: Lag;
}

export async function runCapture(
  config: ConnectionConfig,
  sink: Sink,
  options: RunOptions,
): Promise<RunTotals> {
  const totals: RunTotals = {
    published: 0,
    tables: new Map(),
    failedCalculations: 0,
    lag: NO_LAG,
  };
  for (let failures = 0; ; ) {
    const before = totals.published;
    let isLost = false;
    try {
      await withClient(config, 'capture', async (client) => {
        // Comes before its queries fail; the socket may be closed later.
        client.once('error', () => {
          isLost = true;
        });
        try {
          await new Run(client, sink, options, totals, failures > 0).follow();
        } finally {
          isLost ||= isClosed(client);
        }
      });
      return totals;
    } catch (error) {
      await sink.discard();
      if (!(isLost || mayPass(error)) || options.signal.aborted) throw error;
      failures = totals.published > before ? 1 : failures + 1;
      if (options.isOnce && failures > RETRIES) throw error;
      if (failures === 1) {
        const { code, message } = error as { code?: string; message: string };
        const what = isLost || isConnectionError(code) ? 'the connection is lost' : 'it failed';
        options.onNote(`${what}; trying again: ${message}`);
      }
      await backOff(Math.min(failures, RETRIES));
    }
  }
}

/** What passes on a server, or on the way to it; whatever else a sink or the program throws would come again for ever. */
function mayPass(error: unknown): boolean {
  if (error instanceof EdpError) {
    if (error.code === 'database_unreachable') return mayPass(withConnectionCode(error.cause));
    return error.code === 'database_refused' && mayPass(error.cause);
  }
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // A socket that is gone, not a file.
  return isTransient(code) && (code !== 'ENOENT' || syscall === 'connect');
}

class Run {
  readonly #client: pg.Client;
  readonly #sink: Sink;
  readonly #options: RunOptions;
  readonly #totals: RunTotals;
  /** As far as events are written. */
  #cursor: Cursor = { lastXmin: '0', upto: null, position: null, positionXid: null };
  /** Written, and not yet committed. */
  #written = new Map<string, number>();
  #failures = 0;
  /** Whether a session of this run may still be in the server, and hold the consumer. */
  readonly #isAgain: boolean;
  /** Whether the cursor in the source is within a window, and so keeps all of the outbox. */
  #isInWindow = false;
  #idle: Idle | undefined;
  #isWaiting = false;

  constructor(
    client: pg.Client,
    sink: Sink,
    options: RunOptions,
    totals: RunTotals,
    isAgain: boolean,
  ) {
    this.#client = client;
    this.#sink = sink;
    this.#options = options;
    this.#totals = totals;
    this.#isAgain = isAgain;
  }

  async follow(): Promise<void> {
    const { consumer, isNew = true, signal, isOnce, onNote, patienceMs } = this.#options;
    const isHeld = await holdAlone(this.#client, consumerLock(consumer), {
      what: `consumer ${consumer}`,
      signal,
      onWait: onNote,
      patienceMs: this.#isAgain ? Number.POSITIVE_INFINITY : patienceMs,
    });
    if (!isHeld) return;
    await this.#sink.open();
    this.#cursor = await readCursor(this.#client, consumer, isNew);
    await this.#assertSameServer();
    for (;;) {
      await this.#readAll();
      const isBehind = this.#isInWindow && this.#written.size === 0 && this.#cursor.upto === null;
      if (isOnce || signal.aborted || isBehind || this.#sink.isDue()) await this.#commit();
      if (isOnce || signal.aborted) break;
      await sleepUnless(signal, POLL_MS);
    }
    this.#totals.lag = await readLag(this.#client, consumer);
  }

  /** After a restore of a dump on another server, transactions have other numbers. */
  async #assertSameServer(): Promise<void> {
    const { rows } = await this.#client.query<{ later: boolean }>(
      `SELECT ${isOtherServerSql('$1::text::xid8')} AS later`,
      [this.#cursor.lastXmin],
    );
    if (!rows[0]!.later) return;
    throw new EdpError('config', OTHER_SERVER.what, { hint: OTHER_SERVER.hint });
  }

  /** All that is closed now. */
  async #readAll(): Promise<void> {
    await this.#client.query(
      'SELECT edp_capture.recalculate() WHERE EXISTS (SELECT FROM edp_capture.due WHERE error IS NULL)',
    );
    await this.#lookForWaiting();
    if (this.#cursor.upto === null && (await this.#isIdle())) return;
    // The rest of a window that was begun, and then what came meanwhile.
    const windows = this.#cursor.upto === null ? 1 : 2;
    for (let i = 0; i < windows && !this.#options.signal.aborted; i++) await this.#readWindow();
  }

  async #lookForWaiting(): Promise<void> {
    const { rows } = await this.#client.query<{ waiting: boolean }>(
      `SELECT EXISTS (SELECT FROM edp_capture.unmapped)
         OR EXISTS (SELECT FROM edp_capture.due WHERE error IS NOT NULL) AS waiting`,
    );
    const { waiting } = rows[0]!;
    if (waiting && !this.#isWaiting) await this.#options.onWaiting?.(this.#client);
    this.#isWaiting = waiting;
  }

  async #readWindow(): Promise<void> {
    const window = await openWindow(this.#client, this.#cursor);
    this.#cursor = { ...this.#cursor, upto: window.upto };
    for await (const rows of window.batches()) {
      await this.#write(rows);
      if (this.#sink.isDue()) await this.#commit();
      if (this.#options.signal.aborted) return;
    }
    this.#cursor = { lastXmin: window.upto, upto: null, position: null, positionXid: null };
  }

  async #write(rows: readonly OutboxRow[]): Promise<void> {
    const { source } = this.#options;
    await this.#sink.write(rows.map((row) => sentEvent(row, source)));
    for (const { model, errors } of rows) {
      this.#written.set(model, (this.#written.get(model) ?? 0) + 1);
      if (errors !== null) this.#failures++;
    }
    this.#cursor = { ...this.#cursor, ...positionBehind(rows, this.#cursor) };
  }

  async #commit(): Promise<void> {
    if (this.#written.size === 0 && this.#cursor.upto !== null) return;
    if (this.#written.size > 0) await flushLog(this.#client);
    await this.#sink.commit();
    await failpoint('capture.sent', this.#client);
    const events = [...this.#written.values()].reduce((sum, one) => sum + one, 0);
    await moveCursor(this.#client, this.#options.consumer, this.#cursor, events);
    await failpoint('capture.moved', this.#client);
    this.#isInWindow = this.#cursor.upto !== null;
    this.#totals.published += events;
    this.#totals.failedCalculations += this.#failures;
    for (const [table, count] of this.#written) {
      this.#totals.tables.set(table, (this.#totals.tables.get(table) ?? 0) + count);
    }
    this.#written = new Map();
    this.#failures = 0;
    await rotateOutbox(this.#client);
    await failpoint('capture.rotated', this.#client);
  }

  /**
   * Whether no number was drawn since all that had drawn one were read. A transaction that draws a number has its
   * id before that, so those that come here into question are below one that is taken afterwards.
   */
  async #isIdle(): Promise<boolean> {
    const drawn = await this.#client.query<{ sequence: string }>(
      // The first number leaves last_value as it is.
      "SELECT last_value || ' ' || is_called AS sequence FROM edp_capture.event_sequence",
    );
    const { sequence } = drawn.rows[0]!;
    if (this.#idle?.sequence !== sequence) {
      const taken = await this.#client.query<{ bound: string }>(
        'SELECT pg_current_xact_id()::text AS bound',
      );
      this.#idle = { sequence, bound: taken.rows[0]!.bound, isRead: false };
      return false;
    }
    if (this.#idle.isRead) return true;
    const { rows } = await this.#client.query<{ ended: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 AS ended',
      [this.#idle.bound],
    );
    // What follows reads them.
    this.#idle = { ...this.#idle, isRead: rows[0]!.ended };
    return false;
  }
}

interface Idle {
  readonly sequence: string;
  /** Above the ids of all transactions that had drawn a number up to this one. */
  readonly bound: string;
  readonly isRead: boolean;
}

/** Behind the last rows that have one sequence and transaction: of the last such group, more may follow. */
function positionBehind(
  rows: readonly OutboxRow[],
  { position, positionXid }: Cursor,
): Pick<Cursor, 'position' | 'positionXid'> {
  const last = rows.at(-1)!;
  const before = rows.findLast(
    ({ sequence, xid }) => sequence !== last.sequence || xid !== last.xid,
  );
  if (before === undefined) return { position, positionXid };
  return { position: before.sequence, positionXid: before.xid };
}
