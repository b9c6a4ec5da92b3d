/** `edp undo`: removes exactly the rows of one load, from tables of all kinds. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CliResult, edp, startEdp } from '../../support/cli.js';
import {
  expectBalanced,
  holdOpen,
  interruptAtLock,
  killDuring,
  slowLoads,
  waitForLock,
} from '../../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

/** How often a command is killed at a random moment. */
const KILL_ROUNDS = Number(process.env.KILL_ROUNDS ?? 8);

const database = useEmptyDatabase();
const run = runnerFor(database);

const ITEMS = 'tables:\n  items:\n    columns: { id: int, body: text }\n    key: id\n';

function loadIdOf(result: CliResult<'ingest'>): string {
  expect([0, 3], result.stderr).toContain(result.status);
  return String(result.json.files[0].loadId);
}

/** Numbers [from, until), every tenth with a fault. */
function numbers(from: number, until: number): string {
  const lines = Array.from({ length: until - from }, (_, i) =>
    i % 10 === 0 ? `x${from + i},bad` : `${from + i},row ${from + i}`,
  );
  return `id,body\n${lines.join('\n')}\n`;
}

interface TableCase {
  readonly name: string;
  readonly model: string;
  /** Created before the first load, where the table is not the model's own. */
  readonly ddl?: string;
  readonly table: string;
  readonly lineage?: string;
}

const TABLES: readonly TableCase[] = [
  { name: 'a key', model: ITEMS, table: 'items' },
  {
    name: 'no key',
    model: 'tables:\n  items:\n    columns: { id: int, body: text }\n',
    table: 'items',
  },
  {
    name: 'an index on its lineage',
    model: `${ITEMS}    indexes: [load_id]\n`,
    table: 'items',
  },
  {
    name: 'names that need quoting',
    model:
      "tables:\n  'it\"ems; drop':\n    files: items-*.csv\n    columns: { id: int, body: text }\n    key: id\n    lineage: 'brought \"by\"'\n",
    table: '"it""ems; drop"',
    lineage: '"brought ""by"""',
  },
  {
    name: 'partitions',
    model: ITEMS,
    ddl: `CREATE TABLE items (id int PRIMARY KEY, body text, load_id bigint) PARTITION BY RANGE (id);
          CREATE TABLE items_low PARTITION OF items FOR VALUES FROM (0) TO (500);
          CREATE TABLE "items high" PARTITION OF items FOR VALUES FROM (500) TO (100000) PARTITION BY RANGE (id);
          CREATE TABLE items_mid PARTITION OF "items high" FOR VALUES FROM (500) TO (1000);
          CREATE TABLE items_top PARTITION OF "items high" FOR VALUES FROM (1000) TO (100000);
          CREATE INDEX ON items_mid (load_id)`,
    table: 'items',
  },
  {
    name: 'a composite key, json, and quoted records over several lines',
    model:
      'tables:\n  items:\n    columns: { id: int, body: text, part: int, doc: json }\n    key: [id, part]\n',
    table: 'items',
  },
];

