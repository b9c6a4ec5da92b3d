/**
 * `edp promote` with a real table: what it moves, what it leaves, and what other sessions may do
 * meanwhile.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { holdModel } from '../../../src/ledger/model-lock.js';
import { BUILTIN_MODEL } from '../../../src/model/builtin.js';
import { COLUMN_TYPES } from '../../../src/model/types.js';
import { withClient } from '../../../src/postgres/connection.js';
import { edp, makeDirectory, startEdp } from '../../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { slowLoads } from '../../support/ledger.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});
beforeEach(async () => {
  await database.query(`DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
      EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', name);
    END LOOP; END $$`);
  await database.query('DROP SCHEMA IF EXISTS edp CASCADE');
});

const MODEL = (metrics = '{}') =>
  `tables:\n  t:\n    columns: { id: int }\n    key: id\n    metrics: { from: m, columns: ${metrics} }\n`;

async function makeProject(yaml = MODEL()) {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'edp.yaml'), yaml);
  const env = { DATABASE_URL: database.url };
  return {
    cwd,
    env,
    write: (name: string, content: string) => writeFile(path.join(cwd, name), content),
    run: <const A extends readonly string[]>(...args: A) => edp([...args, '--json'], { cwd, env }),
  };
}

/** A file with one record per JSON value of metric x. */
function fileOf(values: readonly string[], from = 0): string {
  const lines = values.map((value, i) => {
    const json = value === '' ? '{"other":1}' : `{"x":${value},"other":1}`;
    return `${from + i},"${json.replaceAll('"', '""')}"`;
  });
  return `id,m\n${lines.join('\n')}\n`;
}

const VALUES = [
  ...['1', '-7', '12.0', '1e3', '1.50e1', '2147483647', '2147483648', '9223372036854775808'],
  ...['0', '-0', '1.5', '1e400', '1e-400', '1e-7', '0.1', '123456789012345678901234567890.50'],
  ...['"12"', '" 12"', '"12.0"', '"1e3"', '"NaN"', '"-Infinity"', '""', '"t"', '"NO"', '"\\u00e9"'],
  ...['true', 'false', 'null', '{}', '[1,2]', '{"b":1,"a":[true]}', '', '"2024-01-31"'],
  ...['"2024-02-30"', '"2024-01-31T10:00:00.1234567+02:30"', '"infinity"', '"now"', '"20240131"'],
  ...['"00112233-4455-6677-8899-AABBCCDDEEFF"', '"{00112233445566778899aabbccddeeff}"'],
];

/** Numbers that jsonb prints differently from how they were written. */
const REWRITTEN: ReadonlySet<string> = new Set(['-0', '1.50e1', '1e-7', '1e400', '1e-400']);
const isSameFromJsonb = ([id]: readonly unknown[]) => !REWRITTEN.has(VALUES[Number(id)]!);

