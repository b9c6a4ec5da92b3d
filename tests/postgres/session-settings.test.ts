/** What a role, a database or a server sets changes nothing that edp does, or is reported. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, withClient } from '../../src/postgres/connection.js';
import { type CliResult, edp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeProject } from '../support/scratch.js';

const suffix = randomBytes(4).toString('hex');

/** Settings that a role may have, none of them usual. Some exist only in newer servers. */
const HOSTILE: Readonly<Record<string, string>> = {
  statement_timeout: '300ms',
  transaction_timeout: '300ms',
  lock_timeout: '1ms',
  idle_session_timeout: '200ms',
  idle_in_transaction_session_timeout: '200ms',
  array_nulls: 'off',
  quote_all_identifiers: 'on',
  standard_conforming_strings: 'off',
  escape_string_warning: 'on',
  backslash_quote: 'on',
  transform_null_equals: 'on',
  exit_on_error: 'on',
  client_min_messages: 'error',
  client_encoding: 'LATIN1',
  datestyle: 'SQL, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  xmloption: 'document',
  row_security: 'off',
  synchronous_commit: 'off',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  session_replication_role: 'replica',
  search_path: '"$user", edp, public, pg_catalog',
  work_mem: '64kB',
  enable_hashjoin: 'off',
  enable_indexscan: 'off',
  jit: 'on',
};

const MODEL = `
tables:
  kinds:
    columns: {kind: text, weight: double}
    key: kind
  facts:
    columns:
      id: bigint
      at: timestamp
      kind: {type: text, references: kinds}
      amount: numeric
      ratio: double
      note: text
    metrics: {from: metrics, path: metrics, columns: {one: bigint}}
    key: id
`;

const RECORDS = 1200;
const KINDS = 'kind,weight\na,0.1\nb,1e-300\n"c\\d",3\n';
const HEADER = 'id,at,kind,amount,ratio,note,metrics\n';

function facts(first: number, count: number, kind = 'a'): string {
  let text = HEADER;
  for (let id = first; id < first + count; id++) {
    const note = id % 7 === 0 ? '' : id % 5 === 0 ? `"NULL, ""it's"" \\n ü€${id}"` : `n${id}`;
    const bad = id % 500 === 3 ? 'x' : '';
    text += `${id},2024-03-0${1 + (id % 9)} 01:02:03.${id % 10},${kind},${id}.${id % 100}0${bad},${id / 3},${note},`;
    text += `"{""metrics"": {""one"": ${id}, ""two"": ${id * 2}}}"\n`;
  }
  return text;
}

interface Place {
  readonly database: TestDatabase;
  readonly url: string;
}