describe('the rows of one load, and no others, in a table with', () => {
  it.each(TABLES)('$name', async ({ model, ddl, table, lineage = 'load_id' }) => {
    const withParts = (text: string) =>
      model.includes('doc: json')
        ? text
            .split('\n')
            .map((line, i) => {
              if (line === '') return line;
              return i === 0
                ? `${line},part,doc`
                : `${line.replace(/,(.*)/, ',"$1\n, still"')},1,"{""a"": [1,\n2]}"`;
            })
            .join('\n')
        : text;
    const cwd = await makeProject(model, {
      'items-1.csv': withParts(numbers(0, 700)),
      'items-2.csv': withParts(numbers(700, 1500)),
    });
    if (ddl !== undefined) await database.query(ddl);
    const batches = ['--read-batch-size', '100', '--process-count', '2'];
    const first = loadIdOf(await run(cwd, 'ingest', 'items-1.csv', ...batches));
    const second = loadIdOf(await run(cwd, 'ingest', 'items-2.csv', ...batches));
    const columns = model.includes('doc: json') ? 'id, body, part, doc::text' : 'id, body';
    const content = () => database.query(`SELECT ${lineage}, ${columns} FROM ${table} ORDER BY id`);
    const before = await content();

    const undone = await run(cwd, 'undo', first);
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(undone.json).toMatchObject({
      command: 'undo',
      ok: true,
      state: 'undone',
      removed: { rows: 630, rejects: 70 },
      rowsGoneBefore: 0,
    });
    await expectBalanced(database, table, lineage);
    expect(await content()).toEqual(before.filter(([load]) => String(load) === second));
    expect(
      await database.query('SELECT count(*) FROM edp.receipts WHERE load_id = $1', [first]),
    ).toEqual([[0]]);

    const again = await run(cwd, 'ingest', 'items-1.csv', 'items-2.csv', ...batches);
    expect(again.json.files.map((f) => f.status)).toEqual(['loaded', 'skipped']);
    expect(again.json.rows).toEqual({ read: 700, loaded: 630, rejected: 70, duplicate: 0 });
    const anew = again.json.files[0].loadId;
    expect(await content()).toEqual(
      before.map(([load, ...values]) => [String(load) === first ? anew : load, ...values]),
    );
    await expectBalanced(database, table, lineage);
  });
});

it('reads only the blocks that an index on lineage leads to', async () => {
  const cwd = await makeProject(`${ITEMS}    indexes: [load_id]\n`, {
    'items-1.csv': numbers(0, 100),
    'items-2.csv': numbers(100, 40_000),
    'items-3.csv': numbers(40_000, 40_100),
  });
  const [first, , third] = (await run(cwd, 'ingest', 'items-1.csv', 'items-2.csv', 'items-3.csv'))
    .json.files;
  // Rows at both ends of the table belong to one load.
  await database.query('UPDATE items SET load_id = $1 WHERE load_id = $2', [
    first!.loadId,
    third!.loadId,
  ]);
  await database.query('VACUUM ANALYZE items');
  // A session reports its reads once a second, and at its end.
  const reads = async () => {
    for (let last = ''; ; ) {
      const [row] = (await database.query(
        `SELECT seq_scan, heap_blks_read + heap_blks_hit FROM pg_stat_user_tables
         JOIN pg_statio_user_tables USING (relid) WHERE relid = 'items'::regclass`,
      )) as [[number, number]];
      if (String(row) === last) return { scans: row[0], blocks: row[1] };
      last = String(row);
      await sleep(2500);
    }
  };
  const before = await reads();
  const [[size]] = (await database.query("SELECT pg_relation_size('items') / 8192")) as [[number]];
  const undone = await run(cwd, 'undo', String(first!.loadId));
  expect(undone.json).toMatchObject({ ok: true, removed: { rows: 90 } });
  expect(
    await database.query('SELECT count(*) FROM items WHERE load_id = $1', [first!.loadId]),
  ).toEqual([[0]]);
  const after = await reads();
  expect(size).toBeGreaterThan(200);
  // Each removed row is visited a few times; the table as a whole is not.
  expect(after.scans - before.scans).toBe(0);
  expect(after.blocks - before.blocks).toBeLessThan(1000);
});

