/** Names and values never become SQL: each of these tries to, and is stored as the text it is. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
  await database.query('CREATE TABLE victim (n int)');
});

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
const csvQuote = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** Texts that break out of quotes where escaping was forgotten. */
const NASTY = [
  `x'); DROP TABLE victim; --`,
  `x"; DROP TABLE victim; --`,
  `x\\'; DROP TABLE victim; --`,
  '$$; DROP TABLE victim; $$',
  '%s %I %L %1$s',
  "E'\\x27'",
  ":'n' :n $1",
  '/* */ -- ',
  'ünï \u202e\u{1f600} 中',
];

async function project(yaml: string | undefined, files: Record<string, string | Buffer>) {
  const cwd = await makeDirectory();
  if (yaml !== undefined) await writeFile(path.join(cwd, 'edp.yaml'), yaml);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(cwd, name)), { recursive: true });
    await writeFile(path.join(cwd, name), content);
  }
  const env = { DATABASE_URL: database.url };
  return <const A extends readonly string[]>(...args: A) => edp([...args, '--json'], { cwd, env });
}

async function expectUnharmed(): Promise<void> {
  expect(await database.query("SELECT to_regclass('victim') IS NOT NULL")).toEqual([[true]]);
}

describe('SQL', () => {
  it.each(NASTY.map((name, i) => ({ name, i })))(
    'is not made of $name, as a table, a column, a key, a metric or a value',
    async ({ name, i }) => {
      const table = `${name} ${i}`.slice(0, 40);
      const column = (kind: string) => JSON.stringify(`${kind} ${name}`.slice(0, 40));
      const model = `tables:
  ${JSON.stringify(`d${table}`)}:
    columns: { ${column('id')}: text, v: text }
    key: ${column('id')}
  ${JSON.stringify(table)}:
    columns:
      ${column('k')}: text
      ${column('r')}: { type: text, field: ${JSON.stringify(name)}, references: ${JSON.stringify(`d${table}`)} }
    key: ${column('k')}
    indexes: [[${column('r')}, ${column('m')}]]
    metrics: { from: j, path: ${JSON.stringify(name.replaceAll('.', ''))}, columns: { ${column('m')}: { type: text, key: ${JSON.stringify(name)} } }, extra: ${column('e')} }
    lineage: ${column('l')}
`;
      const json = { [name.replaceAll('.', '')]: { [name]: name, [`u${name}`]: 1 } };
      const header = [`k ${name}`.slice(0, 40), name, 'j'].map(csvQuote).join(',');
      const record = (key: string, reference: string) =>
        [key, reference, JSON.stringify(json)].map(csvQuote).join(',');
      const run = await project(model, {
        'd.csv': `${csvQuote(`id ${name}`.slice(0, 40))},v\n${csvQuote(name)},\n`,
        'f.csv': `${header}\n${record(name, name)}\n${record('2', name)}\n`,
        // Loaded the careful way: a duplicate, a conflict, a reference to nothing.
        'g.csv': `${header}\n${record(name, name)}\n${record('2', 'nothing')}\n${[csvQuote(name), csvQuote(name), ''].join(',')}\n`,
      });
      const loaded = await run('ingest', 'd.csv', '--table', `d${table}`);
      expect(loaded, loaded.stderr).toMatchObject({ status: 0 });
      const facts = await run('ingest', 'f.csv', '--table', table);
      expect(facts, facts.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 2 } } });
      expect(facts.json.unknownMetrics).toEqual({ [`u${name}`]: 2 });
      const careful = await run('ingest', 'g.csv', '--table', table);
      expect(careful.json.rows, careful.stderr).toEqual({
        read: 3,
        loaded: 0,
        rejected: 2,
        duplicate: 1,
      });
      const inferred = await run(
        'ingest',
        'g.csv',
        '--table',
        table,
        '--force',
        '--missing-dimensions',
        'infer',
        '--on-conflict',
        'update',
      );
      expect(inferred, inferred.stderr).toMatchObject({ status: 0 });

      const columns = ['k', 'r', 'm'].map((kind) => quote(`${kind} ${name}`.slice(0, 40)));
      expect(
        await database.query(`SELECT ${columns} FROM ${quote(table)} WHERE ${columns[0]} <> '2'`),
      ).toEqual([[name, name, null]]);
      const { loadId } = facts.json.files[0];
      const replaced = await run('verify', String(inferred.json.files[0].loadId));
      expect(replaced.json.counts, replaced.stderr).toEqual({});
      expect((await run('verify', String(loadId))).json.counts).toEqual({});
      const promoted = await run(
        'promote',
        `u${name}`,
        '--table',
        table,
        '--column',
        `p ${name}`.slice(0, 40),
      );
      expect(promoted, promoted.stderr).toMatchObject({ status: 0 });
      expect(
        (await run('rejects', String(careful.json.files[0].loadId))).json.rejects,
      ).toHaveLength(2);
      expect((await run('status', String(loadId))).json.load.table).toBe(table);
      await expectUnharmed();
    },
  );

  it('is not made of the name of a file', async () => {
    const names = NASTY.filter((name) => !name.includes('/')).map((name) => `${name}.csv`);
    const run = await project(
      'tables:\n  t: { columns: { v: text } }\n',
      Object.fromEntries(names.map((name, i) => [name, `v\n${i}\n`])),
    );
    for (const name of names) {
      const result = await run('ingest', `./${name}`, '--table', 't');
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(
        await database.query('SELECT count(*) FROM edp.loads WHERE path = $1', [`./${name}`]),
      ).toEqual([[1]]);
      expect((await run('verify', String(result.json.files[0].loadId))).status).toBe(0);
    }
    await expectUnharmed();
  });

  it('is not made of bytes that are no text', async () => {
    const run = await project('tables:\n  b: { columns: { v: text, w: text } }\n', {
      'b.csv': Buffer.from("v,w\na\0b,1\n\xff';--,2\n'\\,3\n", 'latin1'),
      'h.csv': Buffer.from("v,w\0';DROP TABLE victim\xff\n1,2\n", 'latin1'),
    });
    const result = await run('ingest', 'b.csv');
    expect(result.json.rows).toEqual({ read: 3, loaded: 1, rejected: 2, duplicate: 0 });
    expect(await database.query('SELECT v FROM b')).toEqual([["'\\"]]);
    const header = await run('ingest', 'h.csv', '--table', 'b');
    expect(header.json.files[0]).toMatchObject({ status: 'failed' });
    await expectUnharmed();
  });

  it.each(NASTY)('is not made of the report parameter %j', async (value) => {
    const run = await project(undefined, {
      'sql/reports/echo.sql':
        "-- title: Echo\n-- param from text: a\n-- param what text: b\n\nSELECT :'from' AS a, :'what' AS b\n",
    });
    const args = [
      '--from',
      value,
      '--param',
      `what=${value}`,
      '--format',
      'json',
      '--out',
      'o.json',
    ];
    const result = await run('generate-report', 'echo', ...args);
    expect(result, result.stderr).toMatchObject({ status: 0, json: { rows: 1 } });
    await expectUnharmed();
  });

  it('is not made of a value where the server would take backslashes for escapes', async () => {
    const [[name]] = (await database.query('SELECT current_database()')) as [[string]];
    await database.query(`ALTER DATABASE ${name} SET standard_conforming_strings = off`);
    await database.query(`ALTER DATABASE ${name} SET backslash_quote = on`);
    try {
      const run = await project(
        `tables:\n  "s\\\\'": { columns: { id: text }, key: id }\n  f: { columns: { id: text, r: { type: text, references: "s\\\\'" } }, key: id }\n`,
        { 'f.csv': 'id,r\n1,"\\"\n' },
      );
      const result = await run('ingest', 'f.csv');
      expect(result.json.rows, result.stderr).toMatchObject({ rejected: 1 });
    } finally {
      await database.query(`ALTER DATABASE ${name} RESET ALL`);
    }
  });
});
