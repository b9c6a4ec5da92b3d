/** A command on a terminal of its own, which util-linux's `script` makes. */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { CLI, cleanEnvironment } from './cli.js';

/** Whether there is a `script` that takes a command. */
export const hasTerminal =
  spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;

export interface TerminalOptions {
  readonly cwd: string;
  readonly columns: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with all that was shown so far; what it returns is typed. */
  readonly type?: (shown: string) => string | undefined;
}

/** @returns what the terminal was sent, control sequences included */
export async function onTerminal(
  args: readonly string[],
  { cwd, columns, env, type }: TerminalOptions,
): Promise<{ status: number | null; shown: string }> {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const command = [process.execPath, path.resolve(CLI), ...args].map(quote).join(' ');
  const child = spawn(
    'script',
    ['-qec', `stty cols ${columns} rows 24; exec ${command}`, '/dev/null'],
    {
      cwd,
      env: { ...cleanEnvironment(), TERM: 'xterm-256color', NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    const typed = type?.(shown);
    if (typed !== undefined) child.stdin.write(typed);
  });
  child.stdin.on('error', () => {});
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, shown };
}

/** The lines that a user sees in the end: what a line was before it was drawn anew is gone. */
export function screenOf(shown: string, columns: number): string[] {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  let saved = [0, 0] as [number, number];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is sent
  const parts = shown.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|\u001b([78])|([\s\S])/gu);
  for (const [, argument = '', letter, save, character] of parts) {
    if (save === '7') saved = [row, column];
    else if (save === '8') [row, column] = saved;
    else if (letter === 'G') column = Number(argument || '1') - 1;
    else if (letter === 'K') {
      const line = lines[row]!;
      if (argument === '2') line.fill(' ');
      else line.length = Math.min(line.length, column);
    } else if (character === '\r') column = 0;
    else if (character === '\n') {
      row++;
      lines[row] ??= [];
    } else if (character !== undefined) {
      if (column >= columns) {
        row++;
        lines[row] ??= [];
        column = 0;
      }
      const line = lines[row]!;
      while (line.length < column) line.push(' ');
      line[column++] = character;
    }
  }
  return lines.map((line) => line.join('').trimEnd());
}
