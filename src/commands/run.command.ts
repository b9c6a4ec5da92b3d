/** `edp run`: brings the tables of the warehouse up to date. */
import { EdpError, EXIT } from '../base/errors.js';
import { safeText } from '../base/safe-text.js';
import type { OpenRun } from '../ledger/runs.js';
import { isDay } from '../model/day.js';
import type { Model } from '../model/model.js';
import type { Task } from '../model/warehouse/task.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { type Database, withDatabase } from '../postgres/database.js';
import { migrate } from '../postgres/migrate.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import type { Output } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';
import { listCopies, type MendedCopy, mendCopies } from '../upkeep/copies/mend-copies.js';
import { isError } from '../warehouse/checks/outcome.js';
import {
  assertEnvironmentName,
  openEnvironment,
  tasksOf,
} from '../warehouse/environments/open-environment.js';
import { listChanged } from '../warehouse/run/changed-tasks.js';
import { findSqlFaults } from '../warehouse/run/find-sql-faults.js';
import { runTasks } from '../warehouse/run/run-tasks.js';
import { selectTasks } from '../warehouse/run/select-tasks.js';
import type { TaskResult } from '../warehouse/run/task-results.js';
import type { Command, Invocation } from './command.js';
import type { WarehouseRunJson } from './json/warehouse.schema.js';
import { OPTION_NAMES } from './run.help.js';
import { asDeclared, environmentJson, printEnvironment } from './run-environment.js';
import { printRun } from './run-lines.js';
import { NO_TASKS } from './shared/no-tasks.js';
import { asRun } from './shared/recorded-run.js';
import { secondsJson } from './shared/seconds-json.js';

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const slices = rangeOf(options);
    if (options.sql && !options.dryRun) {
      throw new EdpError('usage', '--sql is for --dry-run: which statements each task would run');
    }
    if (options.full && slices !== undefined) {
      throw new EdpError('usage', '--full makes whole tables: not together with --date or --from', {
        hint: '--date makes a date anew, stale or not; --full makes all dates',
      });
    }
    const { warehouse, directory, refuse, unusedSql } = await loadWarehouse(project.directory);
    const hasCopies = listCopies(project.model).length > 0;
    if (warehouse.tasks.length === 0 && !hasCopies) {
      throw new EdpError('usage', NO_TASKS, {
        hint: 'docs/warehouse.md of the package explains them; edp init warehouse NAME writes a small project to learn from',
      });
    }
    const wanted = [...(given.tasks as string[]), ...options.task];
    if (options.only && wanted.length === 0) {
      throw new EdpError(
        'usage',
        '--only runs the named tasks without those that they read: name some',
        {
          hint: 'such as edp run job_fact --only',
        },
      );
    }
    for (const file of unusedSql) {
      output.warn(`${file} is not used: edp.yaml does not declare it`);
    }
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, async (database) => {
      if (options.env !== undefined) assertEnvironmentName(options.env, warehouse);
      refuse(await withClient(database.client, 'run', (own) => findSqlFaults(own, warehouse)));
      let print = () => {};
      const run = within(invocation, database, options, async (own, entered) => {
        const runId = entered?.runId ?? null;
        const startedAt = performance.now();
        const changed = wanted.some((each) => each.includes('state:changed'))
          ? await listChanged(own, warehouse)
          : new Set<string>();
        const selected = selectTasks(warehouse.tasks, wanted, options.only, (name) =>
          changed.has(name),
        );
        if (slices !== undefined) assertDates(selected, wanted);
        const environment =
          options.env === undefined
            ? undefined
            : await openEnvironment(own, warehouse, options.env);
        const tasks = environment === undefined ? selected : tasksOf(environment, selected);
        const orders = {
          ...(slices === undefined ? {} : { slices }),
          full: options.full,
          dryRun: options.dryRun,
          parallel: options.parallel,
          withSql: options.sql,
        };
        // Tasks read them. They are in tables of production, which a run of an environment leaves alone.
        const copies =
          options.only || environment !== undefined
            ? []
            : await mendAll(own, project.model, options, signal);
        const made = await runAll(output, tasks, (progress) =>
          runTasks(
            own,
            environment?.warehouse ?? warehouse,
            tasks,
            orders,
            runId ?? 0,
            progress,
            signal,
          ),
        );
        const results = environment === undefined ? made : asDeclared(environment, made);
        const seconds = (performance.now() - startedAt) / 1000;
        const status = statusOf(results, signal);
        entered?.noteFailure(results.find(hasFailed)?.error?.code);
        print = () => {
          printCopies(output, copies, options.dryRun);
          if (selected.length === 0 && wanted.length > 0) {
            output.line(`nothing to do: no task is ${wanted.join(', ')}`);
          } else if (selected.length === 0) {
            if (copies.length === 0) output.line('nothing to do: all copies are right');
          } else if (results.length > 0 || environment === undefined) {
            printRun(output, results, { runId, seconds });
          }
          if (environment !== undefined) printEnvironment(output, environment);
          if (signal.aborted) output.line('interrupted: run the same command again to continue');
          output.result({
            ...toJson(results, copies, runId, seconds, status),
            ...environmentJson(environment),
          });
        };
        return status;
      });
      // Behind the end of the run in the ledger: a reader that went away ends the process.
      return run.finally(() => print());
    });
  },
};

