/**
 * The careful way of loading a split, taken when the server refused the fast one: rows go to a
 * temporary table first, each with its number, and from there into the target, so that whatever the
 * server objects to can be pinned on single records while the rest load.
 *
 * The order of records decides: of two with one key, the first is loaded. Records that cannot be
 * loaded for another reason take no part in that.
 */

import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import type { ColumnPlan } from '../../mapping/table-plan.js';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { CONFLICT_RULES, type MissingDimensions, type OnConflict } from '../../model/load-rules.js';
import { Fault, type RejectCode } from '../../model/reject-codes.js';
import { CopyStream } from '../../postgres/copy-stream.js';
import { isDataError } from '../../postgres/sqlstate.js';
import type { ForeignKey, TableInCatalog } from '../../postgres/table-in-catalog.js';

type StagedColumn = Pick<ColumnPlan, 'name' | 'type' | 'from'>;

/** The lineage column does not count when rows are compared. */
function isLineage({ from }: StagedColumn): boolean {
  return from === 'load';
}

export interface StagingOptions {
  readonly target: TableInCatalog;
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

/** Verdict of a record that is in the table already, since it completed an inferred member. */
const COMPLETED = 'completed';

const TOO_MANY_COLUMNS = '54011';

/** Another run inserted one of our keys between the look and the insert; a second look settles it. */
const MAX_SECOND_LOOKS = 5;

export class StagingTable {
  readonly #client: pg.Client;
  readonly #options: StagingOptions;
  /** Column list of the staged rows, quoted. */
  readonly #columns: string;

  constructor(client: pg.Client, options: StagingOptions) {
    this.#client = client;
    this.#options = options;
    this.#columns = quoteColumns(options.columns.map(({ name }) => name));
  }

  /** Makes the temporary tables; they go with the transaction. */
  async create(): Promise<void> {
    const { table } = this.#options.target;
    try {
      await this.#client.query(
        `CREATE TEMP TABLE edp_stage ON COMMIT DROP AS
           SELECT 0::int AS ${ORDINAL_SQL}, ${this.#columns} FROM ${table} WITH NO DATA;
         CREATE TEMP TABLE edp_verdicts (
           ordinal int PRIMARY KEY, code text NOT NULL, reason text NOT NULL, column_name text) ON COMMIT DROP`,
      );
    } catch (error) {
      if ((error as { code?: string }).code !== TOO_MANY_COLUMNS) throw error;
      throw new EdpError(
        'table_mismatch',
        `some records for ${table} were refused by the server, and which they are cannot be told: the table has as many columns as the server takes`,
        { hint: 'to tell them edp needs one column less than that; take one out', cause: error },
      );
    }
    await failpoint('stage.created', this.#client);
  }

  /** Empties the tables, where several splits share a transaction. */
  async clear(): Promise<void> {
    await this.#client.query(`TRUNCATE ${STAGE}, ${VERDICTS}`);
  }

  async drop(): Promise<void> {
    await this.#client.query(`DROP TABLE ${STAGE}, ${VERDICTS}`);
  }

