/**
 * The careful way of loading a split, used after the server refused the fast way. Rows are written
 * to a temporary table first, each with its number, and from there into the target. So each error
 * of the server can be assigned to a single record while the other records are loaded.
 *
 * The order of records decides: of two records with the same key, the first is loaded. Records that
 * cannot be loaded for another reason are not considered.
 */

import type pg from 'pg';
import { DatabaseError } from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { type ChangedRows, recordInferred } from '../../ledger/changes.js';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { CONFLICT_RULES } from '../../model/load-rules.js';
import { Fault, type RejectCode } from '../../model/reject-codes.js';
import { refersTo } from '../../postgres/column-pair.js';
import { fillCopied } from '../../postgres/copied-values.js';
import { CopyStream } from '../../postgres/copy-stream.js';
import { type ForeignKey, listForeignKeys } from '../../postgres/foreign-keys-in-catalog.js';
import { listOwnReferences } from '../../postgres/own-keys.js';
import { listMissing, makePartitions } from '../../postgres/partitions-in-catalog.js';
import {
  INSERTS,
  lockAgainstChecks,
  mayReplaceChecks,
  runTriggers,
  skipTriggers,
  UPDATES,
} from '../../postgres/replaced-checks.js';
import { mayBeAboutRecord } from '../../postgres/sqlstate.js';
import { lockable, toCopyColumns } from '../../postgres/table-in-catalog.js';
import { REFERRING } from './in-order.js';
import { completion, inference } from './inferred-members.js';
import {
  countOwnRows,
  inspectTriggers,
  PLAIN_ROWS,
  type RowFate,
  RowsLeftOut,
} from './left-out.js';
import { moveInOrder } from './move-in-order.js';
import {
  countReplaced,
  cutRuns,
  describeNearby,
  insertStatements,
  isSameKey,
  settleKeys,
} from './on-conflict.js';
import {
  COMPLETED,
  INDEX_ORDINALS,
  isCopied,
  LEFT_OUT,
  ORDINAL,
  ORDINAL_SQL,
  open,
  STAGE,
  type StagingOptions,
  VERDICTS,
} from './staged-rows.js';
import { Suspicion } from './suspicion.js';
import { noteSeen } from './version-verdicts.js';
import { parentsOf } from './waiting.js';

/** Why a record is not in the table. */
export type Verdict = 'duplicate' | Fault;

/** Encoded rows, one after the other, each beginning with its ordinal. */
export interface EncodedRows {
  readonly bytes: Buffer;
  /** End of each row in `bytes`. */
  readonly ends: readonly number[];
  /** Ordinal of each row. */
  readonly ordinals: readonly number[];
}

const TOO_MANY_COLUMNS = '54011';

/**
 * Another run inserted one of our keys between the check and the insert; a second check handles it.
 */
const MAX_SECOND_LOOKS = 1;

export class StagingTable {
  readonly #client: pg.Client;
  #options: StagingOptions;
  /** Column list of the staged rows, quoted. */
  readonly #columns: string;
  #changed: ChangedRows = { inserted: 0, updated: 0 };
  /** As {@link ChangedRows} has them, of the last merge. */
  #inferred: Record<string, number> = {};
  /** Whether any record may have been left out. */
  #hasLeftOut = false;
  /** Looked up before rows are moved. */
  #fate: RowFate = PLAIN_ROWS;

  constructor(client: pg.Client, options: StagingOptions) {
    this.#client = client;
    this.#options = options;
    this.#columns = quoteColumns(options.columns.map(({ name }) => name));
  }

  /** Whether each row has the place of its record behind its ordinal. */
  get hasPlaces(): boolean {
    return this.#options.target.hasVersions;
  }

  /** The rows of the target that the last merge changed. */
  get changed(): ChangedRows {
    return { ...this.#changed, inferred: this.#inferred };
  }

  /** @param completed inferred members that got values */
  #noteChanged({ inserted, updated }: ChangedRows, completed: number): void {
    this.#changed = { inserted, updated: completed + updated };
  }

