/** A range of rows of a source table → events with op `read`, in the outbox or a sink. */
import type pg from 'pg';
import type { DatabaseError } from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier, quoteName } from '../model/ddl.js';
import { withTransaction } from '../postgres/connection.js';
import { mayBeAboutRecord } from '../postgres/sqlstate.js';
import { OUTBOX_ROW, type OutboxRow, sentEvent } from './event-line.js';
import { EVENT_COLUMNS, filterOf, readQuery } from './event-sql.js';
import type { CapturedModel } from './plan.js';
import type { Sink } from './sinks/sink.js';

export interface RangeOptions {
  readonly source: string;
  /** Undefined: through the outbox. */
  readonly sink: Sink | undefined;
  /** Whether a calculation that fails ends the snapshot. */
  readonly isStrict: boolean;
}

export interface RangeTotals {
  readonly rows: number;
  /** Of them, those with a calculation that failed. */
  readonly failed: number;
}

/** What all events of a snapshot have. */
export interface Numbered {
  readonly sequence: string;
  /** When the number was drawn. */
  readonly at: string;
}

/** Values of the columns that tell rows apart. */
export type Position = readonly string[] | null;

/**
 * Reads a range of rows. Where a row cannot be read because a calculation of it fails, the range is halved until that row
 * is alone: its calculations that fail are null, with the message beside, as the triggers do it.
 */
export class RangeReader {
  readonly #client: pg.Client;
  readonly #model: CapturedModel;
  readonly #numbered: Numbered;
  readonly #options: RangeOptions;
  #isFenced = false;

  constructor(client: pg.Client, model: CapturedModel, numbered: Numbered, options: RangeOptions) {
    this.#client = client;
    this.#model = model;
    this.#numbered = numbered;
    this.#options = options;
  }

  /** @param end identity of the last row; null for all that is left */
  async read(position: Position, end: Position): Promise<RangeTotals> {
    try {
      return { rows: await this.#send(position, end), failed: 0 };
    } catch (error) {
      if (!isAboutRows(error)) throw error;
      this.#isFenced = true;
      const size = await this.#count(position, end);
      if (size <= 1) return this.#readOne(position, end, error);
      const middle = await findEnd(this.#client, this.#model, position, Math.floor(size / 2));
      if (middle === null) throw error;
      const first = await this.read(position, middle);
      const second = await this.read(middle, end);
      return { rows: first.rows + second.rows, failed: first.failed + second.failed };
    }
  }

  async #readOne(position: Position, end: Position, cause: DatabaseError): Promise<RangeTotals> {
    const { name: table, calculations } = this.#model;
    const range = rangeOf({ ...this.#model, where: undefined }, position, end, true);
    const errors = new Map<string, string>();
    for (const { name, json } of calculations) {
      const fault = await this.#faultOf({
        text: `SELECT ${json} FROM ${range.from}`,
        values: range.values,
      });
      if (fault !== undefined) errors.set(name, fault);
    }
    if (errors.size > 0 && !this.#options.isStrict) {
      const rows = await this.#send(position, end, errors).catch((error: unknown) => {
        // The filter, or another attribute, fails as well.
        if (!isAboutRows(error)) throw error;
        return undefined;
      });
      if (rows !== undefined) return { rows, failed: rows };
    }
    const row = end ?? (await findEnd(this.#client, this.#model, position, 1));
    const attribute = [...errors.keys()].map((name) => `.${name}`)[0] ?? '';
    throw new EdpError(
      'database_refused',
      `${table}${attribute}: the row ${JSON.stringify(row)} cannot be read: ${cause.message}`,
      {
        hint: 'correct the row, or edp.yaml and then edp capture install; the same command goes on where it stopped',
        cause,
      },
    );
  }

  async #faultOf(query: pg.QueryConfig): Promise<string | undefined> {
    try {
      await this.#withSettings(() => this.#client.query(query));
      return undefined;
    } catch (error) {
      if (isAboutRows(error)) return error.message;
      throw error;
    }
  }

