/** Columns that copy a value of the row that another column refers to. */
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `tables:
  country: { key: code, lineage: false, columns: { code: text, name: text } }
  city:
    key: id
    columns:
      id: int
      name: text
      country: { type: text, references: country }
      country_name: { copy-of: country.name, by: country }
  visit:
    key: id
    indexes: [country_name]
    columns:
      id: int
      city: { type: int, references: city }
      city_name: { copy-of: city.name, by: city }
      country_name: { copy-of: city.country_name, by: city }
`;
const COUNTRY = 'code,name\nnl,Netherlands\nbe,Belgium\nxx,\n';
const CITY =
  'id,name,country\n1,Utrecht,nl\n2,"Ghent, the old town of many words and bridges over water",be\n3,Nowhere,xx\n4,,nl\n5,Lost,\n';

const WRONG = `SELECT count(*)::int FROM visit v LEFT JOIN city c ON c.id = v.city LEFT JOIN country l ON l.code = c.country
  WHERE v.city_name IS DISTINCT FROM c.name OR v.country_name IS DISTINCT FROM l.name`;

const visits = (count: number, from = 0) =>
  `id,city\n${Array.from({ length: count }, (_, i) => `${from + i},${i % 7 === 6 ? '' : 1 + (i % 5)}`).join('\n')}\n`;

