/**
 * Which keys are to be folded: those of events that no fold has seen, of events that an undo took out of the log, and all
 * of a table whose declaration is another one than it was folded by.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { NO_KEY } from '../events/event-log.js';
import type { EventTable } from '../events/event-table.js';
import { listUnseen, type ReadPoint, readPoint } from '../ledger/changes.js';
import { MARKED, NEW_LOADS, TOUCHED } from './fold-sql.js';

/** The notes of undone loads that this fold settles. */
export const NOTED = '"edp realize: noted"';

export interface Touched {
  readonly point: ReadPoint;
  /** Tables with keys to fold: how many; for those of which all are, of how many events. */
  readonly keys: ReadonlyMap<string, number>;
  /** By table: the version whose names its events in the log have. */
  readonly versions: ReadonlyMap<string, number>;
  /** Tables with a truncate in the log. */
  readonly truncated: ReadonlySet<string>;
  readonly found: Found;
}

/** By what the keys are found. */
interface Found {
  readonly loads: readonly number[];
  /** Tables all of whose keys are folded. */
  readonly whole: ReadonlySet<string>;
}

interface Folded {
  readonly name: string;
  readonly definition: string;
  readonly version: number;
  readonly history: string;
  readonly snapshot: string;
}

/** The rule by which states become versions of a history; another one makes them anew. */
const VERSIONS_RULE = 'changes';

