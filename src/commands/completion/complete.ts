/**
 * The hidden call `edp __complete`, by which the scripts of `edp completion` ask what may stand at the cursor.
 * It prints candidates, one a line, and nothing where anything is wrong: a shell shows what it gets.
 */
import { EXIT } from '../../base/errors.js';
import { type Answer, listCandidates } from './list-candidates.js';
import type { Candidate } from './live-names.js';
import { quoteForBash, readWords, trimForBash } from './shell-line.js';

/** Slower answers disturb more than they help. */
const PATIENCE_MS = 1000;

/** The line before the candidates, where the shell is to complete names of files or folders, too. */
const PLACES: Readonly<Record<NonNullable<Answer['places']>, string>> = {
  file: ':files',
  folder: ':folders',
};

/**
 * @param args `bash LINE WORD`: the line up to the cursor, and the part of its last word that bash would replace;
 *   or `zsh WORD…`, `fish WORD…`: the words behind `edp`, the last one up to the cursor, without quotes
 */
export async function complete(args: readonly string[]): Promise<number> {
  // Also where a database does not answer.
  setTimeout(() => process.exit(EXIT.done), PATIENCE_MS);
  try {
    const [shell = '', ...rest] = args;
    process.stdout.write(shell === 'bash' ? await forBash(rest) : await forWords(shell, rest));
  } catch {
    // Whoever presses the tab key does not want to read why there is nothing.
  }
  process.stdout.write('', () => process.exit(EXIT.done));
  return EXIT.done;
}

/** A shell would do with control characters what they say, or take what is behind them for another candidate. */
const isShown = ({ value }: Candidate) => !/\p{Cc}/u.test(value);
const clean = (note: string) => note.replace(/\p{Cc}+/gu, ' ');

async function forWords(shell: string, words: readonly string[]): Promise<string> {
  const { places, candidates } = await listCandidates(words);
  const lines = candidates
    .filter(isShown)
    .map(({ value, note }) =>
      shell === 'fish'
        ? `${value}\t${clean(note)}`
        : `${value.replace(/[\\:]/g, '\\$&')}:${clean(note)}`,
    );
  return [...(places === undefined ? [] : [PLACES[places]]), ...lines, ''].join('\n');
}

async function forBash([line = '', word = '']: readonly string[]): Promise<string> {
  const { words, quote } = readWords(line);
  const { places, candidates } = await listCandidates(words.slice(1));
  const lines = candidates.filter(isShown).flatMap(({ value }) => {
    const rest = trimForBash(value, words.at(-1) ?? '', word, quote);
    return rest === undefined
      ? []
      : [quoteForBash(rest, quote).replace(/^:(?=files$|folders$)/, '\\:')];
  });
  return [...(places === undefined ? [] : [PLACES[places]]), ...lines, ''].join('\n');
}