  async #count(position: Position, end: Position): Promise<number> {
    const { from, values } = rangeOf({ ...this.#model, where: undefined }, position, end);
    const { rows } = await this.#client.query<{ size: number }>({
      text: `SELECT count(*)::int AS size FROM ${from}`,
      values,
    });
    return rows[0]!.size;
  }

  /** @param errors by calculation that is to be null @returns how many rows it were */
  #send(
    position: Position,
    end: Position,
    errors: ReadonlyMap<string, string> = new Map(),
  ): Promise<number> {
    const calculations = this.#model.calculations.map((one) =>
      errors.has(one.name) ? { ...one, json: "'null'" } : one,
    );
    const model = { ...this.#model, calculations };
    const range = rangeOf(model, position, end, this.#isFenced);
    const { sequence, at } = this.#numbered;
    const values = [
      ...range.values,
      errors.size === 0 ? null : JSON.stringify(Object.fromEntries(errors)),
      at,
    ];
    const query = readQuery(model, range.from, {
      sequence,
      errors: `$${values.length - 1}::text`,
      at: `$${values.length}::timestamptz`,
    });
    return this.#withSettings(async () => {
      const rows = await this.#write(query, values);
      if (this.#options.sink === undefined) {
        await moveSnapshot(this.#client, model.name, end ?? position, rows);
      }
      return rows;
    });
  }

  /** Behind the last row: ends the keys below the number that are not among those that were read, and have no later event. */
  async endOthers(): Promise<void> {
    const { name, version } = this.#model;
    const { sequence, at } = this.#numbered;
    const query = `SELECT $1::bigint, pg_current_xact_id(), $2::text, $3::int, 'truncate',
      NULL::text, NULL::text, NULL::text, NULL::text, $4::timestamptz`;
    await this.#withSettings(() => this.#write(query, [sequence, name, version, at]));
  }

  /** @param query with {@link EVENT_COLUMNS} @returns how many events it were */
  async #write(query: string, values: readonly unknown[]): Promise<number> {
    const { sink, source } = this.#options;
    if (sink !== undefined) {
      const { rows } = await this.#client.query<OutboxRow>({
        text: `SELECT ${OUTBOX_ROW} FROM (${query}) AS e (${EVENT_COLUMNS})`,
        values: [...values],
      });
      if (rows.length > 0) await sink.write(rows.map((row) => sentEvent(row, source)));
      return rows.length;
    }
    const slot = await currentSlot(this.#client);
    // Whoever draws a number has its transaction id before.
    await this.#client.query("SELECT pg_current_xact_id(), nextval('edp_capture.event_sequence')");
    const { rowCount } = await this.#client.query({
      text: `INSERT INTO edp_capture.outbox_${slot} (${EVENT_COLUMNS}) ${query}`,
      values: [...values],
    });
    return rowCount ?? 0;
  }

  /** Names are found as the triggers find them; all other settings are those of the session. */
  #withSettings<T>(work: () => Promise<T>): Promise<T> {
    return withTransaction(this.#client, async () => {
      await this.#client.query(`SET LOCAL search_path = ${this.#model.searchPath}`);
      return work();
    });
  }
}

/** Errors that say something about a row: not about the definition, the session or the server. */
function isAboutRows(error: unknown): error is DatabaseError {
  return mayBeAboutRecord(error) && !error.code!.startsWith('42');
}

/** @param rows that were read since the last position */
export async function moveSnapshot(
  client: pg.Client,
  model: string,
  position: Position,
  rows: number,
): Promise<void> {
  await client.query(
    'UPDATE edp_capture.snapshots SET position = $2, rows = rows + $3 WHERE model = $1',
    [model, JSON.stringify(position), rows],
  );
}

/** Identity of the row that ends a range of so many; null where fewer are left. */
export async function findEnd(
  client: pg.Client,
  model: CapturedModel,
  position: Position,
  rows: number,
): Promise<Position> {
  const { readBy, source } = model;
  const columns = readBy.map((name) => `t.${quoteIdentifier(name)}`);
  const found = await client.query<{ position: readonly string[] }>(
    `SELECT json_build_array(${columns.map((name) => `${name}::text`).join(', ')}) AS position FROM ${quoteName(source)} AS t
     ${position === null ? '' : `WHERE ${above(model, 't', 1)}`} ORDER BY ${columns.join(', ')} OFFSET ${rows - 1} LIMIT 1`,
    [...(position ?? [])],
  );
  return found.rows[0]?.position ?? null;
}

/** @param isFenced whether the filter sees only rows of the range; the planner may ask it first otherwise */
function rangeOf(
  model: CapturedModel,
  position: Position,
  end: Position,
  isFenced = false,
): { readonly from: string; readonly values: string[] } {
  const alias = quoteIdentifier(model.source.name);
  const relation = `${quoteName(model.source)} AS ${alias}`;
  const conditions = [
    ...(position === null ? [] : [above(model, alias, 1)]),
    ...(end === null ? [] : [`NOT ${above(model, alias, (position?.length ?? 0) + 1)}`]),
  ];
  const within = conditions.length === 0 ? 'true' : conditions.join(' AND ');
  const filter = filterOf(model);
  const from = isFenced
    ? `(SELECT * FROM ${relation} WHERE ${within} OFFSET 0) AS ${alias}${filter}`
    : `${relation}${filter === '' ? ' WHERE' : `${filter} AND`} ${within}`;
  return { from, values: [...(position ?? []), ...(end ?? [])] };
}

/** @param first number of the first parameter */
function above({ readBy, source }: CapturedModel, alias: string, first: number): string {
  const columns = readBy.map((name) => `${alias}.${quoteIdentifier(name)}`);
  const values = readBy.map((name, i) => {
    const { type } = source.columns.find((column) => column.name === name)!;
    return `$${first + i}::text::${type}`;
  });
  return `(${columns.join(', ')}) > (${values.join(', ')})`;
}

async function currentSlot(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ slot: number }>(
    'SELECT last_value::int AS slot FROM edp_capture.current_outbox',
  );
  return rows[0]!.slot;
}
