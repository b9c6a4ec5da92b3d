/** Databases in encodings that lack characters of the files. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, withClient } from '../../src/postgres/connection.js';
import { textFormOf } from '../../src/postgres/server-encoding.js';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { makeProject } from '../support/scratch.js';

const database = useTestDatabase('empty');

/** An empty database in an encoding, as a configuration and as a URL. */
async function createDatabase(encoding: string) {
  const name = `test_${encoding.toLowerCase()}_${randomBytes(4).toString('hex')}`;
  await database.query(
    `CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C'`,
  );
  onTestFinished(async () => {
    await database.query(`DROP DATABASE ${name} WITH (FORCE)`);
  });
  return {
    config: { ...database.config, database: name },
    url: database.url.replace(database.config.database!, name),
  };
}

const NOTES = ['plain', 'José', '10 €', 'an arrow →', '日本', 'я', 'last'];
const CASES: readonly { readonly encoding: string; readonly lacks: readonly string[] }[] = [
  { encoding: 'LATIN1', lacks: ['10 €', 'an arrow →', '日本', 'я'] },
  { encoding: 'LATIN9', lacks: ['an arrow →', '日本', 'я'] },
  { encoding: 'WIN1252', lacks: ['an arrow →', '日本', 'я'] },
  { encoding: 'WIN1251', lacks: ['José', 'an arrow →', '日本'] },
  { encoding: 'LATIN2', lacks: ['10 €', 'an arrow →', '日本', 'я'] },
  { encoding: 'KOI8R', lacks: ['José', '10 €', 'an arrow →', '日本'] },
  { encoding: 'EUC_JP', lacks: ['10 €'] },
  { encoding: 'EUC_KR', lacks: ['José'] },
  { encoding: 'SQL_ASCII', lacks: [] },
  { encoding: 'UTF8', lacks: [] },
];

const MODEL = `
tables:
  notes:
    columns:
      id: int
      note: text
      n: {type: int, field: "n → ü"}
    metrics: {from: m, columns: {}}
    key: id
`;

describe('a database in', () => {
  it.each(CASES)('$encoding: loads what it can hold, and rejects the rest', async (test) => {
    const { url } = await createDatabase(test.encoding);
    const records = NOTES.map((note, i) => `${i + 1},${note},${i},"{""m"": ${i}}"`);
    records.push('8,no number,x→é,{}');
    const file = 'Daten – é→日.csv';
    const cwd = await makeProject(MODEL, { [file]: `id,note,n → ü,m\n${records.join('\n')}\n` });
    const run = (...args: string[]) => edp([...args, '--database-url', url], { cwd });
    const ingest = [
      'ingest',
      file,
      '--table',
      'notes',
      '--read-batch-size',
      '3',
      '--json',
    ] as const;
    const loaded = await edp([...ingest, '--database-url', url], { cwd });
    expect(loaded.status, loaded.stderr).toBe(3);
    const wanted = records.filter((_, i) => i === 7 || test.lacks.includes(NOTES[i]!));
    expect(loaded.json.files[0]).toMatchObject({
      path: file,
      rows: { read: 8, loaded: 8 - wanted.length, rejected: wanted.length, duplicate: 0 },
    });
    const raw = await run('rejects', '1', '--raw');
    expect(raw.stdout).toBe(`id,note,n → ü,m\n${wanted.join('\n')}\n`);
    const shown = await run('rejects', '1');
    expect(shown.stdout).toContain('x→é');
    const status = await run('status', '1', '--json');
    expect(status.stdout).toContain(JSON.stringify(file));
    const verified = await run('verify', '1');
    expect(verified.status, verified.stdout + verified.stderr).toBe(0);
    const again = await edp([...ingest, '--database-url', url], { cwd });
    expect(again.json.files[0], again.stderr).toMatchObject({ status: 'skipped' });
    const replayed = await run('replay', '1');
    expect(replayed.status, replayed.stderr).toBe(3);
    expect((await run('rejects', '1', '--raw')).stdout).toBe(raw.stdout);
    expect((await run('generate-report', 'load_history', '--out', '-')).status).toBe(0);
    expect((await run('undo', '1', '--yes')).status).toBe(0);
  });

  it('LATIN1: loads a file of plain ASCII, and tables and columns with names of its own', async () => {
    const { url } = await createDatabase('LATIN1');
    const cwd = await makeProject('tables:\n  Größen:\n    columns: {id: int, naïve: text}\n', {
      'plain.csv': 'id,naïve\n1,ü\n2,b\n',
    });
    const args = ['ingest', 'plain.csv', '--table', 'Größen', '--database-url', url];
    const result = await edp(args, { cwd });
    expect(result.status, result.stderr).toBe(0);
    await rename(path.join(cwd, 'plain.csv'), path.join(cwd, 'moved.csv'));
    const verified = await edp(['verify', '1', 'moved.csv', '--database-url', url], { cwd });
    expect(verified.status, verified.stderr).toBe(0);
  });

  it('LATIN1: a name that it lacks is reported, with the remedy', async () => {
    const { url } = await createDatabase('LATIN1');
    const cwd = await makeProject('tables:\n  日本:\n    columns: {id: int}\n', {
      'a.csv': 'id\n1\n',
    });
    const args = ['ingest', 'a.csv', '--table', '日本', '--database-url', url] as const;
    const result = await edp(args, { cwd });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/encoding of this database/);
  });
});

describe('what the ledger writes', () => {
  it('has only ASCII in its own SQL', async () => {
    for (const folder of ['ledger-migrations', 'reports']) {
      const directory = new URL(`../../sql/${folder}/`, import.meta.url);
      for (const name of await readdir(directory)) {
        const text = await readFile(new URL(name, directory), 'latin1');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is ASCII
        expect(text, name).toMatch(/^[\x00-\x7f]*$/);
      }
    }
  });

  const ENCODINGS = CASES.map(({ encoding }) => encoding).filter((name) => textFormOf(name));

  it.each(ENCODINGS)('is accepted by the server, and read as it was: %s', async (encoding) => {
    const { config } = await createDatabase(encoding);
    await withClient(config, 'test', async (client) => {
      const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((t) => !t.includes('\0'));
      const property = fc.asyncProperty(fc.array(text, { maxLength: 20 }), async (texts) => {
        const { rows } = await client.query(
          'SELECT $1::text[] AS texts, $2::jsonb AS json, $3::text AS one',
          [texts, JSON.stringify(texts.map((t) => t.toWellFormed())), texts.join('')],
        );
        expect(rows[0]).toEqual({ texts, json: texts, one: texts.join('') });
      });
      await fc.assert(property, { numRuns: 100 });
    });
  });

  it.each(ENCODINGS)(
    'has each character that the encoding is said to have: %s',
    async (encoding) => {
      const { config } = await createDatabase(encoding);
      const form = textFormOf(encoding)!;
      let all = '';
      for (let code = 0x80; code < 0x10000; code++) {
        if (code >= 0xd800 && code < 0xe000) continue;
        const sign = String.fromCharCode(code);
        if (form.write(sign) === sign) all += sign;
      }
      expect(all.length).toBeGreaterThan(50);
      const client = await connect(config, 'report');
      const { rows } = await client.query('SELECT $1::text AS all', [all]);
      await client.end();
      expect(rows[0]).toEqual({ all });
    },
  );
});
