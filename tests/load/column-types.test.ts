/**
 * Columns of types that edp does not know: the server reads their values as it reads the same texts
 * in an INSERT, and one that it refuses is one reject.
 */
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

interface TypeCase {
  readonly type: string;
  readonly setup?: string;
  /** Values of any kind; the server says which are good. */
  readonly values: readonly string[];
}

const TYPES: readonly TypeCase[] = [
  {
    type: 'text[]',
    values: [
      '{a,b}',
      '{}',
      '{"x, y",NULL,"NULL",""}',
      '{{1,2},{3,4}}',
      '{{1},{2,3}}',
      'a,b',
      '{a',
      '[0:1]={a,b}',
      'x\\',
      '{"a\\"b\\\\c"}',
    ],
  },
  { type: 'varchar(3)[]', values: ['{abc,de}', '{abcd}', '{"ab   "}'] },
  { type: 'integer[]', values: ['{1,2}', '{1,x}', '{99999999999}', '{ 7 , -8 }', '{{1,2},{3,4}}'] },
  { type: 'numeric(5,2)[]', values: ['{1.005,2}', '{1234.5}', '{NaN}'] },
  { type: 'uuid[]', values: ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{a0}'] },
  { type: 'timestamp[]', values: ['{2024-01-31 10:00:00,infinity}', '{2024-02-30}'] },
  { type: 'jsonb[]', values: ['{"{\\"a\\": 1}"}', '{"{a}"}'] },
  { type: 'box[]', values: ['{(1,2),(3,4);(5,6),(7,8)}', '{(1,2)}'] },
  {
    type: 'mood',
    setup: "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy')",
    values: ['sad', 'Sad', 'very happy', ' ok', 'ok'],
  },
  {
    type: 'mood[]',
    values: ['{sad,ok}', '{sad,bad}'],
  },
  { type: 'money', values: ['12.50', '$1,234.5', '(3)', 'x', '99999999999999999999', '-$0.01'] },
  { type: 'int4range', values: ['[1,5)', '(1,5]', 'empty', '[5,1]', '[1,', ' [2 , 3] '] },
  {
    type: 'tstzmultirange',
    values: ['{[2024-01-01,2024-02-01)}', '{}', '{[2024-02-01,2024-01-01)}'],
  },
  { type: 'inet', values: ['10.0.0.1/8', '::1', '10.0.0.300', '10.0.0.1'] },
  { type: 'cidr', values: ['10.0.0.0/8', '10.0.0.1/8'] },
  { type: 'macaddr', values: ['08:00:2b:01:02:03', '0800.2b01.0203', '08'] },
  { type: 'interval', values: ['1 day', '01:02:03', 'P1Y2M', '1 parsec', '-2 years 3 mons'] },
  { type: 'interval hour', values: ['5', '1 day 02:30'] },
  { type: 'interval(0)', values: ['0.6 seconds'] },
  { type: 'time', values: ['10:00', '24:00:00', '25:00', '10:00:00.1234567'] },
  { type: 'timetz', values: ['10:00+02', '10:00 Europe/Nowhere'] },
  { type: 'bytea', values: ['\\x00ff', 'abc', '\\xZZ', 'a\\\\b', '\\001', '\\9'] },
  { type: 'bit(3)', values: ['101', '1010', '10', 'x5', '12'] },
  { type: 'varbit(5)', values: ['1', '101010', ''] },
  { type: 'xml', values: ['<a>x</a>', '<a>', 'plain'] },
  { type: 'tsvector', values: ["a fat 'cat'", "'unclosed", 'x:1A'] },
  { type: 'tsquery', values: ['a & b', 'a &'] },
  { type: 'point', values: ['(1,2)', '1,2', '(1)'] },
  {
    type: 'pair',
    setup: 'CREATE TYPE pair AS (n int, t text)',
    values: ['(1,a)', '(1,"a, b")', '(x,a)', '(,)', '(1)'],
  },
  { type: 'hstore', setup: 'CREATE EXTENSION hstore', values: ['a=>1', '"k k"=>NULL', 'a=>', 'a'] },
  { type: 'ltree', setup: 'CREATE EXTENSION ltree', values: ['Top.Science', 'a..b', 'x'] },
  { type: '"char"', values: ['a', 'ab'] },
  { type: 'pg_lsn', values: ['16/B374D848', 'G/0'] },
  { type: 'regclass', values: ['pg_class', 'no_such_table'] },
  { type: 'jsonpath', values: ['$.a', '$$$'] },
  { type: 'oid', values: ['7', '-1', '5000000000'] },
  // Domains over types that edp knows, and over others.
  {
    type: 'small',
    setup: 'CREATE DOMAIN small AS text CHECK (length(value) < 4)',
    values: ['abc', 'abcd'],
  },
  { type: 'code', setup: 'CREATE DOMAIN code AS varchar(3)', values: ['abc', 'abcd', 'ab  '] },
  {
    type: 'tags',
    setup: 'CREATE DOMAIN tags AS text[] CHECK (cardinality(value) > 0)',
    values: ['{a}', '{}', '{'],
  },
  { type: 'bits', setup: 'CREATE DOMAIN bits AS bit(3)', values: ['101', '1010'] },
  {
    type: 'address',
    setup: 'CREATE DOMAIN address AS inet CHECK (family(value) = 4)',
    values: ['10.0.0.1', '::1', 'x'],
  },
  {
    type: 'address[]',
    values: ['{10.0.0.1}', '{::1}'],
  },
];

const quote = (value: string) => `"${value.replaceAll('"', '""')}"`;

/** The column of each type, and a record for each value: its number, and the value in the column of its type. */
const columns = TYPES.map((_, i) => `c${i}`);
const values = TYPES.flatMap(({ values }, i) => values.map((value) => ({ column: i, value })));
const record = (id: number, column: number, value: string) =>
  [id, ...columns.map((_, i) => (i === column ? quote(value) : ''))].join(',');
const RECORDS = values.map(({ column, value }, id) => record(id, column, value));
const HEADER = `id,${columns.join(',')}`;
const MODEL = `tables:\n  t: { columns: { id: int, ${columns.map((name) => `${name}: text`).join(', ')} }, key: id }\n`;

const asTexts = (table: string) =>
  database.query(
    `SELECT id, ${columns.map((name) => `${name}::text`).join(', ')} FROM ${table} ORDER BY id`,
  );

/** Inserts each value as a literal. @returns the numbers of those that the server refuses */
async function insertLiterals(): Promise<number[]> {
  const refused: number[] = [];
  for (const [id, { column, value }] of values.entries()) {
    const literal = value.replaceAll("'", "''");
    await database
      .query(`INSERT INTO asked (id, c${column}) VALUES (${id}, '${literal}')`)
      .catch(() => refused.push(id));
  }
  return refused;
}

async function createTables(): Promise<void> {
  await database.query([...new Set(TYPES.map(({ setup }) => setup ?? ''))].join(';'));
  const list = TYPES.map(({ type }, i) => `c${i} ${type}`).join(', ');
  await database.query(
    `CREATE TABLE asked (id int, ${list}); CREATE TABLE t (${list}, id int PRIMARY KEY, load_id bigint)`,
  );
}

it('values are those of an INSERT, and one that the server refuses is one reject', async () => {
  await createTables();
  const refused = await insertLiterals();
  const loaded = RECORDS.length - refused.length;
  expect(refused.length).toBeGreaterThan(TYPES.length / 2);
  expect(loaded).toBeGreaterThan(TYPES.length);
  const cwd = await makeProject(MODEL, {
    't-1.csv': `${HEADER}\n${RECORDS.join('\n')}\n`,
    // Each again: the same values, which is a duplicate, or refused again.
    't-2.csv': `${HEADER}\n${[...RECORDS].reverse().join('\n')}\n`,
    // Each value for another row.
    't-3.csv': `${HEADER}\n${values.map(({ column, value }, id) => record(id ^ 1, column, value)).join('\n')}\n`,
  });
  const counts = { loaded, rejected: refused.length, duplicate: 0 };
  const tried = await run(cwd, 'ingest', 't-1.csv', '--dry-run');
  expect(tried.json.rows, tried.stderr).toMatchObject(counts);
  const result = await run(cwd, 'ingest', 't-1.csv');
  expect(result.json.rows, result.stderr).toMatchObject(counts);
  expect(await asTexts('t')).toEqual(await asTexts('asked'));
  const rejects = await database.query('SELECT raw FROM edp.rejects ORDER BY byte_offset');
  expect(rejects.map(([raw]) => String(raw))).toEqual(refused.map((id) => RECORDS[id]));
  await expectBalanced(database, 't');

  const again = await run(cwd, 'ingest', 't-2.csv', '--on-conflict', 'update');
  expect(again.json.rows, again.stderr).toMatchObject({
    loaded: 0,
    rejected: refused.length,
    duplicate: loaded,
  });
  const replayed = await run(cwd, 'replay', '1');
  expect(replayed.json.rows, replayed.stderr).toMatchObject({
    loaded: 0,
    rejected: refused.length,
  });

  const updated = await run(cwd, 'ingest', 't-3.csv', '--on-conflict', 'update');
  // A value may be what the row has already.
  const { rows: replaced } = updated.json;
  expect(replaced.loaded + replaced.duplicate, updated.stderr).toBe(loaded);
  expect(replaced.duplicate).toBeLessThan(5);
  expect(replaced.rejected).toBe(refused.length);
  await database.query('UPDATE asked SET id = id # 1');
  const rows = new Map((await asTexts('t')).map(([id, ...row]) => [id, row]));
  for (const [id, ...row] of await asTexts('asked')) expect(rows.get(id)).toEqual(row);
});

it('of each type alone: one bad value stops no file', async () => {
  await createTables();
  // Refused with codes that are mostly about a table, such as those of a syntax error.
  const alone = ['tsvector', 'hstore', 'ltree', 'regclass', 'mood'].map((type) =>
    TYPES.findIndex((one) => one.type === type),
  );
  const bad = ["'unclosed", 'a=>', 'a..b', 'no_such_table', 'angry'];
  const files = alone.map((column, i) => [
    `t-${i}.csv`,
    `${HEADER}\n${record(i, column, bad[i]!)}\n`,
  ]);
  const cwd = await makeProject(MODEL, Object.fromEntries(files));
  const result = await run(cwd, 'ingest', ...files.map(([name]) => name!), '--table', 't');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 0, rejected: bad.length });
  expect(result.status).toBe(3);
});

