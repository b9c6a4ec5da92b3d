/** `edp rejects --passed-over`: the lines that are no records, from the file, after its content was checked. */
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = `tables:
  days:
    columns: { id: int, name: text }
    csv: { comment: '#', skip-footer: 1 }
`;
const TEXT =
  '\ufeffreport\r\n\r\nid,name\r\n# one\r\n1,"a\r\nb"\r\n\r\nid,name\r\n2,c\r\n# twö\r\nTotal 2\r\n\r\n';

const database = useEmptyDatabase();
const run = runnerFor(database);

const LINES = [
  { kind: 'preamble', line: 1, byteOffset: 3, bytes: 8, raw: 'report' },
  { kind: 'blank', line: 2, byteOffset: 11, bytes: 2, raw: '' },
  { kind: 'header', line: 3, byteOffset: 13, bytes: 9, raw: 'id,name' },
  { kind: 'comment', line: 4, byteOffset: 22, bytes: 7, raw: '# one' },
  { kind: 'blank', line: 7, byteOffset: 39, bytes: 2, raw: '' },
  { kind: 'header', line: 8, byteOffset: 41, bytes: 9, raw: 'id,name' },
  { kind: 'comment', line: 10, byteOffset: 55, bytes: 8, raw: '# twö' },
  { kind: 'footer', line: 11, byteOffset: 63, bytes: 9, raw: 'Total 2' },
  { kind: 'blank', line: 12, byteOffset: 72, bytes: 2, raw: '' },
].map((line) => ({ loadId: 1, path: 'days.csv', ...line }));

async function loadDays() {
  const cwd = await makeProject(MODEL, { 'days.csv': TEXT });
  const loaded = await run(cwd, 'ingest', 'days.csv', '--read-batch-size', '1');
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { read: 2, loaded: 2 } });
  return cwd;
}

it('--json has kind, place and text of each', async () => {
  const cwd = await loadDays();
  expect((await run(cwd, 'rejects', '1', '--passed-over')).json.passedOver).toEqual(LINES);
  const some = await run(cwd, 'rejects', '1', '--passed-over', '--limit', '2');
  expect(some.json.passedOver).toEqual(LINES.slice(0, 2));
});

it('--raw writes them byte for byte; with the records they are the file', async () => {
  const cwd = await loadDays();
  const args = ['rejects', '1', '--passed-over', '--raw', '--database-url', database.url];
  const { stdout } = await edp(args, { cwd });
  expect(stdout).toBe(TEXT.slice(1).replace('1,"a\r\nb"\r\n', '').replace('2,c\r\n', ''));
  const { load } = (await run(cwd, 'status', '1')).json;
  const records = load.byteCounts!.records;
  expect(Buffer.byteLength(stdout) + records + 3).toBe(Buffer.byteLength(TEXT));
});

it('for people: place, kind, text, and counts', async () => {
  const cwd = await loadDays();
  const { stdout } = await edp(['rejects', '1', '--passed-over', '--database-url', database.url], {
    cwd,
  });
  expect(stdout).toContain('days.csv:8 (byte 41) header\n    id,name\n');
  expect(stdout).toMatch(/comment +2\n/);
});

it('a file that was moved is named; one of other content is refused', async () => {
  const cwd = await loadDays();
  await rename(path.join(cwd, 'days.csv'), path.join(cwd, 'old.csv'));
  expect((await run(cwd, 'rejects', '1', '--passed-over')).json).toMatchObject({
    ok: false,
    error: { code: 'file_changed' },
  });
  const moved = await run(cwd, 'rejects', '1', 'old.csv', '--passed-over');
  expect(moved.json.passedOver).toEqual(LINES.map((line) => ({ ...line, path: 'old.csv' })));
  await writeFile(path.join(cwd, 'days.csv'), TEXT.replace('# one', '# two'));
  expect(await run(cwd, 'rejects', '1', '--passed-over')).toMatchObject({
    status: 1,
    json: { ok: false, error: { code: 'file_changed' } },
  });
  await rm(path.join(cwd, 'old.csv'));
});

it('a file is for --passed-over alone', async () => {
  const cwd = await loadDays();
  expect(await run(cwd, 'rejects', '1', 'days.csv')).toMatchObject({
    status: 2,
    json: { error: { code: 'usage' } },
  });
});

it('the ledger refuses a receipt whose bytes are not those of its split', async () => {
  await loadDays();
  const altered = 'UPDATE edp.receipts SET record_bytes = record_bytes + 1';
  await expect(database.query(altered)).rejects.toThrow(/receipts_whole/);
});

const OTHER_KIND = `UPDATE edp.receipts
  SET passed_over = replace(passed_over::text, 'comment', 'blank')::jsonb
  WHERE passed_over ? 'comment' AND NOT passed_over ? 'blank'`;
const OTHER_HEAD = `UPDATE edp.loads SET head_passed_over = '{"header": {"lines": 1, "bytes": 22}}'`;

it.each([
  ['a receipt', OTHER_KIND, 'passed_over_differ'],
  ['the head', OTHER_HEAD, 'passed_over_differ'],
  ['the tail', `UPDATE edp.loads SET tail_passed_over = '{}'`, 'bytes_unaccounted'],
] as const)('verify finds %s that was altered', async (_, statement, kind) => {
  const cwd = await loadDays();
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
  await database.query(statement);
  const verified = await run(cwd, 'verify', '1');
  expect(verified.status, verified.stdout).toBe(1);
  expect(verified.json.counts[kind]).toBeGreaterThan(0);
});

it('blank lines of JSON lines', async () => {
  const text = '\n{"id":1}\n \t\n\r\n{"id":2}\n\n';
  const cwd = await makeProject('tables:\n  j:\n    columns: { id: int }\n', { 'j.jsonl': text });
  const { json } = await run(cwd, 'ingest', 'j.jsonl', '--read-batch-size', '1');
  expect(json.files[0]).toMatchObject({
    rows: { read: 2 },
    passedOver: { comment: 0, preamble: 0, footer: 0, blank: 4, header: 0 },
    byteCounts: { records: 18, blank: 7 },
  });
  const shown = (await run(cwd, 'rejects', '1', '--passed-over')).json.passedOver;
  expect(shown.map(({ line, bytes }) => [line, bytes])).toEqual([
    [1, 1],
    [3, 3],
    [4, 2],
    [6, 1],
  ]);
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
});

it.each([
  ['no records', 'id,name\n', { header: 1 }, 0],
  ['nothing but comments and blank lines', '#a\n\n#b\n', { comment: 2, blank: 1 }, 0],
  ['nothing', '', {}, 0],
])('a file with %s is accounted for', async (_, text, passed, read) => {
  const model = MODEL.replace(', skip-footer: 1', '');
  const cwd = await makeProject(model, { 'days.csv': text });
  const { json } = await run(cwd, 'ingest', 'days.csv');
  const counts = json.files[0]!.byteCounts!;
  expect(json.files[0]).toMatchObject({ rows: { read }, passedOver: passed });
  expect(Object.values(counts).reduce((sum, bytes) => sum + bytes, 0)).toBe(text.length);
});
