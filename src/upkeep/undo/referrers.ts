/**
 * Rows of other loads that refer to the rows of a load. While there are any, the load cannot be
 * undone: the server would refuse, or, worse, change or delete rows that another load brought.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { refersTo } from '../../postgres/column-pair.js';
import {
  listReferrers,
  mayReplaceReferrerChecks,
  type Referrer,
} from '../../postgres/referring-keys.js';
import { lockAgainstChecks, skipTriggers } from '../../postgres/replaced-checks.js';
import type { LineageTable } from './relations.js';

/** The rows to check: all of the load, or those of one stretch. */
export interface RowsToRemove {
  /** The relation that `t` stands for; quoted. */
  readonly from: string;
  /** A condition on `t`, with $1 for the load. */
  readonly condition: string;
  readonly values: readonly unknown[];
}

export function rowsOfLoad({ name, lineage }: LineageTable, loadId: number): RowsToRemove {
  return { from: name, condition: `t.${lineage} = $1`, values: [loadId] };
}

/** @throws EdpError `still_referenced` that names the referring rows */
export async function assertNotReferenced(
  client: pg.Client,
  { lineage }: LineageTable,
  referrers: readonly Referrer[],
  { from, condition, values }: RowsToRemove,
): Promise<void> {
  for (const { table, rows: referring, pairs, isOwn } of referrers) {
    const columns = pairs.map(({ column }) => column);
    const isSame = refersTo(pairs, 'r', 't');
    // Rows of the same load are removed together.
    const isOthers = isOwn ? `AND r.${lineage} IS DISTINCT FROM $1` : '';
    const shown = columns.map((name) => `r.${quoteIdentifier(name)}`).join(', ');
    const { rows } = await client.query<{ value: string }>(
      `SELECT concat_ws(', ', ${shown}) AS value
       FROM ${from} t JOIN ${referring} r ON ${isSame} ${isOthers} WHERE ${condition} LIMIT 1`,
      [...values],
    );
    if (rows[0] === undefined) continue;
    const loadId = Number(values[0]);
    throw stillReferenced(
      loadId,
      `rows of ${table} refer to rows of it, for one by ${columns.join(', ')} = ${rows[0].value}`,
    );
  }
}

/** What a transaction that removes rows has to check of those that refer to them. */
export interface ReferrersToSettle {
  readonly referrers: readonly Referrer[];
  /** Whether all checks are made here, so that the server's triggers are skipped. */
  readonly skips: boolean;
}

/** From here on, until the transaction ends, nobody adds a foreign key, or a trigger. */
export async function lookAtReferrers(
  client: pg.Client,
  { oid, name, checksReferrers }: LineageTable,
): Promise<ReferrersToSettle> {
  await lockAgainstChecks(client, { table: name });
  const all = await listReferrers(client, oid);
  const skips = checksReferrers && (await mayReplaceReferrerChecks(client, oid, all));
  // The server would not refuse to remove rows where a reference spreads.
  return { referrers: skips ? all : all.filter(({ spreads }) => spreads), skips };
}

/**
 * Does in one query what the triggers of foreign keys do for each row: locks the rows, so that no
 * row can begin to refer to them before the transaction ends, and checks which rows already do. Where the triggers
 * are skipped, they are from now on: the caller lets them fire again.
 */
export async function settleReferrers(
  client: pg.Client,
  table: LineageTable,
  { referrers, skips }: ReferrersToSettle,
  rows: RowsToRemove,
): Promise<void> {
  if (referrers.length === 0) return;
  await client.query(`SELECT FROM ${rows.from} t WHERE ${rows.condition} FOR UPDATE`, [
    ...rows.values,
  ]);
  await assertNotReferenced(client, table, referrers, rows);
  if (skips) await skipTriggers(client);
}

export function stillReferenced(loadId: number, what: string): EdpError {
  return new EdpError('still_referenced', `load ${loadId} cannot be undone: ${what}`, {
    hint: `first undo the loads that brought those rows (edp status lists them), or remove the rows; then edp undo ${loadId} again`,
  });
}
