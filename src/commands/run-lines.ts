/** What `edp run` prints: a line for each table and date, the faults, and how long it took. */
import {
  formatCount,
  formatSeconds,
  formatTable,
  type Output,
  safeText,
} from '../terminal/output.js';
import { listFailures } from '../warehouse/checks/check-failures.js';
import { isStopping } from '../warehouse/checks/outcome.js';
import type { TaskResult } from '../warehouse/run/task-results.js';
import { describeFailure } from './shared/check-lines.js';
import { sumDates } from './shared/sum-dates.js';

const HEAD = ['task', 'date', 'state', 'read', 'inserted', 'updated', 'deleted', 'unknown'];

const HELD_BACK = 'held back';

export interface RunFacts {
  /** Null for a dry run. */
  readonly runId: number | null;
  readonly seconds: number;
}

export function printRun(
  output: Output,
  results: readonly TaskResult[],
  { runId, seconds }: RunFacts,
): void {
  const count = new Set(results.map(({ task }) => task)).size;
  const shown = sumDates(results);
  const closing = closingLine(results, count, seconds);
  const closed = runId === null ? `${closing}; a dry run: nothing is written` : closing;
  const hasSql = printSql(output, results);
  // Few tables have rows without a key.
  const hasNullKey = results.some(({ rows }) => rows.nullKey > 0);
  const head = [...HEAD, ...(hasNullKey ? ['null key'] : []), 'reason'];
  const cells = shown.map((each) => toCells(each, hasNullKey));
  if (hasSql) output.line(asComment(formatTable(head, cells)));
  else output.table(head, cells, ['unknown', 'null key', 'read', 'reason'], ['task']);
  printFailedChecks(output, results, runId);
  for (const { task, error } of results) {
    if (error === undefined) continue;
    const hint = error.hint === undefined ? '' : `\n  → ${safeText(error.hint)}`;
    output.error(`${task}: ${safeText(error.message)}${hint}`);
  }
  output.line(hasSql ? asComment(closed) : closed);
}

/** So that all of the output can be given to psql. */
function asComment(text: string): string {
  return text.replaceAll(/^/gm, '-- ');
}

/** @returns whether there is any */
function printSql(output: Output, results: readonly TaskResult[]): boolean {
  const made = results.filter(({ sql = [] }) => sql.length > 0);
  for (const { sql = [], task } of made) {
    const statements = sql.map((each) => `${each.replace(/;\s*$/, '')};`);
    output.line([`-- ${task}`, 'BEGIN;', ...statements, 'ROLLBACK;', ''].join('\n'));
  }
  return made.length > 0;
}

/** For people: what a check held back is no task that failed. */
function stateOf({ state, isHeldBack }: TaskResult): string {
  return isHeldBack === true ? HELD_BACK : state;
}

function toCells(result: TaskResult, hasNullKey: boolean): string[] {
  const { task, slice, rows, reason } = result;
  return [
    task,
    slice,
    stateOf(result),
    formatCount(rows.read),
    formatCount(rows.inserted),
    formatCount(rows.updated),
    formatCount(rows.deleted),
    formatCount(rows.unknown),
    ...(hasNullKey ? [formatCount(rows.nullKey)] : []),
    safeText(reason ?? ''),
  ];
}

function printFailedChecks(
  output: Output,
  results: readonly TaskResult[],
  runId: number | null,
): void {
  const failures = listFailures(results);
  for (const { task, slice, outcome, of } of failures) {
    const isError = outcome.severity === 'error';
    const where = slice === '' ? task : `${task} ${slice}`;
    const isHeldBack = isStopping(outcome) && of.isHeldBack === true;
    const kept = isHeldBack ? '; it stays as it was' : '';
    const hasRow = outcome.sample.length > 0 && outcome.found === undefined;
    const row = !hasRow ? '' : `\n  such as ${safeText(outcome.sample[0]!)}`;
    const text = `${where}: ${describeFailure(outcome)}${kept}${row}`;
    if (isError) output.error(text);
    else output.warn(text);
  }
  if (failures.some(({ outcome }) => outcome.found === undefined) && runId !== null) {
    output.note(`  → edp status --runs ${runId} shows the rows that failed checks`);
  }
}

function closingLine(results: readonly TaskResult[], tasks: number, seconds: number): string {
  const count = (wanted: string) =>
    new Set(results.filter((each) => stateOf(each) === wanted).map(({ task }) => task)).size;
  const bad = ['failed', HELD_BACK, 'skipped'].flatMap((state) =>
    count(state) === 0 ? [] : [`${count(state)} ${state}`],
  );
  const made = count('done') + count('would-change');
  const what = made === 0 && bad.length === 0 ? 'nothing changed: ' : '';
  const end = bad.length === 0 ? '' : `; ${bad.join(', ')}`;
  return `${what}${tasks} ${tasks === 1 ? 'task' : 'tasks'} in ${formatSeconds(seconds)}${end}`;
}
