/** The figures of the database: asked when a command leaves it, and at each scrape of one that stays. */
import type pg from 'pg';
import { plainTableName } from '../../model/table-name.js';
import { connectOnce } from '../../postgres/connection.js';
import { attend, type Database } from '../../postgres/database.js';
import type { MetricsRegistry } from './metrics-registry.js';

/** Of each question; a server that is in trouble must not hold up the command. */
const QUESTION_MS = 2000;
/** Of all of them, with the connection. */
const LIMIT_MS = 4000;

/** Questions that stand for themselves: a role may be refused one, and an older ledger lacks a table. */
const FIGURES = {
  edp_database_bytes: 'SELECT pg_database_size(current_database())::float8 AS value',
  edp_database_connections: `SELECT count(*)::float8 AS value FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  edp_database_cache_hit_ratio: `SELECT blks_hit::float8 / nullif(blks_hit + blks_read, 0) AS value
    FROM pg_stat_database WHERE datname = current_database()`,
  edp_replication_lag_seconds: `SELECT CASE WHEN pg_is_in_recovery() THEN
      CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
           ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END
    ELSE (SELECT max(extract(epoch FROM coalesce(replay_lag, '0')))::float8 FROM pg_stat_replication
          WHERE state IS NOT NULL) END AS value`,
} as const;

/** Loads that brought rows, and tasks that changed some. */
const FRESHNESS = [
  `SELECT format('%I.%I', schema_name, table_name) AS table,
     extract(epoch FROM clock_timestamp() - max(finished_at))::float8 AS value
   FROM edp.loads WHERE rows_loaded > 0 AND finished_at IS NOT NULL AND undone_at IS NULL AND gone_at IS NULL
   GROUP BY 1`,
  `SELECT t.task AS table, extract(epoch FROM clock_timestamp() - max(t.finished))::float8 AS value
   FROM edp.task_runs t
   WHERE t.state = 'done' AND t.inserted + t.updated + t.deleted > 0 GROUP BY 1`,
] as const;

export function addDatabaseFigures(registry: MetricsRegistry): void {
  const open = new Set<Database>();
  const ask = (database: Database) =>
    within(LIMIT_MS, askAll(registry, database)).catch(() => undefined);
  attend({
    came: (database) => open.add(database),
    async leaves(database) {
      open.delete(database);
      await ask(database);
    },
  });
  registry.addFigures(async () => {
    await Promise.all([...open].map(ask));
  });
}

async function askAll(registry: MetricsRegistry, { client: config }: Database): Promise<void> {
  const client = await connectOnce({ ...config, connectionTimeoutMillis: QUESTION_MS }, 'metrics');
  try {
    await client.query(`SET statement_timeout = ${QUESTION_MS}`);
    for (const [name, sql] of Object.entries(FIGURES)) {
      const [figure] = await rowsOf<{ value: number | null }>(client, sql);
      if (figure?.value != null) registry.put(name, {}, Number(figure.value));
    }
    for (const sql of FRESHNESS) {
      for (const { table, value } of await rowsOf<{ table: string; value: number }>(client, sql)) {
        const names = { table: plainTableName(table) };
        registry.put('edp_freshness_seconds', names, Math.max(0, Number(value)));
      }
    }
  } finally {
    await client.end().catch(() => {});
  }
}

async function rowsOf<Row extends pg.QueryResultRow>(
  client: pg.Client,
  sql: string,
): Promise<Row[]> {
  return client.query<Row>(sql).then(
    ({ rows }) => rows,
    () => [],
  );
}

/** What comes later is dropped. */
function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
