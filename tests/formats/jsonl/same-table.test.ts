/** Events as CSV and as JSON lines: one table, whatever the number of workers and the size of splits. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { makeDirectory } from '../../support/cli.js';
import { useTestDatabase } from '../../support/database.js';
import { generateEvents } from '../../support/events.js';
import { runnerFor } from '../../support/scratch.js';

const database = useTestDatabase();
const run = runnerFor(database);

const readEvents = () =>
  database.query(
    `SELECT id, recorded_date::text, created_date::text, first_dimension_id, second_dimension_id,
       metric_one, metric_two, metric_n, extra_metrics::text FROM events ORDER BY id`,
  );

/** @param nest whether metrics are an object, and not a string with JSON in it */
function toLine(record: Readonly<Record<string, string>>, nest: boolean): string {
  const members = Object.entries(record).map(([key, text]) => {
    const isLiteral = (key === 'event_metrics' && nest) || /^\d+$/.test(text);
    return `${JSON.stringify(key)}: ${text === '' ? 'null' : isLiteral ? text : JSON.stringify(text)}`;
  });
  return `{${members.join(', ')}}\n`;
}

it('is the same', async () => {
  const cwd = await makeDirectory();
  const { files } = await generateEvents(
    cwd,
    '--files',
    '1',
    '--count',
    '3000',
    '--unknown-metrics',
    '0.05',
  );
  await run(cwd, 'seed-dimensions');
  expect((await run(cwd, 'ingest', files[0]!)).json.rows.loaded).toBe(3000);
  const expected = await readEvents();

  const csv = await readFile(path.join(cwd, files[0]!), 'utf8');
  const records = parse(csv, { columns: true }) as Record<string, string>[];
  for (const [nest, ...args] of [
    [true, '--process-count', '1'],
    [true, '--process-count', '3', '--read-batch-size', '100'],
    [false, '--process-count', '2', '--read-batch-size', '7', '--write-batch-size', '5'],
  ] as const) {
    await database.query('TRUNCATE events; TRUNCATE edp.loads CASCADE');
    const lines = records.map((record) => toLine(record, nest));
    await writeFile(path.join(cwd, 'events.jsonl'), lines.join(''));
    const result = await run(cwd, 'ingest', 'events.jsonl', ...args);
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 3000 } } });
    expect(await readEvents()).toEqual(expected);
  }
});
