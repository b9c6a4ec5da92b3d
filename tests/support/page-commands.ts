/** The commands that a page of docs/ teaches by, in blocks of sh, each with the output that the page shows behind them. */
import { readFile } from 'node:fs/promises';

export interface PageCommand {
  readonly words: readonly string[];
  /** Lines of the block of text behind, if any. */
  readonly shown: readonly string[];
}

export async function readPageCommands(page: string): Promise<PageCommand[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?/gms)];
  return blocks.flatMap(([, commands = '', output = '']) => {
    const lines = commands.trimEnd().split('\n');
    const shown = output.split('\n').filter((line) => line !== '');
    // The output is that of the last command that says anything about it.
    const of = lines.findLastIndex((line) => line.startsWith('edp db psql'));
    return lines.map((line, i) => ({ words: wordsOf(line), shown: i === of ? shown : [] }));
  });
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
}

/** Values of a line of a table, whoever printed it. */
export function cellsOf(line: string): string[] {
  return line
    .split(/\s{2,}|\s*\|\s*/)
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '');
}
