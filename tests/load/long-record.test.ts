/** A record that covers thousands of splits: they are passed over, not each read to its end. */
import { expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const LENGTH = 3_000_000;
const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
const csv = (id: number, text: string) => `${id},${text}\n`;
const jsonl = (id: number, text: string) => `${JSON.stringify({ id, text })}\n`;

it.each([
  ['a CSV field', 'csv', csv, 'x'.repeat(LENGTH), true],
  ['a quoted field of many lines', 'csv', csv, `"${'x,\n'.repeat(LENGTH / 3)}"`, true],
  ['a quoted field, in a table without a key', 'csv', csv, `"${'x\n'.repeat(LENGTH / 2)}"`, false],
  ['a line of JSON', 'jsonl', jsonl, 'x'.repeat(LENGTH), true],
])('%s', async (_, format, write, long, hasKey) => {
  const head = format === 'csv' ? 'id,text\n' : '';
  const records = [
    ...ids(1, 100).map((id) => write(id, 'before')),
    write(1000, long),
    ...ids(2000, 100).map((id) => write(id, 'after')),
  ];
  const key = hasKey ? '    key: id\n' : '';
  const cwd = await makeProject(`tables:\n  notes:\n    columns: { id: int, text: text }\n${key}`, {
    [`notes.${format}`]: head + records.join(''),
  });
  const { status, stderr, json } = await run(
    cwd,
    'ingest',
    `notes.${format}`,
    '--read-batch-size',
    '5',
    '--process-count',
    '3',
  );
  expect(status, stderr).toBe(0);
  expect(json.rows).toEqual({ read: 201, loaded: 201, rejected: 0, duplicate: 0 });
  expect(
    await database.query('SELECT count(*)::int, sum(id)::int, max(length(text)) FROM notes'),
  ).toEqual([[201, [...ids(1, 100), 1000, ...ids(2000, 100)].reduce((a, b) => a + b), LENGTH]]);
  await expectBalanced(database, 'notes');
  const verified = await run(cwd, 'verify', String(json.files[0]!.loadId));
  expect(verified.status, verified.stderr).toBe(0);
});
