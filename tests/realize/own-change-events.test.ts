/** A table of the user that is called as the log of change events is. */
import { beforeEach, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const TABLES = `
tables:
  change_events: { key: id, files: own.csv, columns: { id: int, note: text } }
  items: { key: id, columns: { id: int, name: text } }
`;
const folder = useWarehouseFolder({
  'own.csv': 'id,note\n1,mine\n',
  'events.jsonl': toLines([
    cloudEvent({
      table: 'items',
      op: 'create',
      sequence: 1,
      key: { id: 1 },
      after: { id: 1, name: 'a' },
    }),
  ]),
});
const count = async (table: string) =>
  (await folder.database.query(`SELECT count(*)::int FROM ${table}`))[0]![0];

beforeEach(async () => {
  await folder.database.query(
    'DROP SCHEMA IF EXISTS edp, raw CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
  );
  await folder.write('edp.yaml', TABLES);
});

it('is loaded and undone like any other, and keeps edp realize from its place', async () => {
  expect((await folder.edp('ingest', 'own.csv')).status).toBe(0);
  const { status, stderr } = await folder.plain('realize', 'events.jsonl');
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/change_events, which is a table of yours.*layers: bronze/s),
  ]);
  const undone = await folder.edp('undo', '1', '--yes');
  expect([undone.status, undone.json], undone.stderr).toMatchObject([0, { removed: { rows: 1 } }]);
  expect(undone.json).not.toHaveProperty('tables');
});

it('is apart from a log in another schema', async () => {
  await folder.write('edp.yaml', `${TABLES}layers: { bronze: raw }\n`);
  await folder.database.query('CREATE SCHEMA raw');
  expect((await folder.edp('ingest', 'own.csv')).status).toBe(0);
  const { status, stderr } = await folder.edp('realize', 'events.jsonl');
  expect(status, stderr).toBe(0);
  expect([await count('change_events'), await count('raw.change_events')]).toEqual([1, 1]);
  for (const load of ['1', '2'])
    expect((await folder.edp('verify', load)).json).toMatchObject({ ok: true });
  expect((await folder.edp('undo', '2', '--yes')).json.tables).toMatchObject([
    { table: 'items', rows: { deleted: 1 } },
  ]);
  expect((await folder.edp('undo', '1', '--yes')).status).toBe(0);
  expect([await count('change_events'), await count('raw.change_events')]).toEqual([0, 0]);
});

it('is not touched where edp.yaml does not have it', async () => {
  await folder.database.query('CREATE TABLE change_events (id int PRIMARY KEY)');
  await folder.write('edp.yaml', TABLES.replace(/ {2}change_events.*\n/, ''));
  const { status, stderr } = await folder.plain('realize', 'events.jsonl');
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/another table of this name.*another schema \(layers: bronze\)/s),
  ]);
  expect(stderr).not.toContain('ALTER');
  expect(await count('change_events')).toBe(0);
});
