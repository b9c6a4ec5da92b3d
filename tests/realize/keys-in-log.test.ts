/** Keys of events in the log mean something only by the key that their table had. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const modelOf = (key: string, more = '') => `
tables:
  lines:
    key: [${key}]
    columns: { a: text, b: text, amount: int${more} }
  others:
    key: id
    columns: { id: int }
`;

const folder = useWarehouseFolder({ 'edp.yaml': modelOf('a, b') });
const read = (sql: string) => folder.database.query(sql);
const event = (sequence: number, key: object, after: object, table = 'lines') =>
  cloudEvent({ table, op: 'create', sequence, key: { ...key }, after: { ...key, ...after } });
const LINES = [
  event(1, { a: 'x', b: 'y' }, { amount: 1 }),
  event(2, { a: 'y', b: 'x' }, { amount: 2 }),
];
const ROWS = [
  ['x', 'y', 1],
  ['y', 'x', 2],
];
const rows = () => read('SELECT a, b, amount FROM lines ORDER BY a');

async function reset(): Promise<void> {
  await read('DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await folder.write('edp.yaml', modelOf('a, b'));
  await folder.write('1.jsonl', toLines(LINES));
  await folder.write('2.jsonl', toLines([event(3, { b: 'q', a: 'p' }, { amount: 3 })]));
  await folder.edp('realize', '1.jsonl');
}

const REFUSED = {
  status: 2,
  json: {
    error: {
      code: 'model',
      message: expect.stringContaining('by the key [a, b], and edp.yaml declares [b, a]'),
      hint: expect.stringContaining('declare key: [a, b] again'),
    },
  },
};

describe('another order of the key', () => {
  it.each([['realize', '2.jsonl'], ['realize'], ['replay', '1'], ['verify', '1']])(
    '%s %s refuses it before anything is loaded, and says which one the log has',
    async (...args) => {
      await reset();
      await folder.write('edp.yaml', modelOf('b, a'));
      expect(await folder.edp(...args)).toMatchObject(REFUSED);
      expect(await read('SELECT count(*) FROM change_events')).toEqual([[2]]);
      expect(await rows()).toEqual(ROWS);
      await folder.write('edp.yaml', modelOf('a, b'));
      expect((await folder.edp('realize')).json).toMatchObject({ ok: true });
      expect(await rows()).toEqual(ROWS);
    },
  );

  it('is known in a ledger that had only a hash of the declaration', async () => {
    await reset();
    await read('UPDATE edp.realized SET key_columns = NULL');
    await folder.write('edp.yaml', modelOf('b, a'));
    expect(await folder.edp('realize', '2.jsonl')).toMatchObject(REFUSED);
  });

  it('is known where the first load was not folded', async () => {
    await reset();
    await read(
      "DROP TABLE lines; DELETE FROM edp.realized WHERE table_name = 'lines'; DELETE FROM edp.loads; TRUNCATE change_events",
    );
    expect((await folder.edp('realize', '1.jsonl')).status).toBe(0);
    await read(
      "DROP TABLE lines; UPDATE edp.realized SET definition = '' WHERE table_name = 'lines'",
    );
    await folder.write('edp.yaml', modelOf('b, a'));
    expect(await folder.edp('realize')).toMatchObject(REFUSED);
  });

  it('an undo takes events out of the log, folds the other tables, and says that this one is not folded', async () => {
    await reset();
    await folder.write('2.jsonl', toLines([...LINES, event(4, { id: 1 }, {}, 'others')]));
    await folder.edp('realize', '2.jsonl');
    await folder.write('edp.yaml', modelOf('b, a'));
    const undone = await folder.edp('undo', '2', '--yes');
    expect(undone.status).toBe(1);
    expect(undone.json.tables).toMatchObject([
      { table: 'lines', reason: expect.stringContaining('declare key: [a, b] again') },
      { table: 'others', rows: { deleted: 1 } },
    ]);
    expect(await rows()).toEqual(ROWS);
  });

  it('is taken once the loads are undone by the key that they had', async () => {
    await reset();
    expect((await folder.edp('undo', '1', '--yes')).status).toBe(0);
    await folder.write('edp.yaml', modelOf('b, a'));
    await folder.write('3.jsonl', toLines([event(5, { b: 'y', a: 'x' }, { amount: 5 })]));
    const again = await folder.edp('realize', '3.jsonl');
    expect(again.status, again.stderr).toBe(0);
    expect(await rows()).toEqual([['x', 'y', 5]]);
    await folder.write('edp.yaml', modelOf('a, b'));
    expect((await folder.edp('realize')).json).toMatchObject({ error: { code: 'model' } });
  });
});

it('another column in the key is refused, too', async () => {
  await reset();
  await folder.write('edp.yaml', modelOf('a, c', ', c: text'));
  expect((await folder.edp('realize')).json).toMatchObject({
    error: {
      code: 'model',
      message: expect.stringContaining('[a, b], and edp.yaml declares [a, c]'),
    },
  });
});

it('a column of the key that a step of the versions renames keeps its place', async () => {
  await reset();
  await folder.write(
    'edp.yaml',
    `tables:
  lines:
    version: 2
    key: [a, c]
    migrations: { 2: { rename: { b: c } } }
    columns: { a: text, c: text, amount: int }
`,
  );
  await read('ALTER TABLE lines RENAME b TO c');
  const renamed = await folder.edp('realize', '2.jsonl');
  expect(renamed.status, renamed.stderr).toBe(3);
  expect(await read('SELECT a, c, amount FROM lines ORDER BY a')).toEqual(ROWS);
});
