/** `--create` and `model infer` for files of which no record can be read, and names that collide. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { makeProject, runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);

interface Damaged {
  readonly name: string;
  readonly file: string;
  readonly content: string | Buffer;
  readonly message: RegExp;
  readonly hint: RegExp;
  readonly flags?: readonly string[];
}

const CASES: readonly Damaged[] = [
  {
    name: 'JSON lines in Latin-1',
    file: 'latin.jsonl',
    content: Buffer.from('{"city":"Köln\u0081"}\n{"city":"Málaga\u0081"}\n', 'latin1'),
    message: /every record is damaged: 2 × invalid_utf8/,
    hint: /--encoding NAME/,
  },
  {
    name: 'JSON lines that end with CR',
    file: 'cr.jsonl',
    content: '{"a":1}\r{"a":2}\r{"a":3}\r',
    message: /every record is damaged: 1 × bad_record/,
    hint: /end with LF[\s\S]*--line-end/,
  },
  {
    name: 'a CSV file without header, with text behind its quotes',
    file: 'quotes.csv',
    content: '1,"2"x\n3,"4"y\n5,"6"z\n',
    flags: ['--no-header', '--quote', 'double', '--delimiter', ','],
    message: /every record is damaged: 3 × bad_quote/,
    hint: /--encoding[\s\S]*--line-end/,
  },
];

describe('a file of which every record is damaged', () => {
  it.each(CASES)('$name', async ({ file, content, message, hint, flags = [] }) => {
    const cwd = await makeProject(null, { [file]: content });
    for (const { status, json } of [
      await run(cwd, 'ingest', file, '--create', ...flags),
      await edp(['model', 'infer', file, '--json', ...flags], { cwd }),
    ]) {
      expect(status).toBe(1);
      expect(json.error.message).toMatch(message);
      expect(json.error.hint).toMatch(hint);
    }
  });
});

it('a header names the columns of a file whose records are damaged; each is a reject', async () => {
  const cwd = await makeProject(null, { 'damaged.csv': 'a,b\n1,"2"x\n3,"4"y\n' });
  const args = ['ingest', 'damaged.csv', '--create', '--header', '--quote', 'double'] as const;
  const { status, json, stderr } = await run(cwd, ...args);
  expect(status, stderr).toBe(3);
  expect(json.rows).toEqual({ read: 2, loaded: 0, rejected: 2, duplicate: 0 });
  expect(json.created).toMatchObject([{ columns: [{ name: 'a' }, { name: 'b' }] }]);
});

it('a damaged file among others is not called empty', async () => {
  const cwd = await makeProject(null, { 'good.csv': 'id\n1\n', 'cr.jsonl': '{"a":1}\r{"a":2}\r' });
  const { status, json } = await run(cwd, 'ingest', 'good.csv', 'cr.jsonl', '--create');
  expect(status).toBe(1);
  expect(json.error.message).toMatch(/cr\.jsonl.*every record is damaged: 1 × bad_record/);
});

describe('names of fields that become one', () => {
  it.each([
    ['two.csv', 'A b,a_b\n1,2\n', { a_b_2: 1, a_b: 2 }],
    ['three.csv', 'A-B,a_b_2,a_b,A B\n1,2,3,4\n', { a_b_3: 1, a_b_2: 2, a_b: 3, a_b_4: 4 }],
    ['keys.jsonl', '{"A b":1,"a_b":2}\n', { a_b_2: 1, a_b: 2 }],
    ['metrics.csv', 'x,m\n1,"{""My M"": 5, ""my_m"": 6}"\n', { my_m_2: 5, my_m: 6 }],
  ])('%s', async (file, content, expected) => {
    const cwd = await makeProject(null, { [file]: content });
    const { status, stderr } = await run(cwd, 'ingest', file, '--create');
    expect(status, stderr).toBe(0);
    const [[row]] = (await database.query(`SELECT to_jsonb(t) FROM ${file.split('.')[0]} t`)) as [
      [object],
    ];
    expect(row).toMatchObject(expected);
  });
});

describe('commands that create tables at the same time', () => {
  const ROWS = Array.from({ length: 50 }, (_, i) => `${i},x${i}\n`).join('');

  it('all declare theirs', async () => {
    const names = ['ants', 'bees', 'cows', 'dogs', 'emus'];
    const cwd = await makeProject(
      null,
      Object.fromEntries(names.map((name) => [`${name}.csv`, `id,v\n${ROWS}`])),
    );
    const results = await Promise.all(
      names.map((name) => run(cwd, 'ingest', `${name}.csv`, '--create')),
    );
    expect(results.map(({ status, stderr }) => [status, status === 0 ? '' : stderr])).toEqual(
      names.map(() => [0, '']),
    );
    const yaml = await readFile(path.join(cwd, 'edp.yaml'), 'utf8');
    for (const name of names) expect(yaml).toMatch(new RegExp(`^  ${name}:$`, 'm'));
  });

  it('for the same file load it once', async () => {
    const cwd = await makeProject(null, { 'same.csv': `id,v\n${ROWS}` });
    const results = await Promise.all(
      [1, 2, 3].map(() => run(cwd, 'ingest', 'same.csv', '--create')),
    );
    for (const { status, stderr } of results) expect(status, stderr).toBe(0);
    const states = results.map(({ json }) => json.files[0].status).sort();
    expect(states).toEqual(['loaded', 'skipped', 'skipped']);
    expect(results.filter(({ json }) => json.created?.length === 1)).toHaveLength(1);
    expect(await database.query('SELECT count(*) FROM same')).toEqual([[50]]);
  });
});