  /** Copies rows in; those that the server refuses even here get a verdict. */
  async copy(rows: EncodedRows): Promise<void> {
    await this.#copyRange(rows, 0, rows.ends.length);
    await failpoint('stage.copied', this.#client);
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
        try {
          await copy.write(
            rows.bytes.subarray(start === 0 ? 0 : rows.ends[start - 1], rows.ends[end - 1]),
          );
          await copy.finish();
        } catch (error) {
          copy.abort();
          throw error;
        }
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
    await failpoint('stage.references', this.#client);
    // What the triggers would check per row is settled.
    if (checksForeignKeys)
      await this.#client.query("SET LOCAL session_replication_role = 'replica'");
    for (let look = 1; ; look++) {
      await this.#client.query('SAVEPOINT edp_merge');
      try {
        await this.#completeInferred('true');
        await this.#settleKeys();
        await failpoint('stage.keys', this.#client);
        await this.#countReplaced();
        await this.#insert();
        await failpoint('stage.inserted', this.#client);
        await this.#client.query('RELEASE edp_merge');
        break;
      } catch (error) {
        const { code } = error as { code?: string };
        if (!isDataError(code)) throw error;
        await this.#client.query('ROLLBACK TO edp_merge; RELEASE edp_merge');
        if (code === '23505' && look <= MAX_SECOND_LOOKS) continue;
        await failpoint('stage.blame', this.#client);
        if ((await this.#blame()) === 0 && look > MAX_SECOND_LOOKS) throw error;
      }
    }
    await this.#noteArrivals();
    await failpoint('stage.merged', this.#client);
    const { rows } = await this.#client.query<{
      ordinal: number;
      code: RejectCode | 'duplicate';
      reason: string;
      column_name: string | null;
    }>(`SELECT * FROM ${VERDICTS} WHERE code <> '${COMPLETED}'`);
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
    const column = `s.${quoteIdentifier(key.column)}`;
    const referred = `${key.referredTable} d WHERE d.${quoteIdentifier(key.referredColumn)} = ${column}`;
    const missing = `FROM ${STAGE} s WHERE ${column} IS NOT NULL
      AND NOT EXISTS (SELECT FROM ${referred}) AND ${this.#open('s')}`;
    if (this.#options.missingDimensions === 'infer') await this.#inferMembers(key, missing);
    await this.#client.query(
      `INSERT INTO ${VERDICTS}
       SELECT ${ORDINAL_SQL}, 'missing_dimension',
              format('%s is not in ${key.referredTable.replaceAll("'", "''").replaceAll('%', '%%')}', ${column}),
              ${quoteLiteral(key.column)}
       ${missing}`,
    );
  }

  /**
   * Adds the members that are missing, and notes them. One that the server refuses stays missing.
   *
   * @param missing the records concerned: `FROM … s WHERE …`
   */
  async #inferMembers(key: ForeignKey, missing: string): Promise<void> {
    const { rows } = await this.#client.query<{ ordinal: number }>(
      `SELECT ${ORDINAL_SQL} AS ordinal ${missing} ORDER BY 1`,
    );
    const infer = (from: number, to: number) => {
      const condition = `s.${ORDINAL_SQL} BETWEEN ${rows[from]!.ordinal} AND ${rows[to - 1]!.ordinal}`;
      return this.#client.query(
        `WITH members AS (
           INSERT INTO ${key.referredTable} (${quoteIdentifier(key.referredColumn)})
           SELECT DISTINCT s.${quoteIdentifier(key.column)} ${missing} AND ${condition}
           ORDER BY 1 ON CONFLICT DO NOTHING
           RETURNING ${quoteIdentifier(key.referredColumn)}::text AS member)
         INSERT INTO edp.inferred_members (table_name, column_name, member, load_id)
         SELECT $1, $2, member, $3 FROM members
         ON CONFLICT (table_name, column_name, member) DO UPDATE
           SET load_id = EXCLUDED.load_id, inferred_at = now(), arrived_at = NULL`,
        [key.referredTable, key.referredColumn, this.#options.loadId],
      );
    };
    const tryRange = async (from: number, to: number): Promise<void> => {
      if (from === to) return;
      await this.#client.query('SAVEPOINT edp_infer');
      try {
        await infer(from, to);
        await this.#client.query('RELEASE edp_infer');
        return;
      } catch (error) {
        const { code } = error as { code?: string };
        if (!isDataError(code)) throw error;
        await this.#client.query('ROLLBACK TO edp_infer; RELEASE edp_infer');
        // A column that needs a value makes every member impossible.
        if (to - from === 1 || code === '23502') return;
      }
      const middle = (from + to) >>> 1;
      await tryRange(from, middle);
      await tryRange(middle, to);
    };
    await tryRange(0, rows.length);
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

  /** Columns of the target by which some of its rows were inferred, and have not arrived since. */
  async #inferredColumns(): Promise<string[]> {
    const { rows } = await this.#client.query<{ column_name: string }>(
      `SELECT DISTINCT column_name FROM edp.inferred_members
       WHERE table_name = $1 AND arrived_at IS NULL`,
      [this.#options.target.table],
    );
    return rows
      .map(({ column_name }) => column_name)
      .filter((name) => this.#options.columns.some((column) => column.name === name));
  }

  /**
   * The late-arriving dimension: a member that a fact referred to before takes the values of its first
   * record, whatever `--on-conflict` says, since nobody has brought others.
   *
   * @param condition on the staged records `s`
   */
  async #completeInferred(condition: string): Promise<void> {
    for (const name of await this.#inferredColumns()) {
      const column = quoteIdentifier(name);
      const others = this.#options.columns.filter((other) => other.name !== name);
      const assignments = (others.length > 0 ? others : [{ name }])
        .map((other) => quoteIdentifier(other.name))
        .map((other) => `${other} = a.${other}`);
      await this.#client.query(
        `WITH arriving AS (
           SELECT DISTINCT ON (s.${column}) s.* FROM ${STAGE} s
           JOIN edp.inferred_members m ON m.member = s.${column}::text
             AND m.table_name = $1 AND m.column_name = $2 AND m.arrived_at IS NULL
           WHERE ${this.#open('s')} AND ${condition} ORDER BY s.${column}, s.${ORDINAL_SQL}),
         completed AS (
           UPDATE ${this.#options.target.table} t SET ${assignments.join(', ')}
           FROM arriving a WHERE t.${column} = a.${column} RETURNING a.${ORDINAL_SQL} AS ordinal)
         INSERT INTO ${VERDICTS} SELECT ordinal, '${COMPLETED}', '' FROM completed`,
        [this.#options.target.table, name],
      );
    }
  }

  /** Members that this split brought are inferred no longer. */
  async #noteArrivals(): Promise<void> {
    for (const name of await this.#inferredColumns()) {
      await this.#client.query(
        `UPDATE edp.inferred_members m SET arrived_at = clock_timestamp()
         FROM ${STAGE} s LEFT JOIN ${VERDICTS} v ON v.ordinal = s.${ORDINAL_SQL}
         WHERE m.table_name = $1 AND m.column_name = $2 AND m.arrived_at IS NULL
           AND m.member = s.${quoteIdentifier(name)}::text
           AND (v.code IS NULL OR v.code IN ('${COMPLETED}', 'duplicate'))`,
        [this.#options.target.table, name],
      );
    }
  }

  /** Notes how many rows of other loads are about to get other values: undo cannot bring them back. */
  async #countReplaced(): Promise<void> {
    const { target, columns, onConflict, loadId } = this.#options;
    const lineage = columns.find(isLineage);
    const { replacesRow } = CONFLICT_RULES[onConflict];
    if (!replacesRow || target.key.length === 0 || lineage === undefined) return;
    const isSameKey = target.key
      .map(quoteIdentifier)
      .map((column) => `s.${column} = t.${column}`)
      .join(' AND ');
    const { rows } = await this.#client.query<{ count: number }>(
      `SELECT count(*) FROM ${target.table} t
       WHERE t.${quoteIdentifier(lineage.name)} IS DISTINCT FROM $1
         AND EXISTS (SELECT FROM ${STAGE} s WHERE ${isSameKey} AND ${this.#open('s')})`,
      [loadId],
    );
    if (rows[0]!.count === 0) return;
    await this.#client.query(
      'UPDATE edp.loads SET rows_replaced = rows_replaced + $2 WHERE load_id = $1',
      [loadId, rows[0]!.count],
    );
  }

  /** Gives verdicts to records whose key is taken, by the table or by an earlier record. */
  async #settleKeys(): Promise<void> {
    const { target, columns, onConflict } = this.#options;
    if (target.key.length === 0) return;
    const { replacesRow, isDuplicate } = CONFLICT_RULES[onConflict];
    const key = target.key.map(quoteIdentifier);
    const compared = columns.filter(
      (column) => !isLineage(column) && !target.key.includes(column.name),
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
    // Whom a record meets: where records replace the row, the one with its key just before it; else the first.
    const met = replacesRow
      ? `lag(s.${ORDINAL_SQL}) OVER w`
      : `nullif(first_value(s.${ORDINAL_SQL}) OVER w, s.${ORDINAL_SQL})`;
    const keyText = `concat_ws(', ', ${key.map((column) => `s.${column}`).join(', ')})`;
    await this.#client.query(
      `INSERT INTO ${VERDICTS}
       SELECT ordinal, CASE WHEN is_same OR ${isDuplicate} THEN 'duplicate' ELSE 'conflict' END,
              format('key (%s) is already there, with other values%s', key_text,
                     CASE WHEN in_table THEN '' ELSE ', from an earlier record' END),
              ${quoteLiteral(target.key.join(', '))}
       FROM (
         SELECT s.${ORDINAL_SQL} AS ordinal, ${keyText} AS key_text,
                t.${key[0]} IS NOT NULL AS in_table,
                CASE WHEN t.${key[0]} IS NOT NULL AND (m.met IS NULL OR ${!replacesRow})
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
       WHERE is_taken AND (is_same OR ${!replacesRow})`,
    );
  }

  #insertStatement(condition: string): string {
    const { target, columns, onConflict } = this.#options;
    const insert = `INSERT INTO ${target.table} (${this.#columns})`;
    if (!CONFLICT_RULES[onConflict].replacesRow || target.key.length === 0) {
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
    const ordinalOf = (index: number) => ordinals[index]!;
    const between = (from: number, to: number) =>
      `s.${ORDINAL_SQL} BETWEEN ${ordinals[from]} AND ${ordinals[to - 1]}`;
    await this.#client.query('SAVEPOINT edp_blame');
    await this.#isolate(0, ordinals.length, ordinalOf, (from, to) =>
      this.#completeInferred(between(from, to)),
    );
    await this.#settleKeys();
    await this.#isolate(0, ordinals.length, ordinalOf, async (from, to) => {
      await this.#client.query(this.#insertStatement(between(from, to)));
    });
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