describe('a role with every setting that could disturb', () => {
  const role = `edp_hostile_${suffix}`;
  let hostile: Place;
  let usual: Place;
  beforeAll(async () => {
    const [one, two] = [await createTestDatabase('empty'), await createTestDatabase('empty')];
    await one.query(`CREATE ROLE ${role} LOGIN SUPERUSER`);
    for (const [name, value] of Object.entries(HOSTILE)) {
      const [[exists]] = (await one.query('SELECT current_setting($1, true) IS NOT NULL', [
        name,
      ])) as [[boolean]];
      if (!exists) continue;
      const text = name === 'search_path' ? value : `'${value}'`;
      await one.query(`ALTER ROLE ${role} SET ${name} = ${text}`);
    }
    hostile = { database: one, url: one.url.replace('user=edp', `user=${role}`) };
    usual = { database: two, url: two.url };
  });
  afterAll(async () => {
    await hostile.database.query(`REASSIGN OWNED BY ${role} TO edp`);
    await hostile.database.query(`DROP ROLE ${role}`);
  });

  it('has them all where a program does not set its own', async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ ...hostile.database.config, user: role });
    await client.connect();
    const { rows } = await client.query<{ name: string; value: string | null }>(
      'SELECT name, current_setting(name, true) AS value FROM unnest($1::text[]) AS name',
      [Object.keys(HOSTILE)],
    );
    await client.end();
    const unit = (text: string) => text.replaceAll(/[" ]/g, '').toLowerCase();
    for (const { name, value } of rows) {
      // pg asks for UTF-8 when it connects.
      if (value !== null && name !== 'client_encoding')
        expect(unit(value), name).toBe(unit(String(HOSTILE[name])));
    }
    expect(rows.filter(({ value }) => value !== null).length).toBeGreaterThan(15);
  });

  it('ingests, verifies, replays, promotes, reports and undoes as any other', async () => {
    const results = [];
    for (const place of [usual, hostile]) results.push(await runAll(place));
    expect(results[1]).toEqual(results[0]);
    const [outcome] = results;
    expect(outcome!.statuses).toEqual([0, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0]);
    expect(outcome!.rows.length).toBeGreaterThan(RECORDS);
  });

  it('waits for a lock, as long as it takes', async () => {
    const cwd = await makeProject(MODEL, { 'kinds.csv': KINDS.replace('a,', 'z,') });
    const holder = await connect(hostile.database.config, 'test holder');
    await holder.query('BEGIN; LOCK TABLE kinds');
    setTimeout(() => void holder.query('COMMIT').then(() => holder.end()), 1500);
    const result = await edp(['ingest', 'kinds.csv', '--json', '--database-url', hostile.url], {
      cwd,
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
  });

  it('leaves no session a timeout, and keeps stricter commits', async () => {
    await hostile.database.query(`ALTER ROLE ${role} SET synchronous_commit = 'local'`);
    await withClient({ ...hostile.database.config, user: role }, 'test', async (client) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings
         WHERE name ~ '_timeout$' AND context = 'user' AND name !~ '^(deadlock|wal)_'
            OR name = 'synchronous_commit' ORDER BY name`,
      );
      const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
      expect(settings).toMatchObject({ synchronous_commit: 'local', statement_timeout: '0' });
      for (const [name, setting] of Object.entries(settings)) {
        if (name !== 'synchronous_commit') expect(setting, name).toBe('0');
      }
    });
  });
});

/** Every command once, on the same files. */
async function runAll({ database, url }: Place) {
  const cwd = await makeProject(MODEL, {
    'kinds.csv': KINDS,
    'facts-1.csv': facts(1, RECORDS),
    'facts-2.csv': facts(RECORDS + 1, 300) + facts(1, 20).slice(HEADER.length),
    'facts-3.csv': facts(RECORDS + 1001, 50, 'later'),
  });
  const run = async (...args: string[]): Promise<CliResult> =>
    edp([...args, '--database-url', url], { cwd });
  const ingest = (name: string, ...more: string[]) =>
    run('ingest', name, '--read-batch-size', '500', '--process-count', '2', ...more);
  const results = [
    await ingest('kinds.csv'),
    await ingest('facts-1.csv'),
    await ingest('facts-2.csv', '--on-conflict', 'update'),
    await ingest('facts-3.csv'),
  ];
  results.push(await run('verify', '2'), await run('verify', '3'));
  await writeFile(path.join(cwd, 'kinds-2.csv'), 'kind,weight\nlater,2\n');
  await ingest('kinds-2.csv', '--table', 'kinds');
  results.push(
    await run('replay', '4'),
    await run('promote', 'two', '--type', 'bigint', '--table', 'facts'),
    await run('generate-report', 'load_history', '--out', '-', '--format', 'json'),
    await run('undo', '3', '--yes'),
    await run('status'),
  );
  const rows = await database.query('SELECT f::text FROM facts f ORDER BY id');
  const rejects = await database.query(
    'SELECT load_id, byte_offset, code, reason, raw FROM edp.rejects ORDER BY 1, 2',
  );
  return {
    statuses: results.map(({ status }) => status),
    errors: results.filter(({ status }) => status === 1 || status === 2).map((r) => r.stderr),
    rows,
    rejects,
  };
}

describe('a role that may only read', () => {
  const role = `edp_frozen_${suffix}`;
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase('empty');
    await database.query(`CREATE ROLE ${role} LOGIN SUPERUSER`);
    await database.query(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
  });
  afterAll(async () => {
    await database.query(`DROP ROLE ${role}`);
  });

  it('is told so, with the remedy, and may read what is there', async () => {
    const cwd = await makeProject(MODEL, { 'kinds.csv': KINDS });
    const frozen = database.url.replace('user=edp', `user=${role}`);
    const empty = await edp(['ingest', 'kinds.csv', '--json', '--database-url', frozen], { cwd });
    expect(empty.status, empty.stderr).toBe(1);
    expect(empty.json.error).toMatchObject({ code: 'database_refused' });
    const loaded = await edp(['ingest', 'kinds.csv', '--json', '--database-url', database.url], {
      cwd,
    });
    expect(loaded.status, loaded.stderr).toBe(0);
    await writeFile(path.join(cwd, 'kinds-2.csv'), 'kind,weight\nq,2\n');
    for (const args of [
      ['ingest', 'kinds-2.csv', '--table', 'kinds'],
      ['undo', '1', '--yes'],
      ['replay', '1'],
    ]) {
      const result = await edp([...args, '--json', '--database-url', frozen], { cwd });
      expect(JSON.parse(result.stdout).error, result.stderr).toMatchObject({
        code: 'database_refused',
        message: expect.stringMatching(/can only be read/),
        hint: expect.stringContaining('default_transaction_read_only'),
      });
    }
    for (const args of [['status'], ['verify', '1'], ['rejects', '1']]) {
      const result = await edp([...args, '--database-url', frozen], { cwd });
      expect(result.status, result.stderr).toBe(0);
    }
  });
});
