/**
 * Shows with which models runs are loading: each run holds a shared advisory lock per table until
 * its session ends; the lock's two numbers stand for the table and the model. So `edp promote`
 * knows whether a run still keeps a metric beside the row that has a column by now.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { hashTable } from '../model/hash.js';
import { CONFLICT_RULES, type OnConflict } from '../model/load-rules.js';
import type { Table } from '../model/model.js';
import { formatTableName, type TablePlace } from '../model/table-name.js';

/** Set in the model's number where the run replaces rows. */
const REPLACES_BIT = 1;

function tableNumber(place: TablePlace): number {
  const name = formatTableName(place);
  return createHash('sha256').update(`edp model ${name}`).digest().readInt32BE(0);
}

function modelNumber(table: Table): number {
  return Buffer.from(hashTable(table), 'hex').readInt32BE(0) & ~REPLACES_BIT;
}

/** @param client the session that will hold the lock, until it ends */
export async function holdModel(
  client: pg.Client,
  place: TablePlace,
  table: Table,
  onConflict: OnConflict,
): Promise<void> {
  const model = modelNumber(table) | (CONFLICT_RULES[onConflict].replacesRow ? REPLACES_BIT : 0);
  await client.query('SELECT pg_advisory_lock_shared($1::int, $2::int)', [
    tableNumber(place),
    model,
  ]);
}

export interface OtherRuns {
  readonly count: number;
  /** Whether one of them replaces rows. */
  readonly doReplace: boolean;
}

/** Finds runs that load the table with another model. */
export async function findOtherRuns(
  client: pg.Client,
  place: TablePlace,
  table: Table,
): Promise<OtherRuns> {
  const { rows } = await client.query<{ model: number }>(
    // pg_locks shows both numbers as oids, which have no sign.
    `SELECT (objid::bigint & 4294967295) AS model FROM pg_locks
     WHERE locktype = 'advisory' AND objsubid = 2 AND mode = 'ShareLock'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid::bigint = $1`,
    [tableNumber(place) >>> 0],
  );
  const own = modelNumber(table) >>> 0;
  const others = rows.filter(({ model }) => (model & ~REPLACES_BIT) >>> 0 !== own);
  return {
    count: others.length,
    doReplace: others.some(({ model }) => (model & REPLACES_BIT) !== 0),
  };
}
