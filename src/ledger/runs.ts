/**
 * Runs: a row of `edp.runs` for every command that changes something.
 *
 * All sessions of a run share an advisory lock ({@link connect} takes it), which PostgreSQL frees when
 * the last of them ends, however it ends. So a run that says `running` and whose lock nobody holds was
 * killed, and is shown as interrupted. No command holds a session while it waits for its first other
 * one: where a server has few connections, commands that did would wait for each other for ever.
 */
import os from 'node:os';
import type pg from 'pg';
import { EdpError, EXIT, FailedRun } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { edpVersion } from '../base/package-files.js';
import { strayOf } from '../base/stray-errors.js';
import { connectTwo, withClient } from '../postgres/connection.js';
import type { Database } from '../postgres/database.js';
import { migrate } from '../postgres/migrate.js';
import { isRunThereSql, joinRunSql } from '../postgres/run-of-session.js';
import { explainServerError } from '../postgres/server-errors.js';
import type { ChangeKind } from './changes.js';

/** What `edp.runs.state` may be. */
export const RUN_STATES = ['running', 'done', 'failed', 'interrupted'] as const;

export type RunState = (typeof RUN_STATES)[number];

export interface RunHead {
  readonly command: string;
  /** As on the command line, without secrets. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A run that is under way. */
export interface OpenRun {
  readonly runId: number;
  /** Counts records that the run rejected. */
  countRejected(records: number): void;
  /** Keeps the code of what failed, for a run that ends as failed without an error of its own; the first one stays. */
  noteFailure(code: string | undefined): void;
}

/** A run whose first session stays, because it loads. */
export interface LoadingRun extends OpenRun {
  readonly client: pg.Client;
  /** Ends a second session, which keeps the place of the one that takes the first records. */
  givePlace(): Promise<void>;
}

/**
 * Enters a run, and how it ends.
 *
 * @param signal tells an interruption from a failure
 * @param work gets the database whose sessions belong to the run; gives the exit status
 * @throws EdpError `database_refused` where the role may not enter it
 */
export async function withRun(
  database: Database,
  head: RunHead,
  signal: AbortSignal,
  work: (database: Database, run: OpenRun) => Promise<number>,
): Promise<number> {
  const runId = await withClient(database.client, 'run', (client) => begin(client, head));
  const config = { ...database.client, runId };
  return follow(config, signal, undefined, (run) => work({ ...database, client: config }, run));
}

/**
 * {@link withRun} for a run that holds loads by its first session. It waits until there are two sessions:
 * of many runs that each had one, and waited for another, none would ever get on.
 */
export async function withLoadingRun(
  database: Database,
  head: RunHead,
  signal: AbortSignal,
  work: (database: Database, run: LoadingRun) => Promise<number>,
): Promise<number> {
  const [client, place] = await connectTwo(database.client, ['ingest', 'place']);
  let given: Promise<void> | undefined;
  const givePlace = () => (given ??= place.end().catch(() => {}));
  try {
    const runId = await begin(client, head);
    const config = { ...database.client, runId };
    return await follow(config, signal, client, (run) =>
      work({ ...database, client: config }, { ...run, client, givePlace }),
    );
  } finally {
    await Promise.all([client.end().catch(() => {}), givePlace()]);
  }
}

/** @param client a session that can enter the end if `work` succeeds */
async function follow(
  config: RunConfig,
  signal: AbortSignal,
  client: pg.Client | undefined,
  work: (run: OpenRun) => Promise<number>,
): Promise<number> {
  let rejected = 0;
  let failed: string | undefined;
  const run = {
    runId: config.runId,
    countRejected(records: number) {
      rejected += records;
    },
    noteFailure(code: string | undefined) {
      failed ??= code;
    },
  };
  const enterEnd = (session: pg.Client, state: RunState) =>
    end(session, config.runId, {
      state,
      rejected,
      errorCode: state === 'failed' ? failed : undefined,
    });
  const enterEndAnew = (state: RunState) =>
    // The server may be gone; the run is shown as interrupted if it stays so.
    withClient(config, 'run', (session) => enterEnd(session, state)).catch(() => {});
  let status: number;
  try {
    status = await work(run);
  } catch (error) {
    // What a session is in the middle of is not known. Without a network nobody hears of the end.
    if (!isUnreachable(error)) {
      failed = errorCodeOf(strayOf(signal) ?? error);
      await enterEndAnew(isInterrupted(signal) ? 'interrupted' : 'failed');
    }
    throw error;
  }
  const stray = strayOf(signal);
  if (stray !== undefined) failed = errorCodeOf(stray);
  const state = stray === undefined ? stateOf(status) : 'failed';
  if (client === undefined) await enterEndAnew(state);
  else await enterEnd(client, state).catch(() => enterEndAnew(state));
  return status;
}

type RunConfig = Database['client'] & { readonly runId: number };

/** As `--json` has it. */
function errorCodeOf(thrown: unknown): string {
  const error = explainServerError(thrown instanceof FailedRun ? thrown.cause : thrown);
  return (error as { code?: string }).code ?? 'internal';
}

function isInterrupted(signal: AbortSignal): boolean {
  return signal.aborted && strayOf(signal) === undefined;
}

function isUnreachable(error: unknown): boolean {
  const { cause = error } = error as { cause?: unknown };
  return [error, cause].some(
    (one) => one instanceof EdpError && one.code === 'database_unreachable',
  );
}

function stateOf(status: number): RunState {
  if (status === EXIT.interrupted) return 'interrupted';
  return status === EXIT.failed || status === EXIT.usage ? 'failed' : 'done';
}

async function begin(client: pg.Client, { command, options }: RunHead): Promise<number> {
  await failpoint('run.migrating', client);
  await migrate(client);
  try {
    const { rows } = await client.query<{ run_id: number }>(
      // A crash loses the entry only together with all changes of the run, so it waits for no disk.
      `WITH run AS (INSERT INTO edp.runs (command, options, host, version) VALUES ($1, $2, $3, $4)
                    RETURNING run_id)
       SELECT run_id, set_config('synchronous_commit', 'off', true), ${joinRunSql('run_id')} FROM run`,
      [command, JSON.stringify(options), os.hostname(), edpVersion()],
    );
    await failpoint('run.migrated', client);
    return rows[0]!.run_id;
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new EdpError(
      'database_refused',
      `the run cannot be entered: ${(error as Error).message}`,
      {
        hint: 'GRANT SELECT, INSERT, UPDATE ON edp.runs, and SELECT, INSERT ON edp.changes, to this role',
        cause: error,
      },
    );
  }
}

/** Sums of what the run has entered as changed; `r` is the row of the run. */
const CHANGED_SQL = (['inserted', 'updated', 'deleted'] satisfies ChangeKind[])
  .map((kind) => `coalesce(sum(c.rows) FILTER (WHERE c.kind = '${kind}'), 0)::bigint AS ${kind}`)
  .join(', ');

interface RunEnd {
  readonly state: RunState;
  readonly rejected: number;
  readonly errorCode: string | undefined;
}

async function end(
  client: pg.Client,
  runId: number,
  { state, rejected, errorCode }: RunEnd,
): Promise<void> {
  await client.query(
    `UPDATE edp.runs r SET state = $2, finished = clock_timestamp(), rejected = $3, error_code = $4,
       inserted = s.inserted, updated = s.updated, deleted = s.deleted
     FROM (SELECT ${CHANGED_SQL} FROM edp.changes c WHERE c.run_id = $1) s WHERE r.run_id = $1`,
    [runId, state, rejected, errorCode ?? null],
  );
}

export interface RunSummary extends RunHead {
  readonly runId: number;
  readonly state: RunState;
  /** Why it failed; null where it did not, and where it is not known. */
  readonly errorCode: string | null;
  readonly startedAt: string;
  /** Null while it runs, and where it was killed. */
  readonly finishedAt: string | null;
  readonly rows: {
    readonly inserted: number;
    readonly updated: number;
    readonly deleted: number;
    /** Null where the run has not said it yet, or was killed before. */
    readonly rejected: number | null;
  };
  readonly host: string;
  readonly version: string;
}

/** What a run changed in one table, with rows of one load. */
export interface RunChange {
  readonly relation: string;
  readonly kind: ChangeKind;
  readonly loadId: number | null;
  /** Null for a definition. */
  readonly rows: number | null;
}

/**
 * Time after its beginning in which a run may have no session yet. One that waits longer for a place on
 * a full server is shown as interrupted until it has one.
 */
const JOIN_SECONDS = 3;

const SUMMARY_SQL = `
  SELECT r.run_id AS "runId", r.command, r.options,
    CASE WHEN r.state = 'running' AND r.started < clock_timestamp() - interval '${JOIN_SECONDS} seconds' 
        AND NOT ${isRunThereSql('r.run_id')}
    THEN 'interrupted' ELSE r.state END AS state, r.error_code AS "errorCode",
    r.started AS "startedAt", r.finished AS "finishedAt",
    json_build_object('inserted', coalesce(r.inserted, s.inserted), 'updated', coalesce(r.updated, s.updated),
      'deleted', coalesce(r.deleted, s.deleted), 'rejected', r.rejected) AS rows,
    r.host, r.version
  FROM edp.runs r
  CROSS JOIN LATERAL (SELECT ${CHANGED_SQL} FROM edp.changes c
                      WHERE c.run_id = r.run_id AND r.finished IS NULL) s`;

/** Lists runs, newest first. */
export async function listRuns(client: pg.Client, limit: number): Promise<RunSummary[]> {
  if (!(await hasRuns(client))) return [];
  const { rows } = await client.query<RunSummary>(`${SUMMARY_SQL} ORDER BY 1 DESC LIMIT $1`, [
    limit,
  ]);
  return rows;
}

/** @throws EdpError `unknown_run` */
export async function getRun(
  client: pg.Client,
  runId: number,
): Promise<RunSummary & { readonly changes: readonly RunChange[] }> {
  const { rows } = (await hasRuns(client))
    ? await client.query<RunSummary>(`${SUMMARY_SQL} WHERE r.run_id = $1`, [runId])
    : { rows: [] };
  if (rows[0] === undefined) {
    throw new EdpError('unknown_run', `there is no run ${runId}`, {
      hint: 'edp status --runs lists the runs',
    });
  }
  const changes = await client.query<RunChange>(
    `SELECT relation, kind, load_id AS "loadId", sum(rows)::bigint AS rows FROM edp.changes
     WHERE run_id = $1 GROUP BY 1, 2, 3 ORDER BY min(change_id)`,
    [runId],
  );
  return { ...rows[0], changes: changes.rows };
}

async function hasRuns(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>(
    "SELECT to_regclass('edp.runs') IS NOT NULL AS exists",
  );
  return rows[0]!.exists;
}
