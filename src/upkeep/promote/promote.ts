/**
 * `edp promote`: a metric that was kept beside the rows becomes a column of its own.
 *
 * add the column → declare it in edp.yaml → move what is kept → mark as done. Every step can be
 * done twice, and the ledger records those that were done, so a promotion that was killed continues
 * with the same command.
 *
 * Loads go on meanwhile. Those that began with the model of before keep the metric beside their rows; so the
 * table is gone through until none of them is left, and nothing that fits was found. One that replaces
 * rows writes values beside the rows without knowing of the column; nothing is moved before it has ended,
 * lest the column keep what it replaces.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { tell } from '../../base/happenings.js';
import { suggest } from '../../base/nearest.js';
import { recordDefinition } from '../../ledger/changes.js';
import { findOtherRuns } from '../../ledger/model-lock.js';
import { BEFORE_TABLE, listPromotions } from '../../ledger/promotions.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Model, Table } from '../../model/model.js';
import { formatTableName } from '../../model/table-name.js';
import { type ColumnType, SQL_TYPE } from '../../model/types.js';
import { withClient, withTransaction } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { type LocatedTable, locateTable } from '../../postgres/locate-table.js';
import { migrate, withSchemaLock } from '../../postgres/migrate.js';
import { findTableInCatalog } from '../../postgres/table-in-catalog.js';
import {
  assertGoing,
  Backfill,
  type BackfillProgress,
  listPartitions,
  OWN_PROMOTION,
} from './backfill.js';
import { MetricConverter } from './convert.js';
import { prepareDeclaration } from './declare.js';
import { isKept, listKept, typeOfKept } from './kept-values.js';
import { retypeColumn } from './retype.js';
import {
  type BegunPromotion,
  chooseColumn,
  chooseSource,
  chooseTable,
  type PromoteRequest,
  type PromoteSubject,
} from './subject.js';

export interface PromoteOptions extends PromoteRequest {
  /** The project's directory. */
  readonly directory: string;
  readonly model: Model;
  /** Maximum number of listed values that do not fit. */
  readonly limit: number;
}

export interface LeftValue {
  /** By column of the key; empty where the table has none. */
  readonly key: Readonly<Record<string, string | null>>;
  /** JSON, as the server prints it. */
  readonly value: string;
  readonly reason: string;
}

export interface PromoteResult {
  readonly metric: string;
  readonly schema: string;
  /** With its schema, unless that is the first of the search path. */
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly seconds: number;
  /** Counts since the promotion began, including runs that were killed. */
  readonly moved: number;
  /** Values that do not fit, and stay where they are. */
  readonly left: number;
  readonly leftValues: readonly LeftValue[];
  /** Whether this run put the metric into edp.yaml. */
  readonly wasDeclared: boolean;
  /** False where the table does not exist yet: its first load creates it, with the column. */
  readonly hasTable: boolean;
}

export interface PromoteProgress extends BackfillProgress {
  note(text: string): void;
}

/** How long ADD COLUMN may block loads at a time. It grows, since a split must end in that time. */
const FIRST_LOCK_TIMEOUT_MS = 100;
const MAX_LOCK_TIMEOUT_MS = 3000;
const POLL_MS = 250;
const PROMOTION_COLUMNS = 'schema_name, table_name, column_name, metric, extra_column, type';
/** Metrics that a message lists at most. */
const MAX_NAMED = 8;

export async function promote(
  database: Database,
  options: PromoteOptions,
  progress: PromoteProgress,
  signal: AbortSignal,
): Promise<PromoteResult> {
  return withClient(database.client, 'promote', async (client) => {
    await migrate(client);
    const table = chooseTable(options.model, options);
    const located = await locateTable(client, table.name);
    const run = new PromoteRun(client, table, located, options, progress, signal);
    return run.execute();
  });
}

class PromoteRun {
  readonly #client: pg.Client;
  readonly #table: Table;
  readonly #located: LocatedTable;
  readonly #options: PromoteOptions;
  readonly #progress: PromoteProgress;
  readonly #signal: AbortSignal;

