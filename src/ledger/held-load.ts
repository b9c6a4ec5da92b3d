/**
 * A load that one command holds to change it (undo, replay): its lock, and transactions that are
 * tried again where that may help.
 *
 * The lock belongs to the session in which the transactions run. So the next session that gets it
 * finds none of them still under way, also after a kill. If the connection is lost, the lock is
 * taken again, and the attempt shows whether another command had it meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { retry } from '../base/retry.js';
import type { Reading } from '../formats/stored-reading.js';
import type { TablePlace } from '../model/table-name.js';
import { isClosed } from '../postgres/backend.js';
import { connect, withTransaction } from '../postgres/connection.js';
import { showPlace } from '../postgres/locate-table.js';
import { isConnectionError, isTransient, withConnectionCode } from '../postgres/sqlstate.js';
import type { RowCounts } from './counts.js';
import { isGone, TABLE_STATE_SQL, type TableState } from './former-tables.js';
import { hasLedger, unknownLoad } from './ledger-queries.js';
import { keyOfRow } from './load-key.js';
import { type LoadRow, rowCountsOf } from './load-row.js';
import type { LoadState } from './load-state.js';
import { tryLockLoad } from './loads.js';

/**
 * How long to wait for the lock: a command that was just killed may take a moment to release it.
 */
const LOCK_WAIT_MS = 3000;
const LOCK_POLL_MS = 100;

export interface LoadRecord {
  readonly loadId: number;
  readonly path: string;
  readonly place: TablePlace;
  /** Name of the table for people. */
  readonly table: string;
  readonly contentHash: string;
  readonly state: LoadState;
  readonly attempt: number;
  readonly format: Reading;
  readonly rows: RowCounts;
  /** Rows of other loads whose values it replaced. */
  readonly replaced: number;
  readonly startedAt: string;
  /** Whether its table was dropped, as far as that can be seen. */
  readonly isGone: boolean;
}

interface ReadRow {
  readonly first_schema: string | null;
  readonly table_state: TableState;
}

const READ_SQL = `SELECT *, current_schema() AS first_schema, ${TABLE_STATE_SQL} AS table_state
  FROM edp.loads WHERE load_id = $1`;

/** Counts of a load, without the records read, which are their sum. */
export type CountChange = Partial<Omit<RowCounts, 'read'>>;

/** @throws EdpError `unknown_load` */
export async function readLoad(client: pg.Client, loadId: number): Promise<LoadRecord> {
  const { rows } = (await hasLedger(client))
    ? await client.query<LoadRow & ReadRow>(READ_SQL, [loadId])
    : { rows: [] };
  const row = rows[0];
  if (row === undefined) {
    throw unknownLoad(loadId);
  }
  return {
    loadId: row.load_id,
    path: row.path,
    ...keyOfRow(row),
    table: showPlace(keyOfRow(row).place, row.first_schema),
    isGone: await isGone(client, row),
    state: row.state,
    attempt: row.attempt,
    format: row.file_format,
    rows: rowCountsOf(row),
    replaced: row.rows_replaced,
    startedAt: row.started_at,
  };
}

/**
 * Runs `work` while this command holds the load: no run, undo or replay has it, and none gets it
 * until the end.
 *
 * @param role what the session does, for pg_stat_activity
 * @throws EdpError `unknown_load`, or `load_busy` where another command has it
 */
export async function withHeldLoad<T>(
  config: pg.ClientConfig,
  role: string,
  loadId: number,
  signal: AbortSignal,
  work: (hold: HeldLoad) => Promise<T>,
): Promise<T> {
  const hold = new HeldLoad(config, role, loadId, signal);
  try {
    await hold.read(async () => {});
    return await work(hold);
  } finally {
    await hold.release();
  }
}

export class HeldLoad {
  readonly loadId: number;
  readonly #config: pg.ClientConfig;
  readonly #role: string;
  readonly #signal: AbortSignal;
  #client: pg.Client | undefined;
  #sessions = 0;
  /** The attempt of this command; undefined until it has held the load. */
  #attempt: number | undefined;

  constructor(config: pg.ClientConfig, role: string, loadId: number, signal: AbortSignal) {
    this.#config = config;
    this.#role = role;
    this.loadId = loadId;
    this.#signal = signal;
  }

  /**
   * The number of sessions so far. Steps do not wait for the disk: where the number has changed,
   * the server may have crashed, and completed steps may have to be done again.
   */
  get sessions(): number {
    return this.#sessions;
  }

