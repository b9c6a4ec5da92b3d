/** docs/partitions.md teaches by commands: each of them runs, in their order, in an empty directory. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { makeProject } from '../support/scratch.js';

const database = useTestDatabase('empty');

interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the file that it shows. */
  readonly name: string | undefined;
  /** What the page says that it prints. */
  readonly printed: readonly string[][];
}

async function readBlocks(): Promise<Block[]> {
  const page = await readFile(new URL('../../docs/partitions.md', import.meta.url), 'utf8');
  const blocks = page.matchAll(
    /(?:`([\w.-]+)`[^\n]*:\n\n)?^```(\w+)\n(.*?)^```\n((?:\n {4}[^\n]*(?:\n {4}[^\n]*)*)?)/gms,
  );
  return [...blocks].map(([, name, language, text, printed]) => ({
    language: language!,
    text: text!,
    name,
    printed: printed!
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.split('|').map((cell) => cell.trim())),
  }));
}

it('each command of the page does what it says', async () => {
  const cwd = await makeProject(null);
  const errors: string[] = [];
  let checked = 0;
  for (const { language, text, name, printed } of await readBlocks()) {
    if (language === 'yaml') await writeFile(path.join(cwd, 'edp.yaml'), text);
    else if (language === 'csv') await writeFile(path.join(cwd, name!), text);
    else if (language === 'sql') {
      if (printed.length === 0) await database.query(text);
      else {
        const rows = await database.query(text);
        expect(rows.map((row) => row.map(String))).toEqual(printed.slice(1));
        checked++;
      }
    } else {
      for (const line of text.trimEnd().split('\n')) {
        const [, words, expected = '0'] = /^edp (.*?)(?: # exit status (\d))?$/.exec(line)!;
        const { status, stderr } = await edp(words!.split(' '), {
          cwd,
          env: { DATABASE_URL: database.url },
        });
        expect(status, `${line}\n${stderr}`).toBe(Number(expected));
        errors.push(stderr);
      }
    }
  }
  expect(checked).toBe(4);
  expect(errors.filter((text) => text.includes('whatever partition-range says'))).toHaveLength(1);
  const days = (table: string) =>
    database.query(
      `SELECT tableoid::regclass::text, count(*)::int FROM ${table} GROUP BY 1 ORDER BY 1`,
    );
  expect(await days('readings')).toEqual([
    ['readings_1969_12', 1],
    ['readings_2024_01', 2],
    ['readings_2024_02', 1],
    ['readings_2024_03', 1],
    ['readings_rest', 2],
  ]);
  expect(await days('orders')).toEqual([['orders_2024_03', 2]]);
  expect(await database.query('SELECT id FROM orders_keys ORDER BY 1')).toEqual([[2], [3]]);
  expect(await days('visits')).toEqual([
    ['visits_2024_01', 1],
    ['visits_2024_02', 1],
    ['visits_2024_03', 1],
    ['visits_rest', 1],
  ]);
});
