/** A project in a temporary directory, on an embedded server of its own, with a few known events. */
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { createTableStatements } from '../../src/model/ddl.js';
import { connect } from '../../src/postgres/connection.js';
import { leaseEmbeddedServer } from '../../src/postgres/embedded/embedded-server.js';
import { migrate } from '../../src/postgres/migrate.js';
import { type CliResult, followEdp, startEdp } from '../support/cli.js';
import type { CommandOf } from '../support/json.js';

/** Starting a server takes longer than vitest's own limits when the machine is busy. */
export const SLOW = 120_000;

export interface TestProject {
  readonly directory: string;
  readonly client: pg.ClientConfig;
  readonly session: pg.Client;
  writeReport(name: string, sql: string): Promise<void>;
  /** The rows of the ledger, anew. */
  fill(): Promise<void>;
  stop(): Promise<void>;
}

export async function makeDirectory(): Promise<string> {
  return realpath(await mkdtemp(path.join(os.tmpdir(), 'edp-report-')));
}

/** @param onStart gets the process as soon as it runs */
export function runCli<const A extends readonly string[]>(
  directory: string,
  args: A,
  onStart: (child: ChildProcess) => void = () => {},
): Promise<CliResult<CommandOf<A>>> {
  const child = startEdp(args, { cwd: directory });
  child.stdin?.end();
  onStart(child);
  return followEdp(child, args);
}

export async function writeOwnReport(directory: string, name: string, sql: string): Promise<void> {
  const folder = path.join(directory, 'sql', 'reports');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${name}.sql`), sql);
}

export async function startProject(): Promise<TestProject> {
  const directory = await makeDirectory();
  const lease = await leaseEmbeddedServer(directory);
  const session = await connect(lease.client, 'test');
  // Its ANALYZE comes at any time, and makes results that are kept stale.
  await session.query('ALTER SYSTEM SET autovacuum = off');
  await session.query('SELECT pg_reload_conf()');
  await session.query(SAMPLE_TABLES);
  await migrate(session);
  await session.query(SAMPLE_ROWS);
  await session.query(LEDGER_ROWS);
  return {
    directory,
    client: lease.client,
    session,
    fill: async () => {
      await session.query(LEDGER_ROWS);
    },
    writeReport: (name, sql) => writeOwnReport(directory, name, sql),
    async stop() {
      await session.end();
      await lease.release();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const SAMPLE_TABLES = BUILTIN_MODEL.tables.flatMap(createTableStatements).join(';\n');

const SAMPLE_ROWS = `
  INSERT INTO first_dimensions VALUES (1, 'alpha'), (2, 'beta, "the" second');
  INSERT INTO second_dimensions VALUES (10, 'north', 1), (20, 'south', 2);
  INSERT INTO events
    (id, recorded_date, first_dimension_id, second_dimension_id, metric_one, metric_two, metric_n)
  VALUES
    (1, '2024-01-01 00:10',           1,    10,   1,    10,   100),
    (2, '2024-01-01 00:59:59.999999', 1,    20,   2,    NULL, 200),
    (3, '2024-01-01 01:00',           2,    20,   3,    30,   NULL),
    (4, '2024-01-02 05:00',           NULL, NULL, 4,    NULL, NULL),
    (5, '2024-01-02 00:00',           2,    10,   NULL, NULL, NULL);
`;

const LEDGER_ROWS = `
  INSERT INTO edp.loads
    (load_id, path, table_name, size_bytes, content_hash, header, file_format, model_hash, state,
     rows_read, rows_loaded, rows_rejected, rows_duplicate, seconds, started_at, finished_at)
  OVERRIDING SYSTEM VALUE VALUES
    (1, 'data/events-1.csv', 'events', 1000, 'a', '', '{}', 'm', 'loaded', 5, 4, 1, 0, 2,
     '2024-02-01 00:00+00', '2024-02-01 00:00:02+00'),
    (2, 'data/events-2.csv', 'events', 2000, 'b', '', '{}', 'm', 'loading', 0, 0, 0, 0, 0,
     '2024-02-02 00:00+00', NULL);
  INSERT INTO edp.receipts
    (load_id, start_byte, end_byte, first_line, line_count, rows_read, rows_loaded, rows_rejected,
     rows_duplicate, content_hash, unknown_metrics)
  VALUES
    (1, 0,   500,  2, 3, 3, 3, 0, 0, '', '{"metric_x": 3}'),
    (1, 500, 1000, 5, 2, 2, 1, 1, 0, '', '{"metric_x": 1, "metric_y": 2}'),
    (2, 0,   500,  2, 6, 6, 6, 0, 0, '', '{"metric_x": 5, "metric_one": 1}'),
    (2, 500, 900,  8, 1, 1, 1, 0, 0, '', NULL);
  INSERT INTO edp.rejects (load_id, start_byte, byte_offset, line_in_split, column_name, code, reason, raw)
  VALUES
    (1, 0, 10, 1, 'id', 'bad_integer', 'no integer', ''),
    (1, 0, 20, 2, 'id', 'bad_integer', 'no number', ''),
    (1, 0, 30, 3, NULL, 'bad_json', 'no JSON', '');
  INSERT INTO edp.runs (run_id, command, options, started, finished, state, host, version)
  OVERRIDING SYSTEM VALUE VALUES
    (1, 'run', '{"tasks": ["gold.fact"]}', '2024-02-03 00:00+00', '2024-02-05 00:00+00', 'done', 'h', '1'),
    (2, 'run', '{"tasks": []}', '2024-02-03 00:00+00', '2024-02-04 00:00+00', 'done', 'h', '1');
  INSERT INTO edp.tasks
    (task, kind, relation, relation_oid, definition, sources, history, snapshot, wal, made_at)
  VALUES
    ('gold.fact', 'fact', 'gold.fact', 0, 'd', '{}', 'h', '1:1:', '0/0', '2024-02-03 00:00+00'),
    ('gold.seen', 'view', 'gold.seen', 0, 'd', '{}', 'h', '1:1:', '0/0', '2024-02-03 00:00+00'),
    ('silver.members', 'silver', 'silver.members', 0, 'd', '{}', 'h', '1:1:', '0/0', '2024-02-03 00:00+00');
  INSERT INTO edp.stale_slices (task, slice, reason) VALUES ('gold.fact', '2024-02-03', 'a check');
  INSERT INTO edp.task_runs (run_id, task, slice, kind, state, reason, inserted, seconds, finished)
  VALUES
    (1, 'gold.fact', '2024-02-01', 'fact', 'done', '', 10, 1, '2024-02-03 00:00:01+00'),
    (1, 'gold.fact', '2024-02-02', 'fact', 'done', '', 20, 2, '2024-02-03 00:00:02+00'),
    (1, 'gold.fact', '2024-02-03', 'fact', 'failed', '', 0, 0.5, '2024-02-03 00:00:03+00'),
    (1, 'silver.members', '', 'silver', 'done', '', 1, 1, '2024-02-03 00:00:01+00');
  SELECT setval(pg_get_serial_sequence('edp.loads', 'load_id'), 100),
         setval(pg_get_serial_sequence('edp.runs', 'run_id'), 100);
`;
