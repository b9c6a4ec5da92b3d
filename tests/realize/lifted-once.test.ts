/** Events of an older version are lifted once, by whichever command comes first to them. */
import { beforeEach, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const FIRST = 'tables: { t: { key: id, columns: { id: int, a: text, b: text } } }';
/** Of names that change places, a second step would undo the first. */
const SECOND = FIRST.replace(
  'key: id,',
  'key: id, version: 2, migrations: { 2: { rename: { a: b, b: a }, default: { c: new } } },',
).replace('b: text', 'b: text, c: text');
const folder = useWarehouseFolder({ 'edp.yaml': FIRST });

const create = (id: number) =>
  cloudEvent({
    table: 't',
    op: 'create',
    sequence: id,
    key: { id },
    after: { id, a: 'was a', b: 'was b' },
  });
const rows = () => folder.database.query('SELECT id, a, b, c FROM t ORDER BY id');
const lifted = (id: number) => [id, 'was b', 'was a', 'new'];

beforeEach(async () => {
  await folder.database.query(
    'DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
  );
  await folder.write('edp.yaml', FIRST);
  await folder.write('1.jsonl', toLines([create(1)]));
  await folder.write('2.jsonl', toLines([create(2)]));
});

it('in the log, and as they are loaded', async () => {
  await folder.edp('realize', '1.jsonl');
  await folder.write('edp.yaml', SECOND);
  const { status, stderr } = await folder.edp('realize', '2.jsonl');
  expect(status, stderr).toBe(0);
  expect(await rows()).toEqual([lifted(1), lifted(2)]);
  for (const load of ['1', '2'])
    expect((await folder.edp('verify', load)).json).toMatchObject({ ok: true });
});

it('in the log, where no fold has come to them', async () => {
  await folder.killed(['realize', '1.jsonl'], 'realize.loaded=kill');
  await folder.write('edp.yaml', SECOND);
  const { status, stderr } = await folder.edp('realize', '2.jsonl');
  expect(status, stderr).toBe(0);
  expect(await rows()).toEqual([lifted(1), lifted(2)]);
});

it('in the log before their file is verified, also where they name no schema', async () => {
  const { dataschema: _, ...unnamed } = create(1) as Record<string, unknown>;
  await folder.write('1.jsonl', toLines([unnamed]));
  await folder.edp('realize', '1.jsonl');
  expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  await folder.write('edp.yaml', SECOND);
  const early = await folder.plain('verify', '1');
  expect([early.status, early.stderr]).toEqual([
    2,
    expect.stringMatching(/by version 1, and the model is of version 2.*edp realize lifts them/s),
  ]);
  expect((await folder.edp('realize')).status).toBe(0);
  expect((await folder.edp('verify', '1')).json).toMatchObject({ ok: true });
  expect(await rows()).toEqual([lifted(1)]);
});
