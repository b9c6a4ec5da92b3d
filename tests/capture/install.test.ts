/** What install makes of a source, and what is left of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readMisfits } from '../../src/capture/misfits.js';
import { findPlan } from '../../src/capture/resolve-plan.js';
import { readStatus } from '../../src/capture/status.js';
import { connect, withClient } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { brief, declare, installIn, snapshotOf, takeEvents, uninstallFrom } from './source.js';

const source = useTestDatabase('empty');

const CATALOG = `SELECT 'class', c.oid::text, relname::text, relkind::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE nspname NOT LIKE 'pg_t%'
  UNION ALL SELECT 'proc', oid::text, proname::text, '' FROM pg_proc UNION ALL SELECT 'trigger', oid::text, tgname::text, '' FROM pg_trigger
  UNION ALL SELECT 'schema', oid::text, nspname::text, '' FROM pg_namespace WHERE nspname NOT LIKE 'pg_t%' UNION ALL SELECT 'type', oid::text, typname::text, '' FROM pg_type AS t WHERE typname NOT LIKE 'pg_toast%'
  UNION ALL SELECT 'description', objoid::text, description, '' FROM pg_description ORDER BY 1, 2, 3`;

const NOTES = `
tables:
  notes: { key: id, columns: { id: int, text: text } }
capture:
  tables:
    notes: {}
`;

const PARTED = NOTES.replaceAll('notes', 'parted');

beforeEach(async () => {
  await uninstallFrom(source.config);
  await source.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE notes (id int PRIMARY KEY, text text);
    CREATE TABLE parted (id int PRIMARY KEY, text text) PARTITION BY RANGE (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)`);
});

describe('install', () => {
  it('changes nothing a second time', async () => {
    expect((await installIn(source.config, NOTES)).steps.length).toBeGreaterThan(0);
    expect((await installIn(source.config, NOTES)).steps).toEqual([]);
  });

  it('prints the SQL that does the same', async () => {
    const { sql } = await installIn(source.config, NOTES, true);
    expect(await source.query("SELECT to_regnamespace('edp_capture')")).toEqual([[null]]);
    await source.query(sql);
    expect((await installIn(source.config, NOTES)).steps).toEqual([]);
    await source.query("INSERT INTO notes VALUES (1, 'x')");
    expect(await takeEvents(source.config)).toHaveLength(1);
  });

  it('is gone after uninstall', async () => {
    const before = await source.query(CATALOG);
    await installIn(source.config, NOTES);
    await installIn(source.config, PARTED);
    await uninstallFrom(source.config);
    expect(await source.query(CATALOG)).toEqual(before);
  });

  it('follows a changed mapping, and leaves tables that are no longer captured', async () => {
    await installIn(source.config, NOTES);
    await installIn(
      source.config,
      NOTES.replace('notes: {}', 'notes: { columns: { text: { sql: "upper(text)" } } }'),
    );
    await source.query("INSERT INTO notes VALUES (1, 'x')");
    expect(brief(await takeEvents(source.config))).toEqual([
      ['notes.created', { key: { id: 1 }, after: { id: 1, text: 'X' } }],
    ]);
    await installIn(source.config, PARTED);
    expect(
      await source.query("SELECT tgname FROM pg_trigger WHERE tgrelid = 'notes'::regclass"),
    ).toEqual([]);
  });

  it('adds triggers to new partitions, which status names', async () => {
    await installIn(source.config, PARTED);
    await source.query('CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20)');
    const { plan } = await installIn(source.config, PARTED, true);
    const status = await withClient(source.config, 'test', (client) =>
      readStatus(client, { plan, misfits: [] }),
    );
    expect(status.tables).toMatchObject([
      { source: 'public.parted', missing: ['public.parted_2'] },
    ]);
    await installIn(source.config, PARTED);
    await source.query(
      "INSERT INTO parted_2 VALUES (11, 'direct'); TRUNCATE parted_2; INSERT INTO parted VALUES (1, 'root'); TRUNCATE parted",
    );
    const events = await takeEvents(source.config);
    expect(events.map(({ type, subject }) => [type, subject])).toEqual([
      ['parted.created', '11'],
      ['parted.deleted', '11'],
      ['parted.created', '1'],
      ['parted.truncated', undefined],
    ]);
  });
});

describe('status', () => {
  const CALCULATED = NOTES.replace(
    'notes: {}',
    'notes: { columns: { text: { calculation: "upper(notes.text)" } } }',
  );
  const CHANGES: readonly [string, string, string][] = [
    ['of a calculation', CALCULATED, CALCULATED.replace('upper', 'lower')],
    [
      'of an attribute',
      NOTES,
      NOTES.replace('notes: {}', 'notes: { columns: { id: "id" }, where: "id > 0" }'),
    ],
    ['of a version', NOTES, NOTES.replace('key: id', 'version: 2, key: id')],
    ['of strict', CALCULATED, CALCULATED.replace('capture:\n', 'capture:\n  strict: true\n')],
    ['of the tables', NOTES, PARTED],
  ];
  it.each(CHANGES)('says so where an install would change something: %s', async (_, old, now) => {
    const isCurrent = (text: string) =>
      withClient(source.config, 'test', async (client) => {
        const { capture, model } = declare(text);
        return (await readStatus(client, await findPlan(client, capture, model))).isCurrent;
      });
    const misfits = (text: string) =>
      withClient(source.config, 'test', async (client) => {
        const { capture, model } = declare(text);
        return [...(await readMisfits(client, capture, model)).keys()];
      });
    await installIn(source.config, old);
    expect([await isCurrent(old), await isCurrent(now)]).toEqual([true, false]);
    expect([await misfits(old), (await misfits(now)).length > 0]).toEqual([[], true]);
    await installIn(source.config, now);
    expect([await isCurrent(old), await isCurrent(now)]).toEqual([false, true]);
    expect(await misfits(now)).toEqual([]);
  });
});

describe('an install that is disturbed', () => {
  const BOTH = `
tables:
  notes: { key: id, columns: { id: int, text: text } }
  others: { key: id, columns: { id: int } }
capture:
  tables:
    notes: {}
    others: {}
`;

  it('goes on where it stopped, and names the session that was in the way', async () => {
    await source.query('CREATE TABLE others (id int PRIMARY KEY)');
    const busy = await connect(source.config, 'busy');
    await busy.query('BEGIN; INSERT INTO others VALUES (1)');
    const [[pid]] = (await busy.query({ text: 'SELECT pg_backend_pid()', rowMode: 'array' }))
      .rows as [[number]];
    await expect(installIn(source.config, BOTH, false, 100)).rejects.toThrow(
      new RegExp(`^public\\.others is locked by process ${pid} of edp, \\d+ s: `),
    );
    await source.query("INSERT INTO notes VALUES (1, 'x')");
    await busy.query('COMMIT');
    await busy.end();
    const { steps, changed } = await installIn(source.config, BOTH);
    expect([...changed]).toEqual(['public.others']);
    expect(steps.map(({ about }) => about)).toEqual(['public.others', 'edp_capture']);
    expect((await takeEvents(source.config)).map(({ type }) => type)).toEqual(['notes.created']);
  });

  it('does not hold writers up that come behind it', async () => {
    await installIn(source.config, NOTES);
    const busy = await connect(source.config, 'busy');
    await busy.query("BEGIN; INSERT INTO notes VALUES (1, 'busy')");
    const installing = installIn(source.config, PARTED);
    const begin = Date.now();
    let longest = 0;
    while (Date.now() - begin < 3000) {
      const start = Date.now();
      await source.query(
        "INSERT INTO notes VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET text = 'y'",
      );
      longest = Math.max(longest, Date.now() - start);
    }
    expect(longest).toBeLessThan(2500);
    await busy.query('COMMIT');
    await busy.end();
    expect((await installing).steps.length).toBeGreaterThan(0);
  });

  it('keeps a table that it asks about in the middle of a deadlock of others', async () => {
    await source.query('CREATE TABLE others (id int PRIMARY KEY)');
    await installIn(source.config, BOTH);
    const [first, second] = [
      await connect(source.config, 'first'),
      await connect(source.config, 'second'),
    ];
    const waiting = (count: number) =>
      expect
        .poll(() =>
          source.query(
            "SELECT count(*)::int FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND relation IN ('notes'::regclass, 'others'::regclass)",
          ),
        )
        .toEqual([[count]]);
    // Who asks is refused before these two are: a session that waits behind another is as good a victim.
    const begin = "SET deadlock_timeout = '4s'; BEGIN; LOCK TABLE";
    await first.query(`${begin} others`);
    await second.query(`${begin} notes`);
    const installing = installIn(source.config, BOTH);
    await waiting(1);
    const both = [first.query('LOCK TABLE others, notes')];
    await waiting(2);
    both.push(second.query('LOCK TABLE others'));
    const ended = await Promise.allSettled(both);
    await first.query('ROLLBACK');
    await second.query('ROLLBACK');
    const { steps } = await installing;
    await Promise.all([first.end(), second.end()]);
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(steps).toEqual([]);
  });

  it('of two at once, the second finds nothing to do', async () => {
    const both = await Promise.all([1, 2].map(() => installIn(source.config, NOTES)));
    expect(both.map(({ steps }) => steps.length > 0).sort()).toEqual([false, true]);
  });

  it('is refused while another one goes on for long', async () => {
    const other = await connect(source.config, 'other');
    await other.query("SELECT pg_advisory_lock(hashtextextended('edp capture installs', 0))");
    await expect(installIn(source.config, NOTES, false, 100)).rejects.toMatchObject({
      code: 'capture_busy',
      message: expect.stringMatching(/^installation: process \d+ \(edp other of edp/),
    });
    await other.end();
  });
});

describe('a mapping that no longer fits', () => {
  const CHANGES: readonly [string, string, string][] = [
    [
      'a column was renamed',
      'ALTER TABLE notes RENAME COLUMN text TO body',
      'notes: { columns: { text: body } }',
    ],
    [
      'a column was dropped',
      'ALTER TABLE notes DROP COLUMN text',
      'notes: { columns: { text: { sql: "\'-\'::text" } } }',
    ],
    [
      'a column has another type',
      'ALTER TABLE notes ALTER COLUMN text TYPE jsonb USING to_jsonb(text)',
      'notes: {}',
    ],
  ];
  it.each(CHANGES)('fails no statement, and loses nothing: %s', async (_, ddl, mapping) => {
    await installIn(source.config, NOTES);
    await source.query("INSERT INTO notes SELECT i, 'old' FROM generate_series(1, 100) AS i");
    await source.query(ddl);
    await source.query('UPDATE notes SET id = 1000 WHERE id = 1');
    await source.query('INSERT INTO notes (id) SELECT i FROM generate_series(101, 200) AS i');
    await source.query('DELETE FROM notes WHERE id = 2');
    await takeEvents(source.config);
    const { mapped } = await installIn(source.config, NOTES.replace('notes: {}', mapping));
    expect(mapped).toBe(3);
    const events = await takeEvents(source.config);
    expect(events.filter(({ data }) => data.op === 'create')).toHaveLength(101);
    expect(events.filter(({ data }) => data.op === 'delete').map(({ subject }) => subject)).toEqual(
      ['1', '2'],
    );
    expect(await source.query('SELECT count(*)::int FROM edp_capture.unmapped')).toEqual([[0]]);
  });

  it('of a column that was renamed twice is said, and never NULL', async () => {
    await installIn(source.config, NOTES);
    await source.query('ALTER TABLE notes RENAME COLUMN text TO body');
    await source.query("INSERT INTO notes VALUES (7, 'seven')");
    await source.query('ALTER TABLE notes RENAME COLUMN body TO content');
    const renamed = (name: string) =>
      NOTES.replace('notes: {}', `notes: { columns: { text: ${name} } }`);
    const { mapped, failures } = await installIn(source.config, renamed('content'));
    expect([mapped, failures]).toEqual([
      0,
      [expect.stringMatching(/have the column body, and lack content: it was renamed since/)],
    ]);
    await source.query('ALTER TABLE notes RENAME COLUMN content TO body');
    expect((await installIn(source.config, renamed('body'))).mapped).toBe(1);
    expect((await takeEvents(source.config)).at(-1)!.data.after).toEqual({ id: 7, text: 'seven' });
  });

  it('of one value fails no statement, either', async () => {
    const text = NOTES.replace(
      'notes: {}',
      'notes: { columns: { text: { sql: "(10 / (id - 5))::text" } } }',
    );
    await installIn(source.config, text);
    await source.query('INSERT INTO notes SELECT i FROM generate_series(1, 9) AS i');
    expect(
      await source.query('SELECT count(*)::int, min(error) FROM edp_capture.unmapped'),
    ).toEqual([[9, '22012: division by zero']]);
  });
});

describe('what cannot be captured', () => {
  const REFUSED: readonly [string, string, RegExp][] = [
    [
      'a table without a key',
      'CREATE TABLE x (id int, text text)',
      /edp\.yaml:7: notes: public\.x has no key/,
    ],
    ['a key that may be null', 'CREATE TABLE x (id int UNIQUE, text text)', /has no key/],
    [
      'another key',
      'CREATE TABLE x (id int, text text PRIMARY KEY)',
      /filled from id, which is not unique/,
    ],
    [
      'a key that is checked at the end of the transaction',
      'CREATE TABLE x (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, text text)',
      /the key x_pkey of public\.x is DEFERRABLE/,
    ],
    [
      'a key that a transaction may defer',
      'CREATE TABLE x (id int PRIMARY KEY DEFERRABLE, text text)',
      /the key x_pkey of public\.x is DEFERRABLE, .* make it NOT DEFERRABLE, or CREATE UNIQUE INDEX on id/,
    ],
    ['a view', 'CREATE VIEW x AS SELECT 1 AS id', /is a view/],
    [
      'a parent of others',
      'CREATE TABLE x (id int PRIMARY KEY, text text); CREATE TABLE y () INHERITS (x)',
      /tables inherit from public\.x/,
    ],
    [
      'a child of another table',
      'CREATE TABLE y (id int PRIMARY KEY, text text); CREATE TABLE x (PRIMARY KEY (id)) INHERITS (y)',
      /public\.x inherits from another table/,
    ],
    [
      'a partition',
      'CREATE TABLE x PARTITION OF parted FOR VALUES FROM (50) TO (60)',
      /is a partition/,
    ],
    [
      'a column that is not there',
      'CREATE TABLE x (id int PRIMARY KEY, texts text)',
      /has no column text; did you mean "texts"/,
    ],
    ['a table that is not there', 'SELECT 1', /the source has no table x/],
  ];
  it.each(REFUSED)('is refused: %s', async (_, sql, message) => {
    await source.query(sql);
    await expect(
      installIn(source.config, NOTES.replace('notes: {}', 'notes: { from: x }')),
    ).rejects.toThrow(message);
  });

  it('takes a key that cannot be deferred beside one that can', async () => {
    await source.query(
      'CREATE TABLE x (id int PRIMARY KEY DEFERRABLE, text text); CREATE UNIQUE INDEX ON x (id)',
    );
    const { plan } = await installIn(
      source.config,
      NOTES.replace('notes: {}', 'notes: { from: x }'),
    );
    expect(plan.warnings).toEqual([]);
  });

  it('is refused: SQL that the server refuses, with its line', async () => {
    const text = NOTES.replace(
      'notes: {}',
      'notes:\n      columns:\n        text: { sql: "nothing(id)" }',
    );
    await expect(installIn(source.config, text)).rejects.toThrow(
      /edp\.yaml:9: notes\.text: the source says: function nothing\(integer\) does not exist/,
    );
  });
});

describe('rows that no event tells of', () => {
  const unread = async (text: string) => {
    const { plan, misfits } = await findPlanOf(text);
    const status = await withClient(source.config, 'test', (client) =>
      readStatus(client, { plan, misfits }),
    );
    return status.unread;
  };
  const findPlanOf = (text: string) => {
    const { capture, model } = declare(text);
    return withClient(source.config, 'test', (client) => findPlan(client, capture, model));
  };
  const snapshot = async (text: string) => {
    const { plan } = await findPlanOf(text);
    await snapshotOf(source.config, plan.models[0]!);
  };
  const of = (model: string, ...relations: string[]) => [{ model, relations }];

  it('want a snapshot, from the first install on', async () => {
    await source.query("INSERT INTO notes VALUES (1, 'one')");
    expect((await installIn(source.config, NOTES)).unread).toEqual(of('notes', 'public.notes'));
    expect((await installIn(source.config, NOTES)).steps).toEqual([]);
    expect(await unread(NOTES)).toEqual(of('notes', 'public.notes'));
    await snapshot(NOTES);
    expect(await unread(NOTES)).toEqual([]);
  });

  it('are none in a table that was empty then', async () => {
    expect((await installIn(source.config, NOTES)).unread).toEqual([]);
    await source.query("INSERT INTO notes VALUES (1, 'one')");
    expect((await installIn(source.config, NOTES)).unread).toEqual([]);
  });

  const CHANGES: readonly [string, string, string, string][] = [
    [
      'of a new partition',
      "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20); INSERT INTO parted_2 VALUES (11, 'x')",
      PARTED,
      'public.parted_2',
    ],
    [
      'of a partition that was attached',
      "CREATE TABLE parted_2 (LIKE parted INCLUDING ALL); INSERT INTO parted_2 VALUES (11, 'x'); ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20)",
      PARTED,
      'public.parted_2',
    ],
    [
      'of a table whose triggers were disabled, and that is empty by now',
      'ALTER TABLE parted_1 DISABLE TRIGGER ALL; DELETE FROM parted; ALTER TABLE parted_1 ENABLE TRIGGER ALL',
      PARTED,
      'public.parted_1',
    ],
    [
      'of a table that feeds them otherwise',
      'SELECT',
      PARTED.replace('parted: {}', 'parted: { columns: { text: { sql: "upper(text)" } } }'),
      'public.parted',
    ],
  ];
  it.each(CHANGES)('want one again: %s', async (_, ddl, text, relation) => {
    await source.query("INSERT INTO parted VALUES (1, 'one')");
    await installIn(source.config, PARTED);
    await snapshot(PARTED);
    await source.query(ddl);
    expect(await unread(PARTED)).toEqual([]);
    expect((await installIn(source.config, text)).unread).toEqual(of('parted', relation));
    await snapshot(text);
    expect(await unread(text)).toEqual([]);
  });
});
