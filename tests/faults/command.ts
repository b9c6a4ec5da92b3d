/** The built command line as a child process, whose end the harness waits for, or makes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Found from the sources as well as from the compiled harness. */
const CLI = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../dist/cli.js' : '../../../../../dist/cli.js',
    import.meta.url,
  ),
);

/** A command that takes longer than this hangs. */
const DEADLINE_MS = 90_000;

export interface CommandResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** Whether it had to be killed, as it did not end. */
  readonly hasHung: boolean;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandResult>;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly url: string | undefined;
  /** For EDP_FAILPOINTS and EDP_FAULT_LOG. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer;
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(PG|POSTGRES_|EDP_|DATABASE_URL|NODE_OPTIONS|VITEST|FORCE_COLOR)/.test(name),
    ),
  );
}

export function startCommand(args: readonly string[], options: CommandOptions): RunningCommand {
  const { cwd, url, env, input } = options;
  const all = url === undefined ? args : [...args, '--database-url', url];
  const child = spawn(process.execPath, [CLI, ...all], {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: 'pipe',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.stdin?.on('error', () => {});
  child.stdin?.end(input ?? '');
  let hasHung = false;
  const timer = setTimeout(() => {
    hasHung = true;
    child.kill('SIGKILL');
  }, DEADLINE_MS);
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, output, hasHung });
    });
  });
  return { child, ended };
}
