/** Each list of words stands in one place of src; all else says the same as that place. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { describe, expect, it } from 'vitest';
import { wordsOf } from '../../src/model/choices.js';
import { flagOf, OPTIONS, type OptionName } from '../../src/options/option-definitions.js';

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(file(path), 'utf8');

/** Options with a list, each with its words. */
const LISTS = (Object.keys(OPTIONS) as OptionName[]).flatMap((name) => {
  const { meanings } = OPTIONS[name];
  if (meanings === undefined) return [];
  return [{ name, flag: flagOf(name), words: wordsOf(meanings) as readonly string[] }];
});

/** Words of a list as a document gives them behind its option: `--a x\|y`, or `--a x`, `y`. */
function findLists(text: string, name: string): string[][] {
  const bars = new RegExp(`--${name} ([a-z0-9-]+(?:\\\\?\\|[a-z0-9-]+)+)`, 'g');
  const commas = new RegExp(`\`--${name} ([a-z0-9-]+(?:\`, \`[a-z0-9-]+)+)\``, 'g');
  return [...text.matchAll(bars), ...text.matchAll(commas)].map(([, list]) =>
    list!.split(/\\?\||`, `/),
  );
}

/** First cells of the rows of a table that begins behind a text. */
function findFirstCells(text: string, behind: string): string[] {
  const [, ...lines] = text.slice(text.indexOf(behind)).split('\n');
  const from = lines.findIndex((line) => line.startsWith('|'));
  const rows = lines.slice(from + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? '');
}

describe('a list of words', () => {
  it('is there for each option that has one', () => {
    expect(LISTS.map(({ name }) => name)).toEqual([
      'log',
      'input-format',
      'event-format',
      'quote',
      'escape',
      'line-end',
      'encoding',
      'compression',
      'ragged',
      'on-conflict',
      'missing-dimensions',
      'on-new-column',
      'format',
      'lineage-format',
    ]);
  });

  it.each(LISTS)('of --$name is what the option takes', ({ name, words }) => {
    const { schema, choices } = OPTIONS[name];
    for (const word of words) expect(schema.safeParse(word).success, word).toBe(true);
    expect(schema.safeParse('no such word').success).toBe(false);
    if (choices !== undefined) expect(choices).toEqual(words);
  });

  it.each(LISTS)('of --$name is in the error that a wrong word gets', ({ name, words }) => {
    const message = OPTIONS[name].schema.safeParse('no such word').error?.issues[0]?.message;
    expect(message?.match(/[a-z0-9-]+/g)).toEqual(expect.arrayContaining([...words]));
  });

  it.each(LISTS)('of --$name is written nowhere else in src', ({ words }) => {
    const again = new RegExp(words.map((word) => `'${word}'`).join('\\s*[,|]\\s*'));
    expect(again.test(words.map((word) => `'${word}'`).join(', '))).toBe(true);
    const found = globSync('src/**/*.ts', { cwd: file('.') }).filter((path) =>
      again.test(read(path)),
    );
    expect(found).toEqual([]);
  });
});

describe('the documents', () => {
  const documents = ['README.md', ...globSync('docs/*.md', { cwd: file('.') })];

  it.each(LISTS)('list all words of --$flag wherever they list several', ({ flag }) => {
    // Commands may have options of their own under one flag.
    const lists = LISTS.filter((other) => other.flag === flag).map(({ words }) => words);
    for (const document of documents)
      for (const list of findLists(read(document), flag))
        expect(lists, document).toContainEqual(list);
  });

  it('do list words', () => {
    const listed = LISTS.filter(({ flag }) =>
      documents.some((document) => findLists(read(document), flag).length > 0),
    );
    expect(listed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['quote', 'line-end', 'on-conflict', 'on-new-column']),
    );
  });

  it('say what becomes of new fields, for each word', () => {
    expect(findFirstCells(read('docs/model.md'), '**New fields.**')).toEqual(
      LISTS.find(({ name }) => name === 'on-new-column')?.words,
    );
  });

  it('have the options as they are (npm run docs)', () => {
    const printed = execFileSync(process.execPath, [file('dist/dev/print-options.js')], {
      encoding: 'utf8',
    });
    expect(read('docs/options.md')).toBe(printed);
  });
});
