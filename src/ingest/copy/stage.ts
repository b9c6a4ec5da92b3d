/**
 * The careful way of loading a split, taken when the server refused the fast one: rows go to a
 * temporary table first, each with its number, and from there into the target, so that whatever the
 * server objects to can be pinned on single records while the rest load.
 *
 * The order of records decides: of two with one key, the first is loaded. Records that cannot be
 * loaded for another reason take no part in that.
 */
import type pg from 'pg';
import { isDataError } from '../../database/sqlstate.js';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import type { ColumnType } from '../../model/model.js';
import { Fault, type RejectCode } from '../reject.js';
import { CopyStream } from './copy-stream.js';
import type { CopyTarget, ForeignKey } from './target.js';

export type OnConflict = 'reject' | 'skip' | 'update';
export type MissingDimensions = 'reject' | 'infer';

export interface StagedColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** The lineage column does not count when rows are compared. */
  readonly isLineage: boolean;
}

export interface StageOptions {
  readonly target: CopyTarget;
  readonly columns: readonly StagedColumn[];
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
  readonly loadId: number;
}

/** What became of a record that did not get into the table. */
export type Verdict = 'duplicate' | Fault;

/** Rows encoded one behind the other, each beginning with its ordinal. */
export interface EncodedRows {
  readonly bytes: Buffer;
  /** End of each row in `bytes`. */
  readonly ends: readonly number[];
  /** Ordinal of each row. */
  readonly ordinals: readonly number[];
}

const STAGE = 'pg_temp.edp_stage';
const VERDICTS = 'pg_temp.edp_verdicts';
/** A name that no column of a model can have: it is longer than none, but has a control character. */
export const ORDINAL = '\u0001ordinal';
const ORDINAL_SQL = quoteIdentifier(ORDINAL);

/** Another run inserted one of our keys between the look and the insert; a second look settles it. */
const MAX_SECOND_LOOKS = 5;

export class Stage {
  readonly #client: pg.Client;
  readonly #options: StageOptions;
  /** Column list of the staged rows, quoted. */
  readonly #columns: string;

  constructor(client: pg.Client, options: StageOptions) {
    this.#client = client;
    this.#options = options;
    this.#columns = quoteColumns(options.columns.map(({ name }) => name));
  }