  constructor(
    client: pg.Client,
    table: Table,
    located: LocatedTable,
    options: PromoteOptions,
    progress: PromoteProgress,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#table = table;
    this.#located = located;
    this.#options = options;
    this.#progress = progress;
    this.#signal = signal;
  }

  async execute(): Promise<PromoteResult> {
    const startedAt = performance.now();
    const { metric, directory } = this.#options;
    const table = this.#table;
    const { place } = this.#located;
    const begun = (await listPromotions(this.#client, place)).find(
      (promotion) => promotion.metric === metric,
    );
    // A request that contradicts the model is that fault first, whatever the rows have.
    chooseColumn(table, this.#options, begun, 'text');
    const kept = await this.#examineKept(begun);
    const subject = chooseColumn(table, this.#options, begun, kept);
    const declaration = subject.isDeclared
      ? undefined
      : await prepareDeclaration(directory, subject);
    await this.#lock(subject);
    await failpoint('promote.locked', this.#client);
    if (declaration !== undefined) await this.#noteBeforeTable(subject);
    let name = await this.#find();
    // A run that goes on would write values of the former type.
    if (subject.formerType !== undefined && name !== undefined) {
      await this.#waitFor(declaration?.table ?? table, ({ count }) => count === 0);
    }
    if (name !== undefined) await this.#addColumn(subject, name);
    await failpoint('promote.added', this.#client);
    // Last of the preparations: after it, new runs write to the column.
    await declaration?.write();
    await failpoint('promote.declared', this.#client);
    if (name === undefined) {
      // A first load may have created it meanwhile.
      name = await this.#find();
      if (name !== undefined) await this.#addColumn(subject, name);
    }
    const moved =
      name === undefined
        ? { moved: 0, left: 0, leftValues: [] }
        : await this.#backfill(subject, name, declaration?.table ?? table);
    return {
      metric,
      schema: place.schema,
      table: this.#located.shown,
      column: subject.column,
      type: subject.type,
      seconds: (performance.now() - startedAt) / 1000,
      ...moved,
      wasDeclared: declaration !== undefined,
      hasTable: name !== undefined,
    };
  }

  /**
   * @returns the type of what is kept of the metric; of no meaning for one that the model or the ledger knows
   * @throws EdpError `usage` for a metric that no row has
   */
  async #examineKept(begun: BegunPromotion | undefined): Promise<ColumnType> {
    const table = this.#table;
    const { metric, extraColumn, type } = this.#options;
    const source = chooseSource(table, metric, extraColumn ?? begun?.extraColumn);
    const isKnown = begun !== undefined || source.metrics.some(({ key }) => key === metric);
    const name = await this.#find();
    const hasExtra = name !== undefined && (await this.#columnType(name, source.extraColumn));
    // The first load makes the table, with the column.
    if (isKnown || name === undefined || !hasExtra) return type ?? 'int';
    if (!(await isKept(this.#client, name, source.extraColumn, metric))) {
      const names = await listKept(this.#client, this.#located.place);
      const list = names.slice(0, MAX_NAMED).join(', ');
      throw new EdpError(
        'usage',
        `no row of "${table.name}" has a metric ${JSON.stringify(metric)}`,
        {
          hint: suggest(
            metric,
            names,
            `${list === '' ? 'none is kept there' : `kept there: ${list}`}; a metric of later files is declared in edp.yaml`,
          ),
        },
      );
    }
    return type ?? typeOfKept(this.#client, name, source.extraColumn, metric);
  }

  /** Allows one run at a time; the end of the session frees the lock. */
  async #lock({ column }: PromoteSubject): Promise<void> {
    const { rows } = await this.#client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
      [`edp promote ${formatTableName(this.#located.place)} ${column}`],
    );
    if (rows[0]?.locked === true) return;
    throw new EdpError('database_refused', `another run promotes "${column}" just now`, {
      hint: 'wait until it has ended; edp status says what is loaded',
    });
  }

  /** The table, qualified and quoted; undefined where it does not exist. */
  async #find(): Promise<string | undefined> {
    const at = formatTableName(this.#located.place);
    return (await findTableInCatalog(this.#client, at))?.name;
  }

  #names({ column }: PromoteSubject): string[] {
    const { schema, name } = this.#located.place;
    return [schema, name, column];
  }

  #valuesOf(subject: PromoteSubject): string[] {
    const { metric, source, type } = subject;
    return [...this.#names(subject), metric, source.extraColumn, type];
  }

  /**
   * Where there is no table yet, a first load that has read edp.yaml before may be about to create it. It finds the
   * promotion in the ledger, and gives the table the column.
   */
  async #noteBeforeTable(subject: PromoteSubject): Promise<void> {
    if ((await this.#find()) !== undefined) return;
    await withSchemaLock(this.#client, async () => {
      if ((await this.#find()) !== undefined) return;
      await this.#client.query(
        `INSERT INTO edp.promotions (${PROMOTION_COLUMNS}, state, pass)
         VALUES ($1, $2, $3, $4, $5, $6, 'done', ${BEFORE_TABLE})
         ON CONFLICT (schema_name, table_name, column_name) DO UPDATE
         SET metric = EXCLUDED.metric, extra_column = EXCLUDED.extra_column, type = EXCLUDED.type,
             state = EXCLUDED.state, pass = EXCLUDED.pass`,
        this.#valuesOf(subject),
      );
    });
  }

  /** Adds the column, and the promotion to the ledger, in one transaction. */
  async #addColumn(subject: PromoteSubject, name: string): Promise<void> {
    let hasTold = false;
    for (let timeoutMs = FIRST_LOCK_TIMEOUT_MS; ; ) {
      assertGoing(this.#signal);
      try {
        const isNew = await withTransaction(this.#client, () =>
          this.#tryAddColumn(subject, name, timeoutMs),
        );
        if (isNew) this.#tellAdded(subject.column);
        return;
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === '42501') throw notOwner(subject, error);
        if (code !== '55P03' && code !== '40P01') throw error;
      }
      if (!hasTold) {
        hasTold = true;
        this.#progress.note('waiting for a moment between splits to add the column');
      }
      // Sessions that queued behind the attempt go first.
      await sleep(timeoutMs * (1 + Math.random()));
      timeoutMs = Math.min(MAX_LOCK_TIMEOUT_MS, timeoutMs * 2);
    }
  }

  /** @returns whether it has added the column */
  async #tryAddColumn(subject: PromoteSubject, name: string, timeoutMs: number): Promise<boolean> {
    const { column, type, isDeclared } = subject;
    const { rows: known } = await this.#client.query<{ state: string }>(
      `SELECT state FROM edp.promotions WHERE ${OWN_PROMOTION}`,
      this.#names(subject),
    );
    const existing = await this.#columnType(name, column);
    if (existing === undefined) {
      await this.#client.query(`SET LOCAL lock_timeout = ${timeoutMs}`);
      await this.#client.query(
        `ALTER TABLE ${name} ADD COLUMN ${quoteIdentifier(column)} ${SQL_TYPE[type]}`,
      );
      await recordDefinition(this.#client, name);
    } else if (known.length === 0 && !isDeclared) {
      throw new EdpError('usage', `${name} has a column "${column}" that the model does not know`, {
        hint: 'name another one with --column; or declare the metric in edp.yaml if it is meant for this one',
      });
    } else if (subject.formerType !== undefined && existing === SQL_TYPE[subject.formerType]) {
      await this.#client.query(`SET LOCAL lock_timeout = ${timeoutMs}`);
      await retypeColumn(this.#client, subject, name, existing);
    } else if (existing !== SQL_TYPE[type]) {
      throw new EdpError(
        'table_mismatch',
        `column "${column}" of ${name} is ${existing}, not ${SQL_TYPE[type]}`,
        { hint: 'name another one with --column, or another type with --type' },
      );
    }
    await failpoint('promote.adding', this.#client);
    // A completed promotion begins again: a run with the earlier model may have kept more
    // meanwhile.
    await this.#client.query(
      `INSERT INTO edp.promotions (${PROMOTION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (schema_name, table_name, column_name) DO UPDATE
       SET state = 'running', pass = 1, next_partition = 0, next_block = 0, rows_moved = 0,
           left_so_far = 0, rows_left = 0, finished_at = NULL, type = EXCLUDED.type
       WHERE promotions.state = 'done' OR promotions.type <> EXCLUDED.type`,
      this.#valuesOf(subject),
    );
    await failpoint('promote.noted', this.#client);
    return existing === undefined;
  }

  #tellAdded(column: string): void {
    const table = formatTableName(this.#located.place);
    tell({ kind: 'schema_changed', table, added: [column], missing: [] });
  }

  async #columnType(name: string, column: string): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ type: string }>(
      `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute
       WHERE attrelid = $1::regclass AND attname = $2 AND attnum > 0 AND NOT attisdropped`,
      [name, column],
    );
    return rows[0]?.type;
  }

  async #backfill(
    subject: PromoteSubject,
    name: string,
    declared: Table,
  ): Promise<Pick<PromoteResult, 'moved' | 'left' | 'leftValues'>> {
    const partitions = await listPartitions(this.#client, name);
    const backfill = new Backfill(
      this.#client,
      subject,
      this.#located.place,
      name,
      partitions,
      this.#progress,
      this.#signal,
    );
    await this.#waitFor(declared, ({ doReplace }) => !doReplace);
    for (;;) {
      const isQuiet =
        (await findOtherRuns(this.#client, this.#located.place, declared)).count === 0;
      const pass = await backfill.pass(isQuiet);
      const isStillQuiet =
        (await findOtherRuns(this.#client, this.#located.place, declared)).count === 0;
      const hasFoundNone = pass.isWhole && pass.moved === 0 && pass.passedOver === 0;
      if (isQuiet && isStillQuiet && hasFoundNone) break;
      await this.#waitFor(declared, ({ count }) => count === 0);
    }
    // Synchronous, unlike the steps: after it, all of them are on disk.
    const { rows } = await this.#client.query<{ rows_moved: number; rows_left: number }>(
      `UPDATE edp.promotions SET state = 'done', finished_at = clock_timestamp()
       WHERE ${OWN_PROMOTION} RETURNING rows_moved, rows_left`,
      this.#names(subject),
    );
    await failpoint('promote.done', this.#client);
    const { rows_moved: moved = 0, rows_left: left = 0 } = rows[0] ?? {};
    return { moved, left, leftValues: left === 0 ? [] : await this.#listLeft(subject, name) };
  }

  /** Waits until the runs that load with another model satisfy a condition. */
  async #waitFor(
    declared: Table,
    isFine: (runs: { count: number; doReplace: boolean }) => boolean,
  ): Promise<void> {
    let hasTold = false;
    for (;;) {
      assertGoing(this.#signal);
      const runs = await findOtherRuns(this.#client, this.#located.place, declared);
      if (isFine(runs)) return;
      if (!hasTold) {
        hasTold = true;
        const whose = runs.count === 1 ? 'a run that loads' : `${runs.count} runs that load`;
        this.#progress.note(`waiting for ${whose} "${declared.name}" with another model`);
      }
      await sleep(POLL_MS);
    }
  }

  async #listLeft({ metric, source, type, table }: PromoteSubject, name: string) {
    const extra = quoteIdentifier(source.extraColumn);
    const key = table.key.map((column) => `${quoteIdentifier(column)}::text`);
    const { rows } = await this.#client.query<(string | null)[]>({
      text: `SELECT (${extra} -> $1::text)::text${key.map((column) => `, ${column}`).join('')} FROM ${name}
             WHERE jsonb_typeof(${extra}) = 'object' AND ${extra} ? $1::text LIMIT $2`,
      values: [metric, this.#options.limit],
      rowMode: 'array',
    });
    const converter = new MetricConverter(type);
    return rows.map(([value, ...keys]): LeftValue => {
      const converted = converter.convert(value!);
      return {
        key: Object.fromEntries(table.key.map((column, i) => [column, keys[i] ?? null])),
        value: value!,
        reason: 'reason' in converted ? converted.reason : 'kept by a run that has just ended',
      };
    });
  }
}

function notOwner({ table, column }: PromoteSubject, cause: unknown): EdpError {
  return new EdpError(
    'database_refused',
    `column "${column}" cannot be added to "${table.name}": ${(cause as Error).message}`,
    { hint: 'only the owner of a table can add columns: run it as that role', cause },
  );
}