describe('copy-of', () => {
  it('gives each row the value of the row that it refers to, copies of copies too', async () => {
    const cwd = await makeProject(MODEL, {
      'country.csv': COUNTRY,
      'city.csv': CITY,
      'visit.csv': visits(1000),
    });
    const { json, stderr } = await run(cwd, 'ingest', 'country.csv', 'city.csv', 'visit.csv');
    expect(json.rows, stderr).toMatchObject({ loaded: 1008, rejected: 0 });
    expect(await database.query(WRONG)).toEqual([[0]]);
    expect(
      await database.query('SELECT count(*)::int FROM visit WHERE country_name IS NOT NULL'),
    ).toEqual([[514]]);
    const columns = await database.query(
      `SELECT attname::text, atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'visit'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    expect(columns).toEqual([
      ['id', 'integer'],
      ['city', 'integer'],
      ['city_name', 'text'],
      ['country_name', 'text'],
      ['load_id', 'bigint'],
    ]);
  });

  it.each([
    ['in bulk', 'bulk.min_bytes:=1', []],
    ['the careful way', '', ['--on-conflict', 'skip']],
    ['in many splits', '', ['--read-batch-size', '50', '--process-count', '2']],
  ] as const)('%s', async (_, faults, options) => {
    const cwd = await makeProject(MODEL, {
      'country.csv': COUNTRY,
      'city.csv': CITY,
      'visit.csv': `${visits(600)}3,1\n700,99\nx,1\n`,
    });
    await run(cwd, 'ingest', 'country.csv', 'city.csv');
    const args = ['ingest', 'visit.csv', '--json', '--database-url', database.url, ...options];
    const result = await edp(args, { cwd, env: { EDP_FAILPOINTS: faults } });
    expect(result.json, result.stderr).toMatchObject({ rows: { loaded: 600 } });
    expect(await database.query(WRONG)).toEqual([[0]]);
  });

  it('with --replace, also where a row refers to none, and where it was renamed meanwhile', async () => {
    const cwd = await makeProject(
      MODEL.replace('city: { type: int, references: city }', 'city: int'),
      { 'country.csv': COUNTRY, 'city.csv': CITY, 'visit.csv': `${visits(600)}700,99\n` },
    );
    await run(cwd, 'ingest', 'country.csv', 'city.csv');
    const first = await run(cwd, 'ingest', 'visit.csv', '--replace');
    expect(first.json.rows, first.stderr).toMatchObject({ loaded: 601, rejected: 0 });
    expect(await database.query(WRONG)).toEqual([[0]]);
    const loading = edp(
      ['ingest', 'visit.csv', '--replace', '--force', '--json', '--database-url', database.url],
      { cwd, env: { EDP_FAILPOINTS: 'replace.cleared=pause/2000' } },
    );
    const isCleared = `SELECT FROM pg_locks WHERE relation = 'visit'::regclass AND mode = 'ShareRowExclusiveLock'`;
    while ((await database.query(isCleared)).length === 0);
    await database.query("UPDATE city SET name = 'Other' WHERE id = 1");
    const second = await loading;
    expect(second.json, second.stderr).toMatchObject({ rows: { loaded: 601 } });
    expect(await database.query(WRONG)).toEqual([[0]]);
  });

  it('with --replace of records that refer to a missing member', async () => {
    const cwd = await makeProject(MODEL, {
      'country.csv': COUNTRY,
      'city.csv': CITY,
      'visit.csv': `${visits(600)}700,99\n`,
    });
    await run(cwd, 'ingest', 'country.csv', 'city.csv');
    const rejected = await run(cwd, 'ingest', 'visit.csv', '--replace');
    expect(rejected.json.rows, rejected.stderr).toMatchObject({ loaded: 600, rejected: 1 });
    const inferred = await run(
      cwd,
      'ingest',
      'visit.csv',
      '--replace',
      '--force',
      '--missing-dimensions',
      'infer',
    );
    expect(inferred.json.rows, inferred.stderr).toMatchObject({ loaded: 601, rejected: 0 });
    expect(await database.query(WRONG)).toEqual([[0]]);
  });

  it('in partitions, by replay, and where a member comes later', async () => {
    const cwd = await makeProject(
      `tables:
  d: { key: id, columns: { id: int, name: text } }
  t:
    partition-by: { column: day, every: month }
    columns:
      id: int
      day: date
      d: int
      d_name: { copy-of: d.name, by: d }
`,
      {
        'd.csv': 'id,name\n1,one\n',
        'late.csv': 'id,name\n2,two\n',
        't.csv': 'id,day,d\n1,2020-01-01,1\n2,2020-02-01,2\n3,9999-01-01,1\n4,2020-02-30,1\n',
      },
    );
    const first = await run(cwd, 'ingest', 'd.csv', 't.csv');
    expect(first.json.rows).toMatchObject({ loaded: 4, rejected: 1 });
    expect(await database.query('SELECT id, d_name FROM t ORDER BY 1')).toEqual([
      [1, 'one'],
      [2, null],
      [3, 'one'],
    ]);
    await run(cwd, 'ingest', 'late.csv', '--table', 'd');
    const { json } = await run(cwd, 'run');
    expect(json.copies).toMatchObject([{ table: 't', column: 'd_name', rows: 1 }]);
    expect(await database.query('SELECT d_name FROM t WHERE id = 2')).toEqual([['two']]);
    expect((await run(cwd, 'run')).json.copies).toEqual([]);
  });

  it('is a duplicate where only the name has changed since', async () => {
    const cwd = await makeProject(MODEL, {
      'country.csv': COUNTRY,
      'city.csv': CITY,
      'visit.csv': visits(10),
      'again.csv': visits(10)
        .replace('id,city', 'city,id')
        .replace(/^(\d+),(\d*)$/gm, '$2,$1'),
    });
    await run(cwd, 'ingest', 'country.csv', 'city.csv', 'visit.csv');
    await database.query("UPDATE city SET name = 'Renamed' WHERE id = 1");
    const { json } = await run(cwd, 'ingest', 'again.csv', '--table', 'visit');
    expect(json.rows).toMatchObject({ loaded: 0, duplicate: 10, rejected: 0 });
  });
});

describe('the report by first dimension', () => {
  it('says the same without a join', async () => {
    const cwd = await makeProject(
      `tables:
  first_dimensions: { key: id, lineage: false, columns: { id: int, name: text } }
  events:
    key: id
    columns:
      id: int
      recorded_date: timestamp
      first_dimension_id: { type: int, references: first_dimensions }
      first_dimension_name: { copy-of: first_dimensions.name, by: first_dimension_id }
`,
      {
        'first_dimensions.csv': 'id,name\n1,a\n2,b\n3,a\n4,\n',
        'events.csv': `id,recorded_date,first_dimension_id\n${Array.from({ length: 500 }, (_, i) => `${i},2024-01-0${1 + (i % 9)} ${10 + (i % 7)}:30:00,${i % 6 === 5 ? '' : 1 + (i % 4)}`).join('\n')}\n`,
      },
    );
    await run(cwd, 'ingest', 'first_dimensions.csv', 'events.csv');
    const report = async (name: string) => {
      const args = ['generate-report', name, '--out', '-', '--database-url', database.url];
      const { status, stdout, stderr } = await edp(args, { cwd });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    const joined = await report('count_hourly_events_by_first_dimension');
    expect(joined.split('\n').length).toBeGreaterThan(100);
    expect(await report('count_hourly_events_by_first_dimension_name')).toBe(joined);
  });
});

describe('edp run', () => {
  it('mends what was renamed while loads ran, and nothing else', async () => {
    const cwd = await makeProject(MODEL, {
      'country.csv': COUNTRY,
      'city.csv': CITY,
      ...Object.fromEntries([0, 1, 2, 3].map((i) => [`visit${i}.csv`, visits(3000, i * 10_000)])),
    });
    await run(cwd, 'ingest', 'country.csv', 'city.csv');
    let isLoading = true;
    const renaming = withClient(database.config, 'test', async (client) => {
      for (let i = 0; isLoading; i++) {
        await client.query('UPDATE city SET name = $1 WHERE id = $2', [`name ${i}`, 1 + (i % 5)]);
      }
    });
    const load = (i: number) =>
      run(
        cwd,
        'ingest',
        `visit${i}.csv`,
        '--table',
        'visit',
        '--read-batch-size',
        '300',
        '--process-count',
        '2',
      );
    const loads = Promise.all([0, 1, 2, 3].map(load));
    // A run beside them: what it has seen as right must not be taken for right later.
    await run(cwd, 'run');
    const results = await loads;
    isLoading = false;
    await renaming;
    for (const { json, stderr } of results)
      expect(json.rows, stderr).toMatchObject({ loaded: 3000 });
    await run(cwd, 'run');
    expect(await database.query(WRONG)).toEqual([[0]]);
    expect((await run(cwd, 'run')).json.copies).toEqual([]);
    await database.query("UPDATE country SET name = 'Nederland' WHERE code = 'nl'");
    const dry = await run(cwd, 'run', '--dry-run');
    expect(dry.json.copies).toMatchObject([{ table: 'city', column: 'country_name', rows: 2 }]);
    const mended = await run(cwd, 'run');
    expect(mended.json.copies.map(({ table, column }) => `${table}.${column}`)).toEqual([
      'city.country_name',
      'visit.country_name',
    ]);
    expect(await database.query(WRONG)).toEqual([[0]]);
  }, 120_000);

  it('clears what was copied from a row that is gone', async () => {
    const cwd = await makeProject(
      'tables:\n  d: { key: id, columns: { id: int, name: text } }\n  t:\n    columns: { id: int, d: int, n: { copy-of: d.name, by: d } }\n',
      { 'd.csv': 'id,name\n1,one\n2,two\n', 't.csv': 'id,d\n1,1\n2,2\n' },
    );
    await run(cwd, 'ingest', 'd.csv', 't.csv');
    await run(cwd, 'run');
    await database.query("DELETE FROM d WHERE id = 1; INSERT INTO d VALUES (3, 'three')");
    await run(cwd, 'run');
    expect(await database.query('SELECT id, n FROM t ORDER BY 1')).toEqual([
      [1, null],
      [2, 'two'],
    ]);
  });

  const COPIED =
    'tables:\n  d: { key: id, columns: { id: int, name: text } }\n  t:\n    columns: { id: int, d: int, n: { copy-of: d.name, by: d } }\n';

  it('fails where the other table has two rows for a key, and says which', async () => {
    await database.query("CREATE TABLE d (id int, name text); INSERT INTO d VALUES (1, 'one')");
    const cwd = await makeProject(COPIED, { 't.csv': 'id,d\n1,1\n2,\n' });
    await run(cwd, 'ingest', 't.csv');
    await database.query("INSERT INTO d VALUES (1, 'two'), (2, 'a'), (NULL, 'b'), (NULL, 'c')");
    for (const options of [[], ['--dry-run']]) {
      const { status, stderr } = await run(cwd, 'run', ...options);
      expect(status).toBe(1);
      expect(stderr).toContain('t.n copies from "d", which has several rows with id 1');
      expect(stderr).toContain('→ remove all but one');
    }
  });

  it('fails where a trigger takes the value back each time', async () => {
    const cwd = await makeProject(COPIED, { 'd.csv': 'id,name\n1,one\n', 't.csv': 'id,d\n1,1\n' });
    await run(cwd, 'ingest', 'd.csv', 't.csv');
    await database.query(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := OLD.n; RETURN NEW; END$$;
      CREATE TRIGGER keep BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keep();
      UPDATE d SET name = 'two'`);
    const { status, stderr } = await run(cwd, 'run');
    expect(status).toBe(1);
    expect(stderr).toContain('t.n does not keep the values that it copies');
  });
});

