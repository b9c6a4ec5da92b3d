/** Partitions of a table with rows by date: they are made before their first row comes. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import { daysWithPartitions } from '../../model/partition-schema.js';
import type { RangePartitions } from '../../model/partitions.js';
import {
  inspectTime,
  listMissing,
  makePartitions,
  makeRestPartition,
} from '../../postgres/partitions-in-catalog.js';
import type { Blueprint } from '../compile/blueprint.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { sharePartitions } from './partition-parts.js';

/** Who reads the rest partition waits at most this long behind a request for its lock. */
const LOCK_TIMEOUT_MS = 250;
/** Between two requests, so that those who wait have their turn. */
const PAUSE_SECONDS = 0.1;
const LOCK_NOT_AVAILABLE = '55P03';

type Divided = Pick<Blueprint, 'partitions' | 'slice' | 'relation'>;

/** @returns undefined for a table without partitions */
export function rangeOf({ partitions, slice }: Divided): RangePartitions | undefined {
  if (partitions === undefined) return undefined;
  const { every, ...given } = partitions;
  return { column: slice!.column, every, ...daysWithPartitions(given) };
}

/** Divides a table that has just been made, with all columns. @param table as in SQL */
export async function divide(
  client: pg.Client,
  range: RangePartitions,
  table: string,
): Promise<void> {
  await makeRestPartition(client, table, { range });
}

/**
 * Makes the partitions that rows need and that are not there, also those that somebody took out.
 *
 * @param rows with the column of slices, as in SQL
 */
export async function makePartitionsFor(
  client: pg.Client,
  blueprint: Divided,
  rows: string,
): Promise<void> {
  const range = rangeOf(blueprint);
  if (range === undefined) return;
  const table = quoteRelation(blueprint.relation);
  const { rows: found } = await client.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [
    table,
  ]);
  const target = { oid: found[0]!.oid, table };
  const type = blueprint.slice!.type === 'date' ? 'date' : 'timestamp';
  const { hasRest, ...partitions } = await inspectTime(client, target.oid, range, type);
  const staged = { stage: rows, columns: [range.column] };
  const missing = await listMissing(client, target, partitions, staged);
  if (missing.length === 0 && hasRest) return;
  await stepBack(client, async () => {
    if (!hasRest) await divide(client, range, table);
    const made = await makePartitions(client, target, partitions, missing);
    await sharePartitions(
      client,
      table,
      made.map(({ name }) => name),
    );
  });
}

const ANALYZE_ONLY_SINCE = 180_000;
/** Statistics of more values than these cost more where there are many partitions. */
const VALUES_OF_ALL = 400;
const [LEAST_VALUES, MOST_VALUES] = [10, 100];

/**
 * Autovacuum finds out about rows of partitions, and never about those of the whole table. Servers before 18 look at
 * all partitions for that, each as thoroughly as at the whole table; less of it is enough until autovacuum comes.
 */
export async function analyzeDivided(client: pg.Client, table: string): Promise<void> {
  const { rows } = await client.query<{ version: number; parts: number; target: string }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('default_statistics_target') AS target,
       (SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass) AS parts`,
    [table],
  );
  const { version, parts, target } = rows[0]!;
  if (version >= ANALYZE_ONLY_SINCE) {
    await client.query(`ANALYZE ONLY ${table}`);
    return;
  }
  const values = Math.min(MOST_VALUES, Math.max(LEAST_VALUES, Math.round(VALUES_OF_ALL / parts)));
  await client.query(`SET LOCAL default_statistics_target = ${values}`);
  await client.query(`ANALYZE ${table}`);
  await client.query(`SET LOCAL default_statistics_target = ${target}`);
}

/** @param from with the column of slices, as in SQL */
export function slicesIn({ slice }: Divided, from: string, where: string): string {
  const name = quoteIdentifier(slice!.column);
  return `(SELECT stage.${name} FROM ${from} WHERE ${where})`;
}

/**
 * To attach a partition is to lock the rest partition. Where a report reads that one, all who come behind the request
 * would wait for the report, too: so it is taken back soon, and made again.
 */
async function stepBack(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ before: string }>(
    `SELECT current_setting('lock_timeout') AS before`,
  );
  for (;;) {
    await client.query('SAVEPOINT edp_divide');
    try {
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await work();
      await client.query(`SET LOCAL lock_timeout = ${client.escapeLiteral(rows[0]!.before)}`);
      await client.query('RELEASE SAVEPOINT edp_divide');
      return;
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT edp_divide');
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      // On the server, where it can be cancelled.
      await client.query(`SELECT pg_sleep(${PAUSE_SECONDS})`);
    }
  }
}
