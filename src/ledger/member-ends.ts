/**
 * Where each file of a table holds all members: those that a load lacks have ended. The end is a row of that load, with the
 * values of the last version and a mark, so that whoever reads versions in their order meets it, and an undo takes it back.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteColumns, quoteIdentifier } from '../model/ddl.js';
import { ENDED_COLUMN, OFFSET_COLUMN } from '../model/kept-versions.js';
import type { Table } from '../model/model.js';
import { recordChanges } from './changes.js';

/** A table whose files hold all members. */
export interface SnapshotTable {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly name: string;
  readonly key: readonly string[];
  readonly lineageColumn: string;
}

/** @returns undefined where its files do not hold all members */
export function snapshotOf(
  { key, lineageColumn, snapshot }: Table,
  { oid, table: name }: { readonly oid: number; readonly table: string },
): SnapshotTable | undefined {
  if (snapshot === undefined || lineageColumn === undefined) return undefined;
  return { oid, name, key, lineageColumn };
}

export type MemberEnds =
  /** @param ended members that are not in the load, and were before it */
  | { readonly kind: 'written'; readonly ended: number }
  /** Rejects may be the records of members that seem to be gone. */
  | { readonly kind: 'has_rejects'; readonly rejects: number }
  /** Done before, or the load belongs to another run now. */
  | { readonly kind: 'settled' };

const OFFSET = quoteIdentifier(OFFSET_COLUMN);
const ENDED = quoteIdentifier(ENDED_COLUMN);

/**
 * Adds a row for each member that has ended, once the whole file is in the table; in the caller's transaction.
 *
 * @param mayEndAll whether a file without records ends all members
 * @throws EdpError `empty_snapshot`
 */
export async function writeMemberEnds(
  client: pg.Client,
  table: SnapshotTable,
  load: { readonly loadId: number; readonly attempt: number },
  mayEndAll: boolean,
): Promise<MemberEnds> {
  const { loadId, attempt } = load;
  // One of two loads that end at once sees all rows of the other.
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `edp member ends ${table.oid}`,
  ]);
  const { rows } = await client.query<{ read: number; rejected: number; end: number }>(
    `SELECT rows_read AS read, rows_rejected AS rejected,
            coalesce((SELECT max(end_byte) FROM edp.receipts r WHERE r.load_id = l.load_id), 0) AS "end"
     FROM edp.loads l WHERE load_id = $1 AND attempt = $2 AND rows_ended IS NULL FOR UPDATE`,
    [loadId, attempt],
  );
  const found = rows[0];
  if (found === undefined) return { kind: 'settled' };
  await endInNextLoad(client, table, loadId);
  if (found.rejected > 0) return { kind: 'has_rejects', rejects: found.rejected };
  const ended = await insertEnds(client, table, loadId, found.end);
  if (found.read === 0 && ended > 0 && !mayEndAll) throw emptySnapshot(table.name, ended);
  await client.query('UPDATE edp.loads SET rows_ended = $2 WHERE load_id = $1', [loadId, ended]);
  await client.query(
    `DELETE FROM edp.seen_versions m USING edp.loads l
     WHERE l.load_id = m.load_id AND (l.load_id = $1 OR l.state = 'undone')`,
    [loadId],
  );
  if (ended > 0) {
    await recordChanges(client, [{ relation: table.name, kind: 'inserted', rows: ended, loadId }]);
  }
  return { kind: 'written', ended };
}

/**
 * Where a later load was complete before this one, members that this one brought and that the later one lacks have ended with that. A
 * member that it has is a row of its own there: while this load went on, none was taken for a duplicate of one before it.
 */
async function endInNextLoad(
  client: pg.Client,
  table: SnapshotTable,
  loadId: number,
): Promise<void> {
  // Nothing comes behind a dry run.
  const next = loadId > 0 ? await nextComplete(client, loadId) : undefined;
  if (next === undefined) return;
  const rows = await insertEnds(client, table, next.loadId, next.end, loadId);
  if (rows === 0) return;
  await addEnded(client, next.loadId, rows);
  const { name: relation } = table;
  await recordChanges(client, [{ relation, kind: 'inserted', rows, loadId: next.loadId }]);
}

/** The next load that holds all members of its table. */
async function nextComplete(
  client: pg.Client,
  loadId: number,
): Promise<{ readonly loadId: number; readonly end: number } | undefined> {
  const { rows } = await client.query<{ loadId: number; end: number }>(
    `SELECT l.load_id AS "loadId", coalesce((SELECT max(end_byte) FROM edp.receipts r WHERE r.load_id = l.load_id), 0) AS "end"
     FROM edp.loads own JOIN edp.loads l USING (schema_name, table_name)
     WHERE own.load_id = $1 AND l.load_id > $1 AND l.rows_ended IS NOT NULL AND l.state = 'loaded' AND l.gone_at IS NULL
     ORDER BY l.load_id LIMIT 1 FOR UPDATE OF l`,
    [loadId],
  );
  return rows[0];
}

