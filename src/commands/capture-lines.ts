/** What `edp capture` says to people. */
import { listNames } from '../base/nearest.js';
import { toShellWord } from '../base/shell-word.js';
import type { Installation } from '../capture/install.js';
import type { Uncaptured } from '../capture/plan.js';
import type { RunTotals } from '../capture/run-capture.js';
import type { CaptureStatus, Holder } from '../capture/status.js';
import type { UnreadRows } from '../capture/unread-rows.js';
import { formatBytes, formatNumber, type Output, safeText } from '../terminal/output.js';
import type { CaptureStatusJson } from './json/capture.schema.js';

export function printInstallation(
  output: Output<never>,
  { plan, sql, steps, changed, mapped, failures, unread }: Installation,
  isDryRun: boolean,
): void {
  for (const warning of plan.warnings) output.warn(warning);
  for (const failure of failures)
    output.error(`rows that were kept cannot be mapped yet: ${failure}`);
  printUncaptured(output, plan.uncaptured);
  if (isDryRun) {
    output.line(
      sql === '' ? '-- the source is as edp.yaml says' : headedSql('edp capture install', sql),
    );
    return;
  }
  if (steps.length === 0) output.line('the source is as edp.yaml says; nothing changed');
  else {
    const unchanged = plan.sources.length - changed.size;
    output.line(
      `capture is installed: ${formatNumber(changed.size, 'table')} changed, ${formatNumber(unchanged, 'table')} as before`,
    );
  }
  if (mapped > 0)
    output.line(`rows of ${formatNumber(mapped, 'statement')} that had been kept are events now`);
  printUnread(output, unread, plan.models.length);
  if (steps.length === 0 || failures.length > 0) return;
  const first = unread.length === 0 ? '' : `${snapshotCall(unread, plan.models.length)}, then `;
  output.line(`next: ${first}edp capture run --to FOLDER, or --to table`);
}

/** What a dry run prints. */
export function headedSql(call: string, sql: string): string {
  return `-- ${call} would run this; nothing was changed\n\n${sql.trimEnd()}`;
}

/** Of more, they are counted. */
const MOST_UNREAD = 10;

/** @param all how many tables are captured */
function printUnread(output: Output<never>, unread: readonly UnreadRows[], all: number): void {
  if (unread.length === 0) return;
  const which =
    unread.length > MOST_UNREAD
      ? formatNumber(unread.length, 'table')
      : unread.map(({ model, relations }) => `${model} (${relations.join(', ')})`).join(', ');
  output.line(
    `rows that were there before an install may be missing in what is sent, of ${safeText(which)}: ${snapshotCall(unread, all)} publishes them`,
  );
}

function snapshotCall(unread: readonly UnreadRows[], all: number): string {
  const names = unread.length === all ? [] : unread.map(({ model }) => toShellWord(model));
  return ['edp capture snapshot', ...names].join(' ');
}

export function unreadJson(unread: readonly UnreadRows[]): CaptureStatusJson['unread'] {
  return unread.map(({ model, relations }) => ({ table: model, relations: [...relations] }));
}

export function printRun(
  output: Output<never>,
  { published, tables, failedCalculations, lag }: RunTotals,
  holders: readonly Holder[],
): void {
  for (const [table, count] of tables) output.line(`${table}: ${formatNumber(count, 'event')}`);
  output.line(`${formatNumber(published, 'event')} sent`);
  warnOfFailed(output, failedCalculations);
  if (lag.events === 0) return;
  output.line(
    `${formatNumber(lag.events, 'event')} still to send, the oldest ${lag.seconds} s old`,
  );
  for (const holder of holders) output.line(describeHolder(holder));
}

/** Of more tables, only their number is said. */
const MOST_UNCAPTURED = 20;

/** It is no fault: a column may be left out on purpose. */
function printUncaptured(output: Output<never>, uncaptured: readonly Uncaptured[]): void {
  if (uncaptured.length === 0) return;
  for (const { source, models, columns } of uncaptured.slice(0, MOST_UNCAPTURED)) {
    const what = columns.length === 1 ? 'a column' : 'columns';
    output.note(
      safeText(`${source} has ${what} that ${listNames(models)} lacks: ${listNames(columns)}`),
    );
  }
  const more = uncaptured.length - MOST_UNCAPTURED;
  if (more > 0) output.note(`and columns of ${formatNumber(more, 'more table')}`);
  output.note(
    'to capture a column: declare it under tables:, then edp capture install, and edp capture snapshot for the rows that are there; ignore: of the table says that it is left out on purpose',
  );
}