  /** Makes the temporary tables; they go with the transaction. */
  async create(): Promise<void> {
    await this.#client.query(
      `CREATE TEMP TABLE edp_stage ON COMMIT DROP AS
         SELECT 0::int AS ${ORDINAL_SQL}, ${this.#columns} FROM ${this.#options.target.table} WITH NO DATA;
       CREATE TEMP TABLE edp_verdicts (
         ordinal int PRIMARY KEY, code text NOT NULL, reason text NOT NULL, column_name text) ON COMMIT DROP`,
    );
  }

  /** Copies rows in; those that the server refuses even here get a verdict. */
  async copy(rows: EncodedRows): Promise<void> {
    await this.#copyRange(rows, 0, rows.ends.length);
  }

  async #copyRange(rows: EncodedRows, from: number, to: number): Promise<void> {
    if (from === to) return;
    await this.#isolate(
      from,
      to,
      (index) => rows.ordinals[index]!,
      async (start, end) => {
        const copy = new CopyStream(this.#client, STAGE, [
          ORDINAL,
          ...this.#options.columns.map(({ name }) => name),
        ]);
        await copy.write(
          rows.bytes.subarray(start === 0 ? 0 : rows.ends[start - 1], rows.ends[end - 1]),
        );
        await copy.finish();
      },
    );
  }

  /**
   * Tries items [from, to) together; where the server objects, halves them until the objectionable
   * ones stand alone, and gives those a verdict.
   *
   * @returns how many got one
   */
  async #isolate(
    from: number,
    to: number,
    ordinalOf: (index: number) => number,
    attempt: (from: number, to: number) => Promise<void>,
  ): Promise<number> {
    await this.#client.query('SAVEPOINT edp_try');
    try {
      await attempt(from, to);
      await this.#client.query('RELEASE edp_try');
      return 0;
    } catch (error) {
      if (!isDataError((error as { code?: string }).code)) throw error;
      await this.#client.query('ROLLBACK TO edp_try; RELEASE edp_try');
      if (to - from === 1) {
        await this.#addVerdict(ordinalOf(from), toServerFault(error as pg.DatabaseError));
        return 1;
      }
    }
    const middle = (from + to) >>> 1;
    return (
      (await this.#isolate(from, middle, ordinalOf, attempt)) +
      (await this.#isolate(middle, to, ordinalOf, attempt))
    );
  }

  async #addVerdict(ordinal: number, { code, reason, column }: Fault): Promise<void> {
    await this.#client.query(`INSERT INTO ${VERDICTS} VALUES ($1, $2, $3, $4)`, [
      ordinal,
      code,
      reason,
      column ?? null,
    ]);
    await this.#client.query(`DELETE FROM ${STAGE} WHERE ${ORDINAL_SQL} = $1`, [ordinal]);
  }

  /**
   * Moves the staged rows into the target.
   *
   * @returns the verdict of every record that is not there now because of this split
   */
  async merge(): Promise<ReadonlyMap<number, Verdict>> {
    await this.#client.query(`ANALYZE ${STAGE}`);
    const { foreignKeys, checksForeignKeys } = this.#options.target;
    for (const key of foreignKeys) {
      if (!this.#options.columns.some(({ name }) => name === key.column)) continue;
      await this.#settleReferences(key);
      if (checksForeignKeys) await this.#lockReferredRows(key);
    }
    // What the triggers would check per row is settled.
    if (checksForeignKeys)
      await this.#client.query("SET LOCAL session_replication_role = 'replica'");
    for (let look = 1; ; look++) {
      await this.#client.query('SAVEPOINT edp_merge');
      try {
        await this.#settleKeys();
        await this.#insert();
        break;
      } catch (error) {
        const { code } = error as { code?: string };
        if (!isDataError(code)) throw error;
        await this.#client.query('ROLLBACK TO edp_merge; RELEASE edp_merge');
        if (code === '23505' && look <= MAX_SECOND_LOOKS) continue;
        if ((await this.#blame()) === 0 && look > MAX_SECOND_LOOKS) throw error;
      }
    }
    const { rows } = await this.#client.query<{
      ordinal: number;
      code: RejectCode | 'duplicate';
      reason: string;
      column_name: string | null;
    }>(`SELECT * FROM ${VERDICTS}`);
    return new Map(
      rows.map(({ ordinal, code, reason, column_name }) => [
        ordinal,
        code === 'duplicate' ? code : new Fault(code, reason, column_name ?? undefined),
      ]),
    );
  }

  /** Rows without a verdict so far. */
  #open(alias: string): string {
    return `NOT EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = ${alias}.${ORDINAL_SQL})`;
  }

  async #settleReferences(key: ForeignKey): Promise<void> {
    const { missingDimensions, loadId } = this.#options;
    const column = `s.${quoteIdentifier(key.column)}`;
    const referred = `${key.referredTable} d WHERE d.${quoteIdentifier(key.referredColumn)} = ${column}`;
    const isMissing = `${column} IS NOT NULL AND NOT EXISTS (SELECT FROM ${referred})`;
    if (missingDimensions === 'infer') {
      await this.#client.query(
        `WITH members AS (
           INSERT INTO ${key.referredTable} (${quoteIdentifier(key.referredColumn)})
           SELECT DISTINCT ${column} FROM ${STAGE} s WHERE ${isMissing} AND ${this.#open('s')}
           ORDER BY 1 ON CONFLICT DO NOTHING
           RETURNING ${quoteIdentifier(key.referredColumn)}::text AS member)
         INSERT INTO edp.inferred_members (table_name, member, load_id)
         SELECT $1, member, $2 FROM members ON CONFLICT DO NOTHING`,
        [key.referredTable, loadId],
      );
      return;
    }
    await this.#client.query(
      `INSERT INTO ${VERDICTS}
       SELECT ${ORDINAL_SQL}, 'missing_dimension',
              format('%s is not in ${key.referredTable.replaceAll("'", "''").replaceAll('%', '%%')}', ${column}),
              ${quoteLiteral(key.column)}
       FROM ${STAGE} s WHERE ${isMissing} AND ${this.#open('s')}`,
    );
  }

  /** Nobody may delete a row referred to before this has committed. */
  async #lockReferredRows(key: ForeignKey): Promise<void> {
    const column = quoteIdentifier(key.column);
    const values = `SELECT DISTINCT ${column} FROM ${STAGE} s WHERE ${column} IS NOT NULL AND ${this.#open('s')}`;
    const { rows } = await this.#client.query<{ count: number }>(
      `SELECT count(*) AS count FROM (${values}) AS wanted`,
    );
    const { rowCount } = await this.#client.query(
      `SELECT FROM ${key.referredTable} WHERE ${quoteIdentifier(key.referredColumn)} IN (${values}) FOR KEY SHARE`,
    );
    if (rowCount !== rows[0]!.count) {
      // Deleted since the look before: as if the transaction had met a concurrent change.
      throw Object.assign(new Error(`${key.referredTable} changed meanwhile`), { code: '40001' });
    }
  }

  /** Gives verdicts to records whose key is taken, by the table or by an earlier record. */
  async #settleKeys(): Promise<void> {
    const { target, columns, onConflict } = this.#options;
    if (target.key.length === 0) return;
    const key = target.key.map(quoteIdentifier);
    const compared = columns.filter(
      ({ name, isLineage }) => !isLineage && !target.key.includes(name),
    );
    const isSame = (left: string, right: string) =>
      compared
        .map(({ name, type }) => {
          // json has no equality of its own.
          const cast = type === 'json' ? '::text' : '';
          const column = quoteIdentifier(name);
          return `${left}.${column}${cast} IS NOT DISTINCT FROM ${right}.${column}${cast}`;
        })
        .join(' AND ') || 'true';
    // Whom a record meets: with `update` the record with its key just before it, else the first one.
    const met =
      onConflict === 'update'
        ? `lag(s.${ORDINAL_SQL}) OVER w`
        : `nullif(first_value(s.${ORDINAL_SQL}) OVER w, s.${ORDINAL_SQL})`;
    const keyText = `concat_ws(', ', ${key.map((column) => `s.${column}`).join(', ')})`;
    await this.#client.query(
      `INSERT INTO ${VERDICTS}
       SELECT ordinal, CASE WHEN is_same OR ${onConflict === 'skip'} THEN 'duplicate' ELSE 'conflict' END,
              format('key (%s) is already there, with other values%s', key_text,
                     CASE WHEN in_table THEN '' ELSE ', from an earlier record' END),
              ${quoteLiteral(target.key.join(', '))}
       FROM (
         SELECT s.${ORDINAL_SQL} AS ordinal, ${keyText} AS key_text,
                t.${key[0]} IS NOT NULL AS in_table,
                CASE WHEN t.${key[0]} IS NOT NULL AND (m.met IS NULL OR ${onConflict !== 'update'})
                     THEN ${isSame('s', 't')} ELSE ${isSame('s', 'o')} END AS is_same,
                t.${key[0]} IS NOT NULL OR m.met IS NOT NULL AS is_taken
         FROM ${STAGE} s
         JOIN (SELECT s.${ORDINAL_SQL} AS ordinal, ${met} AS met FROM ${STAGE} s WHERE ${this.#open('s')}
               WINDOW w AS (PARTITION BY ${key.map((column) => `s.${column}`).join(', ')}
                            ORDER BY s.${ORDINAL_SQL})) m
           ON m.ordinal = s.${ORDINAL_SQL}
         LEFT JOIN ${target.table} t ON ${key.map((column) => `t.${column} = s.${column}`).join(' AND ')}
         LEFT JOIN ${STAGE} o ON o.${ORDINAL_SQL} = m.met
       ) AS looked
       WHERE is_taken AND (is_same OR ${onConflict !== 'update'})`,
    );
  }

  #insertStatement(condition: string): string {
    const { target, columns, onConflict } = this.#options;
    const insert = `INSERT INTO ${target.table} (${this.#columns})`;
    if (onConflict !== 'update' || target.key.length === 0) {
      return `${insert} SELECT ${this.#columns} FROM ${STAGE} s
              WHERE ${this.#open('s')} AND ${condition} ORDER BY ${ORDINAL_SQL}`;
    }
    const key = quoteColumns(target.key);
    const assignments = columns
      .filter(({ name }) => !target.key.includes(name))
      .map(({ name }) => `${quoteIdentifier(name)} = EXCLUDED.${quoteIdentifier(name)}`);
    const action = assignments.length === 0 ? 'NOTHING' : `UPDATE SET ${assignments.join(', ')}`;
    // The last record of a key is what remains.
    return `${insert} SELECT ${this.#columns} FROM (
              SELECT DISTINCT ON (${key}) * FROM ${STAGE} s
              WHERE ${this.#open('s')} AND ${condition} ORDER BY ${key}, ${ORDINAL_SQL} DESC) AS last
            ORDER BY ${ORDINAL_SQL} ON CONFLICT (${key}) DO ${action}`;
  }

  async #insert(): Promise<void> {
    await this.#client.query(this.#insertStatement('true'));
  }

  /**
   * Finds the records the server refuses and gives them verdicts, without leaving a row behind: which
   * of the others are to be loaded is looked at anew, now that these are out.
   *
   * @returns how many it found
   */
  async #blame(): Promise<number> {
    const { rows } = await this.#client.query<{ ordinal: number }>(
      `SELECT ${ORDINAL_SQL} AS ordinal FROM ${STAGE} s WHERE ${this.#open('s')} ORDER BY 1`,
    );
    const ordinals = rows.map(({ ordinal }) => ordinal);
    await this.#client.query('SAVEPOINT edp_blame');
    await this.#settleKeys();
    await this.#isolate(
      0,
      ordinals.length,
      (index) => ordinals[index]!,
      async (from, to) => {
        await this.#client.query(
          this.#insertStatement(
            `s.${ORDINAL_SQL} BETWEEN ${ordinals[from]} AND ${ordinals[to - 1]}`,
          ),
        );
      },
    );
    const { rows: blamed } = await this.#client.query<{
      ordinal: number;
      code: RejectCode;
      reason: string;
      column_name: string | null;
    }>(
      `SELECT v.* FROM ${VERDICTS} v
       WHERE NOT EXISTS (SELECT FROM ${STAGE} s WHERE s.${ORDINAL_SQL} = v.ordinal)`,
    );
    await this.#client.query('ROLLBACK TO edp_blame; RELEASE edp_blame');
    let found = 0;
    for (const { ordinal, code, reason, column_name } of blamed) {
      const known = await this.#client.query(`SELECT FROM ${VERDICTS} WHERE ordinal = $1`, [
        ordinal,
      ]);
      if (known.rowCount !== 0) continue;
      await this.#addVerdict(ordinal, new Fault(code, reason, column_name ?? undefined));
      found++;
    }
    return found;
  }
}

/** The server's refusal of one row as a reject. */
function toServerFault(error: pg.DatabaseError): Fault {
  const reason = error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
  const column = error.column ?? error.constraint;
  switch (error.code) {
    case '23502':
      return new Fault('null_value', reason, column);
    case '23503':
      return new Fault('missing_dimension', reason, column);
    case '23505':
      return new Fault('conflict', reason, column);
    case '22003':
      return new Fault('out_of_range', reason, column);
    default:
      return new Fault('refused_by_server', reason, column);
  }
}