describe('what is refused, with the reason and the remedy', () => {
  it('a load that is not there, or no number', async () => {
    const cwd = await makeProject(ITEMS);
    expect((await run(cwd, 'undo', '7')).json.error).toMatchObject({ code: 'unknown_load' });
    expect(await database.query("SELECT to_regclass('edp.loads')")).toEqual([[null]]);
    expect(await run(cwd, 'undo', 'seven')).toMatchObject({ status: 2 });
  });

  it('a table without lineage, unless the load brought no row', async () => {
    const model = `${ITEMS}    lineage: false\n`;
    const cwd = await makeProject(model, {
      'items-1.csv': 'id,body\n1,a\n',
      'items-2.csv': 'id,body\nx,a\n',
    });
    const { json } = await run(cwd, 'ingest', 'items-1.csv', 'items-2.csv');
    const refused = await run(cwd, 'undo', String(json.files[0].loadId));
    expect(refused.status).toBe(2);
    expect(refused.json.error).toMatchObject({ code: 'no_lineage' });
    expect(refused.json.error.message).toContain('no lineage column');
    const empty = await run(cwd, 'undo', String(json.files[1].loadId));
    expect(empty.json).toMatchObject({ ok: true, state: 'undone', removed: { rejects: 1 } });
    expect(await database.query('SELECT * FROM items')).toEqual([[1, 'a']]);
  });

  it.each([
    { action: 'NO ACTION', role: 'superuser' },
    { action: 'CASCADE', role: 'superuser' },
    { action: 'RESTRICT', role: 'plain' },
    { action: 'SET NULL', role: 'plain' },
  ])('a load whose rows others refer to ($action, as $role)', async ({ action, role }) => {
    const model = `${ITEMS}  parts:\n    columns: { item: { type: int, references: items } }\n`;
    const cwd = await makeProject(model, { 'items.csv': numbers(0, 50), 'parts.csv': 'item\n7\n' });
    const { json } = await run(cwd, 'ingest', 'items.csv', 'parts.csv');
    const [items, parts] = json.files.map((f) => String(f.loadId));
    await database.query(`ALTER TABLE parts DROP CONSTRAINT parts_item_fkey,
      ADD FOREIGN KEY (item) REFERENCES items ON DELETE ${action}`);
    let url = database.url;
    if (role === 'plain') {
      await database.query('DROP ROLE IF EXISTS edp_test_undoer');
      await database.query('CREATE ROLE edp_test_undoer LOGIN');
      await database.query('GRANT USAGE ON SCHEMA edp, public TO edp_test_undoer');
      await database.query('GRANT ALL ON ALL TABLES IN SCHEMA edp, public TO edp_test_undoer');
      url = url.replace('user=edp', 'user=edp_test_undoer');
    }
    const undo = (load: string) => edp(['undo', load, '--json', '--database-url', url], { cwd });
    const refused = await undo(items);
    expect(refused.status, refused.stderr).toBe(1);
    expect(refused.json).toMatchObject({
      ok: false,
      state: 'loaded',
      error: { code: 'still_referenced' },
    });
    expect(refused.json.error.message).toContain('item = 7');
    expect(refused.json.error.hint).toContain(`edp undo ${items} again`);
    await expectBalanced(database, 'items');
    expect(await database.query('SELECT item FROM parts')).toEqual([[7]]);

    expect((await undo(parts)).json).toMatchObject({ ok: true });
    expect((await undo(items)).json).toMatchObject({ ok: true, removed: { rows: 45 } });
    if (role === 'plain') {
      await database.query('DROP OWNED BY edp_test_undoer');
      await database.query('DROP ROLE edp_test_undoer');
    }
  });

  it('rows that a trigger keeps', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 50) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    await database.query(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF OLD.id = 7 THEN RETURN NULL; END IF; RETURN OLD; END'`);
    await database.query(
      'CREATE TRIGGER keep BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION keep()',
    );
    const stuck = await run(cwd, 'undo', load);
    expect(stuck.status).toBe(1);
    expect(stuck.json).toMatchObject({
      state: 'undoing',
      removed: { rows: 44 },
      error: { code: 'undo_blocked' },
    });
    await expectBalanced(database, 'items');
    const ingest = await run(cwd, 'ingest', 'items.csv');
    expect(ingest.status).toBe(1);
    expect(ingest.json.files[0]).toMatchObject({ status: 'failed', loadId: Number(load) });
    expect(ingest.json.files[0].reason).toContain(`edp undo ${load}`);
    expect((await run(cwd, 'ingest', 'items.csv', '--force')).status).toBe(1);
    const replay = await run(cwd, 'replay', load);
    expect(replay).toMatchObject({ status: 2 });
    expect(replay.json.error.code).toBe('load_undone');
    expect((await run(cwd, 'verify', load)).json.error.code).toBe('load_undone');
    const status = await run(cwd, 'status', load);
    expect(status.json.load).toMatchObject({ state: 'half_undone', rows: { loaded: 1 } });

    await database.query('DROP TRIGGER keep ON items');
    expect((await run(cwd, 'undo', load)).json).toMatchObject({ ok: true, removed: { rows: 1 } });
    expect((await run(cwd, 'ingest', 'items.csv')).json.rows).toMatchObject({
      loaded: 45,
      rejected: 5,
    });
  });
});

