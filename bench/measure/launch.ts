/** Starts the processes of a contender, all at once, and waits for the last of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cleanEnvironment } from '../repository.js';

/** What is kept of a program's messages, for when it fails. */
const KEPT_MESSAGE_CHARACTERS = 2000;

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs programs at the same time. @returns what each wrote to stdout */
export type Launch = (...programs: readonly Program[]) => Promise<string[]>;

const running = new Set<ChildProcess>();

/** @param onStart is told the id of each process */
export function makeLaunch(onStart: (pid: number) => void): Launch {
  return async (...programs) => {
    const ended = await Promise.allSettled(programs.map((program) => run(program, onStart)));
    return ended.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  };
}

/** For programs that are not measured. */
export const launchApart: Launch = makeLaunch(() => {});

/** Ends what still runs; their callers meet the failure. */
export function killRunning(): void {
  for (const child of running) child.kill('SIGTERM');
}

async function run(program: Program, onStart: (pid: number) => void): Promise<string> {
  const { command, args, cwd, environment } = program;
  const child = spawn(command, args, {
    cwd,
    env: { ...cleanEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  if (child.pid !== undefined) onStart(child.pid);
  let output = '';
  let messages = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(-KEPT_MESSAGE_CHARACTERS);
  });
  try {
    const status = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal));
    });
    if (status !== 0) {
      throw new Error(
        `${[command, ...args].join(' ')}\nended with ${status}: ${messages.trim() || output.trim()}`,
      );
    }
    return output;
  } finally {
    running.delete(child);
  }
}