export function uncapturedJson(uncaptured: readonly Uncaptured[]): CaptureStatusJson['uncaptured'] {
  return uncaptured.map(({ source, models, columns }) => ({
    source,
    models: [...models],
    columns: [...columns],
  }));
}

/** @param events in which a calculation failed */
export function warnOfFailed(output: Output<never>, events: number): void {
  if (events === 0) return;
  output.warn(
    `a calculation failed in ${formatNumber(events, 'event')}, and is null there; data.errors says why`,
  );
}

function describeHolder({ kind, id, user, database, seconds, query }: Holder): string {
  const who = kind === 'prepared' ? `prepared transaction ${id}` : `process ${id}`;
  const what = query === null ? '' : `: ${safeText(query)}`;
  return `held back by ${who} of ${user ?? '?'} in ${database ?? '?'}, ${seconds} s${what}`;
}

/** Of more tables, only those that need attention are listed. */
const MOST_LINES = 30;

export function printStatus(output: Output<never>, status: CaptureStatus): void {
  const { tables, consumers, outbox, kept, heldBack, misfits } = status;
  for (const misfit of misfits) output.warn(misfit);
  printUncaptured(output, status.uncaptured);
  if (!status.isInstalled) {
    output.line('capture is not installed in the source; edp capture install does it');
    return;
  }
  const shown =
    tables.length <= MOST_LINES
      ? tables
      : tables.filter(({ missing, isCurrent }) => missing.length > 0 || !isCurrent);
  if (shown.length < tables.length) {
    output.line(`${formatNumber(tables.length - shown.length, 'table')} captured`);
  }
  output.table(
    ['source', 'feeds', 'state'],
    shown.map(({ source, models, missing, isCurrent }) => [
      source,
      models.join(', '),
      missing.length > 0
        ? `no triggers on ${missing.join(', ')}`
        : isCurrent
          ? 'captured'
          : 'not as edp.yaml says',
    ]),
  );
  output.line();
  output.table(
    ['consumer', 'running', 'behind', 'seconds'],
    consumers.map(({ name, isRunning, lag: { events, seconds } }) => [
      name,
      isRunning ? 'yes' : 'no',
      formatNumber(events, 'event'),
      seconds,
    ]),
  );
  output.line();
  output.line(`outbox: ${formatNumber(outbox.events, 'event')}, ${formatBytes(outbox.bytes)}`);
  if (outbox.bytes > outbox.capBytes) {
    output.warn(
      `the outbox is above its cap of ${formatBytes(outbox.capBytes)}: a consumer is behind, or no longer used (edp capture uninstall --consumer NAME)`,
    );
  }
  for (const { source, statements, error } of kept) {
    output.warn(
      `${source}: rows of ${formatNumber(statements, 'statement')} could not be mapped: ${error}`,
    );
  }
  if (outbox.failedCalculations > 0) {
    output.warn(
      `a calculation failed in ${formatNumber(outbox.failedCalculations, 'event')} of the outbox`,
    );
  }
  printUnread(output, status.unread, new Set(tables.flatMap(({ models }) => models)).size);
  for (const { model, rows } of status.dueMethods) {
    const which = rows === undefined ? 'all rows' : formatNumber(rows, 'row');
    output.line(
      `methods of ${which} of ${safeText(model)} are not published yet: rake edp:publish_methods in the application does it`,
    );
  }
  for (const holder of heldBack) output.line(describeHolder(holder));
  if (status.isOtherServer) return;
  if (misfits.length > 0) output.line('correct edp.yaml; then edp capture install puts it right');
  else if (!status.isCurrent || kept.length > 0) output.line('edp capture install puts it right');
}

export function statusJson(status: CaptureStatus): CaptureStatusJson {
  const { tables, consumers, outbox, kept, heldBack, isInstalled, isCurrent, misfits } = status;
  return {
    command: 'capture',
    action: 'status',
    ok:
      isInstalled &&
      isCurrent &&
      misfits.length === 0 &&
      kept.length === 0 &&
      outbox.failedCalculations === 0 &&
      outbox.bytes <= outbox.capBytes,
    installed: isInstalled,
    current: isCurrent,
    misfits: [...misfits],
    tables: tables.map(({ source, models, missing, isCurrent: current }) => ({
      source,
      models,
      missing,
      current,
    })),
    uncaptured: uncapturedJson(status.uncaptured),
    consumers: consumers.map(({ name, isRunning, lag }) => ({ name, running: isRunning, lag })),
    outbox,
    unmapped: kept,
    unread: unreadJson(status.unread),
    dueMethods: status.dueMethods.map(({ model, rows = null }) => ({ table: model, rows })),
    heldBack,
  };
}
