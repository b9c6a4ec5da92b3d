#!/usr/bin/env node
/**
 * The command line: assembles the commands, and is the only place that ends the process.
 *
 * Start-up is felt by users, so a command's module is loaded when it is called and not before.
 */
import { readFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { EdpError, EXIT, FailedRun } from './base/errors.js';
import { packageFile } from './base/package-files.js';
import { safeJson, safeLines } from './base/safe-text.js';
import type { Command } from './commands/command.js';

interface CommandEntry {
  readonly usage: string;
  readonly describe: string;
  load(): Promise<{ command: Command }>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    usage: 'ingest <files...>',
    describe: 'Load CSV files into PostgreSQL, each record accounted for',
    load: () => import('./commands/ingest/ingest.command.js'),
  },
  {
    usage: 'inspect <file>',
    describe: 'What a file is: format, dialect, columns, types, oddities; loads nothing',
    load: () => import('./commands/inspect.command.js'),
  },
  {
    usage: 'model <action> <files...>',
    describe: 'A model for edp.yaml, inferred from all records of CSV files',
    load: () => import('./commands/model.command.js'),
  },
  {
    usage: 'seed-dimensions',
    describe: 'Load first_dimensions.csv and second_dimensions.csv',
    load: () => import('./commands/seed-dimensions.command.js'),
  },
  {
    usage: 'generate-data',
    describe: 'Write event CSVs to try edp with, clean or dirty',
    load: () => import('./commands/generate-data.command.js'),
  },
  {
    usage: 'generate-report [name]',
    describe: 'Write a report as CSV, JSON or a table',
    load: () => import('./commands/generate-report.command.js'),
  },
  {
    usage: 'status [load]',
    describe: 'What was loaded, newest first; one load in detail',
    load: () => import('./commands/status.command.js'),
  },
  {
    usage: 'rejects <load>',
    describe: 'The records a load rejected, and why',
    load: () => import('./commands/rejects.command.js'),
  },
  {
    usage: 'replay <load>',
    describe: 'Try the rejects of a load again, exactly once',
    load: () => import('./commands/replay.command.js'),
  },
  {
    usage: 'undo <load>',
    describe: 'Remove exactly the rows of a load, so that its file can be loaded again',
    load: () => import('./commands/undo.command.js'),
  },
  {
    usage: 'verify <load> [file]',
    describe: 'Hold a file against what its load left in the table, by content',
    load: () => import('./commands/verify.command.js'),
  },
  {
    usage: 'promote <metric>',
    describe: 'Make a metric that was kept beside the rows a column of its own',
    load: () => import('./commands/promote.command.js'),
  },
  {
    usage: 'db <action> [args..]',
    describe: 'The embedded PostgreSQL: start, stop, url, psql',
    load: () => import('./commands/db.command.js'),
  },
];

/** Global options; every command has them. */
const GLOBAL_OPTIONS = ['json', 'verbose'] as const;

function version(): string {
  const manifest = readFileSync(packageFile('package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function nameOf({ usage }: CommandEntry): string {
  return usage.split(' ', 1)[0]!;
}

interface CommandParts {
  readonly options: typeof import('./options/options.js');
  readonly command: Command;
}

async function loadParts(entry: CommandEntry): Promise<CommandParts> {
  const [options, { command }] = await Promise.all([import('./options/options.js'), entry.load()]);
  return { options, command };
}

/** @param isHelpWanted else the options are left out of the help, which yargs lays out at every call */
function addOptions(
  yargs: Argv,
  { options: { OPTIONS, environmentName, flagOf }, command }: CommandParts,
  isHelpWanted: boolean,
): Argv {
  let built = yargs;
  for (const name of new Set([...command.options, ...GLOBAL_OPTIONS])) {
    const option = OPTIONS[name];
    built = built.option(flagOf(name), {
      type: option.isFlag === true ? 'boolean' : 'string',
      array: name === 'param',
      describe: `${option.describe} [${environmentName(name)}]`,
      defaultDescription:
        option.defaultDescription ??
        (option.default === undefined || option.isFlag === true
          ? undefined
          : String(option.default)),
      requiresArg: option.isFlag !== true,
      choices: option.choices,
      hidden: !isHelpWanted,
      group: (GLOBAL_OPTIONS as readonly string[]).includes(name) ? 'Everywhere:' : 'Options:',
    });
  }
  return command.build?.(built) ?? built;
}

/** The exit status of the command that ran. */
async function main(argv: readonly string[]): Promise<number> {
  // `edp --version` needs none of what follows.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    process.stdout.write(`${version()}\n`);
    return EXIT.done;
  }
  const { default: yargs } = await import('yargs');
  // Before yargs reads the arguments: where it has to wait for a command, it lays out its help once more.
  const parts = await Promise.all(
    COMMANDS.map((entry) => (argv.includes(nameOf(entry)) ? loadParts(entry) : undefined)),
  );
  const isHelpWanted = argv.some((argument) => /^(-[^-]*h|--h|help$)/.test(argument));
  const calls: { readonly command: Command; readonly parsed: Record<string, unknown> }[] = [];
  const parser = yargs(argv)
    .scriptName('edp')
    .usage('$0 <command>\n\nLoads event files into PostgreSQL and accounts for every record.')
    .version(version())
    .help()
    .alias('h', 'help')
    // So that a command may stand behind one.
    .boolean([...GLOBAL_OPTIONS])
    .parserConfiguration({ 'camel-case-expansion': false, 'parse-positional-numbers': false })
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .strict()
    .demandCommand(1, 'Name a command.')
    .recommendCommands()
    .epilog(
      'edp <command> --help explains a command. Options also come from edp.yaml and EDP_* variables.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      if (error) throw error;
      throw new EdpError('usage', message, {
        hint: 'edp --help lists commands, edp <command> --help their options',
      });
    });
  for (const [i, { usage, describe }] of COMMANDS.entries()) {
    const own = parts[i];
    parser.command(
      usage,
      describe,
      (command) => (own === undefined ? command : addOptions(command, own, isHelpWanted)),
      (parsed) => {
        if (own !== undefined) calls.push({ command: own.command, parsed });
      },
    );
  }
  await parser.parseAsync();
  const [call] = calls;
  return call === undefined ? EXIT.done : execute(call.command, call.parsed);
}

