#!/usr/bin/env node
/** The command line: assembles the commands, and is the only place that ends the process. */
import type { Argv } from 'yargs';
import { EdpError, EXIT, FailedRun } from './base/errors.js';
import { tell } from './base/happenings.js';
import { edpVersion } from './base/package-files.js';
import { safeJson, safeLines } from './base/safe-text.js';
import { StrayError, takeStrays } from './base/stray-errors.js';
import { addOptions, GLOBAL_OPTIONS, OBSERVING_OPTIONS } from './commands/add-options.js';
import type { CommandEntry } from './commands/command-list.js';
import type { ErrorJson } from './commands/json/json-parts.js';
import type { FailureJson } from './commands/json/results.js';
import { explainUsage, type KnownOptions, unknownCommand } from './commands/usage-faults.js';
import type { Observer, ObserverContext } from './observe/observer.js';
import { coloursOf } from './terminal/colours.js';
import type { Output } from './terminal/output.js';

/** The exit status of the command that ran. */
async function main(typed: readonly string[]): Promise<number> {
  // `edp help ingest` is `edp ingest --help`.
  const given = typed[0] === 'help' ? [...typed.slice(1), '--help'] : typed;
  // `edp --version` needs none of what follows.
  if (given.length === 1 && (given[0] === '--version' || given[0] === '-v')) {
    process.stdout.write(`${edpVersion()}\n`);
    return EXIT.done;
  }
  if (given[0] === '__complete') {
    const { complete } = await import('./commands/completion/complete.js');
    return complete(given.slice(1));
  }
  if (given.length === 1 && (given[0] === '--help' || given[0] === '-h')) return showOverview();
  const [{ default: yargs }, { COMMANDS, nameOf }, { splitPsqlCall }] = await Promise.all([
    import('yargs'),
    import('./commands/command-list.js'),
    import('./commands/psql-arguments.js'),
  ]);
  // What is for psql is not for yargs, which would read it as options of edp.
  const psql = splitPsqlCall(given);
  const argv = psql?.own ?? given;
  const byName = new Map(COMMANDS.map((entry) => [nameOf(entry), entry]));
  const named = new Set(COMMANDS.filter((entry) => argv.includes(nameOf(entry))));
  const options = named.size === 0 ? undefined : await import('./options/option-definitions.js');
  const isHelpWanted = argv.some((argument) => /^(-[^-]*h|--h(elp)?$)/.test(argument));
  const word = argv.find((argument) => !argument.startsWith('-'));
  if (isHelpWanted && named.size === 0) {
    if (word === undefined) return showOverview();
    throw unknownCommand(word, [...byName.keys()]);
  }
  const calls: { readonly entry: CommandEntry; readonly parsed: Record<string, unknown> }[] = [];
  if (options !== undefined) assertFlagValues(argv, named, options);
  const parser = yargs(options === undefined ? argv : nameFiles(argv, named, options))
    .scriptName('edp')
    .version(edpVersion())
    .help()
    .alias('h', 'help')
    // So that a command may stand behind one.
    .boolean([...GLOBAL_OPTIONS])
    .string([...OBSERVING_OPTIONS])
    .parserConfiguration({ 'camel-case-expansion': false, 'parse-positional-numbers': false })
    // Below 50 columns, names of options would be cut in two.
    .wrap(Math.max(50, Math.min(100, process.stdout.columns ?? 100)))
    .strict()
    .demandCommand(1, 'Name a command.')
    .exitProcess(false)
    .fail((message, error) => {
      // Its own errors have no other mark than their name.
      if (error && error.name !== 'YError') throw error;
      throw explainUsage(argv, byName, knownOptions(parser), message ?? error.message);
    });
  for (const entry of COMMANDS) {
    const build = (command: Argv) =>
      options === undefined || !named.has(entry)
        ? command
        : addOptions(command, entry, options, isHelpWanted);
    const take = (parsed: Record<string, unknown>) => {
      calls.push({ entry, parsed });
    };
    parser.command(entry.call, entry.describe, build, take);
  }
  omitHelpCache(parser);
  await parser.parseAsync();
  const [call] = calls;
  if (call === undefined) return EXIT.done;
  return execute(
    call.entry,
    psql === undefined ? call.parsed : { ...call.parsed, '--': psql.passed },
  );
}

async function showOverview(): Promise<number> {
  const [{ COMMANDS }, { formatOverview }] = await Promise.all([
    import('./commands/command-list.js'),
    import('./commands/overview.js'),
  ]);
  process.stdout.write(formatOverview(COMMANDS, process.stdout.columns ?? 100));
  return EXIT.done;
}