const LISTS: readonly (readonly [type: string, json: string, literal: string])[] = [
  ['text[]', '["a","b c",null,"NULL",""]', '{a,"b c",NULL,"NULL",""}'],
  ['text[]', '[]', '{}'],
  [
    'text[]',
    '["say \\"hi\\"","back\\\\slash","tab\\t","Zoë {x},y"]',
    '{"say \\"hi\\"","back\\\\slash","tab\t","Zoë {x},y"}',
  ],
  ['integer[]', '[1, -2, 3]', '{1,-2,3}'],
  ['integer[]', '[[1,2],[3,4]]', '{{1,2},{3,4}}'],
  ['numeric[]', '[12345678901234567890.10, 1e2]', '{12345678901234567890.10,1e2}'],
  ['boolean[]', '[true,false,null]', '{t,f,NULL}'],
  ['jsonb[]', '[{"a":1.50},"x",[1],null]', '{"{\\"a\\":1.50}","\\"x\\"","[1]",NULL}'],
  ['point[]', '["(1,2)","(3,4)"]', '{"(1,2)","(3,4)"}'],
  ['box[]', '["(1,2),(3,4)","(5,6),(7,8)"]', '{(1,2),(3,4);(5,6),(7,8)}'],
  ['text[]', '[0:1]={a,b}', '[0:1]={a,b}'],
  ['uuid[]', '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'],
];
const BAD_LISTS = ['["a"', '[1,"x"]', '[1] x', '[[1],[2,3]]', '["\\ud800"]', '["\\u0000"]'];

