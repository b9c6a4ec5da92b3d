/** Tables and columns of any name: all ways of a trigger, rows that were kept, snapshots and calculations. */
import { beforeEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/database.js';
import { brief, installIn, snapshotOf, takeEvents, uninstallFrom } from './source.js';

const source = useTestDatabase('empty');

const NAMES = [
  'a%b',
  '%s %I %%',
  'a"b',
  "a'b",
  "a''b",
  'a b ',
  'UPPER',
  'select',
  'a.b',
  'a$1\\b',
  '$edp$ $map$',
  'é'.repeat(31),
  'x'.repeat(63),
];

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

beforeEach(async () => {
  await uninstallFrom(source.config);
  await source.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
});

describe('a table and columns called', () => {
  it.each(NAMES)('%j', async (name) => {
    const table = quote(name);
    const shown = quote(`${name.slice(0, 30)}?`);
    const text = JSON.stringify({
      tables: { t: { key: ['id'], columns: { id: 'int', text: 'text', size: 'bigint' } } },
      capture: {
        source: { name: 'shop', 'database-url': 'postgresql://x' },
        tables: {
          t: {
            from: table,
            columns: {
              id: name,
              text: `${name.slice(0, 30)}?`,
              size: { calculation: `length(${shown})::bigint` },
            },
          },
        },
      },
    });
    await source.query(`CREATE TABLE ${table} (${table} int PRIMARY KEY, ${shown} text);
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN
        IF pg_trigger_depth() = 1 THEN UPDATE ${table} SET ${shown} = 'nested' WHERE ${table} = 2; END IF; RETURN NULL; END $f$;
      CREATE TRIGGER a_touch AFTER UPDATE ON ${table} FOR EACH ROW WHEN (NEW.${table} = 1) EXECUTE FUNCTION touch()`);
    const { plan } = await installIn(source.config, text);
    await source.query(`INSERT INTO ${table} VALUES (1, 'one'), (2, 'two')`);
    expect(await source.query('SELECT source, error FROM edp_capture.unmapped')).toEqual([]);
    await source.query(`INSERT INTO ${table} SELECT i, 'many' FROM generate_series(100, 199) AS i`);
    await source.query(`UPDATE ${table} SET ${shown} = 'first' WHERE ${table} <> 2`);
    await source.query(`DELETE FROM ${table} WHERE ${table} >= 100`);
    expect(await source.query('SELECT source, error FROM edp_capture.unmapped')).toEqual([]);
    const events = await takeEvents(source.config);
    const last = (id: number) =>
      events.filter(({ data }) => data.key?.id === id && data.after?.text !== undefined).at(-1);
    expect([1, 2].map((id) => last(id)?.data.after?.text)).toEqual(['first', 'nested']);
    expect(events.filter(({ data }) => data.op === 'delete')).toHaveLength(100);

    await source.query(
      `ALTER TABLE ${table} ALTER COLUMN ${shown} TYPE jsonb USING to_jsonb(${shown})`,
    );
    await source.query(`INSERT INTO ${table} VALUES (3, '"kept"')`);
    await source.query(
      `ALTER TABLE ${table} ALTER COLUMN ${shown} TYPE text USING ${shown} #>> '{}'`,
    );
    expect(await installIn(source.config, text)).toMatchObject({ mapped: 1, failures: [] });
    // The text that the value had.
    expect(brief(await takeEvents(source.config))).toEqual([
      ['t.created', { key: { id: 3 }, after: { id: 3, text: '"kept"' } }],
      ['t.updated', { key: { id: 3 }, after: { size: '4' }, partial: true }],
    ]);

    const totals = await snapshotOf(source.config, plan.models[0]!);
    expect(totals).toEqual({ rows: 3, failed: 0 });
    await source.query(`TRUNCATE ${table}`);
    expect((await takeEvents(source.config)).map(({ data }) => data.op)).toEqual([
      ...['read', 'read', 'read', 'truncate', 'truncate'],
    ]);
  });
});

it('keeps tables apart whose names look the same', async () => {
  await source.query(`DROP SCHEMA IF EXISTS "a.b", a CASCADE; CREATE SCHEMA "a.b"; CREATE SCHEMA a;
    CREATE TABLE "a.b".c (id int PRIMARY KEY); CREATE TABLE a."b.c" (id int PRIMARY KEY)`);
  const columns = '{ key: id, columns: { id: int } }';
  const { changed } = await installIn(
    source.config,
    `tables: { one: ${columns}, two: ${columns} }\ncapture:\n  tables: { one: { from: '"a.b".c' }, two: { from: 'a."b.c"' } }\n`,
  );
  expect([...changed]).toEqual(['"a.b".c', 'a."b.c"']);
  await source.query('INSERT INTO "a.b".c VALUES (1); INSERT INTO a."b.c" VALUES (2)');
  expect((await takeEvents(source.config)).map(({ type, subject }) => [type, subject])).toEqual([
    ['one.created', '1'],
    ['two.created', '2'],
  ]);
});
