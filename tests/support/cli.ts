/** The built command line, run as a user runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type CommandName, type CommandOf, type JsonOf, readPrinted } from './json.js';
import { makeTemporary } from './temporary.js';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface CliResult<C extends CommandName = CommandName> {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What `--json` printed. @throws where it is not what docs/json.schema.json describes */
  readonly json: JsonOf<C>;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

/** The environment without anything that names a database or an option. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(PG|POSTGRES_|EDP_|DATABASE_URL|NODE_OPTIONS|VITEST|FORCE_COLOR|NO_COLOR)/.test(name),
    ),
  );
}

export function startEdp(args: readonly string[], { cwd, env }: CliOptions): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: 'pipe',
  });
}

/** Runs a command to its end, and holds what it prints with `--json` to its schema. */
export async function edp<const A extends readonly string[]>(
  args: A,
  options: CliOptions,
): Promise<CliResult<CommandOf<A>>> {
  const child = startEdp(args, options);
  const result = followEdp(child, args);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  return await result;
}

/** The result of a command that {@link startEdp} has just started. */
export async function followEdp<const A extends readonly string[]>(
  child: ChildProcess,
  args: A,
): Promise<CliResult<CommandOf<A>>> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const json = readPrinted(args, stdout);
  return {
    status,
    stdout,
    stderr,
    get json() {
      if (json === undefined) throw new Error(`no JSON was printed, but: ${stdout}${stderr}`);
      return json;
    },
  };
}

/** An empty directory that is gone when the test is over. */
export async function makeDirectory(): Promise<string> {
  const directory = await makeTemporary();
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

/** Runs `work` with an empty directory, for what tests have in common. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeTemporary();
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}