/**
 * For a call of `showHelp` in a handler, yargs lays out the help of each command that runs, which takes longer
 * than to read its arguments.
 */
function omitHelpCache(yargs: Argv): void {
  const { getInternalMethods } = yargs as Argv & YargsInternals;
  getInternalMethods.call(yargs).getUsageInstance().cacheHelpMessage = () => undefined;
}

function knownOptions(yargs: Argv): KnownOptions {
  const { key, alias, boolean, choices } = (
    yargs as Argv & { getOptions(): YargsOptions }
  ).getOptions();
  return {
    names: [...Object.keys(key), ...Object.entries(alias).flat(2)],
    flags: boolean,
    choices,
  };
}

interface YargsInternals {
  getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } };
}

/** The part of what yargs keeps that its types leave out. */
interface YargsOptions {
  readonly key: Readonly<Record<string, unknown>>;
  readonly alias: Readonly<Record<string, readonly string[]>>;
  readonly boolean: readonly string[];
  readonly choices: Readonly<Record<string, readonly string[]>>;
}

async function execute(entry: CommandEntry, parsed: Record<string, unknown>): Promise<number> {
  const [{ command }, terminal, { resolveOptions }, projects, { listUnused }] = await Promise.all([
    entry.load(),
    import('./terminal/output.js'),
    import('./options/resolve-options.js'),
    import('./project/project.js'),
    import('./project/surroundings.js'),
  ]);
  const { json, verbose } = resolveOptions(GLOBAL_OPTIONS, parsed, {});
  const output = new terminal.Output(json);
  const name = String((parsed._ as unknown[])[0]);
  const startedAt = Date.now();
  const abort = new AbortController();
  let observers: readonly Observer[] | undefined;
  let unused: readonly string[] = [];
  const open = async (project: ObserverContext['project'], isLogAlone: boolean) => {
    observers = [];
    const { openObservers } = await import('./observe/open-observers.js');
    const warn = (text: string) => output.warn(text, { isPlain: true });
    const yieldStderr = () => output.yieldStderr();
    const context = { command: name, given: parsed, project, warn, yieldStderr };
    observers = await openObservers(context, isLogAlone);
    for (const text of unused) warn(text);
    tell({ kind: 'command_began', command: name, startedAt });
  };
  let exitStatus: number = EXIT.failed;
  let stray: { readonly error: unknown } | undefined;
  let patience: NodeJS.Timeout | undefined;
  takeStrays((error) => {
    if (stray !== undefined) return;
    stray = { error };
    output.failure = failureOf(error, name);
    abort.abort(new StrayError(error));
    stopAllReading();
    // What it was about may have been what the command waits for.
    patience = setTimeout(() => {
      tell({ kind: 'failed', code: failureOf(error, name).error.code, error });
      void end().then(() => endAtOnce(error, output, name, verbose));
    }, STRAY_PATIENCE_MS);
  });
  let ended: Promise<void> | undefined;
  const end = () => {
    ended ??= endObserved(observers, { command: name, exitStatus, startedAt });
    return ended;
  };
  const stopOnSignal = listenForSignals(abort, {
    stopsInOrder: entry.stopsInOrder === true,
    say: (text) => output.noteInterrupt(text),
    async leave() {
      exitStatus = EXIT.interrupted;
      if (observers !== undefined && observers.length > 0) await end();
      process.exit(EXIT.interrupted);
    },
  });
  try {
    unused = await listUnused(process.cwd());
    const project = await (entry.needsNoModel === true
      ? projects.loadDatabaseKeys()
      : projects.loadProject());
    await open(project, false);
    const status = await command.run({ given: parsed, project, output, signal: abort.signal });
    if (stray !== undefined) throw new StrayError(stray.error);
    exitStatus = status;
    return status;
  } catch (thrown) {
    // Of a project that cannot be read, only the command line and the environment say where the log is.
    if (observers === undefined)
      await open({ directory: process.cwd(), options: {} }, true).catch(() => {});
    const { explainServerError } = await import('./postgres/server-errors.js');
    const cause = thrown instanceof FailedRun ? thrown.cause : thrown;
    const error = hinted(explainServerError(stray === undefined ? cause : stray.error), name);
    const status = statusOf(error);
    if (!output.hasYieldedStderr) printError(error, verbose, json);
    const failure = failureOf(error, name);
    if (!output.hasResult) {
      output.result(thrown instanceof FailedRun ? { ...thrown.result, ...failure } : failure);
    }
    exitStatus = abort.signal.aborted && stray === undefined ? EXIT.interrupted : status;
    if (exitStatus !== EXIT.interrupted) {
      tell({ kind: 'failed', code: failure.error.code, error });
    }
    return exitStatus;
  } finally {
    clearTimeout(patience);
    await end();
    takeStrays(endOnStray);
    stopOnSignal();
  }
}

