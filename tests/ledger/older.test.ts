/** A ledger that an older edp made is brought up to date by whoever looks at it first. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createXXHash128 } from 'hash-wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = 'tables:\n  texts:\n    columns: { id: int, body: text }\n';

const newest = (await readdir(new URL('../../sql/ledger-migrations/', import.meta.url))).length;

const database = useEmptyDatabase();
const run = runnerFor(database);

const DROP_WAREHOUSE = `DROP TABLE edp.copies, edp.stale_slices, edp.unknown_keys, edp.member_ids, edp.tasks, edp.task_runs, edp.check_failures, edp.realized, edp.unfolded_keys;
  DO $$
  DECLARE made regprocedure;
  BEGIN
    FOR made IN SELECT oid FROM pg_proc WHERE pronamespace = 'edp'::regnamespace LOOP
      EXECUTE format('DROP ROUTINE %s CASCADE', made);
    END LOOP;
  END $$`;

/** The ledger as version 3 had it, which knew no other format than CSV. */
async function makeOlder(): Promise<void> {
  await database.query('DELETE FROM edp.migrations WHERE version > 3');
  await database.query(DROP_WAREHOUSE);
  await database.query(
    'DROP TABLE edp.changes, edp.runs, edp.seen_versions, edp.report_cache, edp.report_cache_parts, edp.report_cache_writes',
  );
  await database.query(
    `ALTER TABLE edp.receipts DROP COLUMN corrections, DROP COLUMN record_bytes, DROP COLUMN passed_over;
     ALTER TABLE edp.loads DROP COLUMN head_passed_over, DROP COLUMN tail_passed_over, DROP COLUMN text_bytes,
       DROP COLUMN replaced_by, DROP COLUMN schema_name, DROP COLUMN table_oid, DROP COLUMN table_database,
       DROP COLUMN gone_at, DROP COLUMN effective_at, DROP COLUMN rows_ended;
     ALTER TABLE edp.loads ADD UNIQUE (table_name, content_hash, generation);
     ALTER TABLE edp.promotions DROP COLUMN schema_name, ADD PRIMARY KEY (table_name, column_name)`,
  );
  await database.query(
    `UPDATE edp.loads SET file_format = replace(replace(replace(replace(file_format::text,
       '"format":"csv",', ''), '"lineEnd":', '"recordEnd":'), '"specified":', '"told":'),
       '"passesHeaders":true,', '')::json`,
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
  expect(await database.query('SELECT max(version) FROM edp.migrations')).toEqual([[newest]]);
});

it('and the roles that could use it still can', async () => {
  const roles = ['loader', 'reader'].map((name) => `edp_${name}_${randomBytes(4).toString('hex')}`);
  const [loader, reader] = roles as [string, string];
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n' });
  await run(cwd, 'ingest', 'texts.csv');
  await makeOlder();
  try {
    for (const role of roles) {
      await database.query(`CREATE ROLE ${role}`);
      await database.query(`GRANT SELECT ON edp.loads TO ${role}`);
    }
    await database.query(`GRANT INSERT ON edp.receipts TO ${loader}`);
    await run(cwd, 'status');
    const may = (role: string, table: string, privilege: string) =>
      database.query('SELECT has_table_privilege($1, $2, $3)', [role, table, privilege]);
    for (const table of ['edp.changes', 'edp.runs']) {
      expect(await may(loader, table, 'INSERT')).toEqual([[true]]);
      expect(await may(loader, table, 'DELETE')).toEqual([[false]]);
      expect(await may(reader, table, 'SELECT')).toEqual([[true]]);
      expect(await may(reader, table, 'INSERT')).toEqual([[false]]);
    }
    expect(await may(loader, 'edp.changes', 'UPDATE')).toEqual([[false]]);
  } finally {
    for (const role of roles) {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    }
  }
});

it('with a load of a file whose delimiter is NUL, which jsonb cannot hold', async () => {
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id\0body\n1\0a\nx\0b\n' });
  const loaded = await run(cwd, 'ingest', 'texts.csv', '--delimiter', '\\x00');
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 1, rejected: 1 } });
  await makeOlder();
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
  expect(await database.query('SELECT max(version) FROM edp.migrations')).toEqual([[newest]]);
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

it('a load from before it was counted: null, and its lines are shown all the same', async () => {
  const text = 'id,body\n1,a\n\n2,b\n';
  const cwd = await makeProject(MODEL, { 'texts.csv': text });
  await run(cwd, 'ingest', 'texts.csv');
  await makeOlder();
  const { load } = (await run(cwd, 'status', '1')).json;
  expect(load).toMatchObject({ passedOver: null, byteCounts: null });
  expect(load.receipts[0]).toMatchObject({ passedOver: null, byteCounts: null });
  const shown = await run(cwd, 'rejects', '1', '--passed-over');
  expect(shown.json.passedOver).toMatchObject([
    { kind: 'header', line: 1, raw: 'id,body' },
    { kind: 'blank', line: 3, byteOffset: 12, bytes: 1 },
  ]);
});

