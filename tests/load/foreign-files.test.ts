/** Files that are no table: each way in refuses them, and loads nothing of them. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);

const RANDOM = Buffer.concat(
  Array.from({ length: 4000 }, (_, i) => createHash('sha256').update(`${i}`).digest()),
);
const FILES: readonly (readonly [name: string, bytes: Buffer | string, what: RegExp])[] = [
  ['random.csv', RANDOM, /binary|NUL/],
  ['packed.csv', gzipSync('%PDF-1.4\nrest\n'), /PDF/],
  ['list.csv', '[\n  {"id": 1, "v": 2},\n  {"id": 2, "v": 3}\n]\n', /JSON array/],
  ['one-line.txt', `[${'{"id": 1, "v": 2},'.repeat(99_999)}{"id":3}]`, /JSON array/],
  ['pretty.json', '{\n  "rows": [\n    {"id": 1}\n  ]\n}\n', /JSON document/],
  ['page.csv', '<!DOCTYPE html>\n<html><head></head></html>\n', /HTML/],
  ['book.csv', '<?xml version="1.0"?>\n<a>\n<b>1</b>\n</a>\n', /XML/],
  ['dump.sql', 'CREATE TABLE a (id int, b text);\nINSERT INTO a VALUES (1,2);\n', /SQL/],
];

it.each(FILES)('%s', async (name, bytes, what) => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, name), bytes);
  const inspected = await edp(['inspect', name, '--json'], { cwd });
  expect(inspected.json, inspected.stdout).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(what), hint: expect.stringMatching(/./) },
  });
  const created = await run(cwd, 'ingest', name, '--create');
  expect(created.json).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(what) },
  });
  const model = 'tables: { there: { columns: { id: int, name: text } } }';
  await writeFile(path.join(cwd, 'edp.yaml'), model);
  const { json, status } = await run(cwd, 'ingest', name, '--table', 'there');
  expect(status).toBe(1);
  expect(json.files[0]).toMatchObject({ status: 'failed', reason: expect.stringMatching(what) });
  expect(json.rows).toMatchObject({ read: 0, rejected: 0 });
});