/** The last words to those who observe a command. */
async function endObserved(
  observers: readonly Observer[] | undefined,
  ended: { readonly command: string; readonly exitStatus: number; readonly startedAt: number },
): Promise<void> {
  const seconds = (Date.now() - ended.startedAt) / 1000;
  tell({ kind: 'command_ended', ...ended, seconds });
  if (observers === undefined || observers.length === 0) return;
  const { closeObservers } = await import('./observe/open-observers.js');
  await closeObservers(observers);
}

/** A command that does not come to its end in this time, after an error that reached no handler, is ended. */
const STRAY_PATIENCE_MS = 15_000;
const LAST_WORDS_MS = 2000;

function endAtOnce(error: unknown, output: Output, command: string, isVerbose: boolean): void {
  const status = statusOf(error);
  if (!output.hasYieldedStderr) printError(error, isVerbose, output.isJson);
  if (!output.hasResult) output.result(failureOf(error, command));
  // What is written to a pipe is sent first, if somebody reads it.
  process.stdout.write('', () => process.exit(status));
  setTimeout(() => process.exit(status), LAST_WORDS_MS);
}

function failureOf(error: unknown, command: string): FailureJson {
  return { command, ok: false, error: describeError(error) };
}

/** Whether whoever reads stderr expects JSON, though nothing has read the options yet. */
function isJsonLogAsked(): boolean {
  const given = argv.findLastIndex((argument) => /^--log(=|$)/.test(argument));
  const asked = argv[given]?.split('=')[1] ?? (given < 0 ? process.env.EDP_LOG : argv[given + 1]);
  const hasFile = argv.some((argument) => /^--log-file(=|$)/.test(argument));
  return asked === 'json' && !hasFile && (process.env.EDP_LOG_FILE ?? '') === '';
}

async function logEarly(error: unknown): Promise<void> {
  const [{ LogBook }, { formatLogLine }] = await Promise.all([
    import('./observe/log/log-book.js'),
    import('./observe/log/log-line.js'),
  ]);
  const { code } = describeError(error);
  for (const line of new LogBook().linesOf({ kind: 'failed', code, error })) {
    process.stderr.write(formatLogLine(line, 'json'));
  }
}

/** Outside of a command, where nothing is to be stopped. */
function endOnStray(error: unknown): void {
  process.exit(printError(error, argv.includes('--verbose'), argv.includes('--json')));
}

/** A mistake in the call of a command that has no remedy of its own is explained by its help. */
function hinted(error: unknown, command: string): unknown {
  if (!(error instanceof EdpError) || error.code !== 'usage' || error.hint !== undefined)
    return error;
  return new EdpError('usage', error.message, {
    hint: `edp ${command} --help lists its options`,
    ...(error.place === undefined ? {} : { place: error.place }),
    cause: error,
  });
}

interface Stopping {
  readonly stopsInOrder: boolean;
  readonly say: (text: string) => void;
  /** Ends the process, with the last words to those who observe it. */
  readonly leave: () => Promise<void>;
}

/** Ctrl-C, the request of a service manager, and the end of the terminal or of the connection to it. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C once: stop in order. Twice: at once; what has not committed is rolled back by the server. */
function listenForSignals(
  abort: AbortController,
  { stopsInOrder, say, leave }: Stopping,
): () => void {
  let isLeaving = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isLeaving || abort.signal.aborted) process.exit(EXIT.interrupted);
    if (!stopsInOrder) {
      isLeaving = true;
      void leave();
      return;
    }
    abort.abort(signal);
    stopAllReading();
    const again = signal === 'SIGINT' ? 'press Ctrl-C again' : `send ${signal} again`;
    say(`stopping in order; ${again} to stop at once (nothing is lost either way)`);
  };
  for (const signal of STOPPING) process.on(signal, stop);
  return () => {
    for (const signal of STOPPING) process.off(signal, stop);
  };
}

function stopAllReading(): void {
  void import('./source/stop-reading.js').then(({ stopReading }) => stopReading());
}

function describeError(error: unknown): ErrorJson {
  if (error instanceof EdpError) {
    return { code: error.code, message: error.message, hint: error.hint, place: error.place };
  }
  const { message, code } = error as Error & { code?: string };
  return { code: code ?? 'internal', message: message ?? String(error) };
}