async function addEnded(client: pg.Client, loadId: number, rows: number): Promise<void> {
  await client.query('UPDATE edp.loads SET rows_ended = rows_ended + $2 WHERE load_id = $1', [
    loadId,
    rows,
  ]);
}

/** @param broughtBy only members whose last version this load brought */
async function insertEnds(
  client: pg.Client,
  { oid, name, key, lineageColumn }: SnapshotTable,
  loadId: number,
  end: number,
  broughtBy?: number,
): Promise<number> {
  const load = quoteIdentifier(lineageColumn);
  const keys = quoteColumns(key);
  const { rows: copied } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
     WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
       AND attname <> ALL ($2) ORDER BY attnum`,
    [oid, [lineageColumn, OFFSET_COLUMN, ENDED_COLUMN]],
  );
  const columns = quoteColumns(copied.map((column) => column.name));
  // Loads of a dry run have numbers below zero, and come behind all others.
  const isNotLater = loadId > 0 ? `${load} <= ${loadId}` : `${load} >= ${loadId}`;
  const order =
    loadId > 0 ? `${load} DESC, ${OFFSET} DESC` : `${load} > 0, abs(${load}) DESC, ${OFFSET} DESC`;
  const { rowCount } = await client.query(
    `WITH seen AS MATERIALIZED (
       SELECT DISTINCT ${key.map((column) => `r.${quoteIdentifier(column)}`).join(', ')}
       FROM edp.seen_versions m JOIN ${name} r ON r.${load} = m.version_load AND r.${OFFSET} = m.version_offset
       WHERE m.load_id = $1)
     INSERT INTO ${name} (${columns}, ${load}, ${OFFSET}, ${ENDED})
     SELECT ${columns}, $1, $2, true
     FROM (SELECT DISTINCT ON (${keys}) * FROM ${name} WHERE ${isNotLater} ORDER BY ${keys}, ${order}) v
     WHERE v.${load} <> $1 AND NOT v.${ENDED} AND ($3::bigint IS NULL OR v.${load} = $3)
       AND NOT EXISTS (SELECT FROM seen WHERE ${isSameKey(key, 'seen', 'v')})`,
    [loadId, end, broughtBy ?? null],
  );
  return rowCount ?? 0;
}

function isSameKey(key: readonly string[], left: string, right: string): string {
  return key
    .map(quoteIdentifier)
    .map((column) => `${left}.${column} = ${right}.${column}`)
    .join(' AND ');
}

function emptySnapshot(table: string, members: number): EdpError {
  return new EdpError(
    'empty_snapshot',
    `it has no records, so all ${members} members of ${table} would have ended`,
    { hint: 'where that is so, load it with --force' },
  );
}

/**
 * Before a load is undone: its ends go to the next load that holds all members, where that lacks the member, too.
 * The others are removed.
 */
export async function passOnMemberEnds(
  client: pg.Client,
  { name, key, lineageColumn }: SnapshotTable,
  loadId: number,
): Promise<void> {
  const load = quoteIdentifier(lineageColumn);
  await client.query('DELETE FROM edp.seen_versions WHERE load_id = $1', [loadId]);
  await client.query('UPDATE edp.loads SET rows_ended = NULL WHERE load_id = $1', [loadId]);
  const next = await nextComplete(client, loadId);
  const hasNext =
    next === undefined
      ? 'true'
      : `EXISTS (SELECT FROM ${name} n WHERE n.${load} = ${next.loadId} AND ${isSameKey(key, 'n', 't')})`;
  const removed = await client.query(
    `DELETE FROM ${name} t WHERE t.${load} = $1 AND t.${ENDED} AND ${hasNext}`,
    [loadId],
  );
  const relation = name;
  if ((removed.rowCount ?? 0) > 0) {
    await recordChanges(client, [{ relation, kind: 'deleted', rows: removed.rowCount!, loadId }]);
  }
  if (next === undefined) return;
  const moved = await client.query(
    `UPDATE ${name} t SET ${load} = $2, ${OFFSET} = $3 WHERE t.${load} = $1 AND t.${ENDED}`,
    [loadId, next.loadId, next.end],
  );
  const rowsMoved = moved.rowCount ?? 0;
  if (rowsMoved === 0) return;
  await addEnded(client, next.loadId, rowsMoved);
  await recordChanges(client, [
    { relation, kind: 'deleted', rows: rowsMoved, loadId },
    { relation, kind: 'inserted', rows: rowsMoved, loadId: next.loadId },
  ]);
}

/** Whether a load came after this one: what it repeats of earlier versions is not known any more. */
export async function hasLaterLoad(client: pg.Client, loadId: number): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM edp.loads own JOIN edp.loads l USING (schema_name, table_name)
       WHERE own.load_id = $1 AND l.load_id > $1 AND l.state <> 'undone' AND l.gone_at IS NULL) AS found`,
    [loadId],
  );
  return rows[0]!.found;
}