async function execute(command: Command, parsed: Record<string, unknown>): Promise<number> {
  const [{ Output }, { resolveOptions }, { loadProject }] = await Promise.all([
    import('./terminal/output.js'),
    import('./options/options.js'),
    import('./project/project.js'),
  ]);
  const { json, verbose } = resolveOptions(GLOBAL_OPTIONS, parsed, {});
  const output = new Output(json);
  const name = String((parsed._ as unknown[])[0]);
  const abort = new AbortController();
  const stopOnSignal = listenForSignals(abort, command.stopsInOrder === true, (text) =>
    output.note(text),
  );
  try {
    const project = await loadProject();
    return await command.run({ given: parsed, project, output, signal: abort.signal });
  } catch (thrown) {
    const error = thrown instanceof FailedRun ? thrown.cause : thrown;
    const status = printError(error, verbose);
    const result = thrown instanceof FailedRun ? thrown.result : { command: name };
    output.result({ ...result, ok: false, error: describeError(error) });
    return abort.signal.aborted ? EXIT.interrupted : status;
  } finally {
    stopOnSignal();
  }
}

/** Ctrl-C once: stop in order. Twice: at once; what has not committed is rolled back by the server. */
function listenForSignals(
  abort: AbortController,
  stopsInOrder: boolean,
  say: (text: string) => void,
): () => void {
  const stop = (signal: NodeJS.Signals) => {
    if (!stopsInOrder || abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(signal);
    say('\nstopping in order; press Ctrl-C again to stop at once (nothing is lost either way)');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return () => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  };
}

function describeError(error: unknown): object {
  if (error instanceof EdpError) {
    return { code: error.code, message: error.message, hint: error.hint, place: error.place };
  }
  const { message, code } = error as Error & { code?: string };
  return { code: code ?? 'internal', message: message ?? String(error) };
}

function printError(error: unknown, isVerbose: boolean): number {
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
  process.stderr.write(`${text.join('\n')}\n`);
  return error instanceof EdpError ? error.exitStatus : EXIT.failed;
}

/**
 * File names that yargs would take for something else: it drops a positional `-`, whose other name says
 * the same, and a name behind `--` may begin with a dash.
 */
function nameFiles(argv: readonly string[]): string[] {
  const command = argv.find((argument) => !argument.startsWith('-'));
  if (!['ingest', 'inspect', 'model'].includes(command ?? '')) return [...argv];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const before = argv
    .slice(0, end)
    .map((argument, i) =>
      argument === '-' && !/^--(?:delimiter|comment)$/.test(argv[i - 1] ?? '')
        ? '/dev/stdin'
        : argument,
    );
  const names = argv.slice(end + 1).map((name) => (name.startsWith('-') ? `./${name}` : name));
  return [...before, ...names];
}

/** A reader that went away (`edp … | head`) is no failure. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed);
  });
}

const argv = process.argv.slice(2);
main(nameFiles(argv)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.exitCode = printError(error, argv.includes('--verbose'));
    if (argv.includes('--json')) {
      const command = argv.find((argument) => !argument.startsWith('-')) ?? null;
      process.stdout.write(`${safeJson({ command, ok: false, error: describeError(error) })}\n`);
    }
  },
);