describe('what edp.yaml says of it', () => {
  const D =
    '  d: { key: id, columns: { id: int, name: text } }\n  k: { key: [a, b], columns: { a: int, b: int, c: text } }\n  w: { key: id, versions: true, columns: { id: int, name: text } }\n';
  it.each([
    ['n: { copy-of: d.nam, by: d }', '"d" declares no column "nam"'],
    ['n: { copy-of: e.name, by: d }', 'there is no table "e" under tables:'],
    ['n: { copy-of: name, by: d }', 'write table.column'],
    ['n: { copy-of: d.name }', 'needs `by`'],
    ['n: { copy-of: d.name, by: dd }', '"dd" is not a declared column'],
    ['n: { copy-of: d.name, by: v }', '"v" is text, the key "id" of "d" is int'],
    ['n: { copy-of: k.c, by: d }', 'has no key of one column'],
    ['n: { copy-of: w.name, by: d }', 'copy-of: "w" keeps versions'],
    ['n: { copy-of: d.name, by: d, type: int }', 'leave `type` out'],
    ['n: { copy-of: d.name, by: d, field: x }', 'no value of its own'],
    ['n: { copy-of: t.n, by: id }', 'in a circle'],
    ['n: { type: text, by: d }', 'only with copy-of'],
    ['n: { by: d }', 'a column is a type, or'],
  ])('%s', async (column, message) => {
    const cwd = await makeProject(
      `tables:\n${D}  t:\n    key: id\n    columns:\n      id: int\n      d: int\n      v: text\n      ${column}\n`,
      { 't.csv': 'id\n1\n' },
    );
    const { status, stderr } = await edp(['ingest', 't.csv', '--database-url', database.url], {
      cwd,
    });
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain('edp.yaml:11');
  });
});