describe('a table with partitions of its own mind', () => {
  const DDL = `CREATE TABLE items (id int PRIMARY KEY, body text, load_id bigint) PARTITION BY RANGE (id);
    CREATE TABLE items_low PARTITION OF items FOR VALUES FROM (0) TO (50);
    CREATE TABLE items_high PARTITION OF items FOR VALUES FROM (50) TO (1000)`;

  it('of which one is referred to', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 100) });
    await database.query(DDL);
    await database.query('CREATE TABLE lows (item int REFERENCES items_low ON DELETE CASCADE)');
    await database.query('CREATE TABLE alls (item int REFERENCES items ON DELETE CASCADE)');
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    for (const [table, item] of [
      ['lows', 7],
      ['alls', 77],
    ]) {
      await database.query(`INSERT INTO ${table} VALUES ($1)`, [item]);
      const refused = await run(cwd, 'undo', load);
      expect(refused.json.error, refused.stderr).toMatchObject({ code: 'still_referenced' });
      expect(refused.json.error.message).toContain(`item = ${item}`);
      expect(await database.query(`SELECT item FROM ${table}`)).toEqual([[item]]);
      await database.query(`TRUNCATE ${table}`);
    }
    expect((await run(cwd, 'undo', load)).json).toMatchObject({ ok: true, removed: { rows: 90 } });
  });

  it('of which one has a trigger', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 100) });
    await database.query(DDL);
    await database.query('CREATE TABLE alls (item int REFERENCES items)');
    await database.query('CREATE TABLE gone (id int)');
    await database.query(`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO gone VALUES (OLD.id); RETURN OLD; END'`);
    await database.query(
      'CREATE TRIGGER note AFTER DELETE ON items_low FOR EACH ROW EXECUTE FUNCTION note()',
    );
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    expect((await run(cwd, 'undo', load)).json).toMatchObject({ ok: true, removed: { rows: 90 } });
    expect(await database.query('SELECT count(*) FROM gone')).toEqual([[45]]);
  });
});

it('a model that names another lineage column than the table has', async () => {
  const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 50) });
  const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
  await writeFile(path.join(cwd, 'edp.yaml'), `${ITEMS}    lineage: batch\n`);
  const refused = await run(cwd, 'undo', load);
  expect(refused.json).toMatchObject({ state: 'loaded', error: { code: 'table_mismatch' } });
  expect(refused.json.error.message).toContain('"batch"');
});

it('a role that may load, but not delete', async () => {
  const model = `tables:
  kinds: { columns: { id: int, name: text }, key: id, lineage: false }
  items: { columns: { id: int, kind: { type: int, references: kinds } } }
`;
  const cwd = await makeProject(model, { 'items.csv': 'id,kind\n1,1\n2,2\nx,1\n' });
  const infer = ['--missing-dimensions', 'infer'];
  const load = loadIdOf(await run(cwd, 'ingest', 'items.csv', ...infer));
  await database.query('DROP ROLE IF EXISTS edp_test_deleter');
  await database.query('CREATE ROLE edp_test_deleter LOGIN');
  await database.query('GRANT USAGE ON SCHEMA edp, public TO edp_test_deleter');
  await database.query(
    'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA edp, public TO edp_test_deleter',
  );
  const url = database.url.replace('user=edp', 'user=edp_test_deleter');
  const as = (...args: string[]) => edp([...args, '--json', '--database-url', url], { cwd });
  const refused = await as('undo', load);
  expect(refused.json, refused.stderr).toMatchObject({
    state: 'loaded',
    error: { code: 'database_refused' },
  });
  expect(refused.json.error.message).toContain('public.items');
  expect(refused.json.error.hint).toContain('DELETE');
  await expectBalanced(database, 'items');
  await database.query('GRANT DELETE ON items, edp.rejects, edp.receipts TO edp_test_deleter');
  const undone = await as('undo', load);
  expect(undone.json, undone.stderr).toMatchObject({
    ok: true,
    removed: { rows: 2, rejects: 1, inferredMembers: 0 },
    keptInferredMembers: 2,
  });
  await database.query('DROP OWNED BY edp_test_deleter');
  await database.query('DROP ROLE edp_test_deleter');
});

