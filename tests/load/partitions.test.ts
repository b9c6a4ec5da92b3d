/** Tables that edp divides: where rows go, and what stays true while partitions come and go. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { edp, startEdp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const BY_MONTH = `tables:
  t:
    key: [id, day]
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, v: text }
`;

const BY_DAY = BY_MONTH.replace('month', 'day');

const days = (count: number, from = Date.UTC(2020, 0, 1)) =>
  Array.from({ length: count }, (_, i) =>
    new Date(from + i * 86_400_000).toISOString().slice(0, 10),
  );

/** Where rows are: partition → rows. */
async function places(table: string): Promise<Record<string, number>> {
  const rows = await database.query(
    `SELECT tableoid::regclass::text, count(*)::int FROM ${table} GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows);
}

describe('partitions by time', () => {
  it('get the rows of their days, the rest partition all others', async () => {
    const cwd = await makeProject(
      `tables:
  t:
    partition-by: { column: day, every: month }
    partition-range: { from: 2000-01-01, to: 2030-01-01 }
    columns: { id: int, day: date }
  moments:
    partition-by: { column: at, every: year }
    columns: { id: int, at: timestamptz }
`,
      {
        't.csv': `id,day\n${['2020-01-31', '2020-02-01', '2020-02-29', '0001-01-01', '9999-12-31', 'infinity', '-infinity', '', '1999-12-31', '2000-01-01', '2029-12-31', '2030-01-01'].map((day, i) => `${i},${day}`).join('\n')}\n`,
        'moments.csv':
          'id,at\n1,2020-12-31 23:59:59.999999Z\n2,2021-01-01 00:00:00Z\n3,2020-12-31 23:30:00-01\n4,\n5,infinity\n6,1969-12-31 23:59:59.999999Z\n',
      },
    );
    const { json, stderr } = await run(cwd, 'ingest', 't.csv', 'moments.csv');
    expect(json.rows, stderr).toMatchObject({ loaded: 18, rejected: 0 });
    expect(await places('t')).toEqual({
      t_2020_01: 1,
      t_2020_02: 2,
      t_2000_01: 1,
      t_2029_12: 1,
      t_rest: 7,
    });
    expect(await places('moments')).toEqual({
      moments_2020: 1,
      moments_2021: 2,
      moments_rest: 3,
    });
    const checks = await database.query(
      `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'edp_rest' AND conrelid = 't_rest'::regclass`,
    );
    expect(checks).toEqual([
      ["CHECK (((day IS NULL) OR (day < '2000-01-01'::date) OR (day >= '2030-01-01'::date)))"],
    ]);
  });

  it('a day that edp.yaml gives no partition is still a row, as the server alone would have it', async () => {
    const cwd = await makeProject(BY_MONTH, {
      'a.csv': `id,day,v\n${days(400)
        .map((day, i) => `${i},${day},v`)
        .join('\n')}\n`,
    });
    expect((await run(cwd, 'ingest', 'a.csv', '--table', 't')).status).toBe(0);
    // Somebody takes a month out, and another one is dropped.
    await database.query('ALTER TABLE t DETACH PARTITION t_2020_05');
    await database.query('DROP TABLE t_2020_06');
    const again = await run(
      cwd,
      'ingest',
      'a.csv',
      '--table',
      't',
      '--force',
      '--on-conflict',
      'skip',
    );
    expect(again.json.rows).toMatchObject({ loaded: 61, duplicate: 339, rejected: 0 });
    expect(await database.query('SELECT count(*)::int FROM t')).toEqual([[400]]);
    expect(Object.keys(await places('t'))).toEqual(
      expect.arrayContaining(['t_2020_05_1', 't_2020_06']),
    );
  });

  it('1,000 new ones for two commands with two workers each', async () => {
    const cwd = await makeProject(BY_DAY, {
      'a.csv': `id,day,v\n${days(1000)
        .map((day, i) => `${i},${day},v`)
        .join('\n')}\n`,
      'b.csv': `id,day,v\n${days(1000)
        .map((day, i) => `${i + 1000},${day},v`)
        .reverse()
        .join('\n')}\n`,
    });
    const load = (file: string) =>
      run(cwd, 'ingest', file, '--table', 't', '--process-count', '2', '--read-batch-size', '100');
    const results = await Promise.all([load('a.csv'), load('b.csv')]);
    for (const { status, json, stderr } of results) {
      expect(status, stderr).toBe(0);
      expect(json.rows.loaded).toBe(1000);
    }
    const found = await places('t');
    expect(Object.keys(found)).toHaveLength(1000);
    expect(Object.values(found).every((count) => count === 2)).toBe(true);
  }, 240_000);

  it('are made a hundred at a time: Ctrl-C stops between, and the same command goes on', async () => {
    const cwd = await makeProject(BY_DAY, {
      'a.csv': `id,day,v\n${days(450)
        .map((day, i) => `${i},${day},v`)
        .join('\n')}\n`,
    });
    const made = async () => {
      const sql = `SELECT count(*)::int - 2 FROM pg_partition_tree(to_regclass('t'))`;
      return Number((await database.query(sql))[0]![0]);
    };
    const loading = startEdp(['ingest', 'a.csv', '--table', 't'], {
      cwd,
      env: { DATABASE_URL: database.url },
    });
    const ended = new Promise<number | null>((resolve) => loading.once('exit', resolve));
    while ((await made()) < 1 && loading.exitCode === null) await sleep(5);
    loading.kill('SIGINT');
    expect(await ended).toBe(130);
    const there = await made();
    expect(there % 100).toBe(0);
    expect(there).toBeLessThan(450);
    expect((await run(cwd, 'ingest', 'a.csv', '--table', 't')).json.rows.loaded).toBe(450);
    expect(await made()).toBe(450);
  });

  it('waits for one who reads the rest partition, and goes on', async () => {
    const cwd = await makeProject(BY_MONTH, {
      'a.csv': 'id,day,v\n1,2020-01-01,v\n2,9999-01-01,v\n',
      'b.csv': 'id,day,v\n3,2021-01-01,v\n4,9999-01-01,v\n',
    });
    await run(cwd, 'ingest', 'a.csv', '--table', 't');
    const loading = await withClient(database.config, 'test', async (client) => {
      await client.query('BEGIN; SELECT * FROM t_rest');
      const started = run(cwd, 'ingest', 'b.csv', '--table', 't');
      await sleep(1500);
      expect(await database.query('SELECT count(*)::int FROM t')).toEqual([[2]]);
      await client.query('COMMIT');
      return started;
    });
    expect((await loading).json.rows.loaded).toBe(2);
    expect(await places('t')).toEqual({ t_2020_01: 1, t_2021_01: 1, t_rest: 2 });
  });

  it('are there for the rows of a bulk load, with their indexes', async () => {
    const cwd = await makeProject(
      `tables:
  d: { key: id, columns: { id: int } }
  t:
    key: [id, day]
    indexes: [v]
    partition-by: { column: day, every: month }
    columns: { id: int, day: timestamp, v: text, d: { type: int, references: d } }
`,
      {
        'd.csv': 'id\n1\n2\n',
        't.csv': `id,day,v,d\n${Array.from({ length: 3000 }, (_, i) => `${i},${i % 50 === 0 ? '0001-01-01' : days(900)[i % 900]} 12:00:00,v${i},${1 + (i % 2)}`).join('\n')}\n`,
      },
    );
    await run(cwd, 'ingest', 'd.csv');
    const args = [
      'ingest',
      't.csv',
      '--read-batch-size',
      '500',
      '--json',
      '--database-url',
      database.url,
    ];
    const { json, stderr } = await edp(args, { cwd, env: { EDP_FAILPOINTS: 'bulk.min_bytes:=1' } });
    expect(json, stderr).toMatchObject({ rows: { loaded: 3000 } });
    const [[wrong, partitions, indexes]] = (await database.query(
      `SELECT (SELECT count(*)::int FROM t WHERE tableoid <> 't_rest'::regclass
                AND tableoid::regclass::text <> 't_' || to_char(day, 'YYYY_MM')),
              (SELECT count(*)::int FROM pg_partition_tree('t') WHERE isleaf),
              (SELECT count(*)::int FROM pg_index i JOIN pg_partition_tree('t') p ON p.relid = i.indrelid
               WHERE p.isleaf AND i.indisvalid)`,
    )) as [[number, number, number]];
    expect(wrong).toBe(0);
    expect(partitions).toBe(31);
    expect(indexes).toBe(62);
    expect(
      await database.query("SELECT count(*)::int FROM t WHERE tableoid = 't_rest'::regclass"),
    ).toEqual([[60]]);
    const { loadId } = (json as unknown as { files: { loadId: number }[] }).files[0]!;
    expect((await run(cwd, 'verify', String(loadId))).status).toBe(0);
    await expect(
      database.query("INSERT INTO t VALUES (-1, '2020-01-02 12:00:00', 'x', 9)"),
    ).rejects.toThrow(/foreign key/);
  });
});

describe('partitions of a list', () => {
  it('and of time within each value', async () => {
    const cwd = await makeProject(
      `tables:
  t:
    partition-by: [{ column: country, list: true }, { column: day, every: year }]
    columns: { id: int, country: text, day: date }
  flags:
    partition-by: { column: flag, list: true }
    columns: { id: int, flag: boolean }
  ids:
    partition-by: { column: n, list: true }
    columns: { id: int, n: bigint }
`,
      {
        't.csv': `id,country,day\n1,nl,2020-01-01\n2,"o'x",2020-01-01\n3,\\x,2021-01-01\n4,,2020-01-01\n5,nl,\n6,be,\n7,"NL","2022-02-02"\n8,"a, b",2020-01-01\n`,
        'flags.csv': 'id,flag\n1,true\n2,false\n3,\n4,true\n',
        'ids.csv': 'id,n\n1,-5\n2,7\n3,-5\n4,\n',
      },
    );
    const { json, stderr } = await run(cwd, 'ingest', 't.csv', 'flags.csv', 'ids.csv');
    expect(json.rows, stderr).toMatchObject({ loaded: 16, rejected: 0 });
    expect(await places('flags')).toEqual({ flags_true: 2, flags_false: 1, flags_rest: 1 });
    expect(await places('ids')).toEqual({ ids_5: 2, ids_7: 1, ids_rest: 1 });
    const found = await database.query('SELECT id, tableoid::regclass::text FROM t ORDER BY id');
    expect(found).toEqual([
      [1, 't_nl_1_2020'],
      [2, 't_o_x_2020'],
      [3, 't_x_2021'],
      [4, 't_rest'],
      [5, 't_nl_1_rest'],
      [6, 't_be_rest'],
      [7, 't_nl_2022'],
      [8, 't_a_b_2020'],
    ]);
    const again = await run(cwd, 'ingest', 't.csv', 'flags.csv', 'ids.csv', '--force');
    expect(again.json.rows.loaded).toBe(16);
  });
});

describe('the guard of a key', () => {
  const GUARDED = `tables:
  t:
    key: id
    key-guard: true
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, v: text }
`;
  const agree = async () => {
    const rows = await database.query(
      `SELECT (SELECT array_agg(id ORDER BY id) FROM t), (SELECT array_agg(id ORDER BY id) FROM t_keys)`,
    );
    expect(rows[0]![0]).toEqual(rows[0]![1]);
    return rows[0]![0] as number[] | null;
  };

  it('keeps it unique over all partitions, whatever the statement', async () => {
    const cwd = await makeProject(GUARDED, {
      'a.csv': 'id,day,v\n1,2020-01-01,a\n2,2020-02-01,b\n2,2020-03-01,c\n3,,d\n',
      'b.csv': 'id,day,v\n1,2020-05-01,z\n3,2020-01-01,z\n4,2020-01-01,z\n',
    });
    const first = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(first.json.rows).toMatchObject({ loaded: 3, rejected: 1 });
    expect(await agree()).toEqual([1, 2, 3]);
    const second = await run(cwd, 'ingest', 'b.csv', '--table', 't');
    expect(second.json.rows).toMatchObject({ loaded: 1, rejected: 2 });
    const third = await run(
      cwd,
      'ingest',
      'b.csv',
      '--table',
      't',
      '--force',
      '--on-conflict',
      'update',
    );
    expect(third.json.rows).toMatchObject({ loaded: 2, duplicate: 1, rejected: 0 });
    expect(
      await database.query('SELECT id, day::text, v, tableoid::regclass::text FROM t ORDER BY 1'),
    ).toEqual([
      [1, '2020-05-01', 'z', 't_2020_05'],
      [2, '2020-02-01', 'b', 't_2020_02'],
      [3, '2020-01-01', 'z', 't_2020_01'],
      [4, '2020-01-01', 'z', 't_2020_01'],
    ]);
    expect(await agree()).toEqual([1, 2, 3, 4]);
    await expect(
      database.query("INSERT INTO t (id, day) VALUES (2, '2021-01-01')"),
    ).rejects.toThrow();
    await expect(
      database.query("INSERT INTO t_2020_02 (id, day) VALUES (1, '2020-02-02')"),
    ).rejects.toThrow(/duplicate key/);
    await database.query('UPDATE t SET id = 20 WHERE id = 2');
    await database.query("UPDATE t SET day = '2020-05-05' WHERE id = 20");
    await database.query('UPDATE t SET id = CASE id WHEN 1 THEN 20 ELSE 1 END WHERE id IN (1, 20)');
    expect(await agree()).toEqual([1, 3, 4, 20]);
    await database.query('DELETE FROM t_2020_01');
    expect(await agree()).toEqual([1, 20]);
    await database.query('TRUNCATE t_2020_05');
    expect(await agree()).toBeNull();
  });

  it('is emptied with a table of many partitions in a moment', async () => {
    const cwd = await makeProject(GUARDED.replace('month', 'day'), {
      'a.csv': 'id,day\n1,2020-01-01\n2,2020-01-02\n',
    });
    const loaded = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(loaded.json.rows, loaded.stderr).toMatchObject({ loaded: 2 });
    await database.query(
      `SELECT edp.divide('t', 'day', 'day', '1970-01-01', '2037-01-01', NULL, ARRAY(SELECT date '2020-01-01' + i FROM generate_series(1, 700) AS i))`,
    );
    // Comparing all keys with all partitions, once for each partition, takes a multiple of that.
    await database.query("SET statement_timeout = '5s'; TRUNCATE t; RESET statement_timeout");
    expect(await agree()).toBeNull();
  });

  it('follows undo, replay and --replace', async () => {
    const cwd = await makeProject(GUARDED, {
      'a.csv': 'id,day,v\n1,2020-01-01,a\n2,2020-02-01,b\n',
      'b.csv': 'id,day,v\n1,2020-05-01,z\n3,2020-01-01,z\n',
    });
    const first = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    const second = await run(cwd, 'ingest', 'b.csv', '--table', 't');
    await run(cwd, 'undo', String(first.json.files[0].loadId), '--yes');
    expect(await agree()).toEqual([3]);
    const replayed = await run(cwd, 'replay', String(second.json.files[0].loadId));
    expect(replayed.json).toMatchObject({ rows: { loaded: 1 } });
    expect(await agree()).toEqual([1, 3]);
    const replaced = await run(cwd, 'ingest', 'a.csv', '--table', 't', '--replace');
    expect(replaced.json.rows.loaded, replaced.stderr).toBe(2);
    expect(await agree()).toEqual([1, 2]);
    const dry = await run(cwd, 'ingest', 'b.csv', '--table', 't', '--force', '--dry-run');
    expect(dry.json.rows).toMatchObject({ loaded: 1, rejected: 1 });
    expect(await agree()).toEqual([1, 2]);
  });
});

describe('what edp.yaml says of partitions', () => {
  const faultsOf = async (table: string) => {
    const cwd = await makeProject(`tables:\n  t:\n${table}`, { 't.csv': 'id\n1\n' });
    const { status, stderr } = await edp(['ingest', 't.csv', '--database-url', database.url], {
      cwd,
    });
    expect(status).toBe(2);
    return stderr;
  };

  it('is refused with both remedies where the key does not contain the columns', async () => {
    const said = await faultsOf(
      '    key: id\n    partition-by: { column: day, every: month }\n    columns: { id: int, day: date }\n',
    );
    expect(said).toContain('key: [id, day]');
    expect(said).toContain('key-guard: true');
    expect(said).toContain('edp.yaml:4');
  });

  it.each([
    [
      '    partition-by: { column: dya, every: month }\n    columns: { id: int, day: date }\n',
      '"dya" is not a declared column',
    ],
    [
      '    partition-by: { column: id, every: month }\n    columns: { id: int }\n',
      '"id" is int; partitions of time are by',
    ],
    [
      '    partition-by: { column: day, every: week }\n    columns: { day: date }\n',
      '(or day, or year)',
    ],
    [
      '    partition-by: [{ column: day, every: day }, { column: id, list: true }]\n    columns: { id: int, day: date }\n',
      'list: true} first',
    ],
    ['    partition-range: { from: 2020-01-01 }\n    columns: { id: int }\n', 'no partition-by'],
    [
      '    partition-by: { column: day, every: day }\n    partition-range: { from: 2020-01-01, to: 2019-01-01 }\n    columns: { day: date }\n',
      'is not before',
    ],
    [
      '    key-guard: true\n    partition-by: { column: day, every: day }\n    columns: { day: date }\n',
      'no key to guard',
    ],
    [
      '    key: [id, day]\n    key-guard: true\n    partition-by: { column: day, every: day }\n    columns: { id: int, day: date }\n',
      'remove key-guard',
    ],
    [
      '    partition-by: { column: v, list: true }\n    columns: { v: double }\n',
      '"v" is double; a list is by',
    ],
  ])('%s', async (table, message) => {
    expect(await faultsOf(table)).toContain(message);
  });

  it('does not change a table that is there', async () => {
    await database.query('CREATE TABLE t (id int, day date, load_id bigint)');
    const said = await edp(['ingest', 't.csv', '--database-url', database.url], {
      cwd: await makeProject(
        'tables:\n  t:\n    partition-by: { column: day, every: month }\n    columns: { id: int, day: date }\n',
        { 't.csv': 'id,day\n1,2020-01-01\n' },
      ),
    });
    expect(said.status).not.toBe(0);
    expect(said.stderr).toContain('has no partitions');
  });
});
