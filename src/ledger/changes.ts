/**
 * The log of changes: every transaction that changes a table that edp keeps enters the change in
 * `edp.changes`, within that same transaction.
 *
 * A reader keeps the point at which it read ({@link readPoint}). It is stale exactly if a change of
 * what it read was not visible then ({@link isStale}). Neither times nor numbers of loads can tell:
 * loads commit in many transactions, out of order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';

export const CHANGE_KINDS = ['inserted', 'updated', 'deleted', 'definition'] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

/**
 * Values of the changed rows before and after the change, by column, as PostgreSQL prints them; null
 * where there are too many to list. Columns that nobody reads are left out.
 */
export type ChangedValues = Readonly<Record<string, readonly string[] | null>>;

/** More values than these are not listed: who reads them compares everything. */
export const MOST_LISTED = 10_000;

export interface Change {
  /** As `format('%I.%I', schema, name)` gives it. */
  readonly relation: string;
  readonly kind: ChangeKind;
  /** Number of rows; undefined for a definition. */
  readonly rows?: number;
  /** The load that the rows came with, or go with. */
  readonly loadId?: number;
  readonly dates?: ChangedValues;
  readonly keys?: ChangedValues;
}

/** All entries of a transaction are seen together, so one of them lists the keys. */
export function withoutKeys(keys: ChangedValues): ChangedValues {
  return Object.fromEntries(Object.keys(keys).map((name) => [name, keys[name] && []]));
}

/** Numbers of rows that a statement changed. */
export interface ChangedRows {
  readonly inserted: number;
  readonly updated: number;
  /** Members that records referred to before they came: table → rows inserted. Those of other tables, mostly. */
  readonly inferred?: Readonly<Record<string, number>>;
}

/** Changes of rows as entries; none where no row changed. */
export function changesOf(relation: string, loadId: number, rows: ChangedRows): Change[] {
  return (['inserted', 'updated'] as const).flatMap((kind) =>
    rows[kind] > 0 ? [{ relation, kind, rows: rows[kind], loadId }] : [],
  );
}

/** `INSERT` of changes, with the parameters of {@link toChangeRows} from this number on. */
export function insertChangesSql(first: number): string {
  const types = ['text[]', 'text[]', 'bigint[]', 'bigint[]', 'jsonb[]', 'jsonb[]'];
  const parameters = types.map((type, i) => `$${first + i}::${type}`).join(', ');
  return `INSERT INTO edp.changes (relation, kind, load_id, rows, dates, keys)
    SELECT * FROM unnest(${parameters})`;
}

export function toChangeRows(changes: readonly Change[]): unknown[][] {
  const toJson = (values: ChangedValues | undefined) =>
    values === undefined ? null : JSON.stringify(values);
  return [
    changes.map(({ relation }) => relation),
    changes.map(({ kind }) => kind),
    changes.map(({ loadId }) => loadId ?? null),
    changes.map(({ rows }) => rows ?? null),
    changes.map(({ dates }) => toJson(dates)),
    changes.map(({ keys }) => toJson(keys)),
  ];
}

/**
 * Enters changes, in the transaction that makes them. Receipts enter those of a load themselves.
 */
export async function recordChanges(client: pg.Client, changes: readonly Change[]): Promise<void> {
  // Loads of a dry run have numbers below zero. They are rolled back, and must not move a sequence.
  const kept = changes.filter(({ loadId = 0 }) => loadId >= 0);
  if (kept.length === 0) return;
  await client.query(insertChangesSql(1), toChangeRows(kept));
}

/**
 * Enters members that a load inferred. They have no load themselves: who looked for rows of the load would not find
 * them.
 */
export async function recordInferred(
  client: pg.Client,
  relation: string,
  rows: number,
  loadId: number,
): Promise<void> {
  if (loadId < 0) return;
  await recordChanges(client, [{ relation, kind: 'inserted', rows }]);
}

/**
 * Enters that a table was created or altered, in the transaction that does it.
 *
 * @param name of the table, as in SQL: quoted, qualified unless the search path has it
 */
export async function recordDefinition(client: pg.Client, name: string): Promise<void> {
  await client.query(
    `INSERT INTO edp.changes (relation, kind)
     SELECT format('%I.%I', n.nspname, c.relname), 'definition'
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass`,
    [name],
  );
}

/** What a reader keeps of the moment at which it read. Plain data. */
export interface ReadPoint {
  /** The database, and the history of its transactions, in which the snapshot means something. */
  readonly history: string;
  /** A `pg_snapshot`. */
  readonly snapshot: string;
  /** Position of the server's log behind all that the reader can have seen. */
  readonly wal: string;
  /** A run whose changes the reader knows, too: it put the reader's own tables where they are. */
  readonly knownRun?: number | null;
}

/**
 * A dump that was restored, a promoted standby and a ledger that was made anew have another history. The
 * system identifier survives pg_basebackup, so the timeline counts, too.
 */