  /**
   * Runs statements that are independent of each other. They may run again where the first try
   * failed.
   */
  async read<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return retry(
      () => this.#attemptOnce(work),
      (error) => !this.#signal.aborted && mayPass(error),
    );
  }

  /**
   * Runs one step as a transaction. It runs again after a failure that may pass, even where it is
   * unknown whether the transaction has committed. So the step must check the present state, and
   * not rely on what it did.
   */
  async transaction<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.read(async (client) => {
      const result = await withTransaction(client, async () => {
        await failpoint('held.begun', client);
        const worked = await work(client);
        await failpoint('held.before_commit', client);
        return worked;
      });
      await failpoint('held.acknowledged', client);
      return result;
    });
  }

  /** Reads the load as it is now. */
  async look(): Promise<LoadRecord> {
    return this.read((client) => readLoad(client, this.loadId));
  }

  /**
   * Adds to the counts of the load, in the transaction of what they count. Must come last in it,
   * since it locks the load's row until the commit.
   */
  async addToCounts(client: pg.Client, change: CountChange): Promise<void> {
    const { loaded = 0, rejected = 0, duplicate = 0 } = change;
    const { rowCount } = await client.query(
      `UPDATE edp.loads SET rows_read = rows_read + $3 + $4 + $5, rows_loaded = rows_loaded + $3,
         rows_rejected = rows_rejected + $4, rows_duplicate = rows_duplicate + $5
       WHERE load_id = $1 AND attempt = $2`,
      [this.loadId, this.#attempt, loaded, rejected, duplicate],
    );
    if (rowCount !== 1) throw this.#takenOver();
  }

  /**
   * Subtracts what was removed. No count falls below zero: rows that were copied by hand were never
   * counted.
   */
  async takeFromCounts(client: pg.Client, change: CountChange): Promise<void> {
    const { loaded = 0, rejected = 0, duplicate = 0 } = change;
    const { rowCount } = await client.query(
      `UPDATE edp.loads SET
         rows_read = rows_read - least(rows_loaded, $3) - least(rows_rejected, $4) - least(rows_duplicate, $5),
         rows_loaded = rows_loaded - least(rows_loaded, $3),
         rows_rejected = rows_rejected - least(rows_rejected, $4),
         rows_duplicate = rows_duplicate - least(rows_duplicate, $5)
       WHERE load_id = $1 AND attempt = $2`,
      [this.loadId, this.#attempt, loaded, rejected, duplicate],
    );
    if (rowCount !== 1) throw this.#takenOver();
  }

  /** Changes the state of the load, and nothing else. */
  async changeState(client: pg.Client, state: LoadState): Promise<void> {
    const { rowCount } = await client.query(
      'UPDATE edp.loads SET state = $3 WHERE load_id = $1 AND attempt = $2',
      [this.loadId, this.#attempt, state],
    );
    if (rowCount !== 1) throw this.#takenOver();
  }

  /**
   * The last step of an undo. Its commit waits for the disk, and PostgreSQL writes its log in
   * order.
   */
  async finishUndo(client: pg.Client): Promise<void> {
    await client.query('SET LOCAL synchronous_commit TO DEFAULT');
    const { rowCount } = await client.query(
      `UPDATE edp.loads SET state = 'undone', undone_at = clock_timestamp(),
         rows_read = 0, rows_loaded = 0, rows_rejected = 0, rows_duplicate = 0
       WHERE load_id = $1 AND attempt = $2`,
      [this.loadId, this.#attempt],
    );
    if (rowCount !== 1) throw this.#takenOver();
  }

  async release(): Promise<void> {
    await this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  async #attemptOnce<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await this.#session();
    try {
      return await work(client);
    } catch (error) {
      const { code } = error as { code?: string };
      if (!isClosed(client) && !isConnectionError(code)) throw error;
      await this.release();
      throw withConnectionCode(error);
    }
  }

  async #session(): Promise<pg.Client> {
    if (this.#client !== undefined && !isClosed(this.#client)) return this.#client;
    const client = await connect(this.#config, this.#role);
    try {
      await this.#take(client);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    this.#sessions++;
    return client;
  }

  /**
   * Takes the lock, and raises the attempt, so that workers of an earlier run can no longer commit.
   */
  async #take(client: pg.Client): Promise<void> {
    const load = await readLoad(client, this.loadId);
    const deadline = Date.now() + LOCK_WAIT_MS;
    while (!(await tryLockLoad(client, load))) {
      if (Date.now() > deadline || this.#signal.aborted) {
        throw new EdpError(
          'load_busy',
          `load ${this.loadId} is held by another command: its file is being loaded, or it is being undone or replayed`,
          {
            hint: `wait for that command to end, or stop it; edp status ${this.loadId} shows the load`,
          },
        );
      }
      await sleep(LOCK_POLL_MS);
    }
    await failpoint('held.locked', client);
    if (this.#attempt !== undefined) {
      const { attempt } = await readLoad(client, this.loadId);
      if (attempt !== this.#attempt) throw this.#takenOver();
    } else {
      const { rows } = await client.query<{ attempt: number }>(
        'UPDATE edp.loads SET attempt = attempt + 1 WHERE load_id = $1 RETURNING attempt',
        [this.loadId],
      );
      this.#attempt = rows[0]!.attempt;
    }
    // A crash of the server loses steps only whole, and the last one waits for the disk.
    await client.query('SET synchronous_commit = off; SET client_min_messages = warning');
    await failpoint('held.taken', client);
  }

  #takenOver(): EdpError {
    return new EdpError('load_busy', `another command took over load ${this.loadId}`, {
      hint: `edp status ${this.loadId} shows what became of it`,
    });
  }
}

/**
 * Converts the server's refusal into an error that names the privileges that the command needs.
 *
 * @param needs the privileges
 */
export function explainPrivileges(error: unknown, command: string, needs: string): unknown {
  if (error instanceof EdpError || (error as { code?: string }).code !== '42501') return error;
  return new EdpError(
    'database_refused',
    `this role may not ${command}: ${(error as Error).message}`,
    {
      hint: `it takes ${needs}`,
      cause: error,
    },
  );
}

function mayPass(error: Error): boolean {
  const { code } = (error instanceof EdpError ? (error.cause ?? {}) : error) as { code?: string };
  return isTransient(code);
}