it('rows of a table that refer to rows of the same load go together', async () => {
  const model =
    'tables:\n  nodes:\n    columns: { id: int, parent: { type: int, references: nodes } }\n    key: id\n';
  const lines = Array.from({ length: 3000 }, (_, i) => `${i},${i === 0 ? '' : (i * 7) % i}`);
  const cwd = await makeProject(model, {
    'nodes-1.csv': `id,parent\n${lines.join('\n')}\n`,
    'nodes-2.csv': 'id,parent\n5000,17\n',
  });
  const { json } = await run(cwd, 'ingest', 'nodes-1.csv', 'nodes-2.csv');
  const [first, second] = json.files.map((f) => String(f.loadId));
  expect((await run(cwd, 'undo', first)).json.error).toMatchObject({ code: 'still_referenced' });
  expect((await run(cwd, 'undo', second)).json).toMatchObject({ ok: true });
  expect((await run(cwd, 'undo', first)).json).toMatchObject({ ok: true, removed: { rows: 3000 } });
  expect(await database.query('SELECT count(*) FROM nodes')).toEqual([[0]]);
});

describe('beside others', () => {
  it('twice at once: one does it, the other waits or says that it is busy', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 20_000) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    const both = await Promise.all([run(cwd, 'undo', load), run(cwd, 'undo', load)]);
    for (const { status, json, stderr } of both) {
      expect([0, 1], stderr).toContain(status);
      if (status === 1) expect(json.error.code).toBe('load_busy');
    }
    const rows = both.map(({ json }) => json.removed?.rows ?? 0);
    expect(rows.reduce((a, b) => a + b, 0)).toBe(18_000);
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[0]]);
    expect((await run(cwd, 'undo', load)).json).toMatchObject({ ok: true, removed: { rows: 0 } });
  });

  it('while its load is running: busy, and nothing is removed', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 2000) });
    await database.query('CREATE TABLE items (id int PRIMARY KEY, body text, load_id bigint)');
    // The loader will wait for this key, and so keep running as long as the test needs.
    const release = await holdOpen(database, "INSERT INTO items VALUES (1999, 'mine', NULL)");
    const ingest = run(
      cwd,
      'ingest',
      'items.csv',
      '--read-batch-size',
      '100',
      '--process-count',
      '1',
    );
    try {
      await waitForLock(database, 'worker');
      const [[load]] = (await database.query('SELECT load_id FROM edp.loads')) as [[number]];
      for (const command of ['undo', 'replay']) {
        const busy = await run(cwd, command, String(load));
        expect(busy.status).toBe(1);
        expect(busy.json.error).toMatchObject({ code: 'load_busy' });
      }
    } finally {
      await release();
    }
    expect((await ingest).json.rows).toEqual({
      read: 2000,
      loaded: 1800,
      rejected: 200,
      duplicate: 0,
    });
    await expectBalanced(database, 'items');
  });

  it('an ingest of its file waits for it and loads the file anew', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 20_000) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    const [undone, ingest] = await Promise.all([
      run(cwd, 'undo', load),
      run(cwd, 'ingest', 'items.csv'),
    ]);
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect([0, 3], ingest.stderr).toContain(ingest.status);
    const [{ status, rows }] = ingest.json.files;
    // Which of them comes first is chance; either way nothing is lost or there twice.
    if (status === 'loaded') expect(rows).toMatchObject({ loaded: 18_000, rejected: 2000 });
    const [[count]] = (await database.query('SELECT count(*) FROM items')) as [[number]];
    expect(count).toBe(status === 'loaded' ? 18_000 : 0);
    await expectBalanced(database, 'items');
  });

  it('another load updates the same keys: each row ends with one of them or is gone', async () => {
    const cwd = await makeProject(ITEMS, {
      'items-1.csv': numbers(0, 20_000),
      'items-2.csv': numbers(5000, 15_000).replaceAll('row', 'new'),
    });
    const first = loadIdOf(await run(cwd, 'ingest', 'items-1.csv'));
    const [undone, update] = await Promise.all([
      run(cwd, 'undo', first),
      run(cwd, 'ingest', 'items-2.csv', '--on-conflict', 'update', '--read-batch-size', '1000'),
    ]);
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(update.json.rows).toMatchObject({ read: 10_000, loaded: 9000, rejected: 1000 });
    expect(
      await database.query(
        `SELECT count(*), bool_and(body LIKE 'new %'), count(DISTINCT load_id) FROM items`,
      ),
    ).toEqual([[9000, true, 1]]);
    await expectBalanced(database, 'items');
  });
});

