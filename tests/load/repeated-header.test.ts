/** Files that were put together: the header line again among the records is no record, and is told. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const HEADER = 'id,city,amount\n';
const records = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, i) => `${from + i},Town ${(from + i) % 7},${from + i}.50\n`,
  ).join('');
/** Three files of ten records, one behind the other. */
const THREE = [1, 11, 21].map((from) => HEADER + records(from, 10)).join('');
const MARKED = [1, 11, 21].map((from) => `\ufeff${HEADER}${records(from, 10)}`).join('');

const COUNTS = { comment: 0, preamble: 0, footer: 0, blank: 0 };

const FILES: readonly (readonly [name: string, file: string, bytes: Buffer, headers: number])[] = [
  ['three files', 'rh.csv', Buffer.from(THREE), 3],
  ['each with a byte order mark', 'rh.csv', Buffer.from(MARKED), 3],
  ['CR LF', 'rh.csv', Buffer.from(THREE.replaceAll('\n', '\r\n')), 3],
  ['CR', 'rh.csv', Buffer.from(THREE.replaceAll('\n', '\r')), 3],
  ['tabs', 'rh.tsv', Buffer.from(THREE.replaceAll(',', '\t')), 3],
  ['quoted names', 'rh.csv', Buffer.from(THREE.replaceAll(HEADER, '"id","city","amount"\n')), 3],
  ['gzip', 'rh.csv.gz', gzipSync(MARKED), 3],
  ['UTF-16', 'rh.csv', Buffer.from(MARKED, 'utf16le'), 3],
  ['the last line, without its end', 'rh.csv', Buffer.from(THREE + HEADER.trimEnd()), 4],
  ['one directly behind the other', 'rh.csv', Buffer.from(HEADER + HEADER + HEADER + THREE), 6],
];

it.each(FILES)('%s', async (_, name, bytes, header) => {
  const cwd = await makeProject(null, { [name]: bytes });
  const loaded = await run(cwd, 'ingest', name, '--create', '--table', 'rh');
  expect(loaded.json, loaded.stderr).toMatchObject({
    ok: true,
    rows: { read: 30, loaded: 30, rejected: 0, duplicate: 0 },
    files: [{ passedOver: { ...COUNTS, header } }],
    created: [{ records: 30, columns: [{ type: 'int' }, { type: 'text' }, { type: 'numeric' }] }],
  });
  expect(loaded.stderr).toContain('header line');
  expect(loaded.stderr).toContain('edp rejects 1 --passed-over');
  expect(await database.query("SELECT count(*) FROM rh WHERE city LIKE 'Town%'")).toEqual([[30]]);
  const shown = await run(cwd, 'rejects', '1', '--passed-over');
  expect(shown.json.passedOver.map(({ kind }) => kind)).toEqual(Array(header).fill('header'));
  const verified = await run(cwd, 'verify', '1');
  expect(verified.json, verified.stdout).toMatchObject({
    ok: true,
    passedOver: { ...COUNTS, header },
  });
  const { load } = (await run(cwd, 'status', '1')).json;
  expect(load).toMatchObject({ passedOver: { ...COUNTS, header } });
});

const TEXTS = 'tables:\n  b:\n    columns: { id: text, city: text, amount: text }\n';

describe('a table of texts, which could hold the header', () => {
  it.each([1, 2, 3])('%i workers, any split', async (workers) => {
    const cwd = await makeProject(TEXTS, { 'b.csv': MARKED });
    for (const size of [1, 3, 1000]) {
      const options = ['--process-count', `${workers}`, '--read-batch-size', `${size}`, '--force'];
      const { json } = await run(cwd, 'ingest', 'b.csv', ...options);
      expect(json.rows).toEqual({ read: 30, loaded: 30, rejected: 0, duplicate: 0 });
      expect(json.files[0]!.passedOver).toEqual({ ...COUNTS, header: 3 });
    }
    expect(await database.query("SELECT count(*) FROM b WHERE id LIKE '%id'")).toEqual([[0]]);
  });

  it('a dry run says the same', async () => {
    const cwd = await makeProject(TEXTS, { 'b.csv': THREE });
    const { json, stderr } = await run(cwd, 'ingest', 'b.csv', '--dry-run');
    expect(json.files[0]).toMatchObject({
      rows: { read: 30, loaded: 30 },
      passedOver: { ...COUNTS, header: 3 },
    });
    expect(stderr).toContain('2 more times');
  });

  it('--no-header: each line is a record', async () => {
    const cwd = await makeProject(TEXTS, { 'b.csv': THREE });
    const { json } = await run(
      cwd,
      'ingest',
      'b.csv',
      '--no-header',
      '--columns',
      'id,city,amount',
    );
    expect(json.files[0]).toMatchObject({
      rows: { read: 33, loaded: 33 },
      passedOver: { ...COUNTS, header: 0 },
    });
  });

  it('the header passed over as a line before the records: the others are records', async () => {
    const cwd = await makeProject(TEXTS, { 'b.csv': THREE });
    const told = ['--no-header', '--skip-lines', '1', '--columns', 'id,city,amount'];
    const { json } = await run(cwd, 'ingest', 'b.csv', ...told);
    expect(json.files[0]).toMatchObject({
      rows: { read: 32, loaded: 32 },
      passedOver: { ...COUNTS, preamble: 1, header: 0 },
    });
  });

  it('a record that differs in one byte is a record', async () => {
    const text = `${HEADER}id,city,amount \nID,city,amount\n"id",city,amount\n`;
    const cwd = await makeProject(TEXTS, { 'b.csv': text });
    expect((await run(cwd, 'ingest', 'b.csv')).json.rows).toMatchObject({ loaded: 3 });
  });
});

it('the rejects around it are replayed as ever', async () => {
  const model = 'tables:\n  c:\n    columns: { id: int, city: text, amount: numeric }\n';
  const text = `${HEADER}1,a,x\n${HEADER}2,b,y\n3,c,3\n`;
  const cwd = await makeProject(model, { 'c.csv': text });
  const { json } = await run(cwd, 'ingest', 'c.csv');
  expect(json.rows).toEqual({ read: 3, loaded: 1, rejected: 2, duplicate: 0 });
  await writeFile(path.join(cwd, 'edp.yaml'), model.replace('amount: numeric', 'amount: text'));
  await database.query('ALTER TABLE c ALTER amount TYPE text');
  expect((await run(cwd, 'replay', '1')).json.rows).toMatchObject({ loaded: 2, rejected: 0 });
  const verified = await run(cwd, 'verify', '1');
  expect(verified.json, verified.stdout).toMatchObject({ ok: true, passedOver: { header: 2 } });
});

it('inspect and model infer do not count it as a record', async () => {
  const cwd = await makeProject(null, { 'rh.csv': THREE });
  const inspected = await edp(['inspect', 'rh.csv', '--json'], { cwd });
  expect(inspected.json).toMatchObject({
    sample: { records: 30 },
    passedOver: { ...COUNTS, header: 3 },
    columns: [{ type: 'int' }, { type: 'text' }, { type: 'numeric' }],
  });
  expect((await edp(['inspect', 'rh.csv'], { cwd })).stdout).toMatch(/header line again.* 2/);
  const inferred = await edp(['model', 'infer', 'rh.csv', '--json'], { cwd });
  expect(inferred.json.tables[0]).toMatchObject({
    records: 30,
    columns: [{ type: 'int' }, {}, {}],
  });
});
