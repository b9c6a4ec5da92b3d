/** A file that was exported again, into a table whose rows no key tells apart. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const model = (more = '') =>
  `tables:\n  sales: { columns: { shop: text, sold: timestamptz, amount: numeric, more: jsonb }${more} }\n`;

/** @param from number of the first record */
function sales(from: number, count: number): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return `shop ${n % 7},2024-01-01T00:00:${String(n % 60).padStart(2, '0')}Z,${n}.50,"{""n"":${n}}"`;
  });
  return `shop,sold,amount,more\n${lines.join('\n')}\n`;
}

const REPEATED = /were in table sales already/;

describe('a table without key', () => {
  it.each([
    { name: 'with records more', text: sales(0, 5001), repeated: 5000, loaded: 5001 },
    { name: 'with records that are gone', text: sales(2000, 3000), repeated: 3000, loaded: 3000 },
    { name: 'with one that is another', text: sales(1, 5000), repeated: 4999, loaded: 5000 },
  ])('a file that comes again $name is noticed', async ({ text, repeated, loaded }) => {
    const cwd = await makeProject(model(), { 'sales.csv': sales(0, 5000), 'sales-2.csv': text });
    const first = await run(cwd, 'ingest', 'sales.csv');
    expect(first.stderr).not.toMatch(REPEATED);
    expect(first.json.repeats).toBeUndefined();
    const again = await run(cwd, 'ingest', 'sales-2.csv');
    expect(again.status, again.stderr).toBe(0);
    expect(again.json.repeats).toEqual([
      { path: 'sales-2.csv', table: 'sales', loadId: 2, loaded, repeated },
    ]);
    expect(again.stderr).toMatch(REPEATED);
    expect(again.stderr).toContain('edp undo 2');
  });

  it('two such files in one command are noticed, also with other records between them', async () => {
    const files = { 'sales-1.csv': sales(0, 50), 'sales-2.csv': sales(900, 50) };
    const cwd = await makeProject(model(), { ...files, 'sales-3.csv': sales(0, 51) });
    const result = await run(cwd, 'ingest', 'sales-1.csv', 'sales-2.csv', 'sales-3.csv');
    // The first load of the command is the earlier one.
    expect(result.json.repeats).toMatchObject([{ path: 'sales-3.csv', loaded: 51, repeated: 50 }]);
  });

  it.each([
    { name: 'a file of other records', text: sales(5000, 5000), args: [] },
    { name: 'a few records that are equal', text: sales(4000, 5000), args: [] },
    { name: 'a load that is forced', text: sales(0, 5001), args: ['--force'] },
  ])('nothing is said of $name', async ({ text, args }) => {
    const cwd = await makeProject(model(), { 'sales.csv': sales(0, 5000), 'sales-2.csv': text });
    await run(cwd, 'ingest', 'sales.csv');
    const again = await run(cwd, 'ingest', 'sales-2.csv', ...args);
    expect(again.status, again.stderr).toBe(0);
    expect(again.json.repeats).toBeUndefined();
    expect(again.stderr).not.toMatch(REPEATED);
  });

  it('nothing is said of what was undone', async () => {
    const cwd = await makeProject(model(), {
      'sales.csv': sales(0, 50),
      'sales-2.csv': sales(0, 51),
    });
    await run(cwd, 'ingest', 'sales.csv');
    await run(cwd, 'undo', '1', '--yes');
    const again = await run(cwd, 'ingest', 'sales-2.csv');
    expect(again.json.repeats).toBeUndefined();
  });
});

it('a key has them as duplicates, so nothing more is said', async () => {
  const keyed = model(', key: [shop, amount]');
  const cwd = await makeProject(keyed, { 'sales.csv': sales(0, 50), 'sales-2.csv': sales(0, 51) });
  await run(cwd, 'ingest', 'sales.csv');
  const again = await run(cwd, 'ingest', 'sales-2.csv');
  expect(again.json.rows).toMatchObject({ loaded: 1, duplicate: 50 });
  expect(again.json.repeats).toBeUndefined();
});
