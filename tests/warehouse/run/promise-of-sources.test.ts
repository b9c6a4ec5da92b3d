/** What reads something that is made of something else, or that is made anew. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { connect } from '../../../src/postgres/connection.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const TABLES = { a: { columns: { id: 'int', day: 'date', name: 'text' } } };
const CREATE = 'CREATE TABLE a (id int, day date, name text, load_id bigint)';
const SILVER = { a: { from: 'a', key: 'id', columns: { id: 'id', day: 'day', name: 'name' } } };
const insert = (values: string, load: number) =>
  change(`INSERT INTO a VALUES ${values}`, 'public.a', 'inserted', load);

describe('what tasks read', () => {
  it('a change goes through a view, into a model, a materialized view and a fact', async () => {
    const warehouse = await declare(
      {
        tables: TABLES,
        silver: SILVER,
        views: { v: null, w: { materialized: true } },
        models: { m: { key: 'id' } },
        facts: { f: { from: 'gold.v', date: 'day', measures: { n: 'count(*)' } } },
      },
      {
        'sql/views/v.sql': 'SELECT id, day FROM silver.a',
        'sql/views/w.sql': 'SELECT id FROM gold.v',
        'sql/models/m.sql': 'SELECT id FROM gold.v',
      },
    );
    await change(CREATE, 'public.a', 'definition');
    await run(warehouse);
    await insert("(1, '2024-01-01', 'x', 1)", 1);
    await run(warehouse);
    for (const name of ['v', 'w', 'm', 'f']) {
      expect(await database.query(`SELECT count(*) FROM gold.${name}`), name).toEqual([[1]]);
    }
    expect((await run(warehouse)).every(({ state }) => state === 'unchanged')).toBe(true);
  });

  it('a materialized view over a table of another program is refreshed', async () => {
    const warehouse = await declare(
      { views: { w: { materialized: true } } },
      { 'sql/views/w.sql': 'SELECT * FROM public.others' },
    );
    await database.query('CREATE TABLE others (id int)');
    await run(warehouse);
    await database.query('INSERT INTO others VALUES (1)');
    await run(warehouse);
    expect(await database.query('SELECT * FROM gold.w')).toEqual([[1]]);
  });

  it('new rows of a table of another program are found by a column, as far back as declared', async () => {
    const columns = { id: 'id', at: 'at' };
    const warehouse = await declare({
      silver: {
        f: { from: 'public.foreign', key: 'id', 'incremental-by': 'at', overlap: '1 day', columns },
      },
    });
    await database.query('CREATE TABLE "foreign" (id int, at timestamp)');
    const ids = async () => (await database.query('SELECT id FROM silver.f ORDER BY id')).flat();
    const states = async (values: string) => {
      await database.query(`INSERT INTO "foreign" VALUES ${values}`);
      const first = (await run(warehouse)).map(({ state }) => state);
      return [...first, ...(await run(warehouse)).map(({ state }) => state)];
    };
    // Where the source had no value yet, all of it is looked at.
    await run(warehouse);
    expect(await states("(1, '2024-05-10')")).toEqual(['done', 'unchanged']);
    expect(await states("(2, '2024-05-11'), (3, '2024-05-09 12:00')")).toEqual([
      'done',
      'unchanged',
    ]);
    expect(await ids()).toEqual([1, 2, 3]);
    // Further back than the overlap.
    expect(await states("(4, '2024-05-01')")).toEqual(['unchanged', 'unchanged']);
    await run(warehouse, { full: true });
    expect(await ids()).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['date', "'2024-05-10'", "'infinity'", "'2024-05-11'"],
    ['timestamptz', "'2024-05-10'", "'infinity'", "'2024-05-11'"],
    ['numeric', '1', "'NaN'", '2'],
    ['numeric(5,2)', '1', "'NaN'", '2'],
    ['real', '1', "'Infinity'", '2'],
  ])('of a %s with a value that nothing comes behind, too', async (type, first, last, next) => {
    const warehouse = await declare({
      silver: {
        f: { from: 'public.foreign', key: 'id', 'incremental-by': 'at', columns: { id: 'id' } },
      },
    });
    await database.query(`CREATE TABLE "foreign" (id int, at ${type})`);
    await database.query(`INSERT INTO "foreign" VALUES (1, ${first}), (2, ${last})`);
    await run(warehouse);
    await database.query(`INSERT INTO "foreign" VALUES (3, ${next})`);
    expect(statesOf(await run(warehouse))).toEqual(['silver.f done']);
    expect(await database.query('SELECT id FROM silver.f ORDER BY id')).toEqual([[1], [2], [3]]);
    expect(statesOf(await run(warehouse))).toEqual(['silver.f unchanged']);
  });

  it('a view with * has the columns of today, and a model the types of today', async () => {
    const files = {
      'sql/views/v.sql': 'SELECT * FROM silver.a',
      'sql/models/m.sql': 'SELECT id, name FROM silver.a',
    };
    const project = (columns: object) =>
      declare(
        {
          tables: TABLES,
          silver: { a: { ...SILVER.a, columns } },
          views: { v: null },
          models: { m: { key: 'id' } },
        },
        files,
      );
    await change(CREATE, 'public.a', 'definition');
    await insert("(1, '2024-01-01', '5', 1)", 1);
    await run(await project({ id: 'id', name: 'name' }));
    const states = statesOf(
      await run(await project({ id: 'id', name: { from: 'name', type: 'int' }, day: 'day' })),
    );
    expect(states).toEqual(expect.arrayContaining(['gold.v done', 'gold.m done']));
    expect(await database.query('SELECT * FROM gold.v')).toEqual([[1, 5, expect.anything(), 1]]);
    expect(await database.query('SELECT pg_typeof(name)::text FROM gold.m')).toEqual([['integer']]);
  });

  it('a task may become one of another kind', async () => {
    const files = {
      'sql/views/x.sql': 'SELECT id FROM silver.a',
      'sql/models/x.sql': 'SELECT id FROM silver.a',
    };
    const base = { tables: TABLES, silver: SILVER };
    await change(CREATE, 'public.a', 'definition');
    for (const more of [
      { views: { x: null } },
      { models: { x: { key: 'id' } } },
      { views: { x: { materialized: true } } },
      { views: { x: null } },
    ]) {
      expect(statesOf(await run(await declare({ ...base, ...more }, files)))).toContain(
        'gold.x done',
      );
    }
  });

  it('a run that waits for a table that is being replaced sees its rows', async () => {
    const warehouse = await declare({
      tables: TABLES,
      silver: SILVER,
      facts: { f: { from: 'silver.a', date: 'day', measures: { n: 'count(*)' } } },
    });
    await change(CREATE, 'public.a', 'definition');
    await insert("(1, '2024-01-01', 'x', 1)", 1);
    await run(warehouse);
    const other = await connect(database.config, 'test holder');
    await other.query(`BEGIN; CREATE TABLE silver.b AS TABLE silver.a; DROP TABLE silver.a; ALTER TABLE silver.b RENAME TO a;
      INSERT INTO edp.changes (relation, kind) VALUES ('silver.a', 'definition')`);
    const going = run(warehouse, { tasks: ['f'], only: true, full: true });
    await sleep(300);
    await other.query('COMMIT');
    await other.end();
    await going;
    expect(await database.query('SELECT n FROM gold.f')).toEqual([[1]]);
  });
});

describe('keys that are there twice', () => {
  it('fail an increment as they fail a rebuild', async () => {
    const warehouse = await declare({ tables: TABLES, silver: SILVER });
    await change(CREATE, 'public.a', 'definition');
    await insert("(1, '2024-01-01', 'x', 1)", 1);
    await run(warehouse);
    await insert("(1, '2024-01-01', 'y', 2)", 2);
    expect(statesOf(await run(warehouse))).toEqual([
      expect.stringMatching(/^silver\.a failed: .*several rows with the key id "1"/),
    ]);
    expect(await database.query('SELECT name FROM silver.a')).toEqual([['x']]);
  });

  it('fail a fact also where they are in different slices', async () => {
    const warehouse = await declare({
      tables: TABLES,
      facts: { f: { from: 'a', key: 'id', date: 'day' } },
    });
    await change(CREATE, 'public.a', 'definition');
    await insert("(1, '2024-01-01', 'x', 1)", 1);
    await run(warehouse);
    await insert("(1, '2024-01-02', 'x', 2)", 2);
    expect(statesOf(await run(warehouse))).toEqual([
      expect.stringMatching(/^gold\.f failed: several rows have the key \(id\)/),
    ]);
  });

  it('a row that moved is made in both of its slices, also by --date', async () => {
    const warehouse = await declare({
      tables: TABLES,
      facts: { f: { from: 'a', key: 'id', date: 'day', columns: ['name'] } },
    });
    await change(CREATE, 'public.a', 'definition');
    await insert("(1, '2024-01-01', 'x', 1), (2, '2024-01-01', 'x', 1)", 1);
    await run(warehouse);
    await change("UPDATE a SET day = '2024-01-02' WHERE id = 1", 'public.a', 'updated', 2);
    const results = await run(warehouse, { tasks: ['f'], dates: ['2024-01-02', '2024-01-02'] });
    expect(statesOf(results)).toEqual(['gold.f 2024-01-01 done', 'gold.f 2024-01-02 done']);
    expect(await database.query('SELECT id, date::text FROM gold.f ORDER BY 1')).toEqual([
      [1, '2024-01-02'],
      [2, '2024-01-01'],
    ]);
  });
});
