/** The example of docs/history.md of a member that ended and returned: its declarations and its tables, as they stand there. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const page = await readFile(path.join(import.meta.dirname, '../../docs/history.md'), 'utf8');
const section = page.slice(page.indexOf('## Members that end'), page.indexOf('## What always'));
const [, yaml = ''] = /```yaml\n(.*?)```/s.exec(section)!;
const lines = section.split('\n').filter((line) => /^\|.*→|\| March \|/.test(line));
const folder = useWarehouseFolder({ 'edp.yaml': yaml });

const DAYS: Readonly<Record<string, string>> = {
  January: '2025-01-01',
  March: '2025-03-01',
  May: '2025-05-01',
};

it('the versions of the page are made of the files of the page', async () => {
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()));
  expect(cells).toHaveLength(3);
  for (const [, member = '', plan, updated, file = ''] of cells) {
    const record = member === '' ? '' : `${member},${plan},${updated}\n`;
    const csv = `id,plan,updated\n1,free,2025-01-01\n${record}`;
    await folder.load('staff', csv, '--effective-at', DAYS[file]!);
  }
  expect((await folder.plain('run')).status).toBe(0);
  const made = await folder.database.query(
    'SELECT plan, valid_from::date::text, valid_to::date::text, is_current FROM silver.staff WHERE member = 2 ORDER BY 2',
  );
  const shown = cells.filter((row) => row[5] === '→').map((row) => row.slice(6, 10));
  expect(made.map((row) => [row[0], row[1], row[2] ?? '', row[3] === true ? 't' : 'f'])).toEqual(
    shown,
  );
});
