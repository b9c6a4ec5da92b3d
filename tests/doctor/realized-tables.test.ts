/** Tables that were folded from change events have no number of a load, whether edp.yaml says so or not. */
import { beforeAll, expect, it } from 'vitest';
import { cloudEvent, toLines } from '../realize/event-lines.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const TABLES = `
tables:
  said: { key: id, history: true, columns: { id: int, name: { type: text, nullable: false } } }
  plain: { key: id, columns: { id: int, name: text } }
`;
const READER = `
silver:
  names: { from: plain, key: id, columns: { id: id, name: name } }
`;
const folder = useWarehouseFolder({
  'edp.yaml': TABLES,
  'events.jsonl': toLines(
    ['said', 'plain'].map((table) =>
      cloudEvent({
        table,
        op: 'create',
        sequence: 1,
        key: { id: 1 },
        after: { id: 1, name: 'a' },
      }),
    ),
  ),
});

async function differing(): Promise<string[]> {
  const { json } = await folder.edp('doctor');
  return json.findings
    .filter(({ check }) => check === 'tables-differ')
    .map(({ problem, mend }) => [problem, ...mend.map((one) => JSON.stringify(one))].join(' '));
}

beforeAll(async () => {
  const { status, stderr } = await folder.edp('realize', 'events.jsonl');
  expect(status, stderr).toBe(0);
});

it('agree with edp.yaml', async () => {
  expect(await differing()).toEqual([]);
});

it('lack what edp.yaml wants of them', async () => {
  await folder.database.query('ALTER TABLE plain DROP COLUMN name');
  expect(await differing()).toEqual([expect.stringContaining('it has no column "name"')]);
  await folder.database.query('ALTER TABLE plain ADD COLUMN name text');
});

it('are to be called realized where a task reads them', async () => {
  await folder.write('edp.yaml', TABLES + READER);
  expect(await differing()).toEqual([
    expect.stringMatching(/plain is realized from change events.*add version: 1 to plain/s),
  ]);
  await folder.write(
    'edp.yaml',
    (TABLES + READER).replace('plain: { key: id,', 'plain: { key: id, version: 1,'),
  );
  expect(await differing()).toEqual([]);
  const run = await folder.edp('run');
  expect(run.status, run.stderr).toBe(0);
});
