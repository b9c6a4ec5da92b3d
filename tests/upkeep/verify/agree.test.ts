/** `edp verify` agrees after every kind of load. */
import { describe, expect, it } from 'vitest';
import {
  ALL_TYPES,
  type Case,
  checkCase,
  FILE,
  ITEMS,
  loadEvents,
  makeProject,
  ODD_ROWS,
  quote,
  TYPES_HEADER,
  useVerifyDatabases,
} from './setup.js';

const { database, events } = useVerifyDatabases();

describe('file and table agree', () => {
  const CASES: readonly Case[] = [
    { name: 'a plain load', model: ITEMS, file: FILE },
    { name: 'every type at its edges', model: ALL_TYPES, file: TYPES_HEADER + ODD_ROWS.join('\n') },
    {
      name: 'every type, without a key',
      model: ALL_TYPES.replace('    key: id\n', ''),
      file: TYPES_HEADER + [...ODD_ROWS, ...ODD_ROWS].join('\n'),
    },
    {
      name: 'every type, settled by the server',
      model: ALL_TYPES,
      file: `${TYPES_HEADER}${[...ODD_ROWS, ...ODD_ROWS].join('\n')}\n`,
    },
    { name: 'an empty file', model: ITEMS, file: '' },
    { name: 'a file with nothing but a header', model: ITEMS, file: 'id,body,amount\n' },
    {
      name: 'blank lines, CRLF and no last line end',
      model: ITEMS,
      file: 'id,body,amount\r\n\r\n1,a,1\r\n\r\n2,"x\r\ny",2',
    },
    {
      name: 'columns the file does not have',
      model: ITEMS,
      file: 'body,id\na,1\nb,2\n',
      make: 'CREATE TABLE $t (id int PRIMARY KEY, body text, amount numeric DEFAULT 9, load_id bigint)',
    },
    {
      name: 'rejects, and duplicates within the file',
      model: ITEMS,
      file: 'id,body,amount\n1,a,1\nx,b,2\n1,a,1.00\n2,"open\n3,c,3\n1,other,1\n4,d\n',
    },
    {
      name: 'duplicates of rows of another load',
      model: ITEMS,
      before: ['id,body,amount\n1,a,1.00\n2,b,2\n'],
      file: FILE,
    },
    {
      name: 'conflicts, which are rejects',
      model: ITEMS,
      before: ['id,body,amount\n1,other,1\n'],
      file: FILE,
    },
    {
      name: 'the same content once more, by force',
      model: ITEMS,
      before: [FILE],
      file: FILE,
      args: ['--force'],
    },
    {
      name: 'skip within the file and against the table',
      model: ITEMS,
      before: ['id,body,amount\n1,first,1\n'],
      file: 'id,body,amount\n1,a,1\n2,b,2\n2,c,3\n3,d,4\n3,d,4\n',
      args: ['--on-conflict', 'skip'],
    },
    {
      name: 'update within the file and against the table',
      model: ITEMS,
      before: ['id,body,amount\n1,first,1\n9,same,1\n'],
      file: 'id,body,amount\n1,a,1\n2,b,2\n2,c,3\n2,b,2\n9,same,1.0\n3,x,1.0\n3,x,1.00\n',
      args: ['--on-conflict', 'update'],
    },
    {
      name: 'rows that a later load replaced by its rule',
      model: ITEMS,
      file: FILE,
      after: [{ file: 'id,body,amount\n2,new,2\n', args: ['--on-conflict', 'update'] }],
    },
    {
      name: 'rows that a later load left alone',
      model: ITEMS,
      file: FILE,
      after: [
        { file: 'id,body,amount\n2,new,2\n3,c,3.5\n' },
        { file: 'id,body,amount\n2,newer,2\n', args: ['--on-conflict', 'skip'] },
      ],
    },
    {
      name: 'a table without lineage, by key',
      model: `${ITEMS}    lineage: false\n`,
      before: ['id,body,amount\n1,a,1\n8,x,8\n'],
      file: FILE,
    },
    {
      name: 'a table with neither key nor lineage, among rows of others',
      model: '    columns: { id: int, body: text }\n    lineage: false\n',
      before: ['id,body\n1,a\n1,a\n7,x\n'],
      file: 'id,body\n1,a\n2,b\n2,b\n',
    },
    {
      name: 'a table with neither key nor lineage, alone',
      model: '    columns: { id: int, body: text }\n    lineage: false\n',
      file: 'id,body\n1,a\n2,b\n2,b\n',
    },
    {
      name: 'a composite key of odd types',
      model:
        '    columns: { a: text, n: numeric, f: double, at: timestamp, v: int }\n    key: [n, a, f, at]\n',
      before: ['a,n,f,at,v\n"x,""{}\\",1.0,-0,2024-01-01,1\n'],
      file: 'a,n,f,at,v\n"x,""{}\\",1.00,0,2024-01-01,1\n"NULL",1,NaN,infinity,2\n"",1,1e300,-infinity,3\n"",1,1e300,-infinity,3\n',
    },
    {
      name: 'columns narrower than their types',
      model:
        '    columns: { id: numeric, c: text, v: text, n: numeric, at: timestamp }\n    key: id\n',
      make: `CREATE TABLE $t (id numeric(6,1) PRIMARY KEY, c char(3), v varchar(3), n numeric(8,-2),
             at timestamp(1), load_id bigint)`,
      file: 'id,c,v,n,at\n1.25,ab,"ab    ",12349,2024-01-01 00:00:00.05\n1.25,ab ,ab ,12350,1999-12-31 23:59:59.95\n-7.35,,,-49.9,\n3,abc,abc,50,infinity\n',
    },
    {
      name: 'a partitioned table',
      model: '    columns: { id: int, body: text }\n    key: id\n',
      make: `CREATE TABLE $t (id int PRIMARY KEY, body text, load_id bigint) PARTITION BY RANGE (id);
             CREATE TABLE "$t p1" PARTITION OF $t FOR VALUES FROM (0) TO (5);
             CREATE TABLE "$t p2" PARTITION OF $t FOR VALUES FROM (5) TO (99)`.replaceAll(
        '"$t p',
        '"part_',
      ),
      file: `id,body\n${Array.from({ length: 50 }, (_, i) => `${i},b${i}`).join('\n')}\n`,
      change: 'VACUUM $t',
    },
    {
      name: 'metrics, declared and kept',
      model:
        '    columns: { id: int }\n    key: id\n    metrics: { from: m, path: a.b, columns: { one: int } }\n',
      file: `id,m\n1,"{""a"":{""b"":{""one"":1,""x"":1.50,""y"":{""k"":[1,2]}},""c"":""d""},""e"":null}"\n2,"{}"\n3,\n4,"{""a"":{""b"":{""one"":""4""}}}"\n`,
    },
  ];

  it.each(CASES)('$name', (one) => checkCase(database, one));

  it('a key that the server calls equal in another case', async () => {
    const [[available]] = (await database.query(
      "SELECT count(*)::int FROM pg_available_extensions WHERE name = 'citext'",
    )) as [[number]];
    if (available === 0) return;
    await database.query('CREATE EXTENSION IF NOT EXISTS citext');
    await checkCase(database, {
      name: '',
      model: '    columns: { name: text, v: int }\n    key: name\n',
      make: 'CREATE TABLE $t (name citext PRIMARY KEY, v int, load_id bigint)',
      before: ['name,v\nAda,1\n'],
      file: 'name,v\nADA,1\nBob,2\nBOB,2\n',
    });
  });

  it('a table and columns whose names need quoting, under a file with such a name', async () => {
    const names = ['we"ird; DROP TABLE x --', "it's", 'SELECT', 'tab %I $1 \\', 'ü'];
    const model = `  ${JSON.stringify(names[0])}:\n    columns: { ${names
      .slice(1)
      .map((name) => `${JSON.stringify(name)}: text`)
      .join(
        ', ',
      )} }\n    key: ${JSON.stringify(names[1])}\n    lineage: ${JSON.stringify('l"o')}\n`;
    const project = await makeProject(database, model);
    const file = "o'dd; \\ \u202e name.csv";
    const header = names
      .slice(1)
      .map((name) => `"${name.replaceAll('"', '""')}"`)
      .join(',');
    await project.write(file, `${header}\n'; --,b,c,d\n"{a,""b\\""}",b,c,d\nx,,,\n`);
    const load = await project.ingest(`./${file}`, '--table', names[0]!);
    expect(await project.verify(load)).toMatchObject({ status: 0 });
    await database.query(`UPDATE ${quote(names[0]!)} SET ü = 'changed' WHERE "it's" = '''; --'`);
    const changed = await project.verify(load);
    expect(changed.status).toBe(1);
    expect(changed.json.differences).toMatchObject([
      {
        kind: 'changed',
        line: 2,
        key: { "it's": "'; --" },
        columns: [{ column: 'ü', file: 'd', table: 'changed' }],
      },
    ]);
  });

  it('generated files, dirty, in many splits, through many workers', async () => {
    const own = await loadEvents(events, '0.01');
    for (const load of own.loads) {
      const result = await own.project.verify(load, '--process-count', '3');
      expect(result.json.counts, result.stderr).toEqual({});
      expect(result.json.compared.rejects).toBeGreaterThan(10);
    }
    const human = await own.project.run('verify', String(own.loads[0]));
    expect(human.status).toBe(0);
    expect(human.stdout).toMatch(/file and table agree \([\d,]+ records/);
  });
});