describe('a promoted metric', () => {
  it.each(COLUMN_TYPES.filter((type) => type !== 'json'))(
    'as %s has the values that loads with the model of afterwards give it',
    async (type) => {
      const late = await makeProject();
      await late.write('t.csv', fileOf(VALUES));
      await late.run('ingest', 't.csv');
      const promoted = await late.run('promote', 'x', '--type', type, '--limit', '100');
      expect((await late.run('verify', '1')).json.counts).toEqual({});
      const rows = () =>
        database.query(
          'SELECT id, x::text, extra_metrics::text FROM t WHERE NOT coalesce(extra_metrics ? $1, false) ORDER BY id',
          ['x'],
        );
      const moved = await rows();
      const left = await database.query(
        'SELECT id, x::text FROM t WHERE extra_metrics ? $1 ORDER BY id',
        ['x'],
      );

      // The same file into a table that had the column from the start.
      await database.query('DROP TABLE t');
      await database.query('DELETE FROM edp.loads');
      const early = await makeProject(MODEL(`{ x: ${type} }`));
      await early.write('t.csv', fileOf(VALUES));
      const loaded = await early.run('ingest', 't.csv');
      const expected = (await rows()).filter(isSameFromJsonb);
      const ids = new Set(expected.map(([id]) => id));
      expect(moved.filter(([id]) => ids.has(id))).toEqual(expected);

      expect(promoted.status).toBe(promoted.json.rows.left > 0 ? 3 : 0);
      expect(promoted.json.rows.left).toBe(left.length);
      expect(left.every(([, x]) => x === null)).toBe(true);
      const rejects = await database.query('SELECT raw FROM edp.rejects ORDER BY byte_offset');
      const rejected = rejects.map(([raw]) => [Number(String(raw).split(',')[0])]);
      expect(loaded.json.rows.rejected).toBe(rejects.length);
      expect(left.filter(isSameFromJsonb).map(([id]) => id)).toEqual(
        rejected.filter(isSameFromJsonb).map(([id]) => id),
      );
      expect(promoted.json.left.map(({ key }) => Number(key.id))).toEqual(
        expect.arrayContaining(left.map(([id]) => id)),
      );
    },
  );

  it('leaves nothing behind, and an emptied object is NULL', async () => {
    const { run, write, cwd } = await makeProject();
    await write('t.csv', 'id,m\n1,"{""x"":1}"\n2,"{""x"":2,""y"":3}"\n3,"{""x"":""?""}"\n4,\n');
    const load = (await run('ingest', 't.csv')).json.files[0].loadId;
    const before = await run('status', String(load));
    expect(before.json.load.unknownMetrics).toEqual({ x: 3, y: 1 });
    const human = await edp(['status', String(load)], { cwd, env: { DATABASE_URL: database.url } });
    expect(human.stdout).toMatch(/metric x was not declared: kept beside 3 rows/);

    const promoted = await run('promote', 'x', '--column', 'the "x"');
    expect(promoted.json).toMatchObject({
      ok: true,
      table: 't',
      column: 'the "x"',
      type: 'int',
      rows: { moved: 2, left: 1 },
      left: [{ key: { id: '3' }, value: '"?"', reason: expect.stringMatching(/not an integer/) }],
      declared: true,
    });
    expect(
      await database.query('SELECT id, "the ""x""", extra_metrics FROM t ORDER BY id'),
    ).toEqual([
      [1, 1, null],
      [2, 2, { y: 3 }],
      [3, null, { x: '?' }],
      [4, null, null],
    ]);
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toContain('key: x');

    // The same command again finds nothing to do; new loads write to the column.
    const again = await run('promote', 'x');
    expect(again.json).toMatchObject({ rows: { moved: 0, left: 1 }, declared: false });
    await write('t-2.csv', 'id,m\n5,"{""x"":5}"\n6,"{""x"":""?""}"\n');
    expect((await run('ingest', 't-2.csv')).json.rows).toMatchObject({ loaded: 1, rejected: 1 });
    expect(await database.query('SELECT "the ""x""", extra_metrics FROM t WHERE id = 5')).toEqual([
      [5, null],
    ]);
    for (const id of [load, load! + 1]) {
      const verified = await run('verify', String(id));
      expect(verified.json, verified.stderr).toMatchObject({ ok: true });
    }
    const report = await run('generate-report', 'unknown_metrics', '--format', 'table');
    expect(report.stderr).toMatch(/x +3 .* t\b/);
  });

  it('is declared before there is a table, whose first load makes the column', async () => {
    const { run, write, cwd } = await makeProject();
    await rm(path.join(cwd, 'edp.yaml'));
    const promoted = await run('promote', 'metric_x', '--type', 'numeric');
    expect(promoted.json).toMatchObject({ table: 'events', declared: true, tableExists: false });
    await write(
      'events.csv',
      'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics\n1,,,,,"{""metrics"":{""metric_x"":1.50}}"\n',
    );
    expect(await run('ingest', 'events.csv')).toMatchObject({ status: 0 });
    expect(await database.query('SELECT metric_x::text FROM events')).toEqual([['1.50']]);
  });

  it('goes into a column that was declared by hand', async () => {
    const { run, write, cwd } = await makeProject();
    await write('t.csv', fileOf(['1', '2']));
    await run('ingest', 't.csv');
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL('{ ex: { type: bigint, key: x } }'));
    const promoted = await run('promote', 'x');
    expect(promoted.json).toMatchObject({
      column: 'ex',
      type: 'bigint',
      rows: { moved: 2 },
      declared: false,
    });
    expect(await database.query('SELECT ex FROM t ORDER BY id')).toEqual([[1], [2]]);
  });

  it('is moved in every partition of a table, and without a key', async () => {
    await database.query(`CREATE TABLE t (id int, extra_metrics jsonb, load_id bigint) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (500);
      CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (500) TO (5000)`);
    const { run, write } = await makeProject(MODEL().replace('    key: id\n', ''));
    await write(
      't.csv',
      fileOf(Array.from({ length: 1000 }, (_, i) => (i === 7 ? '"no"' : `${i}`))),
    );
    await run('ingest', 't.csv');
    const promoted = await run('promote', 'x');
    expect(promoted.json).toMatchObject({
      rows: { moved: 999, left: 1 },
      left: [{ key: {}, value: '"no"' }],
    });
    expect(await database.query('SELECT count(*), count(x), sum(x) FROM t')).toEqual([
      [1000, 999, 499_493],
    ]);
  });
});