it('a JSON list is an array, in CSV and in JSON lines', async () => {
  const model = `tables:\n  t: { columns: { id: int, ${LISTS.map((_, i) => `c${i}: text`).join(', ')}, n: text } }\n`;
  const list = LISTS.map(([type], i) => `c${i} ${type}`).join(', ');
  await database.query(`CREATE TABLE t (id int, load_id bigint, n int[], ${list})`);
  const header = `id,${LISTS.map((_, i) => `c${i}`).join(',')}`;
  const isJson = (text: string) => !text.includes('=');
  const line = {
    id: 2,
    ...Object.fromEntries(LISTS.map(([, json], i) => [`c${i}`, isJson(json) ? `@${i}@` : json])),
  };
  const cwd = await makeProject(model, {
    't-1.csv': `${header}\n1,${LISTS.map(([, json]) => quote(json)).join(',')}\n`,
    't-2.jsonl': `${JSON.stringify(line).replaceAll(/"@(\d+)@"/g, (_, i) => LISTS[Number(i)]![1])}\n`,
    't-3.csv': `id,n\n${BAD_LISTS.map((json) => `3,${quote(json)}`).join('\n')}\n4,[5]\n`,
  });
  const result = await run(cwd, 'ingest', 't-1.csv', 't-2.jsonl', '--table', 't');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 0 });
  const expected = await database.query(
    `SELECT ${LISTS.map(([type, , literal]) => `'${literal.replaceAll("'", "''")}'::${type}::text`).join(', ')}`,
  );
  const rows = await database.query(
    `SELECT ${LISTS.map((_, i) => `c${i}::text`).join(', ')} FROM t ORDER BY id`,
  );
  expect(rows).toEqual([expected[0], expected[0]]);
  const bad = await run(cwd, 'ingest', 't-3.csv');
  expect(bad.json.rows, bad.stderr).toMatchObject({ loaded: 1, rejected: BAD_LISTS.length });
});

