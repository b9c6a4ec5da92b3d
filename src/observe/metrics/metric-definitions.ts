/** The metrics of edp: their names, what they mean, their labels. docs/monitoring.md has the same table. */

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly unit?: 's' | 'By' | '1';
  /** Upper bounds of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

function define(
  type: Definition['type'],
  help: string,
  more: Partial<Definition> = {},
): Definition {
  return { type, help, labels: [], ...more };
}

export const METRICS = {
  edp_rows_total: define('counter', 'Records and rows, by what became of them', {
    labels: ['command', 'table', 'result'],
  }),
  edp_bytes_total: define('counter', 'Bytes of files that were read and have committed', {
    unit: 'By',
  }),
  edp_ingest_errors_total: define('counter', 'Rejects and failures, by their code', {
    labels: ['code'],
  }),
  edp_split_seconds: define('histogram', 'Time of a split, from its first byte to its commit', {
    unit: 's',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  }),
  edp_run_seconds: define('gauge', 'Time of the last run of a command', {
    labels: ['command'],
    unit: 's',
  }),
  edp_run_exit_status: define('gauge', 'Exit status of the last run of a command', {
    labels: ['command'],
  }),
  edp_last_success_timestamp_seconds: define(
    'gauge',
    'When a command last ended with another status than 1, 2 or 130; seconds since 1970',
    { labels: ['command'], unit: 's' },
  ),
  edp_task_seconds: define('gauge', 'Time of the last run of a task, all its slices together', {
    labels: ['task'],
    unit: 's',
  }),
  edp_check_failures: define('gauge', 'Rows that failed a check when it last ran', {
    labels: ['check'],
  }),
  edp_freshness_seconds: define('gauge', 'Time since a table last got rows by edp', {
    labels: ['table'],
    unit: 's',
  }),
  edp_process_cpu_seconds_total: define('counter', 'CPU time of the process', { unit: 's' }),
  edp_process_resident_memory_bytes: define('gauge', 'Memory of the process', { unit: 'By' }),
  edp_host_cpu_ratio: define(
    'gauge',
    'Share of the CPUs in use where edp runs, since the last reading',
    { unit: '1' },
  ),
  edp_host_memory_bytes: define('gauge', 'Memory in use where edp runs', { unit: 'By' }),
  edp_database_bytes: define('gauge', 'Size of the database', { unit: 'By' }),
  edp_database_connections: define('gauge', 'Sessions of clients in the database'),
  edp_database_cache_hit_ratio: define(
    'gauge',
    'Share of the blocks that the server found in its cache, since its statistics began',
    { unit: '1' },
  ),
  edp_replication_lag_seconds: define(
    'gauge',
    'How far the last standby is behind; of a standby itself, how far it is behind',
    { unit: 's' },
  ),
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof METRICS;

export type MetricDefinition = Definition;

export type Labels = Readonly<Record<string, string>>;
