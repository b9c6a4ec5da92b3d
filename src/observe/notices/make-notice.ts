/** The account of a command → the notice for one receiver, which is told some events only. */
import { ERROR_CODES } from '../../base/error-codes.js';
import { edpVersion } from '../../base/package-files.js';
import type { NoticeEvent } from '../../model/notify-schema.js';
import type { Notice } from './notice.schema.js';
import type { RunAccount } from './run-account.js';

const MAX_NEXT = 5;

/** @returns undefined where nothing happened that the receiver is told */
export function makeNotice(
  account: RunAccount,
  of: { readonly project: string; readonly command: string },
  on: readonly NoticeEvent[],
): Notice | undefined {
  const events = account.events.filter((event) => on.includes(event));
  const [event] = events;
  if (event === undefined) return undefined;
  const listOf = <T>(what: NoticeEvent, entries: Entries<T>): Entries<T> =>
    events.includes(what) ? entries : { all: [], omitted: 0 };
  const failures = listOf('failed', account.failures);
  const rejects = listOf('rejects', account.rejects);
  const checks = listOf('check_failed', account.checks);
  const stale = listOf('stale', account.stale);
  const schemaChanges = listOf('schema_change', account.schemaChanges);
  const lists = [failures, rejects, checks, stale, schemaChanges];
  const notice = {
    version: 1 as const,
    isTest: false,
    event,
    events,
    title: '',
    ...of,
    runId: account.runId,
    exitStatus: account.exitStatus,
    startedAt: new Date(account.startedAt).toISOString(),
    seconds: Math.round(account.seconds * 1000) / 1000,
    edpVersion: edpVersion(),
    rows: account.rows,
    failures: failures.all,
    rejects: rejects.all,
    checks: checks.all,
    stale: stale.all,
    schemaChanges: schemaChanges.all,
    omitted: lists.reduce((sum, { omitted }) => sum + omitted, 0),
    next: [],
  };
  return { ...notice, title: titleOf(notice, account), next: adviceOn(notice) };
}

interface Entries<T> {
  readonly all: readonly T[];
  readonly omitted: number;
}

function titleOf(notice: Notice, { endedBy, rejectedRecords }: RunAccount): string {
  const command = `edp ${notice.command}`;
  switch (notice.event) {
    case 'failed': {
      const code = endedBy ?? notice.failures[0]?.code;
      return `${command} failed${code === undefined || code === 'unknown' ? '' : `: ${code}`}`;
    }
    case 'rejects':
      return `${command}: ${several(rejectedRecords, 'record')} rejected`;
    case 'check_failed': {
      const { length } = notice.checks.filter(({ severity }) => severity === 'error');
      return `${command}: ${several(length, 'check')} failed`;
    }
    case 'stale':
      return `${command}: ${several(notice.stale.length, 'table')} without new rows`;
    case 'schema_change': {
      const tables = [...new Set(notice.schemaChanges.map(({ table }) => table))];
      return `${command}: columns of ${tables.length === 1 ? tables[0] : `${tables.length} tables`} changed`;
    }
  }
}

export function several(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function adviceOn({ failures, rejects, checks, runId }: Notice): readonly string[] {
  const remedies = failures.flatMap(({ code }) => remedyOf(code));
  const loads = rejects.flatMap(({ loadId }) => (loadId === null ? [] : [`edp rejects ${loadId}`]));
  const run = runId !== null && failures.length + checks.length > 0;
  const all = [...new Set(remedies), ...loads, ...(run ? [`edp status --runs ${runId}`] : [])];
  return all.length <= MAX_NEXT ? all : [...all.slice(0, MAX_NEXT - 1), 'edp status'];
}

function remedyOf(code: string): string[] {
  if (!Object.hasOwn(ERROR_CODES, code)) return [];
  const { remedy } = ERROR_CODES[code as keyof typeof ERROR_CODES];
  // Links are those of a page of the docs.
  return [remedy.replace(/\[([^\]]*)\]\([^)]*\)/g, 'docs/$1').replaceAll('`', '')];
}
