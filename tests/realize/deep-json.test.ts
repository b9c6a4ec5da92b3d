/** JSON of many levels: one such value is a reject, and all others are loaded, whoever reads it. */
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const folder = useWarehouseFolder({
  'edp.yaml': `tables:
  events_in: { key: id, columns: { id: int, doc: jsonb } }
  plain: { key: id, columns: { id: int, doc: jsonb, raw: json } }
  metrics: { key: id, columns: { id: int }, metrics: { from: doc, columns: { a: int }, extra: others } }
`,
});
const LISTS = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const OBJECTS = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const DEEP = [3000, 20_000, 200_000].flatMap((levels) => [LISTS(levels), OBJECTS(levels)]);

it('of an event', async () => {
  const line = (json: string, i: number) =>
    JSON.stringify(
      cloudEvent({
        table: 'events_in',
        op: 'create',
        sequence: 1,
        key: { id: i },
        after: { id: i, doc: '@' },
      }),
    ).replace('"@"', json);
  await folder.write('e.jsonl', toLines([...DEEP, '{"a":1}'].map(line)));
  const { stderr, json } = await folder.edp('realize', 'e.jsonl');
  expect(json.rows, stderr).toMatchObject({ read: 7, loaded: 3, rejected: 4 });
  expect(json.tables, stderr).toMatchObject([{ rows: { inserted: 3 } }]);
});

it.each(['doc', 'raw'])('of a line, in the column %s', async (column) => {
  const lines = DEEP.map((json, i) => `{"id":${i},"${column}":${json}}`);
  await folder.write(`${column}.jsonl`, toLines([...lines, `{"id":99,"${column}":{"a":1}}`]));
  const { stderr, json } = await folder.edp(
    'ingest',
    `${column}.jsonl`,
    '--table',
    'plain',
    '--on-conflict',
    'update',
  );
  expect(json.rows, stderr).toMatchObject({ read: 7, loaded: 3, rejected: 4 });
});

it.each(['plain', 'metrics'])('of a CSV for %s', async (table) => {
  const records = DEEP.map((json, i) => `${i + 200},"${json.replaceAll('"', '""')}"\n`);
  await folder.write(`${table}.csv`, `id,doc\n${records.join('')}999,"{""a"":1}"\n`);
  const { stderr, json } = await folder.edp('ingest', `${table}.csv`, '--table', table);
  const { loaded = 0, rejected = 0, read } = json.rows ?? {};
  // Metrics are members of an object, and fewer levels are taken.
  expect([read, loaded + rejected, loaded >= 1, rejected >= 4], stderr).toEqual([7, 7, true, true]);
});
