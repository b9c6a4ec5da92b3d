/** `edp status --runs`: lists the runs of commands, or shows one. */
import type pg from 'pg';
import { parseRunId } from '../ledger/ledger-queries.js';
import { getRun, listRuns, type RunSummary } from '../ledger/runs.js';
import { declaredTask } from '../model/warehouse/environment.js';
import { formatCount, formatNumber, type Output, safeText } from '../terminal/output.js';
import { type KeptFailure, listKeptFailures } from '../warehouse/checks/check-failures.js';
import { countFailedChecks, listTaskRuns, type TaskRun } from '../warehouse/run/list-task-runs.js';
import type { RunStatusJson, RunsStatusJson } from './json/runs.schema.js';
import { time } from './shared/server-time.js';
import { sumDates } from './shared/sum-dates.js';

/** @param wanted number of a run, as given; undefined for a list */
export async function showRuns(
  client: pg.Client,
  output: Output<RunStatusJson | RunsStatusJson>,
  wanted: unknown,
  limit: number,
): Promise<void> {
  if (wanted === undefined) {
    const runs = (await listRuns(client, limit)).map(withEnvironment);
    printRuns(output, runs, await failedOf(client, runs));
    output.result({ command: 'status', ok: true, runs });
    return;
  }
  const run = withEnvironment(await getRun(client, parseRunId(wanted)));
  printRuns(output, [run], await failedOf(client, [run]));
  for (const [name, value] of Object.entries(run.options)) {
    if (Array.isArray(value) && value.length === 0) continue;
    output.line(`${safeText(name)}: ${safeText(JSON.stringify(value))}`);
  }
  output.line(`edp ${safeText(run.version)} on ${safeText(run.host)}`);
  if (run.changes.length > 0) {
    output.line();
    output.table(
      ['table', 'change', 'load', 'rows'],
      run.changes
        .slice(0, limit)
        .map(({ relation, kind, loadId, rows }) => [
          relation,
          kind,
          loadId ?? '',
          rows === null ? '' : formatCount(rows),
        ]),
    );
    const more = run.changes.length - limit;
    if (more > 0) output.line(`… and ${more} more of ${run.changes.length} changes (--limit)`);
  }
  const tasks = (await listTaskRuns(client, run.runId)).map((each) => ({
    ...each,
    task: declaredTask(each.task),
  }));
  if (tasks.length > 0) printTasks(output, sumDates(tasks), limit);
  printFailures(output, await listKeptFailures(client, run.runId, limit));
  const shown = tasks.map(({ slice, ...task }) => ({
    ...task,
    ...(slice === '' ? {} : { date: slice }),
  }));
  output.result({ command: 'status', ok: true, run: { ...run, tasks: shown } });
}

type ShownRun = RunSummary & { readonly environment: string | null };

function withEnvironment<R extends RunSummary>(run: R): R & ShownRun {
  const { env } = run.options;
  return { ...run, environment: typeof env === 'string' ? env : null };
}

function printTasks(output: Output<never>, tasks: readonly TaskRun[], limit: number): void {
  output.line();
  output.table(
    ['task', 'date', 'state', 'inserted', 'updated', 'deleted', 'failed checks', 'reason'],
    tasks.slice(0, limit).map(({ task, slice, state, rows, checks, reason, error }) => [
      task,
      slice,
      // For people: a task that failed has an error.
      state === 'failed' && error === null ? 'held back' : state,
      formatCount(rows.inserted),
      formatCount(rows.updated),
      formatCount(rows.deleted),
      safeText(checks.flatMap(({ ok, name }) => (ok ? [] : [name])).join(', ')),
      safeText(error ?? reason ?? ''),
    ]),
    [],
    ['task'],
  );
  const more = tasks.length - limit;
  if (more > 0) output.line(`… and ${more} more of ${tasks.length} tasks and dates (--limit)`);
}

function printFailures(output: Output<never>, failures: readonly KeptFailure[]): void {
  for (const { task, slice, check, count, rows } of failures) {
    const name = declaredTask(task);
    const where = slice === '' ? name : `${name} ${slice}`;
    const of = rows.length < count ? `; the first ${rows.length}` : '';
    output.line(`\n${safeText(where)} ${safeText(check)}: ${formatNumber(count, 'row')}${of}`);
    for (const row of rows) output.line(`  ${safeText(row)}`);
  }
}

type FailedChecks = Awaited<ReturnType<typeof countFailedChecks>>;

function failedOf(client: pg.Client, runs: readonly RunSummary[]): Promise<FailedChecks> {
  return countFailedChecks(
    client,
    runs.map(({ runId }) => runId),
  );
}

function printRuns(output: Output<never>, runs: readonly ShownRun[], failed: FailedChecks): void {
  if (runs.length === 0) {
    output.line('there are no runs yet');
    return;
  }
  const hasCodes = runs.some(({ errorCode }) => errorCode !== null);
  const hasEnvironment = runs.some(({ environment }) => environment !== null);
  output.table(
    [
      'run',
      'command',
      ...(hasEnvironment ? ['environment'] : []),
      'state',
      ...(hasCodes ? ['error'] : []),
      'inserted',
      'updated',
      'deleted',
      'rejected',
      // Of a run that is done, too.
      ...(failed.size > 0 ? ['failed checks'] : []),
      'started',
      'finished',
    ],
    runs.map(({ runId, command, environment, state, errorCode, rows, startedAt, finishedAt }) => [
      runId,
      command,
      ...(hasEnvironment ? [environment ?? ''] : []),
      state,
      ...(hasCodes ? [safeText(errorCode ?? '')] : []),
      formatCount(rows.inserted),
      formatCount(rows.updated),
      formatCount(rows.deleted),
      rows.rejected === null ? '' : formatCount(rows.rejected),
      ...(failed.size > 0 ? [formatCount(failed.get(runId) ?? 0)] : []),
      time(startedAt),
      finishedAt === null ? '' : time(finishedAt),
    ]),
    ['finished', 'started'],
  );
}
