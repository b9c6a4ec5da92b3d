/** Files that have other fields than their table declares. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `# what we sell
tables:
  sales:
    columns: # of each sale
      id: int
      amount: numeric
      note: text
    key: id
`;

const project = (files: Readonly<Record<string, string>>, model: string | null = MODEL) =>
  makeProject(model, files);

const OLD = 'id,amount,note\n1,1.5,a\n2,2.5,b\n';
const NEW = 'note,id,shop,amount,"sold at"\nc,3,Zoë,3.5,2024-01-02\nd,4,"",,\n';

const readModel = (cwd: string) => readFile(path.join(cwd, 'edp.yaml'), 'utf8');

describe('new fields', () => {
  it('are refused, and the remedy told', async () => {
    const cwd = await project({ 'sales.csv': NEW });
    const result = await run(cwd, 'ingest', 'sales.csv');
    expect(result.status).toBe(1);
    expect(result.json.files[0]).toMatchObject({ status: 'failed', loadId: null });
    expect(result.json.files[0].reason).toMatch(/"shop", "sold at".*--on-new-column/s);
  });

  it('are passed over by `ignore`, told and recorded', async () => {
    const cwd = await project({ 'sales.csv': NEW });
    const result = await run(cwd, 'ingest', 'sales.csv', '--on-new-column', 'ignore');
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toContain('new fields "shop", "sold at" passed over');
    const drift = { new: ['shop', 'sold at'], onNew: 'ignore', missing: [], isReordered: true };
    expect(result.json.files[0].drift).toEqual(drift);
    expect((await run(cwd, 'status', '1')).json.load.drift).toEqual(drift);
    expect(await database.query('SELECT id, amount::text, note FROM sales ORDER BY id')).toEqual([
      [3, '3.5', 'c'],
      [4, null, 'd'],
    ]);
    expect((await run(cwd, 'verify', '1')).status).toBe(0);
  });

  it.each([',', '::'])(
    'are kept by `keep`, delimiter %s, also in a table that is there',
    async (delimiter) => {
      const cwd = await project({
        'sales-1.csv': OLD,
        'sales-2.csv': NEW.replaceAll(',', delimiter),
      });
      expect((await run(cwd, 'ingest', 'sales-1.csv')).status).toBe(0);
      const result = await run(cwd, 'ingest', 'sales-2.csv', '--on-new-column', 'keep');
      expect(result.status, result.stderr).toBe(0);
      expect(result.stderr).toContain('kept in "extra_fields"');
      expect(await database.query('SELECT id, extra_fields FROM sales ORDER BY id')).toEqual([
        [1, null],
        [2, null],
        [3, { shop: 'Zoë', 'sold at': '2024-01-02' }],
        [4, { shop: '' }],
      ]);
      // Neither command is told again what was said then.
      expect((await run(cwd, 'verify', '2')).json.ok).toBe(true);
      await database.query("UPDATE sales SET extra_fields = '{}' WHERE id = 3");
      expect((await run(cwd, 'verify', '2')).status).toBe(1);
      await expectBalanced(database, 'sales');
    },
  );

  it('of a reject are kept when it is replayed', async () => {
    const cwd = await project({ 'sales.csv': `${NEW}e,five,shop,5,today\n` });
    expect((await run(cwd, 'ingest', 'sales.csv', '--on-new-column', 'keep')).status).toBe(3);
    await database.query('ALTER TABLE sales ALTER id TYPE text');
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL.replace('id: int', 'id: text'));
    expect((await run(cwd, 'replay', '1')).json.rows.loaded).toBe(1);
    expect(await database.query("SELECT extra_fields FROM sales WHERE id = 'five'")).toEqual([
      [{ shop: 'shop', 'sold at': 'today' }],
    ]);
  });

  it('are kept where the table declares it, without an option', async () => {
    const cwd = await project({ 'sales.csv': NEW }, `${MODEL}    extra: rest\n`);
    expect((await run(cwd, 'ingest', 'sales.csv')).status).toBe(0);
    expect(await database.query('SELECT rest FROM sales WHERE id = 4')).toEqual([[{ shop: '' }]]);
    const refused = await run(cwd, 'ingest', 'sales.csv', '--force', '--on-new-column', 'reject');
    expect(refused.status).toBe(1);
  });

  it('become columns by `add`, in the table and in edp.yaml', async () => {
    const cwd = await project({ 'sales-1.csv': OLD, 'sales-2.csv': NEW });
    expect((await run(cwd, 'ingest', 'sales-1.csv')).status).toBe(0);
    const dry = await run(cwd, 'ingest', 'sales-2.csv', '--on-new-column', 'add', '--dry-run');
    expect(dry.json.rows).toMatchObject({ loaded: 2, rejected: 0 });
    expect(await readModel(cwd)).toBe(MODEL);
    const result = await run(cwd, 'ingest', 'sales-2.csv', '--on-new-column', 'add');
    expect(result.status, result.stderr).toBe(0);
    expect(await readModel(cwd)).toBe(
      MODEL.replace(
        '      note: text\n',
        '      note: text\n      shop: text\n      sold_at: { type: date, field: sold at }\n',
      ),
    );
    expect(await database.query('SELECT id, shop, sold_at::text FROM sales ORDER BY id')).toEqual([
      [1, null, null],
      [2, null, null],
      [3, 'Zoë', '2024-01-02'],
      [4, '', null],
    ]);
    expect((await run(cwd, 'verify', '2')).status).toBe(0);
    // The next file has nothing new.
    await writeFile(path.join(cwd, 'sales-3.csv'), NEW.replace('c,3', 'c,5').replace('d,4', 'd,6'));
    expect((await run(cwd, 'ingest', 'sales-3.csv')).status).toBe(0);
  });

  it('become columns under another name where every table has one by theirs', async () => {
    const cwd = await project({ 'sales.csv': NEW.replace('shop', 'xmin') });
    const result = await run(cwd, 'ingest', 'sales.csv', '--on-new-column', 'add');
    expect(result.status, result.stderr).toBe(0);
    expect(await database.query('SELECT _xmin FROM sales WHERE id = 3')).toEqual([['Zoë']]);
    expect(await readModel(cwd)).toContain('_xmin: { type: text, field: xmin }');
  });

  it('become columns of a built-in table, and an edp.yaml is written', async () => {
    const cwd = await project({ 'first_dimensions.csv': 'id,name,rank\n1,a,5\n' }, null);
    const result = await run(cwd, 'ingest', 'first_dimensions.csv', '--on-new-column', 'add');
    expect(result.status, result.stderr).toBe(0);
    expect(await database.query('SELECT rank FROM first_dimensions')).toEqual([[5]]);
    expect(await readModel(cwd)).toMatch(/rank: (?:smallint|int|bigint)/);
  });
});

it('missing fields are told, and NULL', async () => {
  const cwd = await project({ 'sales.csv': 'id,amount\n1,1.5\n' });
  const result = await run(cwd, 'ingest', 'sales.csv');
  expect(result.status).toBe(0);
  expect(result.stderr).toContain('no field "note"');
  expect(result.json.files[0].drift).toEqual({ new: [], missing: ['note'], isReordered: false });
  expect((await run(cwd, 'status', '1')).json.load.drift?.missing).toEqual(['note']);
});

it('a field that only later records have is not told to be missing', async () => {
  const early = Array.from({ length: 30_000 }, (_, i) => `{"id":${i},"amount":1}\n`).join('');
  const cwd = await project({ 'sales.jsonl': `${early}{"id":30000,"amount":1,"note":"x"}\n` });
  const result = await run(cwd, 'ingest', 'sales.jsonl');
  expect(result.status, result.stderr).toBe(0);
  expect(result.stderr).not.toContain('no field');
  expect(result.json.files[0].drift?.missing ?? []).toEqual([]);
  expect(await database.query('SELECT note FROM sales WHERE id = 30000')).toEqual([['x']]);
});

it('another order is no news to tell, but recorded', async () => {
  const cwd = await project({ 'sales.csv': 'note,amount,id\na,1.5,1\n' });
  const result = await run(cwd, 'ingest', 'sales.csv');
  expect(result.json.files[0].drift).toEqual({ new: [], missing: [], isReordered: true });
  expect(result.stderr).not.toContain('note');
});

it('a changed type is told where no record fits any more', async () => {
  const cwd = await project({ 'sales.csv': 'id,amount,note\nA1,1,a\nB2,2,b\n' });
  const result = await run(cwd, 'ingest', 'sales.csv');
  expect(result.status).toBe(3);
  expect(result.stderr).toMatch(
    /no record of sales\.csv fits.*2 × bad_integer in column "id".*model infer/s,
  );
});