describe('--on-conflict update', () => {
  it('says what it cannot bring back, and leaves what later loads took over', async () => {
    const cwd = await makeProject(ITEMS, {
      'items-1.csv': 'id,body\n1,old\n2,old\n3,old\n',
      'items-2.csv': 'id,body\n2,new\n3,new\n4,new\n4,newer\n',
      'items-3.csv': 'id,body\n3,last\n',
    });
    const update = ['--on-conflict', 'update'];
    const first = loadIdOf(await run(cwd, 'ingest', 'items-1.csv'));
    const second = loadIdOf(await run(cwd, 'ingest', 'items-2.csv', ...update));
    const third = loadIdOf(await run(cwd, 'ingest', 'items-3.csv', ...update));
    expect((await run(cwd, 'status', second)).json.load).toMatchObject({ rowsReplaced: 2 });
    const undone = await run(cwd, 'undo', second);
    expect(undone.status, undone.stderr).toBe(0);
    expect(undone.json).toMatchObject({ removed: { rows: 2 }, rowsReplaced: 2, rowsGoneBefore: 2 });
    expect(undone.stderr).toContain('cannot be brought back');
    expect(await database.query('SELECT id, body, load_id FROM items ORDER BY id')).toEqual([
      [1, 'old', Number(first)],
      [3, 'last', Number(third)],
    ]);
  });
});

describe('the rest of what a load left', () => {
  it('duplicates stay with the load that brought them, and undoing the rows they repeat reports them', async () => {
    const cwd = await makeProject(ITEMS, {
      'items-1.csv': 'id,body\n1,a\n2,b\n',
      'items-2.csv': 'id,body\n2,b\n3,c\n',
    });
    const first = loadIdOf(await run(cwd, 'ingest', 'items-1.csv'));
    const second = loadIdOf(await run(cwd, 'ingest', 'items-2.csv'));
    const undone = await run(cwd, 'undo', second);
    expect(undone.json).toMatchObject({ removed: { rows: 1 }, loadsWithDuplicates: [] });
    expect(await database.query('SELECT id FROM items ORDER BY 1')).toEqual([[1], [2]]);
    const anew = loadIdOf(await run(cwd, 'ingest', 'items-2.csv'));
    const other = await run(cwd, 'undo', first);
    expect(other.json).toMatchObject({ loadsWithDuplicates: [Number(anew)] });
    expect(other.stderr).toContain('--force');
    expect((await run(cwd, 'ingest', 'items-2.csv', '--force')).json.rows).toMatchObject({
      loaded: 1,
      duplicate: 1,
    });
  });

  it('a table that was dropped by hand: the ledger is put in order', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 50) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    await database.query('DROP TABLE items');
    expect((await run(cwd, 'undo', load)).json).toMatchObject({
      ok: true,
      removed: { rows: 0, rejects: 5 },
      rowsGoneBefore: 45,
    });
    expect((await run(cwd, 'ingest', 'items.csv')).json.rows).toMatchObject({ loaded: 45 });
  });

  it('the second load of known content: the first one stays known', async () => {
    const cwd = await makeProject('tables:\n  items:\n    columns: { id: int, body: text }\n', {
      'items.csv': 'id,body\n1,a\n',
    });
    const first = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    const second = loadIdOf(await run(cwd, 'ingest', 'items.csv', '--force'));
    await run(cwd, 'undo', second);
    expect((await run(cwd, 'ingest', 'items.csv')).json.files[0]).toMatchObject({
      status: 'skipped',
      loadId: Number(first),
    });
    await run(cwd, 'undo', first);
    expect((await run(cwd, 'ingest', 'items.csv')).json.files[0]).toMatchObject({
      status: 'loaded',
    });
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[1]]);
  });

  it('a load that was interrupted', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 30_000) });
    const args = ['ingest', 'items.csv', '--read-batch-size', '500', '--process-count', '1'];
    const hurry = await slowLoads(database);
    const child = startEdp([...args, '--database-url', database.url], { cwd });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    for (let tries = 0; tries < 1000; tries++) {
      const receipts = await database.query('SELECT FROM edp.receipts').catch(() => []);
      if (receipts.length > 3) break;
      await sleep(10);
    }
    child.kill('SIGKILL');
    await ended;
    await hurry();
    const [[load]] = (await database.query('SELECT load_id FROM edp.loads')) as [[number]];
    const undone = await run(cwd, 'undo', String(load));
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(undone.json.removed.rows).toBeGreaterThan(0);
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[0]]);
    expect((await run(cwd, ...args)).json.rows).toMatchObject({ read: 30_000, loaded: 27_000 });
    await expectBalanced(database, 'items');
  });
});