it('a load that an older edp began goes on as it began: a header among the records is a record', async () => {
  const model = MODEL.replace('id: int', 'id: text');
  const text = 'id,body\n1,a\nid,body\n2,b\nid,body\n3,c\n';
  const cwd = await makeProject(model, { 'texts.csv': text });
  // One split for each record; of these the first two are there, as they were loaded then.
  const split = ['--read-batch-size', '1', '--process-count', '1'];
  await run(cwd, 'ingest', 'texts.csv', ...split);
  await makeOlder();
  await database.query(
    `UPDATE edp.loads SET state = 'loading', finished_at = NULL, rows_read = 2, rows_loaded = 2;
     DELETE FROM edp.receipts;
     INSERT INTO edp.receipts (load_id, start_byte, end_byte, first_line, line_count, rows_read, rows_loaded,
       rows_rejected, rows_duplicate, content_hash)
     VALUES (1, 8, 20, 2, 2, 2, 2, 0, 0, '${await hashOf(text.slice(8, 20))}');
     TRUNCATE texts; INSERT INTO texts VALUES ('1', 'a', 1), ('id', 'body', 1)`,
  );
  const resumed = await run(cwd, 'ingest', 'texts.csv');
  expect(resumed.json.files[0], resumed.stderr).toMatchObject({
    loadId: 1,
    status: 'loaded',
    rows: { read: 5, loaded: 5, rejected: 0, duplicate: 0 },
    passedOver: null,
    byteCounts: null,
  });
  const verified = await run(cwd, 'verify', '1');
  expect(verified.json, verified.stdout).toMatchObject({ ok: true });
});

async function hashOf(text: string): Promise<string> {
  const hasher = await createXXHash128();
  return hasher.init().update(text).digest('hex');
}

it('a run from before error codes were kept: null', async () => {
  const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n', 'other.csv': 'a\n1\n' });
  expect((await run(cwd, 'ingest', 'other.csv', '--table', 'texts')).status).toBe(1);
  await database.query(
    `DELETE FROM edp.migrations WHERE version > 18;
     ALTER TABLE edp.runs DROP COLUMN error_code;
     ALTER TABLE edp.realized DROP COLUMN key_columns`,
  );
  const codes = async () =>
    (await run(cwd, 'status', '--runs')).json.runs.map(({ state, errorCode }) => [
      state,
      errorCode,
    ]);
  expect(await codes()).toEqual([['failed', null]]);
  expect((await run(cwd, 'ingest', 'other.csv', '--table', 'texts')).status).toBe(1);
  expect(await codes()).toEqual([
    ['failed', 'header_mismatch'],
    ['failed', null],
  ]);
});

/** The ledger as version 8 had it: without schemas, and with a log of changes. */
async function makeVersion8(): Promise<void> {
  await database.query('DELETE FROM edp.migrations WHERE version > 8');
  await database.query(DROP_WAREHOUSE);
  await database.query(
    `ALTER TABLE edp.loads DROP COLUMN schema_name, DROP COLUMN table_oid, DROP COLUMN table_database,
       DROP COLUMN gone_at, DROP COLUMN effective_at, DROP COLUMN rows_ended;
     ALTER TABLE edp.runs DROP COLUMN error_code;
     DROP TABLE edp.seen_versions, edp.report_cache, edp.report_cache_parts, edp.report_cache_writes;
     ALTER TABLE edp.loads ADD UNIQUE (table_name, content_hash, generation);
     ALTER TABLE edp.promotions DROP COLUMN schema_name, ADD PRIMARY KEY (table_name, column_name)`,
  );
}

const IN_SCHEMA = 'tables:\n  s1.texts: { columns: { id: int, body: text } }\n';

describe('the schema of a load that an older edp made', () => {
  beforeEach(async () => {
    for (const schema of ['s1', 's2', 'a "b.c']) {
      const quoted = `"${schema.replaceAll('"', '""')}"`;
      await database.query(`DROP SCHEMA IF EXISTS ${quoted} CASCADE; CREATE SCHEMA ${quoted}`);
    }
  });
  const schemas = async () =>
    (await database.query('SELECT schema_name FROM edp.loads ORDER BY load_id')).flat();

  it('is that in the log of changes, for each load', async () => {
    const model = `${IN_SCHEMA}  s2.texts: { columns: { id: int, body: text } }\n  '"a ""b.c".texts': { columns: { id: int, body: text } }\n`;
    const cwd = await makeProject(model, { '1.csv': 'id,body\n1,a\n', '2.csv': 'id,body\n2,a\n' });
    await run(cwd, 'ingest', '1.csv', '--table', 's2.texts');
    await run(cwd, 'ingest', '2.csv', '--table', '"a ""b.c".texts');
    await makeVersion8();
    expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true, table: 's2.texts' });
    expect((await run(cwd, 'verify', '2')).json).toMatchObject({ ok: true });
    expect(await schemas()).toEqual(['s2', 'a "b.c']);
    const again = await run(cwd, 'ingest', '1.csv', '--table', 's2.texts');
    expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
  });

  it('is the only one that has such a table', async () => {
    const cwd = await makeProject(IN_SCHEMA, { 'texts.csv': 'id,body\n1,a\n' });
    await run(cwd, 'ingest', 'texts.csv');
    await makeOlder();
    const again = await run(cwd, 'ingest', 'texts.csv');
    expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
    expect(await schemas()).toEqual(['s1']);
  });

  it('is that of the search path where several have one', async () => {
    const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n' });
    await run(cwd, 'ingest', 'texts.csv');
    await makeOlder();
    await database.query('CREATE TABLE s1.texts (); CREATE TABLE s2.texts ()');
    const again = await run(cwd, 'ingest', 'texts.csv');
    expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
    expect(await schemas()).toEqual(['public']);
  });

  it('where the table is gone, its file loads again', async () => {
    const cwd = await makeProject(MODEL, { 'texts.csv': 'id,body\n1,a\n' });
    await run(cwd, 'ingest', 'texts.csv');
    await makeOlder();
    await database.query('DROP TABLE texts');
    await run(cwd, 'status');
    await database.query('CREATE TABLE texts (id int, body text, load_id bigint)');
    const again = await run(cwd, 'ingest', 'texts.csv');
    expect(again.json.files[0], again.stderr).toMatchObject({ status: 'loaded', loadId: 2 });
  });
});
