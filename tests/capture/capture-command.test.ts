/** `edp capture` as a command: its options, what a dry run leaves, and what it says where things do not fit together. */
import { beforeAll, describe, expect, it } from 'vitest';
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
    await query('ALTER TABLE notes RENAME COLUMN body TO text');
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