/** @param isVerbose whether to add where it happened */
function printError(error: unknown, isVerbose: boolean, isJson: boolean): number {
  const lines: string[] = [];
  if (error instanceof EdpError) {
    lines.push(`edp: ${error.place === undefined ? '' : `${error.place}: `}${error.message}`);
    if (error.hint !== undefined) lines.push(`  → ${error.hint}`);
  } else {
    const { message, code, detail } = error as Error & { code?: string; detail?: string };
    lines.push(`edp: ${message ?? String(error)}${code === undefined ? '' : ` (${code})`}`);
    if (detail !== undefined) lines.push(`  ${detail}`);
    if (!isVerbose) lines.push('  → run again with --verbose to see where it happened');
  }
  if (isVerbose) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      lines.push(cause.stack ?? cause.message);
    }
  }
  // Lines that a message has of itself are indented, so that none can pass for one of edp's own.
  const text = lines.map((line) => safeLines(line).replace(/\n(?!\s)/g, '\n    '));
  const { red, cyan } = coloursOf(isJson ? {} : process.stderr, isJson ? {} : undefined);
  const shown = text
    .join('\n')
    .replace(/^edp:/, red('edp:'))
    .replace(/^ {2}→.*/gm, cyan);
  process.stderr.write(`${shown}\n`);
  return statusOf(error);
}

function statusOf(error: unknown): number {
  return error instanceof EdpError ? error.exitStatus : EXIT.failed;
}

/** yargs takes each value of a flag but `true` for false. @throws EdpError `usage` */
function assertFlagValues(
  argv: readonly string[],
  named: ReadonlySet<CommandEntry>,
  { OPTIONS, flagOf, optionsOf }: typeof import('./options/option-definitions.js'),
): void {
  const names = [...GLOBAL_OPTIONS, ...[...named].flatMap(optionsOf)];
  const flags = new Set(names.filter((name) => OPTIONS[name].isFlag === true).map(flagOf));
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  for (const argument of argv.slice(0, end)) {
    const [, flag = '', value = ''] = /^--(?:no-)?([^=]+)=(.*)$/s.exec(argument) ?? [];
    if (!flags.has(flag) || value === 'true' || value === 'false') continue;
    throw new EdpError(
      'usage',
      `--${flag}: expected true or false (got ${JSON.stringify(value)})`,
      {
        hint: `--${flag} alone is --${flag}=true`,
      },
    );
  }
}

/**
 * File names that yargs would take for something else: it drops a positional `-`, whose other name says
 * the same, and a name behind `--` may begin with a dash. A `-` behind an option is the option's value.
 */
function nameFiles(
  argv: readonly string[],
  named: ReadonlySet<CommandEntry>,
  { OPTIONS, flagOf, optionsOf }: typeof import('./options/option-definitions.js'),
): string[] {
  const takers = [...named].filter(
    ({ takesFileSettings, takesFiles }) => takesFileSettings === true || takesFiles === true,
  );
  if (takers.length === 0) return [...argv];
  const withValue = new Set(
    takers
      .flatMap(optionsOf)
      .filter((name) => OPTIONS[name].isFlag !== true)
      .map((name) => `--${flagOf(name)}`),
  );
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const before = argv
    .slice(0, end)
    .map((argument, i) =>
      argument === '-' && !withValue.has(argv[i - 1] ?? '') ? '/dev/stdin' : argument,
    );
  const names = argv.slice(end + 1).map((name) => (name.startsWith('-') ? `./${name}` : name));
  return [...before, ...names];
}

/** A reader that went away (`edp … | head`) is no failure. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    if (stream === process.stderr) process.exit(EXIT.failed);
    void sayUnwritable(error).finally(() => process.exit(EXIT.failed));
  });
}

let isSaid = false;

/** The output itself cannot take the message. */
async function sayUnwritable(error: NodeJS.ErrnoException): Promise<void> {
  if (isSaid) return;
  isSaid = true;
  const told = new EdpError('io', `the output cannot be written: ${error.message}`, {
    hint:
      error.code === 'ENOSPC' ? 'make room where stdout leads to' : 'check where stdout leads to',
    cause: error,
  });
  if (isJsonLogAsked()) await logEarly(told);
  else printError(told, argv.includes('--verbose'), argv.includes('--json'));
}

const argv = process.argv.slice(2);
takeStrays(endOnStray);
main(argv).then(
  (status) => {
    process.exitCode = status;
  },
  async (error: unknown) => {
    process.exitCode = statusOf(error);
    if (isJsonLogAsked()) await logEarly(error);
    else printError(error, argv.includes('--verbose'), argv.includes('--json'));
    if (argv.includes('--json')) {
      const command = argv.find((argument) => !argument.startsWith('-')) ?? null;
      const failure: FailureJson = { command, ok: false, error: describeError(error) };
      process.stdout.write(`${safeJson(failure)}\n`);
    }
  },
);
