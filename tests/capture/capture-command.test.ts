/** `edp capture` as a command: its options, what a dry run leaves, and what it says where things do not fit together. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toUrl } from '../../src/postgres/which-server.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const MODEL = `
tables:
  notes: { key: id, columns: { id: int, text: text, size: int } }
capture:
  source: { name: shop, database-url: "\${DATABASE_URL}" }
  tables:
    notes: { columns: { size: { calculation: "12 / length(text)" } } }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const query = (sql: string) => folder.database.query(sql);
const capture = (...args: string[]) => folder.edp('capture', ...args);

const LEFT = `SELECT 'consumer', name FROM edp_capture.consumers UNION ALL
  SELECT tgname::text, tgrelid::regclass::text FROM pg_trigger UNION ALL SELECT 'event', sequence::text FROM edp_capture.outbox_0 ORDER BY 1, 2`;

beforeAll(async () => {
  await query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
  expect((await capture('install')).status).toBe(0);
  await query("INSERT INTO notes VALUES (1, 'one')");
});

describe('uninstall --dry-run', () => {
  it.each([
    [['uninstall', '--dry-run'], 'DROP SCHEMA IF EXISTS edp_capture CASCADE;'],
    [
      ['uninstall', '--consumer', 'default', '--dry-run'],
      "DELETE FROM edp_capture.consumers WHERE name = 'default';",
    ],
  ])('prints the SQL and changes nothing: %j', async (args, sql) => {
    const before = await query(LEFT);
    const done = await folder.plain('capture', ...args);
    expect([done.status, done.stdout]).toEqual([0, expect.stringContaining(sql)]);
    expect((await capture(...args)).json).toMatchObject({
      dryRun: true,
      sql: expect.stringContaining(sql),
    });
    expect(await query(LEFT)).toEqual(before);
  });
});

describe('a consumer', () => {
  it('that was removed is not made again unless it is named', async () => {
    expect((await capture('uninstall', '--consumer', 'default')).status).toBe(0);
    const again = await capture('uninstall', '--consumer', 'default');
    expect([again.status, again.stderr]).toEqual([
      2,
      expect.stringContaining('no consumer default'),
    ]);
    const run = await capture('run', '--to', 'events', '--once');
    expect([run.status, run.stderr]).toEqual([
      2,
      expect.stringMatching(/consumer default was removed[\s\S]*--consumer default makes it again/),
    ]);
    const named = await capture('run', '--to', 'events', '--once', '--consumer', 'default');
    expect(named.status, named.stderr).toBe(0);
    expect((await capture('run', '--to', 'events', '--once')).status).toBe(0);
  });
});

describe('an option', () => {
  const UNUSED: readonly (readonly [string, ...string[]])[] = [
    ['dry-run', 'run', '--to', 'events', '--dry-run'],
    ['to', 'install', '--to', 'events'],
    ['once', 'status', '--once'],
    ['consumer', 'snapshot', '--consumer', 'x'],
    ['rotate-seconds', 'install', '--rotate-seconds', '5'],
    ['rotate-seconds', 'snapshot', '--rotate-seconds', '5'],
    ['yes', 'run', '--to', 'events', '--yes'],
    ['database-url', 'install', '--database-url', 'postgresql://x'],
    ['database-url', 'snapshot', '--to', 'events', '--database-url', 'postgresql://x'],
    ['process-count', 'run', '--to', 'events', '--process-count', '1'],
    ['read-batch-size', 'run', '--to', 'events', '--read-batch-size', '1000'],
    ['write-batch-size', 'run', '--to', 'events', '--write-batch-size', '1000'],
    ['max-rejects', 'run', '--to', 'events', '--max-rejects', '5'],
  ];
  it.each(UNUSED.map(([option, ...args]) => ({ option, args, line: args.join(' ') })))(
    'that an action does not use is refused: edp capture $line',
    async ({ option, args }) => {
      const { status, stderr } = await capture(...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`--${option} is for`)]);
    },
  );
});

describe('columns of the source that the model lacks', () => {
  const listed = async () => {
    const { status, json, stderr } = await capture('status');
    return {
      status,
      stderr,
      uncaptured: (json as unknown as { readonly uncaptured: readonly object[] }).uncaptured,
    };
  };

  it('are listed by status and install, and are no fault, until they are captured, read by SQL, or ignored', async () => {
    await query(
      'ALTER TABLE notes ADD COLUMN note text, ADD COLUMN "Mood" text, ADD COLUMN id2 int',
    );
    const { status, stderr, uncaptured } = await listed();
    expect(status).toBe(0);
    expect(uncaptured).toEqual([
      { source: 'public.notes', models: ['notes'], columns: ['note', 'Mood', 'id2'] },
    ]);
    expect(stderr).toContain('public.notes has columns that notes lacks: note, Mood, id2');
    expect((await capture('install')).json).toMatchObject({ uncaptured });
    const withColumn = MODEL.replace('size: int }', 'size: int, note: text }, ignore: [id2]');
    await folder.write('edp.yaml', withColumn);
    expect((await listed()).uncaptured).toMatchObject([{ columns: ['Mood'] }]);
    await folder.write('edp.yaml', withColumn.replace('"12 / length(text)"', `'length("Mood")'`));
    expect((await listed()).uncaptured).toEqual([]);
    await folder.write(
      'edp.yaml',
      MODEL.replace('"12 / length(text)"', '"length(to_jsonb(notes)::text)"'),
    );
    expect((await listed()).uncaptured).toEqual([]);
    await folder.write('edp.yaml', MODEL);
    await query('ALTER TABLE notes DROP COLUMN note, DROP COLUMN "Mood", DROP COLUMN id2');
    expect(await listed()).toMatchObject({ status: 0, uncaptured: [] });
  });
});

describe('an attribute that the source lacks', () => {
  it('is refused with what to write, and is NULL as that', async () => {
    const early = MODEL.replace('size: int }', 'size: int, later: numeric }');
    await folder.write('edp.yaml', early);
    const refused = await capture('install');
    expect(refused.status).toBe(2);
    const [, sql] =
      /edp\.yaml:7: notes\.later: .* has no column later;.* (\{ sql: .* \}) until/.exec(
        refused.stderr,
      )!;
    expect(sql).toBe('{ sql: "NULL::numeric" }');
    await folder.write(
      'edp.yaml',
      early.replace('columns: { size', `columns: { later: ${sql}, size`),
    );
    expect((await capture('install')).status).toBe(0);
    await folder.write('edp.yaml', MODEL);
    expect((await capture('install')).status).toBe(0);
  });
});

describe('what does not fit together', () => {
  it('is said by run and status, and refused by snapshot, until an install', async () => {
    await folder.write('edp.yaml', MODEL.replace('{ key: id,', '{ version: 2, key: id,'));
    const misfit = 'notes is installed otherwise than edp.yaml says (version 1, from public.notes)';
    const run = await capture('run', '--to', 'events', '--once');
    expect([run.status, run.json]).toMatchObject([3, { misfits: [misfit] }]);
    expect(run.stderr).toContain(`${misfit}; edp capture install makes it so`);
    expect((await capture('status')).json).toMatchObject({ ok: false, current: false });
    const snapshot = await capture('snapshot');
    expect([snapshot.status, snapshot.stderr]).toEqual([2, expect.stringContaining(misfit)]);
    expect((await capture('install')).status).toBe(0);
    expect((await capture('status')).json).toMatchObject({ ok: true, current: true, misfits: [] });
  });

  it('a renamed column: status answers all the same, and names its line', async () => {
    await query('ALTER TABLE notes RENAME COLUMN text TO body');
    await query("INSERT INTO notes VALUES (2, 'two'); UPDATE notes SET id = 3 WHERE id = 2");
    const status = await capture('status');
    expect(status.status).toBe(3);
    expect(status.json).toMatchObject({
      installed: true,
      current: false,
      misfits: [
        expect.stringMatching(/^edp\.yaml:7: notes\.text: public\.notes has no column text/),
        expect.stringContaining('notes.size: the source says: column "text" does not exist'),
      ],
      unmapped: [{ source: 'public.notes', statements: 2 }],
      consumers: [{ name: 'default' }],
    });
    const run = await capture('run', '--to', 'events', '--once');
    expect([run.status, run.json]).toMatchObject([3, { unmapped: 2, events: { published: 0 } }]);
    // Named as before again, the rows that were kept meanwhile have the other name.
    await query('ALTER TABLE notes RENAME COLUMN body TO text');
    const early = await capture('install');
    expect([early.status, early.stderr]).toEqual([
      3,
      expect.stringContaining('have the column body, and lack text: it was renamed since'),
    ]);
    await query('ALTER TABLE notes RENAME COLUMN text TO body');
    const second = MODEL.replace('{ key: id,', '{ version: 2, key: id,');
    await folder.write(
      'edp.yaml',
      second
        .replace('columns: { size', 'columns: { text: body, size')
        .replace('length(text)', 'length(body)'),
    );
    expect((await capture('install')).status).toBe(0);
    await query('ALTER TABLE notes RENAME COLUMN body TO text');
    await folder.write('edp.yaml', second);
    expect((await capture('install')).status).toBe(0);
  });
});

describe('a snapshot', () => {
  it('says in which rows a calculation failed', async () => {
    await query("INSERT INTO notes VALUES (9, '')");
    const { status, json, stderr } = await capture('snapshot', '--to', 'rows');
    expect([status, json]).toMatchObject([3, { ok: true, failedCalculations: 1 }]);
    expect(stderr).toContain('a calculation failed in 1 event');
  });
});

describe('what publish is given', () => {
  it.each([
    ["'noted', 1, 'update', '{\"id\": 1}', '{}', NULL", 'edp.yaml has no table noted with a key'],
    ["'..x', 1, 'update', '{\"id\": 1}', '{}', NULL", 'has no table "..x"'],
    ["NULL, 1, 'update', '{\"id\": 1}', '{}', NULL", 'has no table NULL'],
    ["'notes', 9, 'update', '{\"id\": 1}', '{}', NULL", 'notes has versions up to 2, and not 9'],
    ["'notes', 2, 'update', '{\"no\": 1}', '{}', NULL", 'the key of notes is {"id":"number"}'],
    ["'notes', 2, 'update', '{\"id\": 1, \"a\": 2}', '{}', NULL", 'the key of notes is'],
    ["'notes', 2, 'update', '{\"id\": \"1\"}', '{}', NULL", 'the key of notes is'],
    ["'notes', 2, 'update', '{\"id\": null}', '{}', NULL", 'the key of notes is'],
    ["'notes', 2, 'update', '[1]', '{}', NULL", 'the key of notes is'],
    ["'notes', 2, 'update', '{\"id\": 1}', NULL, NULL", 'update needs after'],
    ["'notes', 2, 'delete', '{\"id\": 1}', NULL, '[]'", 'after and before are JSON objects'],
    ["'notes', 2, NULL, '{\"id\": 1}', NULL, NULL", 'op is create, update'],
  ])('is refused with words: %s', async (args, words) => {
    await expect(query(`SELECT edp_capture.publish(${args})`)).rejects.toThrow(words);
  });

  it.each([
    "'notes', 1, 'update', '{\"id\": 1}', '{\"text\": \"x\"}', NULL",
    "'notes', 2, 'delete', '{\"id\": 1}', NULL, NULL",
    "'notes', 2, 'truncate', NULL, NULL, NULL",
  ])('is an event: %s', async (args) => {
    const count = async () =>
      (await query('SELECT count(*)::int FROM edp_capture.outbox_0'))[0]![0];
    const before = Number(await count());
    await query(`SELECT edp_capture.publish(${args})`);
    expect(await count()).toBe(before + 1);
  });
});

describe('a source', () => {
  const elsewhere = (url: string) =>
    folder.write('edp.yaml', MODEL.replace(/\$\{DATABASE_URL\}/, url));

  it('that does not answer is looked for where edp.yaml has it', async () => {
    await elsewhere('postgresql://127.0.0.1:1/none');
    const { status, stderr } = await folder.plain('capture', 'status');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /no database at 127\.0\.0\.1:1\/none[\s\S]*check capture: source: database-url/,
      ),
    ]);
    expect(stderr).not.toContain('--database-url');
  });

  it('that refuses a role says which grants it needs', async () => {
    const role = `poor_${randomBytes(4).toString('hex')}`;
    await query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      const url = toUrl({ ...folder.database.config, user: role, password: 'x' });
      await elsewhere(url);
      for (const args of [
        ['run', '--to', 'events', '--once'],
        ['status'],
        ['snapshot'],
        ['install'],
      ]) {
        const { stderr } = await folder.plain('capture', ...args);
        expect(stderr, args.join(' ')).toContain('docs/capture.md');
        expect(stderr).not.toContain('The ledger needs');
      }
    } finally {
      await query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('that was restored on another server is reported by status as by run', async () => {
    await folder.write('edp.yaml', MODEL.replace('{ key: id,', '{ version: 2, key: id,'));
    await query("UPDATE edp_capture.consumers SET last_xmin = '9000000000000'");
    const words = 'the source is not the server that was captured before';
    const run = await folder.plain('capture', 'run', '--to', 'events', '--once');
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining(words)]);
    const { status, json, stderr } = await folder.edp('capture', 'status');
    expect([status, json]).toMatchObject([
      3,
      {
        ok: false,
        misfits: [expect.stringContaining('uninstall, install and snapshot begin anew')],
      },
    ]);
    expect(stderr).toContain(words);
  });
});

it('a folder that no file system makes is refused at once', async () => {
  const { status, stderr } = await folder.plain('capture', 'snapshot', '--to', '/proc/x');
  expect([status, stderr]).toEqual([1, expect.stringContaining('/proc/x cannot be written')]);
});

it('strict stands in one place, and a fault says which', async () => {
  await folder.write(
    'edp.yaml',
    MODEL.replace('notes: { columns:', 'notes: { strict: true, columns:'),
  );
  const { status, stderr } = await folder.plain('capture', 'status');
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('"strict" is not known here: it stands directly below capture:'),
  ]);
});