export const HISTORY_SQL = `concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
  left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
  (SELECT oid FROM pg_database WHERE datname = current_database()), 'edp.changes'::regclass::oid)`;

/**
 * The point of the transaction that runs. The transaction must be REPEATABLE READ: below that, each
 * statement reads at a point of its own.
 */
export async function readPoint(client: pg.Client): Promise<ReadPoint> {
  const { rows } = await client.query<ReadPoint & { isolation: string }>(
    `SELECT ${HISTORY_SQL} AS history, pg_current_snapshot()::text AS snapshot,
       pg_current_wal_insert_lsn()::text AS wal, current_setting('transaction_isolation') AS isolation`,
  );
  const { isolation, ...point } = rows[0]!;
  if (isolation === 'read committed' || isolation === 'read uncommitted') {
    throw new TypeError(`a point of reading needs REPEATABLE READ, not ${isolation}`);
  }
  return point;
}

/** `names`: of the relations of $1, their partitions and children, and their parents. */
const FAMILY_NAMES = `read AS (SELECT to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS name),
     below AS (SELECT oid FROM read UNION
               SELECT inhrelid FROM pg_inherits JOIN below ON inhparent = below.oid),
     above AS (SELECT oid FROM read UNION
               SELECT inhparent FROM pg_inherits JOIN above ON inhrelid = above.oid),
     names AS (SELECT format('%I.%I', n.nspname, c.relname) AS name
               FROM (SELECT oid FROM below UNION SELECT oid FROM above) AS family
               JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace)`;

/**
 * Whether any of the relations changed after the point, or may have. A change of a partition counts
 * for its parents, and the other way round.
 *
 * @param relations as in SQL; one that is not there (any more) is stale
 */
export async function isStale(
  client: pg.Client,
  relations: readonly string[],
  { history, snapshot }: ReadPoint,
): Promise<boolean> {
  const { rows } = await client.query<{ stale: boolean }>(
    `WITH RECURSIVE ${FAMILY_NAMES}
     SELECT $2 <> ${HISTORY_SQL} OR EXISTS (SELECT FROM read WHERE oid IS NULL) OR EXISTS (
       SELECT FROM edp.changes
       WHERE relation IN (SELECT name FROM names) AND xid >= pg_snapshot_xmin($3::pg_snapshot)
         AND NOT pg_visible_in_snapshot(xid, $3::pg_snapshot)) AS stale`,
    [relations, history, snapshot],
  );
  return rows[0]!.stale;
}

/** A change that a reader has not seen. */
export interface UnseenChange {
  readonly kind: ChangeKind;
  readonly loadId: number | null;
  readonly dates: ChangedValues | null;
  readonly keys: ChangedValues | null;
}

/**
 * What changed in a relation after a point of reading, each kind of change once.
 *
 * @param relation as in SQL
 * @returns undefined where that cannot be known: another history, or a relation that is not there
 */
export async function listUnseen(
  client: pg.Client,
  relation: string,
  { history, snapshot, knownRun }: ReadPoint,
): Promise<UnseenChange[] | undefined> {
  const { rows } = await client.query<{ isKnown: boolean; changes: UnseenChange[] | null }>(
    `WITH RECURSIVE ${FAMILY_NAMES}
     SELECT $2 = ${HISTORY_SQL} AND NOT EXISTS (SELECT FROM read WHERE oid IS NULL) AS "isKnown",
       (SELECT json_agg(DISTINCT jsonb_build_object('kind', kind, 'loadId', load_id, 'dates', dates, 'keys', keys))
        FROM edp.changes
        WHERE relation IN (SELECT name FROM names) AND xid >= pg_snapshot_xmin($3::pg_snapshot)
          AND NOT pg_visible_in_snapshot(xid, $3::pg_snapshot)
          AND ($4::bigint IS NULL OR run_id IS DISTINCT FROM $4)) AS changes`,
    [[relation], history, snapshot, knownRun ?? null],
  );
  const { isKnown, changes } = rows[0]!;
  return isKnown ? (changes ?? []) : undefined;
}

const FLUSH_POLL_MS = 20;
/** The server flushes by itself at least every few hundred milliseconds. */
const FLUSH_DEADLINE_MS = 30_000;

/**
 * Waits until all that a reader can have seen at the point is on the server's disk. Splits commit
 * without waiting for it, so a crash may take back what was read, and give its number to another
 * transaction. Who keeps the point in the same database need not call this: that commit waits.
 *
 * @throws EdpError `database_error`
 */
export async function waitUntilDurable(client: pg.Client, { wal }: ReadPoint): Promise<void> {
  for (const deadline = Date.now() + FLUSH_DEADLINE_MS; ; await sleep(FLUSH_POLL_MS)) {
    const { rows } = await client.query<{ flushed: boolean }>(
      'SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS flushed',
      [wal],
    );
    if (rows[0]!.flushed) return;
    if (Date.now() < deadline) continue;
    throw new EdpError('database_error', 'the server does not write its log to disk', {
      hint: 'look into the log of the server',
    });
  }
}
