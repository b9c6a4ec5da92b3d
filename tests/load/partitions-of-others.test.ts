/** Tables that edp divides, and what people do to them meanwhile: attach, detach, drop, rename, hold. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { edp, followEdp, startEdp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const BY_MONTH = `tables:
  t:
    key: [id, day]
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, v: text }
`;

async function places(table: string): Promise<Record<string, number>> {
  const rows = await database.query(
    `SELECT tableoid::regclass::text, count(*)::int FROM ${table} GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows);
}

const rowsOn = (...days: string[]) =>
  `id,day,v\n${days.map((day, i) => `${i},${day},v`).join('\n')}\n`;

describe('partitions that somebody attached', () => {
  it.each([
    { name: 'of a part of a month', bounds: ["'2020-01-10'", "'2020-01-20'"] },
    { name: 'over two months', bounds: ["'2020-01-20'", "'2020-02-10'"] },
    { name: 'of a whole year', bounds: ["'2020-01-01'", "'2021-01-01'"] },
    { name: 'open to the past', bounds: ['MINVALUE', "'2020-01-15'"] },
    { name: 'open to the future', bounds: ["'2020-01-15'", 'MAXVALUE'] },
  ])('$name', async ({ bounds: [from, to] }) => {
    const all = rowsOn(
      '2020-01-05',
      '2020-01-15',
      '2020-01-25',
      '2020-02-05',
      '2020-02-25',
      '0001-01-01',
      'infinity',
    );
    const cwd = await makeProject(BY_MONTH, {
      't.csv': 'id,day,v\n',
      'a.csv': all,
      'b.csv': all.replaceAll(',v\n', ',w\n').replace(',w', ',v'),
    });
    await run(cwd, 'ingest', 't.csv');
    await database.query(`CREATE TABLE other PARTITION OF t FOR VALUES FROM (${from}) TO (${to})`);
    const { json, stderr } = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(json.rows, stderr).toMatchObject({ loaded: 7, rejected: 0 });
    const again = await run(cwd, 'ingest', 'b.csv', '--table', 't', '--on-conflict', 'update');
    expect(again.json.rows, again.stderr).toMatchObject({ loaded: 7, rejected: 0 });
    expect(await database.query("SELECT count(*)::int FROM t WHERE v = 'w'")).toEqual([[7]]);
    expect(await database.query('SELECT count(*)::int > 0 FROM other')).toEqual([[true]]);
  });

  it('of hours, by a session in another time zone', async () => {
    const model = BY_MONTH.replace('day: date', 'day: timestamptz');
    const moments = rowsOn(
      '2020-01-05 11:00:00Z',
      '2020-01-05 13:00:00Z',
      '2020-01-06 00:00:00Z',
      '2020-01-01 00:00:00Z',
    );
    const cwd = await makeProject(model, { 't.csv': 'id,day,v\n', 'a.csv': moments });
    await run(cwd, 'ingest', 't.csv');
    await database.query(
      `SET timezone = 'America/New_York'; CREATE TABLE other PARTITION OF t FOR VALUES FROM ('2020-01-05 12:00:00+00') TO ('2020-01-05 14:00:00+00'); RESET timezone`,
    );
    const { json, stderr } = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(json.rows, stderr).toMatchObject({ loaded: 4, rejected: 0 });
    expect(await places('t')).toEqual({ other: 1, t_2020_01: 2, t_2020_01_1: 1 });
  });

  it('a DEFAULT one with rows that belong into others: the load says so', async () => {
    const cwd = await makeProject(BY_MONTH, { 'a.csv': rowsOn('2020-01-05') });
    await database.query(`CREATE TABLE t (id int NOT NULL, day date NOT NULL, v text, load_id bigint, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE other PARTITION OF t DEFAULT; INSERT INTO t VALUES (7, '2020-01-30')`);
    const { json } = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(json).toMatchObject({
      ok: false,
      error: { code: 'table_mismatch', message: expect.stringContaining('would be violated') },
    });
    await database.query('CREATE TABLE saved AS TABLE t; TRUNCATE t');
    const again = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(again.json.rows).toMatchObject({ loaded: 1 });
    await database.query('INSERT INTO t SELECT * FROM saved');
    expect(await places('t')).toEqual({ t_2020_01: 2 });
  });

  it('a table with partitions that edp.yaml does not declare is as it was', async () => {
    const model = BY_MONTH.replace(/ {4}partition-by.*\n/, '');
    const cwd = await makeProject(model, { 'a.csv': rowsOn('2020-01-05', '2020-02-05') });
    await database.query(`CREATE TABLE t (id int NOT NULL, day date NOT NULL, v text, load_id bigint, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE t_a PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')`);
    const { json } = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(json.rows).toMatchObject({ loaded: 1, rejected: 1 });
    expect(await places('t')).toEqual({ t_a: 1 });
  });
});

describe('names', () => {
  it('of other relations, types and functions are left alone', async () => {
    const cwd = await makeProject(BY_MONTH, {
      't.csv': rowsOn('2020-01-05', '2020-02-05', '2020-03-05', '9999-01-01'),
    });
    await database.query(`CREATE TABLE t_2020_01 (x int); CREATE VIEW t_rest AS SELECT 1 AS one;
      CREATE TYPE t_2020_02 AS ENUM ('a'); CREATE FUNCTION t_2020_03() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    const { json, stderr } = await run(cwd, 'ingest', 't.csv');
    expect(json.rows, stderr).toMatchObject({ loaded: 4 });
    expect(await places('t')).toEqual({
      t_2020_01_1: 1,
      t_2020_02_1: 1,
      t_2020_03_1: 1,
      t_rest_1: 1,
    });
  });

  it('of 63 bytes, with capitals, quotes and dots, in a schema of its own', async () => {
    const long = `Uberlänge ${'é'.repeat(25)} x`;
    expect(Buffer.byteLength(long)).toBe(63);
    const name = (text: string) => `'"my ""S"".1"."${text}"'`;
    const table = (text: string) => `  ${name(text)}:
    key: '"K".id'
    key-guard: true
    partition-by: [{ column: 'La "nd', list: true }, { column: 'The Day', every: day }]
    columns: { '"K".id': int, 'La "nd': text, 'The Day': timestamp }
`;
    const records =
      '"""K"".id","La ""nd",The Day\n1,nl,2020-01-01 10:00:00\n2,"x"".y",2020-01-02 10:00:00\n1,be,\n3,nl,\n';
    const cwd = await makeProject(`tables:\n${table(long)}${table('a.b')}`, { 'x.csv': records });
    await database.query('CREATE SCHEMA "my ""S"".1"');
    for (const text of [long, 'a.b']) {
      const { json, stderr } = await run(
        cwd,
        'ingest',
        'x.csv',
        '--table',
        `"my ""S"".1"."${text}"`,
      );
      expect(json.rows, stderr).toMatchObject({ loaded: 3, rejected: 1 });
    }
    const names = (await database.query(
      `SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE nspname LIKE 'my%' AND relkind IN ('r', 'p') AND relname NOT LIKE 'a.b%' ORDER BY 1`,
    )) as [string][];
    expect(names.every(([one]) => Buffer.byteLength(one) <= 63)).toBe(true);
    expect(names).toHaveLength(11);
    await database.query('DROP SCHEMA "my ""S"".1" CASCADE');
  });
});

describe('while a load runs', () => {
  const DAYS = Array.from({ length: 400 }, (_, i) =>
    new Date(Date.UTC(2020, 0, 1) + i * 86_400_000).toISOString().slice(0, 10),
  );
  const MODEL = BY_MONTH.replace('key: [id, day]\n    ', '');
  const ARGS = ['--table', 't', '--read-batch-size', '50', '--process-count', '2'] as const;

  it.each([
    ['a partition is detached', 'ALTER TABLE t DETACH PARTITION t_2020_05'],
    ['one is detached CONCURRENTLY', 'ALTER TABLE t DETACH PARTITION t_2020_05 CONCURRENTLY'],
    ['one is dropped', 'DROP TABLE t_2020_05'],
    ['one is renamed', 'ALTER TABLE t_2020_05 RENAME TO may'],
  ])('%s: each row is in the table or was in it', async (name, statement) => {
    // CONCURRENTLY is not for tables with a DEFAULT partition.
    const isConcurrent = name.includes('CONCURRENTLY');
    const cwd = await makeProject(MODEL, {
      'a.csv': rowsOn(...DAYS),
      'b.csv': rowsOn(...DAYS.toReversed()),
    });
    expect((await run(cwd, 'ingest', 'a.csv', ...ARGS)).json.rows.loaded).toBe(400);
    if (isConcurrent) await database.query('DROP TABLE t_rest');
    const args = ['ingest', 'b.csv', ...ARGS, '--json', '--database-url', database.url];
    const child = startEdp(args, { cwd, env: {} });
    const loading = followEdp(child, args as ['ingest', ...string[]]);
    await sleep(350);
    // A session that holds the table for as long as a split takes must not stand in the way for ever.
    await withClient(database.config, 'test', (client) => client.query(statement)).catch(
      (error: Error) => {
        expect(error.message).toMatch(/deadlock/);
      },
    );
    const { json, status, stderr } = await loading;
    expect(status, stderr).toBe(0);
    expect(json.rows).toMatchObject({ loaded: 400, rejected: 0 });
    const gone = name.includes('detached')
      ? " + (SELECT count(*)::int FROM t_2020_05 WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 't_2020_05'::regclass))"
      : '';
    const [[count]] = (await database.query(`SELECT (SELECT count(*)::int FROM t)${gone}`)) as [
      [number],
    ];
    if (name.includes('dropped')) expect(count).toBeGreaterThanOrEqual(800 - 62);
    else expect(count).toBe(800);
  });

  it('a long transaction has read the rest partition, or a table that is referred to: it waits, says so, and Ctrl-C ends it', async () => {
    const model = `tables:
  d: { key: id, columns: { id: int } }
  t:
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, d: { type: int, references: d } }
`;
    const cwd = await makeProject(model, {
      'd.csv': 'id\n1\n',
      'a.csv': 'id,day,d\n1,2020-01-01,1\n',
      'b.csv': 'id,day,d\n1,2020-02-01,1\n',
    });
    await run(cwd, 'ingest', 'd.csv');
    await run(cwd, 'ingest', 'a.csv', '--table', 't');
    await withClient(database.config, 'test', async (client) => {
      await client.query('BEGIN; UPDATE d SET id = id; SELECT * FROM t_rest');
      const args = [
        'ingest',
        'b.csv',
        '--table',
        't',
        '--json',
        '--database-url',
        database.url,
      ] as const;
      const child = startEdp(args, { cwd, env: {} });
      const loading = followEdp(child, args);
      await sleep(9000);
      child.kill('SIGINT');
      const { status, stderr } = await loading;
      expect(status).toBe(130);
      expect(stderr).toContain('wait for another session');
      await client.query('COMMIT');
    });
    const { json } = await run(cwd, 'ingest', 'b.csv', '--table', 't');
    expect(json.rows.loaded).toBe(1);
  });
});

describe('two commands', () => {
  it('of which one waits for a row of the other, which waits for its lock of the rest partition', async () => {
    const text = 'x'.repeat(100);
    const many = Array.from({ length: 60_000 }, (_, i) => `${i + 1},2020-01-01,${text}\n`);
    const cwd = await makeProject(BY_MONTH, {
      't.csv': rowsOn('2020-01-31'),
      'big.csv': `id,day,v\n${many.join('')}1,2021-05-05,v\n`,
      // The first one has a key that is there, so that the second one is loaded the careful way, in the order of its records.
      'small-1.csv': 'id,day,v\n0,2020-01-31,w\n',
      'small-2.csv': 'id,day,v\n-1,9999-01-01,w\n1,2020-01-01,w\n',
    });
    await run(cwd, 'ingest', 't.csv');
    const into = ['--table', 't', '--json', '--database-url', database.url] as const;
    const bigArgs = ['ingest', 'big.csv', '--process-count', '1', ...into] as const;
    const big = followEdp(
      startEdp(bigArgs, { cwd, env: { EDP_FAILPOINTS: 'split.partitions=pause/4000' } }),
      bigArgs,
    );
    const holds = `SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction'`;
    for (;;) {
      const [[count]] = (await database.query(
        `SELECT count(*)::int FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
         WHERE c.relname = 't_2020_01' AND l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()`,
      )) as [[number]];
      const [[idle]] = (await database.query(holds)) as [[number]];
      if (count > 0 && idle > 0) break;
      await sleep(50);
    }
    const small = run(
      cwd,
      'ingest',
      'small-1.csv',
      'small-2.csv',
      '--table',
      't',
      '--on-conflict',
      'update',
      '--process-count',
      '1',
    );
    const results = await Promise.all([big, small]);
    for (const { status, stderr } of results) expect([0, 3], stderr).toContain(status);
    expect(await places('t')).toEqual({ t_2020_01: 60_001, t_2021_05: 1, t_rest: 1 });
  });
});

describe('sessions and files of other kinds', () => {
  it('a time zone of the database, JSON lines, constants and corrected columns', async () => {
    const model = `tables:
  t:
    partition-by: { column: at, every: day }
    columns: { id: int, at: timestamptz }
  c:
    partition-by: [{ column: site, list: true }, { column: day, every: month }]
    columns:
      id: int
      site: { type: text, constant: Site 9 }
      day: { type: date, format: '%d.%m.%Y' }
`;
    const cwd = await makeProject(model, {
      't.jsonl':
        '{"id": 1, "at": "2020-01-01T00:30:00+02:00"}\n{"id": 2}\n{"id": 3, "at": "2020-01-01T23:59:59.999999Z"}\n',
      'c.csv': 'id,day\n1,31.01.2020\n2,01.02.2020\n3,\n',
    });
    const name = database.config.database!;
    await database.query(
      `ALTER DATABASE ${name} SET timezone = 'Asia/Tokyo'; ALTER DATABASE ${name} SET datestyle = 'German'`,
    );
    try {
      const { json, stderr } = await run(cwd, 'ingest', 't.jsonl', 'c.csv');
      expect(json.rows, stderr).toMatchObject({ loaded: 6, rejected: 0 });
      expect(await places('t')).toEqual({ t_2019_12_31: 1, t_2020_01_01: 1, t_rest: 1 });
      expect(await places('c')).toEqual({
        c_site_9_2020_01: 1,
        c_site_9_2020_02: 1,
        c_site_9_rest: 1,
      });
      const again = await run(cwd, 'ingest', 't.jsonl', 'c.csv', '--force');
      expect(again.json.rows, again.stderr).toMatchObject({ loaded: 6, rejected: 0 });
    } finally {
      await database.query(`ALTER DATABASE ${name} RESET ALL`);
    }
  });

  it('a column that no field fills has its default, or the rest partition', async () => {
    const cwd = await makeProject(BY_MONTH.replace('key: [id, day]\n    ', ''), {
      't.csv': 'id,day,v\n',
      'a.csv': 'id,v\n1,a\n',
      'b.csv': 'id,v\n2,b\n',
    });
    await run(cwd, 'ingest', 't.csv');
    expect((await run(cwd, 'ingest', 'a.csv', '--table', 't')).json.rows.loaded).toBe(1);
    await database.query("ALTER TABLE t ALTER day SET DEFAULT date '2021-05-05'");
    const { json, stderr } = await run(cwd, 'ingest', 'b.csv', '--table', 't');
    expect(json.rows, stderr).toMatchObject({ loaded: 1, rejected: 0 });
    expect(await places('t')).toEqual({ t_2021_05: 1, t_rest: 1 });
  });

  it('a row that is replaced moves to a partition that is new for its value', async () => {
    const cwd = await makeProject(
      `tables:
  t:
    key: id
    key-guard: true
    partition-by: [{ column: part, list: true }, { column: day, every: month }]
    columns: { id: int, part: text, day: date }
`,
      {
        'a.csv': 'id,part,day\n1,nl,2020-01-01\n',
        'b.csv': 'id,part\n1,be\n',
        'c.csv': 'id,day\n1,2020-03-03\n',
      },
    );
    await run(cwd, 'ingest', 'a.csv', '--table', 't');
    for (const [file, place] of [
      ['b.csv', 't_be_2020_01'],
      ['c.csv', 't_be_2020_03'],
    ] as const) {
      const { json, stderr } = await run(
        cwd,
        'ingest',
        file,
        '--table',
        't',
        '--on-conflict',
        'update',
      );
      expect(json.rows, stderr).toMatchObject({ loaded: 1, rejected: 0 });
      expect(await places('t')).toEqual({ [place]: 1 });
    }
  });

  it('metrics and unknown columns do not divide a table', async () => {
    const cwd = await makeProject(
      `tables:
  t:
    columns: { id: int }
    metrics: { from: m, columns: { day: date } }
    partition-by: { column: day, every: month }
`,
      { 't.csv': 'id,m\n' },
    );
    const { status, stderr } = await edp(['ingest', 't.csv', '--database-url', database.url], {
      cwd,
    });
    expect(status).toBe(2);
    expect(stderr).toContain('"day" is not a declared column of the table; metrics');
  });
});