  /** Makes the checks now that the server would make at the commit. */
  async #checkDeferred(): Promise<void> {
    const { checked = 'ALL' } = this.#options;
    if (checked !== '') await this.#client.query(`SET CONSTRAINTS ${checked} IMMEDIATE`);
  }

  /** Creates the temporary tables; the end of the transaction drops them. */
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
        `some records for ${table} were refused by the server, and edp cannot identify them: the table has as many columns as the server allows`,
        { hint: 'edp needs one column less to identify them; remove a column', cause: error },
      );
    }
    await failpoint('stage.created', this.#client);
  }

  /** Empties the tables, for several splits in one transaction. */
  async clear(): Promise<void> {
    await this.#client.query(`TRUNCATE ${STAGE}, ${VERDICTS}`);
  }

  async drop(): Promise<void> {
    await this.#client.query(`DROP TABLE ${STAGE}, ${VERDICTS}`);
  }

  /** Copies rows into the temporary table; rows that the server refuses even here get a verdict. */
  async copy(rows: EncodedRows): Promise<void> {
    await this.#copyRange(rows, 0, rows.ends.length);
    await failpoint('stage.copied', this.#client);
  }

  async #copyRange(rows: EncodedRows, from: number, to: number): Promise<void> {
    if (from === to) return;
    const suspicion = new Suspicion();
    // The table of this COPY is edp's own: what the server cannot read as a value of its type, with whatever
    // code, is a fault of the record.
    if (this.#options.target.others.size > 0) suspicion.pass();
    await this.#isolate(
      from,
      to,
      suspicion,
      (index) => rows.ordinals[index]!,
      async (start, end) => {
        const copy = new CopyStream(this.#client, STAGE, [
          { name: ORDINAL, type: 'int' },
          ...toCopyColumns(
            this.#options.target,
            this.#options.columns.filter((column) => !isCopied(column)),
          ),
        ]);
        try {
          await copy.write(
            rows.bytes.subarray(start === 0 ? 0 : rows.ends[start - 1], rows.ends[end - 1]),
          );
          return await copy.finish();
        } catch (error) {
          copy.abort();
          throw error;
        }
      },
    );
    suspicion.conclude();
  }

  /**
   * Tries items [from, to) together. If the server reports an error, halves the range until each
   * faulty item is alone, and gives it a verdict.
   *
   * @param attempt returns how many records the server took
   */
  async #isolate(
    from: number,
    to: number,
    suspicion: Suspicion,
    ordinalOf: (index: number) => number,
    attempt: (from: number, to: number) => Promise<number>,
  ): Promise<void> {
    if (from === to) return;
    await this.#client.query('SAVEPOINT edp_try');
    try {
      if ((await attempt(from, to)) > 0) suspicion.pass();
      await this.#client.query('RELEASE edp_try');
      return;
    } catch (error) {
      if (!isObjection(error)) throw error;
      await this.#client.query('ROLLBACK TO edp_try; RELEASE edp_try');
      if (to - from === 1) {
        if (error instanceof DatabaseError) suspicion.note(error);
        else suspicion.pass();
        await this.#addVerdict(ordinalOf(from), toFault(error));
        return;
      }
    }
    const middle = (from + to) >>> 1;
    await this.#isolate(from, middle, suspicion, ordinalOf, attempt);
    await this.#isolate(middle, to, suspicion, ordinalOf, attempt);
  }

  async #addVerdict(ordinal: number, { code, reason, column }: Fault): Promise<void> {
    await this.#client.query(`INSERT INTO ${VERDICTS} VALUES ($1, $2, $3, $4)`, [
      ordinal,
      code,
      reason,
      column ?? null,
    ]);
    // What was left out may still do something elsewhere, and is tried once more in the end.
    if (code === LEFT_OUT) {
      this.#hasLeftOut = true;
      return;
    }
    await this.#client.query(`DELETE FROM ${STAGE} WHERE ${ORDINAL_SQL} = $1`, [ordinal]);
  }

  /**
   * Moves the staged rows into the target.
   *
   * @returns the verdict of every record that this split did not insert
   */
  async merge(): Promise<ReadonlyMap<number, Verdict>> {
    this.#inferred = {};
    await this.#client.query(`ANALYZE ${STAGE}`);
    const { target } = this.#options;
    const { oid } = target;
    await this.#makePlaces();
    if (target.mayLock) await lockAgainstChecks(this.#client, target);
    this.#fate = await inspectTriggers(this.#client, this.#options.target);
    const foreignKeys = await listForeignKeys(this.#client, oid);
    const brought = foreignKeys.filter((key) =>
      this.#options.columns.some(({ name }) => name === key.column),
    );
    const own = brought.filter(({ isOwn }) => isOwn);
    for (const key of brought) if (!own.includes(key)) await this.#settleReferences(key);
    await failpoint('stage.references', this.#client);
    for (const copy of this.#options.copies ?? []) await fillCopied(this.#client, copy, STAGE);
    const { refersToItself, looksAtRows } = this.#options.target;
    const inferred =
      refersToItself || looksAtRows || own.length > 0
        ? await this.#moveInOrder(own)
        : await this.#moveTogether(foreignKeys, brought);
    await this.#repeatLeftOut();
    await this.#noteArrivals(inferred);
    if (this.#options.target.isSnapshot) await noteSeen(this.#client, this.#options);
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

  /** Makes the partitions that the staged rows need, before the transaction locks anything of the table. */
  async #makePlaces(): Promise<void> {
    const { target, columns, onConflict } = this.#options;
    const { partitions } = target;
    if (partitions === undefined) return;
    const names = columns.map(({ name }) => name);
    // A row that is replaced may change its partition where a side table keeps the key.
    const mayMove = CONFLICT_RULES[onConflict].replacesRow && target.hasGuardedKey;
    const missing = await listMissing(this.#client, target, partitions, {
      stage: STAGE,
      columns: names,
      replaces: mayMove ? isSameKey(this.#options) : undefined,
    });
    if (missing.length > 0) {
      await (this.#options.makePartitions?.(missing) ??
        makePartitions(this.#client, target, partitions, missing));
      await failpoint('stage.partitions', this.#client);
    }
    const nearby = await describeNearby(this.#client, target, names);
    this.#options = { ...this.#options, ...(nearby === undefined ? {} : { nearby }) };
  }

  /**
   * Moves rows that do not depend on each other, but for their keys.
   *
   * @param brought the foreign keys with columns that are staged
   * @returns the columns with inferred members that may have got values
   */
  async #moveTogether(
    foreignKeys: readonly ForeignKey[],
    brought: readonly ForeignKey[],
  ): Promise<readonly string[]> {
    let hasLocked = false;
    let inferred: readonly string[];
    for (let look = 1; ; look++) {
      // Another run may have inferred a member meanwhile.
      inferred = await this.#inferredColumns();
      const skipsTriggers = await this.#maySkipTriggers(foreignKeys, inferred);
      if (skipsTriggers && !hasLocked) {
        for (const key of brought) await this.#lockReferredRows(key);
        hasLocked = true;
      }
      await this.#client.query('SAVEPOINT edp_merge');
      try {
        // The checks of the per-row triggers are already done.
        if (skipsTriggers) await skipTriggers(this.#client);
        const completed = await this.#completeInferred(inferred, 'true');
        const written = await this.#settleAndInsert('true');
        this.#noteChanged(written, completed);
        if (skipsTriggers) await runTriggers(this.#client);
        await this.#checkDeferred();
        await failpoint('stage.inserted', this.#client);
        await this.#client.query('RELEASE edp_merge');
        break;
      } catch (error) {
        if (!isObjection(error)) throw error;
        await this.#client.query('ROLLBACK TO edp_merge; RELEASE edp_merge');
        const { code } = error as { code?: string };
        if (code === '23505' && look <= MAX_SECOND_LOOKS) continue;
        await failpoint('stage.blame', this.#client);
        await this.#blame(inferred);
        break;
      }
    }
    return inferred;
  }

  /**
   * Moves rows that may refer to each other.
   *
   * @param ownKeys foreign keys by which they do
   * @returns as {@link #moveTogether}
   */
  async #moveInOrder(ownKeys: readonly ForeignKey[]): Promise<readonly string[]> {
    await this.#client.query(INDEX_ORDINALS);
    const referred = ownKeys.map(({ referredColumn }) => referredColumn);
    const isInferring = this.#options.missingDimensions === 'infer';
    const own = this.#options.columns.filter(({ name }) => isInferring && referred.includes(name));
    const inferred = new Set([...(await this.#inferredColumns()), ...own.map(({ name }) => name)]);
    const staging = this.#options;
    const parents = parentsOf(await listOwnReferences(this.#client, staging.target.oid), staging);
    const { inferred: added = {}, ...changed } = await moveInOrder(
      this.#client,
      { staging, ownKeys, parents, inferred: [...inferred] },
      {
        refuse: (ordinal, error) => this.#addVerdict(ordinal, toServerFault(error)),
        insertAlone: (ordinal, suspicion) => this.#insertAlone(ordinal, suspicion),
        checkDeferred: () => this.#checkDeferred(),
      },
    );
    this.#changed = changed;
    for (const [table, rows] of Object.entries(added)) this.#noteInferred(table, rows);
    await failpoint('stage.inserted', this.#client);
    return [...inferred];
  }

  async #insertAlone(ordinal: number, suspicion: Suspicion): Promise<number> {
    let inserted = 0;
    await this.#isolate(
      0,
      1,
      suspicion,
      () => ordinal,
      async () => {
        inserted = await this.#insert(`${open('s')} AND s.${ORDINAL_SQL} = ${ordinal}`);
        return inserted;
      },
    );
    return inserted;
  }

  /**
   * Whether edp has made the checks of all triggers that the rows would set off. Rows that are
   * replaced, and members that arrive late, are updated.
   */
  async #maySkipTriggers(
    foreignKeys: readonly ForeignKey[],
    inferred: readonly string[],
  ): Promise<boolean> {
    const { target, columns, onConflict } = this.#options;
    if (!target.checksForeignKeys) return false;
    const updates = CONFLICT_RULES[onConflict].replacesRow || inferred.length > 0;
    return mayReplaceChecks(this.#client, target.oid, {
      events: updates ? INSERTS | UPDATES : INSERTS,
      foreignKeys: lockable(foreignKeys),
      columns: columns.map(({ name }) => name),
      unchanged: inferred.length === 0 ? target.key : [],
    });
  }

  async #settleReferences(key: ForeignKey): Promise<void> {
    const column = `s.${quoteIdentifier(key.column)}`;
    const missing = `FROM ${STAGE} s WHERE ${column} IS NOT NULL
      AND NOT EXISTS (SELECT FROM ${key.referredRows} d WHERE ${refersTo([key.pair], 's', 'd')})
      AND ${open('s')}`;
    if (this.#options.missingDimensions === 'infer') await this.#inferMembers(key, missing);
    // A trigger may give the row another reference, or add what it refers to.
    if (this.#fate.mayChange || this.#options.target.looksAtRows) return;
    await this.#client.query(
      `INSERT INTO ${VERDICTS}
       SELECT ${ORDINAL_SQL}, 'missing_dimension',
              format('%s is not in ${key.referredTable.replaceAll("'", "''").replaceAll('%', '%%')}', ${column}),
              ${quoteLiteral(key.column)}
       ${missing}`,
    );
  }

  /**
   * Adds the missing members, and records them. A member that the server refuses stays missing.
   *
   * @param missing the records concerned: `FROM … s WHERE …`
   */
  async #inferMembers(key: ForeignKey, missing: string): Promise<void> {
    const { rows } = await this.#client.query<{ ordinal: number }>(
      `SELECT ${ORDINAL_SQL} AS ordinal ${missing} ORDER BY 1`,
    );
    const infer = (from: number, to: number) => {
      const condition = `s.${ORDINAL_SQL} BETWEEN ${rows[from]!.ordinal} AND ${rows[to - 1]!.ordinal}`;
      const { loadId } = this.#options;
      return this.#client.query(inference(key, `${missing} AND ${condition}`, loadId));
    };
    let inferred = 0;
    const tryRange = async (from: number, to: number): Promise<void> => {
      if (from === to) return;
      await this.#client.query('SAVEPOINT edp_infer');
      try {
        inferred += (await infer(from, to)).rowCount ?? 0;
        await this.#client.query('RELEASE edp_infer');
        return;
      } catch (error) {
        if (!mayBeAboutRecord(error)) throw error;
        const { code } = error;
        await this.#client.query('ROLLBACK TO edp_infer; RELEASE edp_infer');
        // If another column requires a value, no member can be added.
        if (to - from === 1 || code === '23502') return;
      }
      const middle = (from + to) >>> 1;
      await tryRange(from, middle);
      await tryRange(middle, to);
    };
    await tryRange(0, rows.length);
    if (inferred === 0) return;
    const { loadId } = this.#options;
    await recordInferred(this.#client, key.referredTable, inferred, loadId);
    this.#noteInferred(key.referredTable, inferred);
  }

  #noteInferred(table: string, rows: number): void {
    this.#inferred[table] = (this.#inferred[table] ?? 0) + rows;
  }

  /** Locks referred rows, so that no one can delete them before this transaction has committed. */
  async #lockReferredRows(key: ForeignKey): Promise<void> {
    const referring = `${STAGE} s WHERE s.${quoteIdentifier(key.column)} IS NOT NULL AND ${open('s')}`;
    const isReferred = refersTo([key.pair], 's', 'd');
    await this.#client.query(
      `SELECT FROM ${key.referredRows} d
       WHERE EXISTS (SELECT FROM ${referring} AND ${isReferred}) FOR KEY SHARE OF d`,
    );
    const { rows } = await this.#client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ${referring}
         AND NOT EXISTS (SELECT FROM ${key.referredRows} d WHERE ${isReferred})) AS found`,
    );
    if (rows[0]!.found) {
      // Deleted after the check: handled like any concurrent change.
      throw Object.assign(new Error(`${key.referredTable} changed meanwhile`), { code: '40001' });
    }
  }

  /** Columns of the target with values of inferred members that no file has loaded yet. */
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
   * The late-arriving dimension: a member that a fact referred to before gets the values of its
   * first record, independent of `--on-conflict`, because there are no other values yet.
   *
   * @param condition on the staged records `s`
   * @returns how many members got values
   */
  async #completeInferred(inferred: readonly string[], condition: string): Promise<number> {
    let completed = 0;
    for (const name of inferred) {
      const { rowCount } = await this.#client.query(
        completion(this.#options, name, `${open('s')} AND ${condition}`),
      );
      completed += rowCount ?? 0;
    }
    return completed;
  }

  /** Marks members that this split loaded as no longer inferred. */
  async #noteArrivals(inferred: readonly string[]): Promise<void> {
    for (const name of inferred) {
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

  /**
   * Gives verdicts to records whose key is taken, and puts the others into the table. Where triggers or
   * rules may change what is stored, a record is compared with the row that an earlier one became.
   *
   * @param condition on the staged rows `s`
   * @throws RowsLeftOut where the server takes fewer rows than it gets
   */
  async #settleAndInsert(condition: string): Promise<ChangedRows> {
    const runs =
      this.#fate.counting === 'none'
        ? [condition]
        : await cutRuns(this.#client, this.#options, `${open('s')} AND ${condition}`);
    let inserted = 0;
    let updated = 0;
    for (const run of runs) {
      await settleKeys(this.#client, this.#options, run);
      await failpoint('stage.keys', this.#client);
      const replaced = await countReplaced(this.#client, this.#options, run);
      const written = await this.#insert(`${open('s')} AND ${run}`);
      const replacing = Math.min(written, replaced.existing + replaced.repeated);
      inserted += written - replacing;
      updated += replacing;
    }
    return { inserted, updated };
  }

  /**
   * @param condition on the staged rows `s`
   * @returns how many rows it inserted or updated
   * @throws RowsLeftOut where these are fewer than the server got
   */
  async #insert(condition: string): Promise<number> {
    const { replacesRow } = CONFLICT_RULES[this.#options.onConflict];
    const runs = replacesRow ? await cutRuns(this.#client, this.#options, condition) : [condition];
    let inserted = 0;
    for (const run of runs) {
      const tried = await this.#countStaged(run);
      if ((await this.#countInserted(run, tried)) !== tried) throw new RowsLeftOut();
      inserted += tried;
    }
    return inserted;
  }

  async #countStaged(condition: string): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      `SELECT count(*) FROM ${STAGE} s WHERE ${condition}`,
    );
    return rows[0]!.count;
  }

  /** @returns how many rows the statement put into the table, as it says or somewhere below it */
  async #countInserted(condition: string, expected: number): Promise<number> {
    const { target, onConflict } = this.#options;
    const { replacesRow } = CONFLICT_RULES[onConflict];
    const count = () => countOwnRows(this.#client, target, this.#fate.counting, replacesRow);
    const before = await count();
    let rowCount = 0;
    for (const statement of insertStatements(this.#options, condition)) {
      rowCount += (await this.#client.query(statement)).rowCount ?? 0;
    }
    if (rowCount === expected || this.#fate.counting === 'none') return rowCount;
    return (await count()) - before;
  }

  /**
   * Lets what was left out do what it does elsewhere: its trigger may have put it into a table for
   * such rows. Nothing of it must come into the table.
   */
  async #repeatLeftOut(): Promise<void> {
    if (!this.#hasLeftOut || CONFLICT_RULES[this.#options.onConflict].replacesRow) return;
    const isLeftOut = `EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = s.${ORDINAL_SQL} AND v.code = '${LEFT_OUT}')`;
    if ((await this.#countStaged(isLeftOut)) === 0) return;
    await this.#client.query('SAVEPOINT edp_repeat');
    try {
      if ((await this.#countInserted(isLeftOut, 0)) !== 0) throw new RowsLeftOut();
      await this.#checkDeferred();
      await this.#client.query('RELEASE edp_repeat');
    } catch (error) {
      if (!isObjection(error)) throw error;
      await this.#client.query('ROLLBACK TO edp_repeat; RELEASE edp_repeat');
    }
  }

  /**
   * Inserts the records in their order, and gives verdicts to those that the server refuses. Whether the
   * key of a record is taken is decided when all records before it are in the table or refused.
   */
  async #blame(inferred: readonly string[]): Promise<void> {
    await this.#client.query(INDEX_ORDINALS);
    const { rows } = await this.#client.query<{ ordinal: number }>(
      `SELECT ${ORDINAL_SQL} AS ordinal FROM ${STAGE} s WHERE ${open('s')} ORDER BY 1`,
    );
    const ordinals = rows.map(({ ordinal }) => ordinal);
    const ordinalOf = (index: number) => ordinals[index]!;
    const between = (from: number, to: number) =>
      `s.${ORDINAL_SQL} BETWEEN ${ordinals[from]} AND ${ordinals[to - 1]}`;
    let completed = 0;
    if (inferred.length > 0) {
      const completing = new Suspicion();
      await this.#isolate(0, ordinals.length, completing, ordinalOf, async (from, to) => {
        const count = await this.#completeInferred(inferred, between(from, to));
        completed += count;
        return count;
      });
      completing.conclude();
    }
    const written = { inserted: 0, updated: 0 };
    const suspicion = new Suspicion();
    await this.#isolate(0, ordinals.length, suspicion, ordinalOf, async (from, to) => {
      const { inserted, updated } = await this.#settleAndInsert(between(from, to));
      await this.#checkDeferred();
      written.inserted += inserted;
      written.updated += updated;
      return inserted + updated;
    });
    suspicion.conclude();
    this.#noteChanged(written, completed);
  }
}

/** Whether an error may be about single records, which can be found. */
function isObjection(error: unknown): error is DatabaseError | RowsLeftOut {
  return error instanceof RowsLeftOut || mayBeAboutRecord(error);
}

function toFault(error: DatabaseError | RowsLeftOut): Fault {
  return error instanceof DatabaseError ? toServerFault(error) : LEFT_OUT_FAULT;
}

const LEFT_OUT_FAULT = new Fault(
  LEFT_OUT,
  'the server took the record and inserted no row: a trigger or a rule of the table left it out',
);

/** Converts the server's error for one row to a reject. */
function toServerFault(error: DatabaseError): Fault {
  const reason = error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
  const column = error.column ?? error.constraint;
  switch (error.code) {
    case '23502':
      return new Fault('null_value', reason, column);
    case '23503':
      return new Fault(
        'missing_dimension',
        reason,
        REFERRING.exec(error.detail ?? '')?.[1] ?? column,
      );
    case '23505':
      return new Fault('conflict', reason, column);
    case '22003':
      return new Fault('out_of_range', reason, column);
    default:
      return new Fault('refused_by_server', reason, column);
  }
}