/** @throws EdpError `usage` where no task has the dates that are ordered */
function assertDates(tasks: readonly Task[], wanted: readonly string[]): void {
  const hasDates = (task: Task) =>
    task.kind === 'fact' || (task.kind === 'model' && task.date !== undefined);
  if (tasks.length === 0 || tasks.some(hasDates)) return;
  const what = wanted.length === 0 ? 'no task has dates' : `${wanted.join(', ')} has no dates`;
  throw new EdpError('usage', what, {
    hint: 'facts have dates, and models with date:; run it without --date, --from and --to',
  });
}

/** A dry run is no run of the ledger: it leaves nothing. */
async function within(
  invocation: Invocation,
  database: Database,
  { dryRun, env }: { readonly dryRun: boolean; readonly env: string | undefined },
  work: (database: Database, run: OpenRun | null) => Promise<number>,
): Promise<number> {
  if (!dryRun) {
    // Also where it is a variable that names the environment.
    const given = { ...invocation.given, env };
    return asRun({ ...invocation, given }, 'run', database, work);
  }
  await withClient(database.client, 'run', migrate);
  return work(database, null);
}

interface RangeOptions {
  readonly date: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

function rangeOf({ date, from, to }: RangeOptions) {
  if (date !== undefined) {
    if (from === undefined && to === undefined) return { from: date, to: date };
    throw new EdpError('usage', '--date is one date: not together with --from and --to');
  }
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined || to === undefined) {
    throw new EdpError('usage', '--from and --to belong together: both ends are included');
  }
  for (const [name, value] of Object.entries({ '--from': from, '--to': to })) {
    if (!isDay(value)) throw new EdpError('usage', `${name}: expected a date such as 2024-01-31`);
  }
  if (from > to) throw new EdpError('usage', `--from ${from} is behind --to ${to}`);
  return { from, to };
}

function runAll(
  output: Output,
  tasks: readonly Task[],
  run: (progress: {
    started(task: string): void;
    ended(results: readonly TaskResult[]): void;
  }) => Promise<TaskResult[]>,
): Promise<TaskResult[]> {
  let done = 0;
  const running = new Set<string>();
  const describe = () => ({
    label: [...running].join(', '),
    parts: [`${done} of ${tasks.length} tasks`],
  });
  return withProgress(output, describe, (progress) => {
    progress.start(tasks.length);
    return run({
      started: (task) => running.add(task),
      ended(results) {
        for (const { task } of results) running.delete(task);
        progress.update(++done);
      },
    });
  });
}

function statusOf(results: readonly TaskResult[], signal: AbortSignal): number {
  if (signal.aborted) return EXIT.interrupted;
  if (results.some(hasFailed)) return EXIT.failed;
  return results.some(hasFailedCheck) ? EXIT.doneWithRejects : EXIT.done;
}

/** A check that holds a task back is no failure of it. */
function hasFailed({ state, isHeldBack }: TaskResult): boolean {
  return state === 'failed' && isHeldBack !== true;
}

function hasFailedCheck({ checks }: TaskResult): boolean {
  return checks.some(isError);
}

async function mendAll(
  database: Database,
  model: Model,
  { dryRun, full }: { readonly dryRun: boolean; readonly full: boolean },
  signal: AbortSignal,
): Promise<readonly MendedCopy[]> {
  if (listCopies(model).length === 0) return [];
  return withClient(database.client, 'copies', (client) =>
    mendCopies(client, model, { dryRun, full }, signal),
  );
}

function printCopies(output: Output, copies: readonly MendedCopy[], dryRun: boolean): void {
  for (const { table, column, rows, seconds } of copies) {
    const what = rows === 1 ? 'one row' : `${rows.toLocaleString('en-US')} rows`;
    const name = safeText(`${table}.${column}`);
    output.line(
      dryRun
        ? `${name}: ${what} would get the value that they copy`
        : `${name}: ${what} got the value that they copy (${seconds.toFixed(1)} s)`,
    );
  }
}

function toJson(
  results: readonly TaskResult[],
  copies: readonly MendedCopy[],
  runId: number | null,
  seconds: number,
  status: number,
): WarehouseRunJson {
  return {
    command: 'run',
    ok: status === EXIT.done,
    runId,
    seconds: secondsJson(seconds),
    copies: copies.map(({ seconds: own, ...copy }) => ({ ...copy, seconds: secondsJson(own) })),
    tasks: results.map(
      ({ task, kind, slice, state, reason, rows, checks, error, sql, ...rest }) => ({
        task,
        kind,
        ...(slice === '' ? {} : { date: slice }),
        state,
        ...(reason === undefined ? {} : { reason }),
        rows,
        checks: checks.map(({ name, ok, failing, severity }) => ({ name, ok, failing, severity })),
        seconds: secondsJson(rest.seconds),
        ...(error === undefined
          ? {}
          : {
              error: {
                code: error.code,
                message: error.message,
                ...(error.hint === undefined ? {} : { hint: error.hint }),
                ...(error.place === undefined ? {} : { place: error.place }),
              },
            }),
        ...(sql === undefined ? {} : { sql }),
      }),
    ),
  };
}
