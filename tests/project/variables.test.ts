/** `${NAME}` in edp.yaml: replaced, reported where it is missing, never printed, never written back. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProject } from '../../src/project/parse.js';
import { edp } from '../support/cli.js';
import { makeProject, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseProject(text, environment);

describe('a variable', () => {
  it.each<[string, string, string]>([
    ['alone', 'dir: ${DIR}\n', '/data/in'],
    ['within text', 'dir: ${ROOT}/in\n', '/data/in'],
    ['twice', 'dir: ${ROOT}${SUB}\n', '/data/in'],
    ['in double quotes', 'dir: "${DIR}"\n', '/data/in'],
    ['in single quotes', "dir: '${DIR}'\n", '/data/in'],
    ['in a folded text', 'dir: >-\n  ${ROOT}/in\n', '/data/in'],
    ['by an alias', 'table: &d "${DIR}"\ndir: *d\n', '/data/in'],
    ['that is empty', 'dir: ${ROOT}${EMPTY}/in\n', '/data/in'],
    ['that has one in it', 'dir: ${NESTED}\n', '${ROOT}'],
    ['that is literal', 'dir: $${ROOT}\n', '${ROOT}'],
    ['beside a literal one', 'dir: $${ROOT}${SUB}\n', '${ROOT}/in'],
    ['no variable: a dollar', 'dir: $ROOT $ {ROOT} $$\n', '$ROOT $ {ROOT} $$'],
  ])('%s', (_, text, expected) => {
    const environment = {
      DIR: '/data/in',
      ROOT: '/data',
      SUB: '/in',
      EMPTY: '',
      NESTED: '${ROOT}',
    };
    expect(parse(text, environment).options.dir).toBe(expected);
  });

  it('stands in any value, and in no key', () => {
    const { tables, options } = parse(
      'process-count: ${N}\ntables:\n  ${T}:\n    columns: { id: { type: int, field: "${F}" } }\n    key: ["${K}"]\n',
      { N: '3', F: 'Number', K: 'id' },
    );
    expect(options).toEqual({ 'process-count': '3' });
    expect(Object.keys(tables!)).toEqual(['${T}']);
    expect(tables!['${T}']).toMatchObject({ key: ['id'], columns: { id: { field: 'Number' } } });
  });

  it.each([
    ['missing', 'count: 5\ndir: ${NOPE}\n', /edp\.yaml:2: the environment has no variable NOPE/],
    ['in two places', 'dir: ${A}\n\ntable: ${B}\n', /:1: .* A\n {2}edp\.yaml:3: .* B/],
    ['without an end', 'dir: "${A"\n', /:1: "\$\{A" is not the name of a variable/],
    ['without a name', 'dir: ${}\n', /:1: "\$\{\}" is not the name/],
    ['with a default', 'dir: ${A:-b}\n', /:1: "\$\{A:-b\}" is not the name/],
  ])('%s is a fault of the configuration', (_, text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'config', exitStatus: 2 }));
    expect(() => parse(text)).toThrow(message);
  });

  it.each([
    ['process-count: "${N}"\n', 'x7', 'expected a whole number'],
    ['tables: { t: { columns: { id: "${N}" } } }\n', 'q', '"${N}"'],
    ['csv: { header: "${N}" }\n', 'zebra', 'expected true or false'],
  ])('is not quoted by a fault of %s', (text, value, told) => {
    let message = '';
    try {
      parse(text, { N: value });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(told);
    expect(message).not.toContain(`"${value}"`);
  });
});

describe('what came from a variable', () => {
  const SECRET = 'hunter2-geheim';

  it.each([
    [
      'a faulty database URL',
      'database-url: "postgresql://u:${SECRET}@127.0.0.1:1/x"\n',
      ['status'],
    ],
    ['a URL that is none', 'database-url: "${SECRET}"\n', ['status']],
    ['an option', 'process-count: "${SECRET}"\n', ['ingest', 't.csv']],
    ['a type', 'tables: { t: { columns: { a: "${SECRET}" } } }\n', ['ingest', 't.csv']],
    ['a name of a table', 'table: "${SECRET}"\n', ['ingest', 't.csv']],
    ['a directory', 'dir: "${SECRET}"\n', ['seed-dimensions']],
  ])('is not printed: %s', async (_, text, args) => {
    const cwd = await makeProject(text, { 't.csv': 'a\n1\n' });
    for (const more of [[], ['--json'], ['--verbose'], ['--json', '--verbose']]) {
      const result = await edp([...args, ...more], {
        cwd,
        env: { SECRET, ...(text.includes('database-url') ? {} : { DATABASE_URL: database.url }) },
      });
      expect(result.status).toBeGreaterThan(0);
      expect(result.stdout + result.stderr).not.toContain(SECRET);
    }
  });

  it('is not printed by a load, its rejects, its status or its run', async () => {
    const text =
      'database-url: "${URL}"\ntables:\n  t: { columns: { a: int, b: { type: int, constant: "${SECRET}" } } }\n';
    const cwd = await makeProject(text.replace('type: int, constant', 'type: text, constant'), {
      't.csv': 'a\n1\nx\n',
    });
    const environment = { SECRET, URL: database.url };
    for (const args of [
      ['ingest', 't.csv', '--json'],
      ['status', '1', '--json'],
      ['status', '--runs', '1', '--json'],
      ['rejects', '1', '--json'],
      ['verify', '1'],
    ]) {
      const result = await edp(args, { cwd, env: environment });
      expect(result.stdout + result.stderr, args.join(' ')).not.toContain(SECRET);
    }
    expect(await database.query('SELECT b FROM t')).toEqual([[SECRET]]);
    expect(await database.query('SELECT options::text FROM edp.runs')).toEqual([
      ['{"files": ["t.csv"]}'],
    ]);
  });

  it('is not written back', async () => {
    const text =
      'database-url: "${URL}"\ntables:\n  t:\n    description: "of ${SECRET}"\n    columns: { a: int }\n    metrics: { from: m, columns: {} }\n';
    const cwd = await makeProject(text, { 't.csv': 'a,m,b\n1,"{""x"":1}",2\n', 'u.csv': 'c\n1\n' });
    const environment = { SECRET, URL: database.url };
    for (const args of [
      ['ingest', 't.csv', '--on-new-column', 'add'],
      ['promote', 'x', '--type', 'int'],
      ['ingest', 'u.csv', '--create'],
    ]) {
      const result = await edp(args, { cwd, env: environment });
      expect(result, result.stderr).toMatchObject({ status: 0 });
    }
    const after = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    expect(after).toContain('"${URL}"');
    expect(after).toContain('of ${SECRET}');
    expect(after).not.toContain(SECRET);
    expect(after).toMatch(/x: int/);
    expect(after).toMatch(/ {2}u:\n/);
  });
});

describe('a faulty edp.yaml', () => {
  it.each([
    ['with a missing variable', 'table: ${NOPE}\n'],
    ['that is no YAML', 'tables: [\n'],
    ['with an unknown key', 'tabels: {}\n'],
    ['with a missing file to include', 'include: nope.yaml\n'],
  ])('%s does not keep the server from being stopped', async (_, text) => {
    const cwd = await makeProject('');
    expect(await edp(['db', 'start'], { cwd })).toMatchObject({ status: 0 });
    await writeFile(path.join(cwd, 'edp.yaml'), text);
    expect(await edp(['status'], { cwd })).toMatchObject({ status: 2 });
    expect(await edp(['db', 'url', '--json'], { cwd })).toMatchObject({ status: 0 });
    const stopped = await edp(['db', 'stop', '--json'], { cwd });
    expect(stopped.json).toMatchObject({ ok: true, wasRunning: true });
  });
});
