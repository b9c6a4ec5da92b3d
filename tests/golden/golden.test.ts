/** Runs every folder here that has a `command` file; README.md says what is in such a folder. */
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useEmptyDatabase } from '../support/scratch.js';
import { type Argv, CASES, isExpectation, readCommands, readExpected } from './cases.js';
import { describeResult, formatJson } from './normalise.js';
import { readRejects, readRows } from './outcome.js';
import { writeExpected } from './update.js';

const database = useEmptyDatabase();

/** @returns what the case must give: the text of each expected file, by its name */
async function runCase(directory: string): Promise<Map<string, string>> {
  const cwd = await makeDirectory();
  await cp(directory, cwd, { recursive: true, filter: (file) => !isExpectation(directory, file) });
  const model = await readModel(cwd);
  const run = async ({ args, inputFile }: Argv) =>
    edp(args, {
      cwd,
      env: { DATABASE_URL: database.url, EDP_PROCESS_COUNT: '2' },
      ...(inputFile === undefined ? {} : { input: await readFile(path.join(cwd, inputFile)) }),
    });

  const results: object[] = [];
  for (const command of await readCommands(directory)) {
    results.push(describeResult(command, await run(command), cwd));
  }
  const files = new Map([['result.json', formatJson(results)]]);
  const rejects = await readRejects(database, (...args) => run({ args }));
  if (rejects.length > 0) files.set('rejects.json', formatJson(rejects));
  for (const [table, rows] of await readRows(database)) files.set(`rows.${table}.csv`, rows);
  const modelAfter = await readModel(cwd);
  if (modelAfter !== model) files.set('edp.yaml', modelAfter);
  return files;
}

const readModel = (cwd: string) => readFile(path.join(cwd, 'edp.yaml'), 'utf8').catch(() => '');

/** The keys of an object may come in another order. */
const parseFile = (name: string, text: string) =>
  name.endsWith('.json') ? JSON.parse(text) : text;

describe('a golden folder', () => {
  it.each(CASES)('$name', async ({ directory }) => {
    const actual = await runCase(directory);
    if (process.env.UPDATE_GOLDEN) await writeExpected(directory, actual);
    const expected = await readExpected(directory);
    expect([...actual.keys()].sort(), 'the names of the files in expected/').toEqual(
      [...expected.keys()].sort(),
    );
    for (const [name, text] of expected) {
      expect(parseFile(name, actual.get(name)!), name).toEqual(parseFile(name, text));
    }
  });
});

it('finds its folders', () => {
  expect(CASES.length).toBeGreaterThan(15);
});
