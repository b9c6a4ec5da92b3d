/**
 * The cache of reports: a result is shown again as long as the server shows that nothing at all has changed since it was read.
 *
 * What is kept has the snapshot of a moment before the report read. It is used where no transaction that may have changed
 * anything has ended since (`kept-rows.ts`), for the same SQL, parameters, role, settings and versions (`cache-context.ts`),
 * and it is kept only if the result depends on nothing else (`find-unsafe.ts`). So it does not matter who else
 * may write to the tables, and how. Nothing here may make a report fail: what goes wrong is a reason not to use it.
 */
import pg from 'pg';
import type { Statement } from '../parameters.js';
import type { ReportRows } from '../rows.js';
import { findKey } from './cache-context.js';
import { whyUnsafe } from './find-unsafe.js';
import { type Gathered, GatheredRows } from './gathered-rows.js';
import {
  findKept,
  hasChangedSql,
  type Kept,
  KeptRows,
  type Moment,
  OWN_SQL,
  readMoment,
} from './kept-rows.js';

/** All that is kept, of all roles. */
const CACHE_BYTES = 256 * 1024 * 1024;

/** How long to wait for somebody who changes the tables of the cache, or keeps the same result. */
const LOCK_MS = 2000;

/** query_canceled */
const CANCELLED = '57014';

/** How the cache served a report. */
export interface CacheUse {
  /** When the rows were read that it gave; undefined where it gave none. */
  readonly keptAt?: string;
  /** Why nothing is kept; undefined where it is. */
  readonly why?: string;
}

export class ReportCache {
  readonly #session: pg.Client;
  readonly #report: string;
  #why: string | undefined;
  #kept: Kept | undefined;
  #key: Buffer | undefined;
  #moment: Moment | undefined;
  #gathered: GatheredRows | undefined;
  #statement: Statement | undefined;

  /** @param report its name, for people */
  constructor(session: pg.Client, report: string) {
    this.#session = session;
    this.#report = report;
  }

  /**
   * The rows of a statement: those that are kept, or those of the server, which are gathered on the way.
   *
   * @param read opens the rows on the server
   */
  async rows(statement: Statement, read: () => Promise<ReportRows>): Promise<ReportRows> {
    let kept: KeptRows | undefined;
    try {
      kept = await this.#look(statement);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code === CANCELLED) throw error;
      this.#why = `it cannot be looked into: ${error.message}`;
      await this.#session.query('ROLLBACK; BEGIN READ ONLY');
    }
    if (kept !== undefined) return kept;
    if (this.#why !== undefined) return read();
    this.#statement = statement;
    this.#gathered = new GatheredRows(await read());
    return this.#gathered;
  }

  /** Whether the rows come from the cache. */
  get isServing(): boolean {
    return this.#kept !== undefined;
  }

  async #look(statement: Statement): Promise<KeptRows | undefined> {
    const found = await findKey(this.#session, statement);
    if ('why' in found) {
      this.#why = found.why;
      return undefined;
    }
    this.#key = found.key;
    // Before the report reads: what ends in between is in the result, and makes it stale all the same.
    this.#moment = await readMoment(this.#session);
    await this.#session.query(`SET LOCAL lock_timeout = ${LOCK_MS}`);
    const kept = await findKept(this.#session, this.#key, this.#moment.history);
    const rows = kept === undefined ? undefined : await KeptRows.open(this.#session, kept);
    await this.#session.query('SET LOCAL lock_timeout = 0');
    if (rows !== undefined) this.#kept = kept;
    return rows;
  }

  /** Keeps what was read, or notes that it was used; after the transaction of the report. */
  async settle(): Promise<CacheUse> {
    if (this.#kept !== undefined) {
      if (this.#kept.isUseOld) await this.#write(() => this.#noteUse());
      return { keptAt: this.#kept.keptAt };
    }
    if (this.#gathered !== undefined) {
      const { all } = this.#gathered;
      if (all === undefined) this.#why = 'the result is too large, or was not read to its end';
      else {
        this.#why = await this.#analyse();
        if (this.#why === undefined) await this.#write(() => this.#keep(all));
      }
    }
    return this.#why === undefined ? {} : { why: this.#why };
  }

  /**
   * In a transaction that is rolled back, so that it makes no entry stale, whoever it belongs to, and changes no catalog, after some of
   * which the server would run ANALYZE.
   */
  async #analyse(): Promise<string | undefined> {
    try {
      await this.#session.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}`);
      return await whyUnsafe(this.#session, this.#statement!);
    } catch (error) {
      return `it cannot be kept: ${(error as Error).message}`;
    } finally {
      await this.#session.query('ROLLBACK').catch(() => {});
    }
  }

  /** A transaction of the cache, which makes no entry stale. Without effect where it fails. */
  async #write(work: () => Promise<void>): Promise<void> {
    try {
      // A crash may take an entry back, but never leave one without all that came before it.
      await this.#session.query(
        `BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}; SET LOCAL synchronous_commit = off`,
      );
      await work();
      await this.#session.query('COMMIT');
    } catch (error) {
      await this.#session.query('ROLLBACK').catch(() => {});
      this.#why ??= `it cannot be kept: ${(error as Error).message}`;
    }
  }

  async #noteUse(): Promise<void> {
    await this.#session.query('INSERT INTO edp.report_cache_writes DEFAULT VALUES');
    await this.#session.query(
      'UPDATE edp.report_cache SET used_at = clock_timestamp() WHERE entry_id = $1',
      [this.#kept!.entryId],
    );
  }

  async #keep({ parts, rows, bytes }: Gathered): Promise<void> {
    const moment = this.#moment!;
    const { rows: looked } = await this.#session.query<{ changed: boolean }>(
      `SELECT ${hasChangedSql('$1::pg_snapshot', 'pg_current_snapshot()')} AS changed`,
      [moment.snapshot],
    );
    if (looked[0]!.changed) {
      this.#why = 'something was changed in the database meanwhile';
      return;
    }
    await this.#session.query('INSERT INTO edp.report_cache_writes DEFAULT VALUES');
    await this.#session.query(`DELETE FROM edp.report_cache WHERE ${OWN_SQL} AND key = $1`, [
      this.#key,
    ]);
    const { rows: made } = await this.#session.query<{ id: number }>(
      `INSERT INTO edp.report_cache (key, report, history, snapshot, columns, rows, bytes)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING entry_id AS id`,
      [
        this.#key,
        this.#report,
        moment.history,
        moment.snapshot,
        JSON.stringify(this.#gathered!.columns),
        rows,
        bytes,
      ],
    );
    for (const [part, packed] of parts.entries()) {
      await this.#session.query('INSERT INTO edp.report_cache_parts VALUES ($1, $2, $3)', [
        made[0]!.id,
        part,
        packed,
      ]);
    }
    await this.#session.query('SELECT edp.trim_report_cache($1)', [CACHE_BYTES]);
  }
}