describe('stopped', () => {
  it('by kill -9 at any moment, it goes on where it was, and the ledger always adds up', async () => {
    // Rows are wide, so that there are many batches.
    const wide = numbers(0, 12_000).replaceAll('row', 'row '.repeat(500));
    const cwd = await makeProject(ITEMS, {
      'items-1.csv': wide,
      'items-2.csv': numbers(20_000, 21_000),
    });
    await run(cwd, 'ingest', 'items-2.csv');
    const ingest = async () =>
      loadIdOf(await run(cwd, 'ingest', 'items-1.csv', '--read-batch-size', '500'));
    const content = () => database.query('SELECT id, md5(body) FROM items ORDER BY id');
    let load = await ingest();
    const before = await content();
    for (let round = 0; round < KILL_ROUNDS; round++) {
      const delayMs = Math.round(Math.random() * 120);
      const args = ['undo', load, '--database-url', database.url];
      await killDuring(database, 'undo', args, { cwd }, delayMs);
      await expectBalanced(database, 'items');
      const [[state]] = (await database.query('SELECT state FROM edp.loads WHERE load_id = $1', [
        load,
      ])) as [[string]];
      if (state === 'undone') {
        load = await ingest();
        expect(await content(), `round ${round}, after ${delayMs} ms`).toEqual(before);
      }
    }
    if ((await run(cwd, 'undo', load)).status !== 0) expect.fail('the last undo failed');
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[900]]);
    await ingest();
    expect(await content()).toEqual(before);
    await expectBalanced(database, 'items');
  });

  it('by Ctrl-C: exit 130 after the batch in hand, and it goes on', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 100) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    // The undo will wait for this row, in the middle of its first batch.
    const release = await holdOpen(database, "UPDATE items SET body = 'held' WHERE id = 7");
    const stopped = await interruptAtLock(database, 'undo', release, cwd, 'undo', load);
    expect(stopped.status).toBe(130);
    expect(stopped.json).toMatchObject({ ok: false, interrupted: true, state: 'undoing' });
    await expectBalanced(database, 'items');
    expect((await run(cwd, 'undo', load)).json).toMatchObject({ ok: true, state: 'undone' });
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[0]]);
  });

  it('by the server, which ends its session: it goes on by itself', async () => {
    const cwd = await makeProject(ITEMS, { 'items.csv': numbers(0, 100) });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    const release = await holdOpen(database, "UPDATE items SET body = 'held' WHERE id = 7");
    const undo = run(cwd, 'undo', load);
    const pid = await waitForLock(database, 'undo');
    expect(await database.query('SELECT pg_terminate_backend($1)', [pid])).toEqual([[true]]);
    await release();
    const result = await undo;
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json).toMatchObject({ state: 'undone', removed: { rows: 90, rejects: 10 } });
  });
});