it('an empty value in quotes is NULL, unless it is a value of the type', async () => {
  await database.query(`CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('sad', ''); CREATE TYPE state AS ENUM ('on');
    CREATE DOMAIN words AS text[];
    CREATE TABLE t (a text[], b mood, c state, d money, e bytea, f hstore, g inet, h words, i interval, j tsvector, load_id bigint)`);
  const names = [...'abcdefghij'];
  const cwd = await makeProject(
    `tables:\n  t: { columns: { ${names.map((name) => `${name}: text`).join(', ')} } }\n`,
    { 't.csv': `${names.join(',')}\n${names.map(() => '""').join(',')}\n` },
  );
  const result = await run(cwd, 'ingest', 't.csv');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 0 });
  const nulls = names.map((name) => `${name} IS NULL`).join(', ');
  expect(await database.query(`SELECT ${nulls} FROM t`)).toEqual([
    [true, false, true, true, false, false, true, true, true, false],
  ]);
});

it('columns with names that every object of JavaScript has are columns like others', async () => {
  await database.query(
    'CREATE TABLE t (id int PRIMARY KEY, "constructor" text, "valueOf" text, "toString" text, load_id bigint)',
  );
  const names = ['constructor', 'valueOf', 'toString'];
  const cwd = await makeProject(
    `tables:\n  t: { columns: { id: int, ${names.map((name) => `${name}: text`).join(', ')} }, key: id }\n`,
    { 't.csv': `id,${names.join(',')}\n1,"",x,"a\\b"\n2,,"",y\n2,,"",z\n` },
  );
  const result = await run(cwd, 'ingest', 't.csv');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 1 });
  expect(await database.query('SELECT id, "constructor", "valueOf", "toString" FROM t')).toEqual([
    [1, '', 'x', 'a\\b'],
    [2, null, '', 'y'],
  ]);
  const verified = await run(cwd, 'verify', '1');
  expect(verified.json, verified.stdout).toMatchObject({ ok: true });
  expect(verified.stdout).not.toContain('uncompared');
});

it('keys and references of such types', async () => {
  await database.query(`CREATE TYPE size AS ENUM ('S', 'M');
    CREATE TABLE d (k size PRIMARY KEY); INSERT INTO d VALUES ('S');
    CREATE TABLE t (host inet, k size REFERENCES d, tags text[], load_id bigint, PRIMARY KEY (tags, host))`);
  const cwd = await makeProject(
    'tables:\n  t: { columns: { host: text, k: text, tags: text }, key: [host, tags] }\n',
    {
      't.csv':
        'host,k,tags\n10.0.0.1,S,{a}\n10.0.0.1/32,S,"[""a""]"\n10.0.0.1,M,{b}\n10.0.0.2,,{a}\n10.0.0.2,S,{a}\n',
    },
  );
  const result = await run(cwd, 'ingest', 't.csv', '--on-conflict', 'update');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 3, rejected: 1, duplicate: 1 });
  expect(await database.query('SELECT host::text, k::text FROM t ORDER BY 1')).toEqual([
    ['10.0.0.1/32', 'S'],
    ['10.0.0.2/32', 'S'],
  ]);
  const rejects = await database.query('SELECT code, column_name FROM edp.rejects');
  expect(rejects).toEqual([['missing_dimension', 'k']]);
});