describe('obstacles are reported', () => {
  it.each([
    {
      name: 'a column that the model does not know',
      make: 'ALTER TABLE t ADD COLUMN x text',
      args: ['promote', 'x'],
      code: 'usage',
      message: /has a column "x".*--column/s,
    },
    {
      name: 'a type that does not exist',
      args: ['promote', 'x', '--type', 'integer'],
      code: 'usage',
      message: /expected one of .*int/,
    },
    {
      name: 'a name that is too long',
      args: ['promote', 'x', '--column', 'c'.repeat(64)],
      code: 'usage',
      message: /63 bytes/,
    },
    {
      name: 'a metric whose name cannot be that of a column',
      args: ['promote', 'm'.repeat(64)],
      code: 'usage',
      message: /--column/,
    },
  ])('$name', async ({ make, args, code, message }) => {
    const { run, write, cwd } = await makeProject();
    await write('t.csv', fileOf(['1']));
    await run('ingest', 't.csv');
    if (make !== undefined) await database.query(make);
    const result = await run(...args);
    expect(result.json).toMatchObject({ ok: false, error: { code } });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(message);
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toBe(MODEL());
  });
});

describe('others at work meanwhile', () => {
  const COUNT = 20_000;
  const values = Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? '' : `${i}`));
  const expected = [
    [COUNT, values.filter(Boolean).length, values.reduce((sum, v) => sum + Number(v), 0), 0],
  ];
  const actual = () =>
    database.query(
      `SELECT count(*), count(x), sum(x)::bigint, count(*) FILTER (WHERE extra_metrics ? 'x') FROM t`,
    );

  it('killed again and again, it moves each value once', async () => {
    const { run, write, cwd, env } = await makeProject();
    await write('t.csv', fileOf(values));
    await run('ingest', 't.csv');
    let kills = 0;
    const state = () =>
      database
        .query('SELECT state FROM edp.promotions')
        .then((rows) => rows[0]?.[0])
        .catch(() => undefined);
    // A completed promotion would begin again; the kill may come just after that.
    for (let delayMs = 100; (await state()) !== 'done'; delayMs *= 1.25) {
      const child = startEdp(['promote', 'x', '--json'], { cwd, env });
      child.stderr?.resume();
      child.stdout?.resume();
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const timer = setTimeout(() => child.kill('SIGKILL'), delayMs);
      const status = await ended;
      clearTimeout(timer);
      if (status === null) kills++;
      else expect(status).toBe(0);
      expect(await run('verify', '1')).toMatchObject({ status: 0 });
    }
    expect(kills).toBeGreaterThan(0);
    expect(await actual()).toEqual(expected);
    expect(await database.query('SELECT rows_moved, state FROM edp.promotions')).toEqual([
      [values.filter(Boolean).length, 'done'],
    ]);
  });

  it('a table in use is waited for, and loads are not held up', async () => {
    const { run, write } = await makeProject();
    await write('t.csv', fileOf(values));
    await run('ingest', 't.csv');
    await withClient(database.config, 'test', async (client) => {
      await client.query('BEGIN');
      await client.query(
        'UPDATE t SET extra_metrics = extra_metrics || \'{"x": 1000000}\' WHERE id = 77',
      );
      const promoting = run('promote', 'x');
      // ADD COLUMN needs the table to itself for a moment, and does not block others while it
      // waits.
      await sleep(1000);
      await write('t-2.csv', fileOf(['5'], COUNT));
      expect((await run('ingest', 't-2.csv')).json.rows).toMatchObject({ loaded: 1 });
      await client.query('COMMIT');
      const promoted = await promoting;
      expect(promoted, promoted.stderr).toMatchObject({ status: 0 });
      expect(promoted.stderr).toMatch(/waiting for a moment between splits/);
    });
    expect(await database.query(`SELECT x FROM t WHERE id IN (77, ${COUNT}) ORDER BY id`)).toEqual([
      [1_000_000],
      [5],
    ]);
    expect(await database.query("SELECT count(*) FROM t WHERE extra_metrics ? 'x'")).toEqual([[0]]);
  });

  it('rows that somebody holds are waited for', async () => {
    const { run, write } = await makeProject();
    await write('t.csv', fileOf(values));
    await run('ingest', 't.csv');
    await database.query('ALTER TABLE t ADD COLUMN x int');
    await write('edp.yaml', MODEL('{ x: int }'));
    await withClient(database.config, 'test', async (client) => {
      await client.query('BEGIN; SELECT FROM t WHERE id = 88 FOR UPDATE');
      const promoting = run('promote', 'x');
      const count = async (what: string) =>
        (await database.query(`SELECT count(*) FROM ${what}`))[0]![0] as number;
      while ((await count('edp.promotions')) === 0) await sleep(20);
      await sleep(1500);
      expect(await count("edp.promotions WHERE state = 'done'")).toBe(0);
      await client.query('COMMIT');
      const promoted = await promoting;
      expect(promoted, promoted.stderr).toMatchObject({ status: 0 });
    });
    expect(await database.query('SELECT x FROM t WHERE id = 88')).toEqual([[88]]);
  });

  it('a run with the model of before is waited for, and what it kept is moved, too', async () => {
    const { run, write } = await makeProject();
    await rm(path.join((await makeProject()).cwd, 'edp.yaml'));
    await write('t.csv', fileOf(values));
    await run('ingest', 't.csv');
    const [table] = BUILTIN_MODEL.tables;
    for (const mode of ['reject', 'update'] as const) {
      await withClient(database.config, 'ingest', async (client) => {
        await holdModel(client, { schema: 'public', name: 't' }, { ...table!, name: 't' }, mode);
        const promoting = run('promote', 'x');
        const isRunning = async () =>
          (await database.query("SELECT FROM edp.promotions WHERE state = 'running'")).length > 0;
        while (!(await isRunning())) await sleep(50);
        // Long enough to move everything that there is.
        await sleep(1500);
        await database.query(`UPDATE t SET extra_metrics = '{"x": 3}' WHERE id = 0`);
        expect(await isRunning()).toBe(true);
        await client.query('SELECT pg_advisory_unlock_all()');
        const promoted = await promoting;
        expect(promoted, promoted.stderr).toMatchObject({ status: 0 });
        expect(promoted.stderr).toMatch(/waiting for a run that loads "t" with another model/);
      });
      expect(await database.query('SELECT x, extra_metrics FROM t WHERE id = 0')).toEqual([
        [3, null],
      ]);
    }
  });

  it('a project that does not know of the promotion is warned', async () => {
    const { run, write } = await makeProject();
    await write('t.csv', fileOf(['1']));
    await run('ingest', 't.csv');
    await run('promote', 'x');
    const other = await makeProject();
    await other.write('t-2.csv', fileOf(['2'], 1));
    const stale = await other.run('ingest', 't-2.csv');
    expect(stale.status).toBe(0);
    expect(stale.stderr).toMatch(/metric "x" of "t" was promoted to column "x", which this model/);
    // By both models the file agrees with the table; and the next promotion moves the rest.
    expect(await other.run('verify', '2')).toMatchObject({ status: 0 });
    await run('promote', 'x');
    expect(await other.run('verify', '2')).toMatchObject({ status: 0 });
    expect(await database.query('SELECT x FROM t ORDER BY id')).toEqual([[1], [2]]);
  });

  it('an interrupted load goes on with the new model', async () => {
    const { run, write, cwd, env } = await makeProject();
    await write('t.csv', fileOf(values));
    const args = ['ingest', 't.csv', '--read-batch-size', '200', '--process-count', '1'];
    const hurry = await slowLoads(database);
    const child = startEdp(args, { cwd, env });
    child.stderr?.resume();
    child.stdout?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    const receipts = () =>
      database
        .query('SELECT count(*) FROM edp.receipts')
        .then(([[count]]) => count as number)
        .catch(() => 0);
    while ((await receipts()) < 3) await sleep(20);
    child.kill('SIGKILL');
    await ended;
    await hurry();
    expect(await run('promote', 'x')).toMatchObject({ status: 0 });
    const resumed = await run('ingest', 't.csv');
    expect(resumed, resumed.stderr).toMatchObject({ status: 0 });
    expect(resumed.json.rows).toMatchObject({ loaded: COUNT });
    expect(resumed.stderr).toMatch(/was begun with another model of "t"/);
    expect(await actual()).toEqual(expected);
    expect(await run('verify', '1')).toMatchObject({ status: 0 });
  });
});

