/** A ledger that an older edp made is brought up to date by whoever looks at it first. */
import { expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = 'tables:\n  texts:\n    columns: { id: int, body: text }\n';

const database = useEmptyDatabase();
const run = runnerFor(database);

/** The ledger as version 3 had it, which knew no other format than CSV. */
async function makeOlder(): Promise<void> {
  await database.query('DELETE FROM edp.migrations WHERE version > 3');
  await database.query('ALTER TABLE edp.receipts DROP COLUMN corrections');
  await database.query('ALTER TABLE edp.loads DROP COLUMN replaced_by');
  await database.query(
    `UPDATE edp.loads SET file_format = replace(replace(replace(file_format::text,
       '"format":"csv",', ''), '"lineEnd":', '"recordEnd":'), '"specified":', '"told":')::json`,
  );
}

it.each([
  ['status'],
  ['status', '1'],
  ['rejects', '1'],
  ['verify', '1'],
  ['replay', '1'],
  ['undo', '1'],
  ['ingest', 'texts.csv'],
])('edp %s %s', async (...args) => {
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n' });
  await run(cwd, 'ingest', 'texts.csv');
  await makeOlder();
  const result = await run(cwd, ...args);
  expect(result, result.stderr).toMatchObject({ status: 0, json: { ok: true } });
  expect(await database.query('SELECT max(version) FROM edp.migrations')).toEqual([[19]]);
});

it('with a load of a file whose delimiter is NUL, which jsonb cannot hold', async () => {
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id\0body\n1\0a\nx\0b\n' });
  const loaded = await run(cwd, 'ingest', 'texts.csv', '--delimiter', '\\x00');
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 1, rejected: 1 } });
  await makeOlder();
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
  expect(await database.query('SELECT max(version) FROM edp.migrations')).toEqual([[19]]);
});

it.each([
  ['ingest', 'texts.csv', '--dry-run'],
  ['generate-report', 'unknown_metrics'],
])('edp %s %s, which leaves it as it is', async (...args) => {
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n' });
  await run(cwd, 'ingest', 'texts.csv');
  await makeOlder();
  const result = await run(cwd, ...args);
  expect(result, result.stderr).toMatchObject({ status: 0, json: { ok: true } });
  expect(await database.query('SELECT max(version) FROM edp.migrations')).toEqual([[3]]);
});