/** What a fold depends on: not what only reads or checks events, nor the order of columns. */
export function definitionOf({
  version,
  key,
  columns,
  softDelete,
  timestamps,
  hasHistory,
}: EventTable): string {
  const own = columns.map(({ name, type }) => [name, type]).sort();
  const versions = hasHistory && VERSIONS_RULE;
  const text = JSON.stringify({ version, key, softDelete, timestamps, versions, columns: own });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/**
 * Fills the temporary tables, in a transaction that must be REPEATABLE READ.
 *
 * @param log as in SQL
 */
export async function findTouched(
  client: pg.Client,
  log: string,
  tables: readonly EventTable[],
): Promise<Touched> {
  const point = await readPoint(client);
  const { rows: folded } = await client.query<Folded>(
    // Without a definition, nothing was folded yet: only the key is noted.
    `SELECT table_name AS name, definition, version, history, snapshot::text FROM edp.realized WHERE definition <> ''`,
  );
  const before = new Map(folded.map((one) => [one.name, one]));
  const isWhole = (table: EventTable) => before.get(table.name)?.definition !== definitionOf(table);
  const names = tables.map(({ name }) => name);
  const news = await listNewLoads(
    client,
    log,
    tables.flatMap(({ name }) => before.get(name) ?? []),
  );
  const anew = tables.filter((one) => news === undefined || isWhole(one)).map(({ name }) => name);
  const loads = news ?? [];
  const whole = new Set([...anew, ...(await listTruncated(client, log, loads))]);
  const found = { loads, whole };
  await fillTouched(client, log, names, found);
  // Of a table without any event there is nothing to fold.
  await client.query(
    `DELETE FROM edp.unfolded_keys u USING ${NOTED} n
     WHERE (u.table_name, u.key, u.load_id) = (n.table_name, n.key, n.load_id) AND u.table_name = ANY ($1)
       AND NOT EXISTS (SELECT FROM ${TOUCHED} t WHERE t.table_name = u.table_name)`,
    [names],
  );
  const { rows: counts } = await client.query<{ name: string; keys: number }>(
    `SELECT name, sum(keys)::int AS keys FROM (
       SELECT table_name AS name, count(*) AS keys FROM ${TOUCHED} GROUP BY 1
       UNION ALL SELECT table_name, count(*) FROM ${log} WHERE table_name = ANY ($1) AND key <> $2 GROUP BY 1) AS found
     GROUP BY 1`,
    [names.filter((name) => whole.has(name)), NO_KEY],
  );
  const { rows: truncated } = await client.query<{ name: string }>(
    `SELECT DISTINCT table_name AS name FROM ${log} WHERE key = $1 AND table_name = ANY ($2)`,
    [NO_KEY, counts.map(({ name }) => name)],
  );
  return {
    point,
    keys: new Map(counts.map(({ name, keys }) => [name, keys])),
    versions: new Map(folded.map(({ name, version }) => [name, version])),
    truncated: new Set(truncated.map(({ name }) => name)),
    found,
  };
}

/** @returns undefined where only all events can tell */
async function listNewLoads(
  client: pg.Client,
  log: string,
  folded: readonly Folded[],
): Promise<number[] | undefined> {
  const points = new Map(
    folded.map(({ history, snapshot }) => [`${history}\n${snapshot}`, { history, snapshot }]),
  );
  const loads = new Set<number>();
  for (const point of points.values()) {
    const unseen = await listUnseen(client, log, { ...point, wal: '' });
    if (unseen === undefined) return undefined;
    for (const { kind, loadId } of unseen) {
      if (kind === 'definition') return undefined;
      if (kind !== 'deleted' && loadId !== null) loads.add(loadId);
    }
  }
  return [...loads];
}

/** Conditions on events of loads: the numbers stand in the statement, so that the server knows how many they are, and reads the log by its index. */
function isOf(loads: readonly number[]): string {
  return `load_id = ANY ('{${loads.join(',')}}'::bigint[])`;
}

/** Tables with a new truncate, or of which an undo took one out of the log. */
async function listTruncated(
  client: pg.Client,
  log: string,
  loads: readonly number[],
): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT table_name AS name FROM ${log} WHERE key = $1 AND ${isOf(loads)}
     UNION SELECT table_name FROM edp.unfolded_keys WHERE key = $1`,
    [NO_KEY],
  );
  return rows.map(({ name }) => name);
}

/**
 * Fills the temporary tables of a session. Of tables all of whose keys are folded, it takes the keys that the log may have
 * no more.
 *
 * @param names of the tables whose keys it wants
 */
export async function fillTouched(
  client: pg.Client,
  log: string,
  names: readonly string[],
  { loads, whole }: Found,
): Promise<void> {
  await client.query(
    `CREATE TEMPORARY TABLE IF NOT EXISTS ${NEW_LOADS} (load_id bigint PRIMARY KEY);
     CREATE TEMPORARY TABLE IF NOT EXISTS ${NOTED} (table_name text, key text, load_id bigint);
     CREATE TEMPORARY TABLE IF NOT EXISTS ${TOUCHED} (table_name text, key text, first numeric, has_reset boolean);
     CREATE TEMPORARY TABLE IF NOT EXISTS ${MARKED}
       (key text, first numeric, is_quick boolean, is_plain boolean, made numeric, latest numeric);
     CREATE INDEX IF NOT EXISTS "edp realize: touched by table" ON ${TOUCHED} (table_name);
     TRUNCATE ${NEW_LOADS}, ${NOTED}, ${TOUCHED}, ${MARKED}`,
  );
  await client.query(`INSERT INTO ${NEW_LOADS} SELECT * FROM unnest($1::bigint[])`, [loads]);
  // Of a load that is still being undone, more events may go.
  await client.query(
    `INSERT INTO ${NOTED} SELECT k.table_name, k.key, k.load_id FROM edp.unfolded_keys k JOIN edp.loads l USING (load_id)
     WHERE l.state <> 'undoing'`,
  );
  // In the order of tables, each of which is read by itself.
  await client.query(
    `INSERT INTO ${TOUCHED} (table_name, key, first, has_reset)
     SELECT table_name, key, min(first), bool_or(has_reset) FROM (
       SELECT table_name, key, min(sequence) AS first, bool_or(op <> 'update') AS has_reset
       FROM ${log} WHERE ${isOf(loads)} AND table_name <> ALL ($3) GROUP BY 1, 2
       UNION ALL SELECT table_name, key, NULL, true FROM edp.unfolded_keys) AS found
     WHERE key <> $2 AND table_name = ANY ($1) GROUP BY table_name, key ORDER BY table_name`,
    [names, NO_KEY, [...whole]],
  );
  await client.query(`ANALYZE ${TOUCHED}`);
}
