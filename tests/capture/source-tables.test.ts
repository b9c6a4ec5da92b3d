/** Tables of a source that cannot be captured, or cannot any more; and rows that are kept, whatever their types and names. */
import { beforeEach, describe, expect, it } from 'vitest';
import { findPlan } from '../../src/capture/resolve-plan.js';
import { readStatus } from '../../src/capture/status.js';
import { withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import {
  brief,
  declare,
  installIn,
  ListSink,
  snapshotOf,
  takeEvents,
  uninstallFrom,
} from './source.js';

const source = useTestDatabase('empty');

const NOTES = `
tables:
  notes: { key: id, columns: { id: int, text: text } }
capture:
  tables:
    notes: {}
`;

const statusOf = (text: string) =>
  withClient(source.config, 'test', async (client) => {
    const { capture, model } = declare(text);
    return readStatus(client, await findPlan(client, capture, model));
  });

beforeEach(async () => {
  await uninstallFrom(source.config);
  await source.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
});

const REFUSED: readonly [string, string, string][] = [
  [
    'a primary key that is deferrable',
    'CREATE TABLE notes (id int PRIMARY KEY DEFERRABLE, text text)',
    'the key notes_pkey of public.notes is DEFERRABLE',
  ],
  [
    'a key of the model that is deferrable',
    'CREATE TABLE notes (id int NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, text text, nr int PRIMARY KEY)',
    'or CREATE UNIQUE INDEX on id',
  ],
  [
    'a table that others inherit from',
    'CREATE TABLE notes (id int PRIMARY KEY, text text); CREATE TABLE child () INHERITS (notes)',
    'tables inherit from public.notes',
  ],
  [
    'a table that inherits',
    'CREATE TABLE parent (id int, text text); CREATE TABLE notes (PRIMARY KEY (id)) INHERITS (parent)',
    'public.notes inherits from another table',
  ],
];

describe('install refuses', () => {
  it.each(REFUSED)('%s', async (_, sql, message) => {
    await source.query(sql);
    await expect(installIn(source.config, NOTES)).rejects.toThrow(message);
    expect(await source.query("SELECT to_regnamespace('edp_capture')")).toEqual([[null]]);
  });

  it('no table with a deferrable key that has another one', async () => {
    await source.query(
      'CREATE TABLE notes (id int PRIMARY KEY DEFERRABLE, text text); CREATE UNIQUE INDEX ON notes (id)',
    );
    expect((await installIn(source.config, NOTES)).steps.length).toBeGreaterThan(0);
  });

  it('tables of which policies hide rows from it, and so does a snapshot', async () => {
    const role = `reader_${process.pid}`;
    await source.query(`CREATE TABLE notes (id int PRIMARY KEY, text text); INSERT INTO notes VALUES (1, 'mine'), (2, 'yours');
      CREATE ROLE ${role} LOGIN; GRANT ALL ON notes TO ${role}; GRANT ALL ON SCHEMA public TO ${role};
      GRANT CREATE ON DATABASE ${source.config.database} TO ${role};
      ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON notes USING (text = 'mine')`);
    try {
      const reader = { ...source.config, user: role };
      await expect(installIn(reader, NOTES)).rejects.toThrow(
        `row level security hides rows of public.notes from ${role}`,
      );
      const { plan } = await installIn(source.config, NOTES);
      await source.query(`GRANT USAGE ON SCHEMA edp_capture TO ${role}; GRANT ALL ON ALL TABLES IN SCHEMA edp_capture TO ${role};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA edp_capture TO ${role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA edp_capture TO ${role}`);
      const snapshot = (config: typeof source.config) =>
        snapshotOf(config, plan.models[0]!, { sink: new ListSink() });
      await expect(snapshot(reader)).rejects.toThrow('row level security hides rows');
      expect(await snapshot(source.config)).toMatchObject({ rows: 2 });
    } finally {
      await uninstallFrom(source.config);
      await source.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('status names', () => {
  it('a table that inherits since', async () => {
    await source.query(
      'CREATE TABLE notes (id int PRIMARY KEY, text text); CREATE TABLE parent (id int, text text)',
    );
    await installIn(source.config, NOTES);
    expect((await statusOf(NOTES)).misfits).toEqual([]);
    await source.query('ALTER TABLE notes INHERIT parent');
    expect((await statusOf(NOTES)).misfits).toEqual([
      expect.stringContaining('inherits from another'),
    ]);
  });

  it('a table that has a foreign key since, which changes its rows', async () => {
    await source.query('CREATE TABLE notes (id int PRIMARY KEY, text text UNIQUE, other text)');
    await installIn(source.config, NOTES);
    expect(await statusOf(NOTES)).toMatchObject({ isCurrent: true });
    await source.query(
      'ALTER TABLE notes ADD FOREIGN KEY (other) REFERENCES notes (text) ON UPDATE CASCADE',
    );
    expect(await statusOf(NOTES)).toMatchObject({
      isCurrent: false,
      tables: [{ isCurrent: false }],
    });
    await installIn(source.config, NOTES);
    expect(await statusOf(NOTES)).toMatchObject({ isCurrent: true });
  });

  it('a partition that was detached, which publishes nothing any more', async () => {
    await source.query(`CREATE TABLE notes (id int PRIMARY KEY, text text) PARTITION BY RANGE (id);
      CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
      CREATE TABLE notes_1a PARTITION OF notes_1 FOR VALUES FROM (0) TO (5);
      CREATE TABLE notes_2 PARTITION OF notes FOR VALUES FROM (10) TO (20)`);
    await installIn(source.config, NOTES);
    await source.query(
      "INSERT INTO notes_1a VALUES (1, 'x'); INSERT INTO notes_1 VALUES (2, 'x'); INSERT INTO notes VALUES (11, 'x')",
    );
    expect(await takeEvents(source.config)).toHaveLength(3);
    await source.query(`ALTER TABLE notes DETACH PARTITION notes_1; INSERT INTO notes_1 VALUES (3, 'y'); UPDATE notes_1a SET id = 4 WHERE id = 3;
      UPDATE notes_1 SET text = 'z'; DELETE FROM notes_1a WHERE id = 1; TRUNCATE notes_1a; TRUNCATE notes_1`);
    expect(await takeEvents(source.config)).toEqual([]);
    await source.query(
      "UPDATE notes_2 SET text = 'y'; ALTER TABLE notes RENAME TO renamed; UPDATE notes_2 SET text = 'z'; ALTER TABLE renamed RENAME TO notes",
    );
    expect(await takeEvents(source.config)).toHaveLength(2);
    const { misfits, isCurrent } = await statusOf(NOTES);
    expect({ misfits, isCurrent }).toEqual({
      misfits: ['public.notes_1', 'public.notes_1a'].map((name) =>
        expect.stringContaining(`${name} has triggers`),
      ),
      isCurrent: false,
    });
    await installIn(source.config, NOTES);
    expect(await statusOf(NOTES)).toMatchObject({ misfits: [], isCurrent: true });
    expect(
      await source.query(
        "SELECT tgname FROM pg_trigger WHERE tgrelid IN ('notes_1'::regclass, 'notes_1a'::regclass) AND NOT tgisinternal",
      ),
    ).toEqual([]);
    await source.query('ALTER TABLE notes ATTACH PARTITION notes_1 FOR VALUES FROM (0) TO (10)');
    await installIn(source.config, NOTES);
    await source.query("INSERT INTO notes_1a VALUES (1, 'back')");
    expect(await takeEvents(source.config)).toHaveLength(1);
  });
});

/** Of variables, aliases, parameters and columns in the functions. */
const OURS = [
  ...[
    'r',
    's',
    'o',
    'n',
    'k',
    't',
    'e',
    'c',
    'b',
    'p',
    'v',
    'one',
    'slot',
    'name',
    'key',
    'model',
    'xid',
    'op',
  ],
  ...[
    'fault',
    'faults',
    'texts',
    'events',
    'keys',
    'row_count',
    'new_rows',
    'old_rows',
    'models',
    'is_all',
  ],
  ...[
    'is_many',
    'is_single',
    'change_0',
    'number',
    'relation',
    'error',
    'image',
    'line',
    'part',
    'digits',
    'memory',
  ],
  ...[
    'tg_relid',
    'a0',
    'edp_old',
    'edp_new',
    'edp_now',
    'edp_kept',
    'edp_calculation',
    'version',
    'count',
  ],
];

describe('names and values of the source', () => {
  it.each(['plain', 'r', 'o', 'n', 'e', 'new_rows', 'models', 'edp_kept', 'one'])(
    'meet no name of ours, in a table called %s',
    async (table) => {
      await source.query(`CREATE TABLE "${table}" (id int PRIMARY KEY, ${OURS.map((name) => `"${name}" text`).join(', ')});
        ALTER TABLE "${table}" ADD boss int REFERENCES "${table}" ON UPDATE CASCADE;
        CREATE FUNCTION fails(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN ASSERT $1 <> 3, 'three'; RETURN $1; END$$`);
      const columns = Object.fromEntries(OURS.map((name) => [name, 'text']));
      const text = JSON.stringify({
        tables: {
          t: { key: ['id'], columns: { id: 'int', checked: 'int', size: 'int', ...columns } },
        },
        capture: {
          source: { name: 'shop', 'database-url': 'postgresql://x' },
          tables: {
            t: {
              from: table,
              columns: {
                checked: { sql: 'fails(id)' },
                size: { calculation: 'fails(id) / (id - 2)' },
              },
            },
          },
        },
      });
      await installIn(source.config, text);
      const values = OURS.map((name) => `'${name}'`).join(', ');
      await source.query(`INSERT INTO "${table}" VALUES (1, ${values}), (2, ${values}); UPDATE "${table}" SET id = id + 10, "r" = 'x';
        WITH d AS (DELETE FROM "${table}" RETURNING *) INSERT INTO "${table}" SELECT * FROM d LIMIT 1;
        INSERT INTO "${table}" VALUES (3, ${values})`);
      expect(await source.query('SELECT error FROM edp_capture.unmapped')).toEqual([
        ['P0004: three'],
      ]);
      await takeEvents(source.config);
      await source.query(
        "CREATE OR REPLACE FUNCTION fails(int) RETURNS int LANGUAGE sql AS 'SELECT $1'",
      );
      expect(await installIn(source.config, text)).toMatchObject({ mapped: 1, failures: [] });
      const [event] = await takeEvents(source.config);
      expect(event!.data).toMatchObject({
        op: 'create',
        after: { id: 3, checked: 3, ...Object.fromEntries(OURS.map((name) => [name, name])) },
      });
    },
  );

  it('come back as they were where rows were kept', async () => {
    await source.query(`CREATE TYPE pair AS (a int, b text); CREATE DOMAIN short AS varchar(3);
      CREATE TABLE notes (id int PRIMARY KEY, text text, gone int, list text[], pairs pair[], pair pair, doc json, docb jsonb, span interval, at timestamptz,
        bytes bytea, padded char(4), ranges int4range, d float8, s short, bits bit(3), twice int GENERATED ALWAYS AS (id * 2) STORED);
      ALTER TABLE notes DROP gone`);
    const text = NOTES.replace(
      'notes: {}',
      'notes: { columns: { text: { sql: "shown(notes)" } } }',
    );
    await source.query(
      "CREATE FUNCTION shown(notes) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
    );
    await installIn(source.config, text);
    await source.query(`CREATE OR REPLACE FUNCTION shown(notes) RETURNS text LANGUAGE plpgsql AS $$BEGIN ASSERT false; END$$;
      SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = -10; SET intervalstyle = 'sql_standard'; SET bytea_output = 'escape';
      INSERT INTO notes VALUES (1, E'a"b\\\\c,(d)\\n', ARRAY['x"', NULL, ''], ARRAY[ROW(1, 'a,"b')::pair], ROW(NULL, ''), '{"a": 1,  "a":2}', '"x"', '-1 day 2:03',
        '2026-02-01 01:02:03.456', '\\x00ff5c', 'ab', '[1,5)', 0.1, 'abc', B'101'); INSERT INTO notes VALUES (2);
      RESET ALL`);
    expect(await source.query('SELECT count(*)::int FROM edp_capture.unmapped')).toEqual([[2]]);
    await source.query(
      "CREATE OR REPLACE FUNCTION shown(notes) RETURNS text LANGUAGE sql AS 'SELECT $1::text'; ALTER TABLE notes ADD later int",
    );
    expect(await installIn(source.config, text)).toMatchObject({ mapped: 2, failures: [] });
    const events = brief(await takeEvents(source.config));
    await source.query("SET timezone = 'UTC'");
    const rows = await source.query('SELECT id, notes::text FROM notes ORDER BY id');
    expect(events).toEqual(
      rows.map(([id, shown]) => ['notes.created', { key: { id }, after: { id, text: shown } }]),
    );
  });
});
