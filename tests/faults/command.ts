/** The built command line as a child process. The harness waits for its end, or causes it. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Root of the repository; found from the sources as well as from the compiled harness. */
export const ROOT = new URL(
  import.meta.url.endsWith('.ts') ? '../../' : '../../../../../',
  import.meta.url,
);
const CLI = fileURLToPath(new URL('dist/cli.js', ROOT));
const HOST = fileURLToPath(new URL('tests/faults/host.js', ROOT));

/** A command that takes longer than this is taken to hang. */
const DEADLINE_MS = 90_000;

export interface CommandResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** Whether it had to be killed because it did not end. */
  readonly hasHung: boolean;
}

export interface RunningCommand {
  /** Sends a signal. @returns whether the command still runs */
  kill(signal: NodeJS.Signals): boolean;
  readonly ended: Promise<CommandResult>;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly url: string | undefined;
  /** Values for EDP_FAILPOINTS and EDP_FAULT_LOG. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer | undefined;
}

export function cleanEnvironment(): NodeJS.ProcessEnv {
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
  return { kill: (signal) => child.kill(signal), ended };
}

/** A process that runs one command after the other (host.js). */
export class Host {
  readonly #rules: string;
  #child: ChildProcess | undefined;
  #ready: Promise<void> | undefined;
  #output = '';
  #runs = 0;

  /** @param rules file with its failpoints; no other host uses it */
  constructor(rules: string) {
    this.#rules = rules;
  }

  /** Starts a command. A host runs only one at a time. */
  start(
    args: readonly string[],
    cwd: string,
    url: string,
    failpoints: string,
    log: string,
  ): RunningCommand {
    // The text differs each time, so that every thread starts to count again.
    writeFileSync(this.#rules, `${log}\n${failpoints}${','.repeat(++this.#runs % 1000)}\n`);
    const child = this.#spawn();
    let hasHung = false;
    const timer = setTimeout(() => {
      hasHung = true;
      child.kill('SIGKILL');
    }, DEADLINE_MS);
    const ended = new Promise<CommandResult>((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null, output: string) => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve({ status, signal, output, hasHung });
      };
      const onMessage = (message: { status?: number; output?: string }) => {
        if (message.status !== undefined) end(message.status, null, message.output ?? '');
      };
      const onExit = (status: number | null, signal: NodeJS.Signals | null) => {
        this.#child = undefined;
        end(status, signal, `the process ended: ${this.#output}`);
      };
      child.on('message', onMessage);
      child.once('exit', onExit);
    });
    void this.#ready!.then(() => {
      if (child.connected) child.send({ args, cwd, url });
    });
    return { kill: (signal) => child.kill(signal), ended };
  }

  #spawn(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    this.#output = '';
    const child = fork(HOST, {
      env: { ...cleanEnvironment(), EDP_FAILPOINTS: `@${this.#rules}` },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#child = child;
    this.#ready = new Promise((resolve) => {
      child.once('message', () => resolve());
      child.once('exit', () => resolve());
    });
    return child;
  }

  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