it('domains over types that edp knows are declared as those', async () => {
  await database.query(`CREATE DOMAIN pos AS int CHECK (value > 0); CREATE DOMAIN price AS numeric(6,2) NOT NULL;
    CREATE DOMAIN day AS date; CREATE DOMAIN late AS day CHECK (value > '2020-01-01');
    CREATE TABLE t (n pos, p price, d late, load_id bigint)`);
  const cwd = await makeProject('tables:\n  t: { columns: { n: int, p: numeric, d: date } }\n', {
    't.csv': 'n,p,d\n1,1.005,2024-01-31\n-1,2,\n2,,\n3,3,2019-01-01\n',
  });
  const result = await run(cwd, 'ingest', 't.csv');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 3 });
  expect(await database.query('SELECT n, p::text, d::text FROM t')).toEqual([
    [1, '1.01', '2024-01-31'],
  ]);
  const verified = await run(cwd, 'verify', '1');
  expect(verified, verified.stderr).toMatchObject({ status: 0 });
  expect(verified.json.uncompared).toBeUndefined();
});

it('verify compares the other columns, and says so', async () => {
  await database.query(
    'CREATE TABLE t (id int PRIMARY KEY, n int, host inet, load_id bigint); CREATE TABLE u (host inet PRIMARY KEY, n int, load_id bigint)',
  );
  const cwd = await makeProject(
    'tables:\n  t: { columns: { id: int, host: text, n: int }, key: id }\n  u: { columns: { host: text, n: int }, key: host }\n',
    {
      't.csv': 'id,host,n\n1,10.0.0.1/32,5\n2,nowhere,6\n2,::1,7\n',
      'u.csv': 'host,n\n10.0.0.1,1\n',
    },
  );
  await run(cwd, 'ingest', 't.csv', 'u.csv');
  const agrees = await run(cwd, 'verify', '1');
  expect(agrees, agrees.stderr).toMatchObject({ status: 0 });
  expect(agrees.json).toMatchObject({ uncompared: ['host'], compared: { rows: 2, rejects: 1 } });
  await database.query('UPDATE t SET n = 8 WHERE id = 2');
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ counts: { changed: 1 } });
  const refused = await run(cwd, 'verify', '2');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/cannot be compared without host/);
});

it('a bulk load, and --replace', async () => {
  await database.query(`CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE t (id int PRIMARY KEY, m mood, tags int[], x double precision, day date, load_id bigint)`);
  const lines = Array.from(
    { length: 5000 },
    (_, i) => `${i},ok,"[${i},${i + 1}]",0.${i},2024-01-31`,
  );
  const cwd = await makeProject(
    'tables:\n  t: { columns: { id: int, m: text, tags: text, x: double, day: date }, key: id }\n',
    { 't.csv': `id,m,tags,x,day\n${lines.join('\n')}\n` },
  );
  const check = async () =>
    expect(
      await database.query(
        "SELECT count(*) FROM t WHERE m = 'ok' AND tags = ARRAY[id, id + 1] AND day = '2024-01-31' AND x = ('0.' || id)::float8",
      ),
    ).toEqual([[5000]]);
  const args = [...['ingest', 't.csv'], '--json', '--database-url', database.url] as const;
  const bulk = await edp(args, { cwd, env: { EDP_FAILPOINTS: 'bulk.min_bytes:=1' } });
  expect(bulk, bulk.stderr).toMatchObject({ status: 0 });
  await check();
  const replaced = await run(cwd, 'ingest', 't.csv', '--replace');
  expect(replaced.json.rows, replaced.stderr).toMatchObject({ loaded: 5000 });
  await check();
});

it.each([
  ['text[]', 'jsonb'],
  ['numeric[]', 'numeric'],
  ['money', 'numeric'],
  ['interval', 'timestamp'],
])('%s declared as %s: refused before anything is read, with the mend', async (type, declared) => {
  await database.query(`CREATE TABLE t (v ${type}, load_id bigint)`);
  const cwd = await makeProject(`tables:\n  t: { columns: { v: ${declared} } }\n`, {
    't.csv': 'v\n1\n',
  });
  const result = await run(cwd, 'ingest', 't.csv');
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(/declare it as text, and the server reads its values/);
  expect(await database.query('SELECT count(*) FROM edp.loads')).toEqual([[0]]);
});
