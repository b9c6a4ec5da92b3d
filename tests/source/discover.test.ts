import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { discoverFiles, isStdin } from '../../src/source/discover.js';
import { makeDirectory } from '../support/cli.js';

const FILES = [
  ...['data/events-1.csv', 'data/events-2.csv', 'data/events-10.csv', 'data/events.tsv'],
  ...[
    'data/first_dimensions.csv',
    'other/events-1.csv',
    'a.csv',
    'b.csv',
    'b,c.csv',
    'x[1].csv',
    'events-0.csv',
  ],
];

async function makeFiles(): Promise<string> {
  const directory = await makeDirectory();
  for (const name of FILES) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, 'id\n');
  }
  await mkdir(path.join(directory, 'data/events-old'));
  return directory;
}

async function discover(...names: string[]): Promise<string[]> {
  const directory = await makeFiles();
  const files = await discoverFiles(names, directory);
  for (const file of files) {
    expect(file.path).toBe(
      isStdin(file) ? path.join(directory, '-') : path.resolve(directory, file.name),
    );
  }
  return files.map(({ name }) => name);
}

describe('files', () => {
  it.each([
    ['one file', ['a.csv'], ['a.csv']],
    [
      'several, as they are named',
      ['b.csv', 'data/events-1.csv', 'a.csv'],
      ['b.csv', 'data/events-1.csv', 'a.csv'],
    ],
    ['a list with commas', ['b.csv,a.csv'], ['b.csv', 'a.csv']],
    ['a list with blanks and nothing', ['b.csv, a.csv,,'], ['b.csv', 'a.csv']],
    ['a file with a comma in its name', ['b,c.csv'], ['b,c.csv']],
    ['a file that looks like a pattern', ['x[1].csv'], ['x[1].csv']],
    [
      'a pattern, in the order of the numbers',
      ['data/events-*.csv'],
      ['data/events-1.csv', 'data/events-2.csv', 'data/events-10.csv'],
    ],
    ['a pattern for directories', ['*/events-1.csv'], ['data/events-1.csv', 'other/events-1.csv']],
    [
      'a pattern with braces',
      ['data/events-{1,10}.csv'],
      ['data/events-1.csv', 'data/events-10.csv'],
    ],
    [
      'a list of patterns with braces',
      ['data/events-{1,10}.csv,{a,b}.csv'],
      ['data/events-1.csv', 'data/events-10.csv', 'a.csv', 'b.csv'],
    ],
    [
      'the word events',
      ['events'],
      ['data/events-1.csv', 'data/events-2.csv', 'data/events-10.csv', 'data/events.tsv'],
    ],
    [
      'the word in a list',
      ['events,a.csv'],
      ['data/events-1.csv', 'data/events-2.csv', 'data/events-10.csv', 'data/events.tsv', 'a.csv'],
    ],
    ['one file, named twice', ['./a.csv', 'a.csv', 'data/../a.csv', '?.csv'], ['./a.csv', 'b.csv']],
    ['standard input', ['-'], ['-']],
  ])('%s', async (_, names, expected) => {
    expect(await discover(...names)).toEqual(expected);
  });

  it('by absolute path, from anywhere', async () => {
    const directory = await makeFiles();
    const file = path.join(directory, 'a.csv');
    expect(await discoverFiles([file], '/')).toEqual([{ name: file, path: file }]);
  });
});

describe('what is not there', () => {
  it.each([
    ['a file', ['no.csv'], 'no_such_file', /^no\.csv: no such file$/],
    [
      'several, all at once',
      ['no.csv', 'a.csv', 'nor.csv,b.csv'],
      'no_such_file',
      /^no\.csv, nor\.csv: no such file$/,
    ],
    ['a pattern without files', ['data/*.parquet'], 'no_such_file', /data\/\*\.parquet/],
    ['a directory', ['data'], 'not_a_file', /data is a directory/],
    ['a directory with a slash', ['data/'], 'not_a_file', /is a directory/],
    ['a device', ['/dev/null'], 'not_a_file', /\/dev\/null is not a regular file/],
  ])('%s', async (_, names, code, message) => {
    const error = await discover(...names).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EdpError);
    const { place, message: said } = error as EdpError;
    expect(place === undefined ? said : `${place}: ${said}`).toMatch(message);
    expect(error).toMatchObject({ code, exitStatus: 2 });
    const isPattern = names.every((name) => name.includes('*'));
    expect(/fits the pattern/.test(String((error as EdpError).hint))).toBe(isPattern);
    expect((error as EdpError).hint).toBeTruthy();
  });

  it('any data/events*, when the word asks for them', async () => {
    const error = await discoverFiles(['events'], await makeDirectory()).catch((caught) => caught);
    expect(error).toMatchObject({
      code: 'no_such_file',
      hint: expect.stringContaining('generate-data'),
    });
  });
});
