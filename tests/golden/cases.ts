/** What stands in a golden folder. */
import { readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const COMMAND = 'command';
const EXPECTED = 'expected';

export interface Case {
  readonly name: string;
  readonly directory: string;
}

export const CASES: readonly Case[] = readdirSync(import.meta.dirname, {
  withFileTypes: true,
})
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, directory: path.join(import.meta.dirname, name) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/** Arguments of `edp`, and the file that it gets as standard input. */
export interface Argv {
  readonly args: readonly string[];
  readonly inputFile?: string;
}

export interface CommandLine extends Argv {
  /** As it stands in the file. */
  readonly text: string;
}

/** @throws Error for a folder without a command */
export async function readCommands(directory: string): Promise<CommandLine[]> {
  const text = await readFile(path.join(directory, COMMAND), 'utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new Error(`${directory}/${COMMAND} has no command`);
  return lines.map((line) => {
    const [, command, inputFile] = /^(.*?)(?: < (\S+))?$/.exec(line)!;
    const args = splitWords(command!);
    return { text: line, args, ...(inputFile === undefined ? {} : { inputFile }) };
  });
}

/** Words apart by blanks; what stands in single or double quotes is one word. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  );
}

/** Whether a file of the folder is of the test, and not of the project that the commands run in. */
export function isExpectation(directory: string, file: string): boolean {
  const [first] = path.relative(directory, file).split(path.sep);
  return first === COMMAND || first === EXPECTED;
}

export function expectedPath(directory: string, name = ''): string {
  return path.join(directory, EXPECTED, name);
}

/** @returns the text of each file by its name; none for a folder that has nothing yet */
export async function readExpected(directory: string): Promise<Map<string, string>> {
  const names = await readdir(expectedPath(directory)).catch(() => []);
  const files = new Map<string, string>();
  for (const name of names.sort()) {
    files.set(name, await readFile(expectedPath(directory, name), 'utf8'));
  }
  return files;
}
