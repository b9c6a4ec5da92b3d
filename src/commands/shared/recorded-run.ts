/** A command as `edp.runs` has it. */
import { tell } from '../../base/happenings.js';
import { type LoadingRun, type OpenRun, withLoadingRun, withRun } from '../../ledger/runs.js';
import type { Database } from '../../postgres/database.js';
import { shownUrl } from '../../source/http/url-names.js';
import { isUrl } from '../../source/sources.js';
import type { Invocation } from '../command.js';

/** Never stored: a URL may have a password, and the others change only what is printed. */
const NOT_STORED: ReadonlySet<string> = new Set([
  'database-url',
  'metrics',
  'json',
  'verbose',
  'yes',
]);

/** Names under which yargs keeps what is no option. */
const NO_OPTION: ReadonlySet<string> = new Set(['_', '$0', '--', 'help', 'h', 'version', 'v']);

/**
 * Options and arguments as the command line has them. Those of edp.yaml and of the environment are left
 * out, since they may hold secrets; URLs are without what signs them.
 */
export function recordedOptions(given: Invocation['given']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(
        ([name, value]) => value !== undefined && !NO_OPTION.has(name) && !NOT_STORED.has(name),
      )
      .map(([name, value]) => [name, withoutSecrets(value)]),
  );
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'string' || !isUrl(value)) return value;
  return URL.canParse(value) ? shownUrl(value) : '***';
}

/** Runs a command that changes something, as a run of the ledger. @returns the exit status */
export function asRun(
  { given, signal }: Pick<Invocation, 'given' | 'signal'>,
  command: string,
  database: Database,
  work: (database: Database, run: OpenRun) => Promise<number>,
): Promise<number> {
  return withRun(database, { command, options: recordedOptions(given) }, signal, (own, run) => {
    tell({ kind: 'run_began', command, runId: run.runId });
    return work(own, run);
  });
}

/** The same for a command that loads files. */
export function asLoadingRun(
  { given, signal }: Pick<Invocation, 'given' | 'signal'>,
  command: string,
  database: Database,
  work: (database: Database, run: LoadingRun) => Promise<number>,
): Promise<number> {
  const head = { command, options: recordedOptions(given) };
  return withLoadingRun(database, head, signal, (own, run) => {
    tell({ kind: 'run_began', command, runId: run.runId });
    return work(own, run);
  });
}