describe('while 200,000 rows load', () => {
  it('nothing is lost and nothing repeated', async () => {
    const COUNT = 200_000;
    const { run, write, cwd, env } = await makeProject();
    const valueAt = (id: number) => (id % 5 === 0 ? '' : id % 1000 === 1 ? '"odd"' : `${id}`);
    const ids = Array.from({ length: COUNT }, (_, id) => id);
    const half = ids.map(valueAt);
    // Two files in one run: the second begins long after the metric is declared.
    await write('t-1.csv', fileOf(half.slice(0, COUNT / 2)));
    await write('t-2.csv', fileOf(half.slice(COUNT / 2), COUNT / 2));
    const args = ['ingest', 't-1.csv', 't-2.csv', '--read-batch-size', '2000'];
    const child = startEdp(args, { cwd, env });
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    child.stdout?.resume();
    const loading = new Promise<number | null>((resolve) => child.once('close', resolve));
    const receipts = () =>
      database
        .query('SELECT count(*) FROM edp.receipts')
        .then(([[count]]) => count as number)
        .catch(() => 0);
    while ((await receipts()) < 2) await sleep(10);
    const promoting = run('promote', 'x');
    // A run that begins in between, with either version of edp.yaml.
    await write('t-3.csv', fileOf(['1', '2', '3'], COUNT));
    while ((await database.query("SELECT to_regclass('edp.promotions') IS NULL"))[0]![0] === true)
      await sleep(20);
    while ((await database.query('SELECT count(*) FROM edp.promotions'))[0]![0] === 0)
      await sleep(20);
    const between = await run('ingest', 't-3.csv');
    expect(between, between.stderr).toMatchObject({ status: 0 });
    expect(await loading, log).toBe(0);
    const promoted = await promoting;
    expect(promoted, promoted.stderr).toMatchObject({ status: 3 });

    const fits = ids.filter((id) => /^\d+$/.test(valueAt(id)));
    expect(
      await database.query(
        `SELECT count(*), count(x), sum(x)::bigint, count(*) FILTER (WHERE extra_metrics ? 'x'),
                bool_and(x IS NULL OR x = id OR id >= ${COUNT}) FROM t`,
      ),
    ).toEqual([
      [COUNT + 3, fits.length + 3, fits.reduce((sum, id) => sum + id, 0) + 6, COUNT / 1000, true],
    ]);
    expect(promoted.json.rows.left).toBe(COUNT / 1000);
    for (const load of [1, 2, 3]) {
      const verified = await run('verify', String(load));
      expect(verified.json.counts, verified.stderr).toEqual({});
    }
  });
});
