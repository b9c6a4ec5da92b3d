/**
 * `edp replay`: rejects that can be loaded now are loaded once, in spite of kills and other
 * commands.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CliResult } from '../../support/cli.js';
import {
  expectBalanced,
  holdOpen,
  interruptAtLock,
  killDuring,
  waitForLock,
} from '../../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

/** How often a command is killed at a random moment. */
const KILL_ROUNDS = Number(process.env.KILL_ROUNDS ?? 8);

const database = useEmptyDatabase();
const run = runnerFor(database);

function loadIdOf(result: CliResult<'ingest'>): string {
  expect([0, 3], result.stderr).toContain(result.status);
  return String(result.json.files[0].loadId);
}

/** Facts without a key that refer to kinds. */
const FACTS = `
tables:
  kinds:
    columns: { id: int, name: text }
    key: id
  facts:
    columns: { id: int, kind: { type: int, references: kinds }, body: text }
`;

/** One record in four refers to kind 2, which is missing at first, and one in twenty is damaged. */
function facts(count: number): string {
  const lines = Array.from({ length: count }, (_, i) =>
    i % 20 === 19 ? `${i}x,1,damaged` : `${i},${i % 4 === 0 ? 2 : 1},"fact ${i},\n""quoted"""`,
  );
  return `id,kind,body\n${lines.join('\n')}\n`;
}

const content = () =>
  database.query('SELECT id, kind, md5(body) FROM facts ORDER BY id, kind, body');

describe('after the dimension has arrived', () => {
  it('each reject that loads now is loaded once, in a table without a key', async () => {
    const cwd = await makeProject(FACTS, {
      'kinds-1.csv': 'id,name\n1,one\n',
      'kinds-2.csv': 'id,name\n2,two\n',
      'facts.csv': facts(2000),
    });
    await run(cwd, 'ingest', 'kinds-1.csv');
    const ingest = await run(cwd, 'ingest', 'facts.csv', '--read-batch-size', '150');
    expect(ingest.json.rows).toEqual({ read: 2000, loaded: 1400, rejected: 600, duplicate: 0 });
    const load = loadIdOf(ingest);

    const tooSoon = await run(cwd, 'replay', load);
    expect(tooSoon.status).toBe(3);
    expect(tooSoon.json).toMatchObject({
      command: 'replay',
      rows: { read: 600, loaded: 0, rejected: 600, duplicate: 0 },
      remaining: 600,
    });

    await run(cwd, 'ingest', 'kinds-2.csv');
    const replayed = await run(cwd, 'replay', load);
    expect(replayed.status, replayed.stderr).toBe(3);
    expect(replayed.json.rows).toEqual({ read: 600, loaded: 500, rejected: 100, duplicate: 0 });
    expect(replayed.json.remaining).toBe(100);
    await expectBalanced(database, 'facts');
    expect(await database.query('SELECT DISTINCT code FROM edp.rejects')).toEqual([
      ['bad_integer'],
    ]);
    expect((await run(cwd, 'replay', load)).json.rows).toMatchObject({ read: 100, loaded: 0 });

    const replayedContent = await content();
    await database.query('DROP TABLE facts');
    await database.query('DROP SCHEMA edp CASCADE');
    expect((await run(cwd, 'ingest', 'facts.csv')).json.rows.loaded).toBe(1900);
    expect(await content()).toEqual(replayedContent);
  });

  it('with --missing-dimensions infer it need not have', async () => {
    const cwd = await makeProject(FACTS, {
      'kinds.csv': 'id,name\n1,one\n',
      'facts.csv': facts(100),
    });
    await run(cwd, 'ingest', 'kinds.csv');
    const load = loadIdOf(await run(cwd, 'ingest', 'facts.csv'));
    const replayed = await run(cwd, 'replay', load, '--missing-dimensions', 'infer');
    expect(replayed.json.rows).toEqual({ read: 30, loaded: 25, rejected: 5, duplicate: 0 });
    expect((await run(cwd, 'status', load)).json.load.inferredMembers).toEqual({
      'public.kinds': 1,
    });
  });
});

it('what is refused again has its new reason', async () => {
  const cwd = await makeProject(FACTS, {
    'kinds.csv': 'id,name\n1,one\n',
    'facts.csv': 'id,kind,body\n1,2,a\n',
  });
  await run(cwd, 'ingest', 'kinds.csv');
  const load = loadIdOf(await run(cwd, 'ingest', 'facts.csv'));
  await run(cwd, 'replay', load);
  await database.query("ALTER TABLE facts ADD CHECK (body <> 'a')");
  await database.query("INSERT INTO kinds VALUES (2, 'two')");
  const replayed = await run(cwd, 'replay', load);
  expect(replayed.status).toBe(3);
  const { json } = await run(cwd, 'rejects', load);
  expect(json.rejects).toMatchObject([{ line: 2, code: 'refused_by_server', raw: '1,2,a' }]);
  expect(json.rejects[0].reason).toContain('facts_body_check');
  await database.query('ALTER TABLE facts DROP CONSTRAINT facts_body_check');
  expect(await run(cwd, 'replay', load)).toMatchObject({ status: 0 });
  expect(await database.query('SELECT id, kind, body FROM facts')).toEqual([[1, 2, 'a']]);
});

describe('--on-conflict', () => {
  it.each([
    { mode: 'reject', counts: { loaded: 0, rejected: 2, duplicate: 0 }, bodies: ['old', 'old'] },
    { mode: 'skip', counts: { loaded: 0, rejected: 0, duplicate: 2 }, bodies: ['old', 'old'] },
    { mode: 'update', counts: { loaded: 2, rejected: 0, duplicate: 0 }, bodies: ['new', 'new'] },
  ])('$mode', async ({ mode, counts, bodies }) => {
    const cwd = await makeProject(
      'tables:\n  items:\n    columns: { id: int, body: text }\n    key: id\n',
      {
        'items-1.csv': 'id,body\n1,old\n2,old\n3,old\n',
        'items-2.csv': 'id,body\n1,new\n2,new\n3,old\n',
      },
    );
    await run(cwd, 'ingest', 'items-1.csv');
    const load = loadIdOf(await run(cwd, 'ingest', 'items-2.csv'));
    const replayed = await run(cwd, 'replay', load, '--on-conflict', mode);
    expect(replayed.json.rows).toEqual({ read: 2, ...counts });
    expect(replayed.status).toBe(counts.rejected > 0 ? 3 : 0);
    expect(await database.query('SELECT body FROM items WHERE id < 3 ORDER BY id')).toEqual(
      bodies.map((body) => [body]),
    );
    expect(
      await database.query(
        `SELECT sum(rows_loaded)::int, sum(rows_rejected)::int, sum(rows_duplicate)::int FROM edp.receipts WHERE load_id = $1`,
        [load],
      ),
    ).toEqual([[counts.loaded, counts.rejected, 1 + counts.duplicate]]);
    // Rows that were replaced or skipped, as the rule specified, are no difference.
    for (const verified of [load, '1']) {
      const { status, json, stderr } = await run(cwd, 'verify', verified);
      expect([status, json.ok], stderr).toEqual([0, true]);
    }
  });
});

describe('a model that has changed since', () => {
  it('takes a column that was widened, a metric that was declared, a table that was altered', async () => {
    const model = (type: string, metrics: string) => `
tables:
  items:
    columns: { id: int, size: ${type} }
    metrics: { from: payload, columns: { ${metrics} } }
`;
    const cwd = await makeProject(model('smallint', 'one: int'), {
      'items.csv': [
        'id,size,payload',
        '1,70000,"{""one"": 1, ""two"": 2, ""three"": 3}"',
        '2,80000,"{""one"": 1, ""three"": 3}"',
        '3,5,"{""two"": 7}"',
        '',
      ].join('\n'),
    });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    await writeFile(path.join(cwd, 'edp.yaml'), model('int', 'one: int, two: int'));
    const misfit = await run(cwd, 'replay', load);
    expect(misfit.status).toBe(1);
    expect(misfit.json.error).toMatchObject({ code: 'table_mismatch' });
    await database.query('ALTER TABLE items ALTER size TYPE int, ADD two int');
    const replayed = await run(cwd, 'replay', load);
    expect(replayed.json, replayed.stderr).toMatchObject({
      rows: { read: 2, loaded: 2 },
      unknownMetrics: { three: 2 },
    });
    expect(
      await database.query('SELECT id, size, one, two, extra_metrics::text FROM items ORDER BY id'),
    ).toEqual([
      [1, 70_000, 1, 2, '{"three": 3}'],
      [2, 80_000, 1, null, '{"three": 3}'],
      [3, 5, null, null, '{"two": 7}'],
    ]);
    expect((await run(cwd, 'status', load)).json.load.unknownMetrics).toEqual({ two: 1, three: 2 });
    await expectBalanced(database, 'items');
  });

  it('says which fields no longer fit', async () => {
    const cwd = await makeProject('tables:\n  items:\n    columns: { id: int, size: int }\n', {
      'items.csv': 'id,size\nx,1\n',
    });
    const load = loadIdOf(await run(cwd, 'ingest', 'items.csv'));
    await writeFile(path.join(cwd, 'edp.yaml'), 'tables:\n  items:\n    columns: { id: int }\n');
    const replayed = await run(cwd, 'replay', load);
    expect(replayed.json.error).toMatchObject({ code: 'header_mismatch' });
    expect(replayed.json.error.message).toContain('"size"');
    await writeFile(path.join(cwd, 'edp.yaml'), 'tables:\n  other:\n    columns: { id: int }\n');
    expect((await run(cwd, 'replay', load)).json.error).toMatchObject({ code: 'unknown_table' });
  });
});

describe('records are read as the load read them', () => {
  const TEXTS = 'tables:\n  texts:\n    columns: { id: int, body: text }\n';
  const cases = [
    { name: 'tab-separated, with bare quotes', file: 'id\tbody\nx1\t{"a": "b"}\nx2\t"q\tq"\n' },
    { name: 'CR alone, with line feeds inside', file: 'id,body\rx1,"a\rb"\rx2,"c\nd"\r' },
    { name: 'CRLF, and a CR of its own', file: 'id,body\r\nx1,a\r\r\nx2,"b\r\nb"\r\n' },
    {
      name: 'a delimiter of one’s own',
      file: 'id^body\nx1^a,a\nx2^b\n',
      args: ['--delimiter', '^'],
    },
    { name: 'quotes that do not close', file: 'id,body\nx1,"a\nx2,"b"c\n4,d\n', stays: true },
    {
      name: 'bytes that are no UTF-8',
      file: Buffer.from('id,body\nx1,\xff\nx2,\xe9\n', 'latin1'),
      stays: true,
    },
    { name: 'too many fields', file: 'id,body\nx1,a,b\nx2,b,c\n', stays: true },
  ];
  it.each(cases)('$name', async ({ file, args = [], stays = false }) => {
    const cwd = await makeProject(TEXTS, { 'texts.csv': file });
    const load = loadIdOf(await run(cwd, 'ingest', 'texts.csv', ...args));
    const before = (await run(cwd, 'rejects', load)).json.rejects;
    const again = await run(cwd, 'replay', load);
    expect(again.json.rows, again.stderr).toMatchObject({
      read: before.length,
      rejected: before.length,
    });
    // Every detail is the same: nothing about the record was read differently.
    expect((await run(cwd, 'rejects', load)).json.rejects).toEqual(before);
    if (stays) return;
    // With a model that accepts them, they are loaded as from the file.
    await database.query('ALTER TABLE texts ALTER id TYPE text');
    await writeFile(path.join(cwd, 'edp.yaml'), TEXTS.replace('id: int', 'id: text'));
    expect(await run(cwd, 'replay', load)).toMatchObject({ status: 0 });
    const replayed = await database.query('SELECT id, body FROM texts ORDER BY id');
    await database.query('TRUNCATE texts');
    await run(cwd, 'ingest', 'texts.csv', '--force', ...args);
    expect(replayed).toEqual(await database.query('SELECT id, body FROM texts ORDER BY id'));
    expect(replayed).toHaveLength(2);
  });
});

describe('stopped, or beside others', () => {
  async function prepare(count: number) {
    const cwd = await makeProject(FACTS, {
      'kinds.csv': 'id,name\n1,one\n',
      'facts.csv': facts(count),
    });
    await run(cwd, 'ingest', 'kinds.csv');
    const load = loadIdOf(await run(cwd, 'ingest', 'facts.csv', '--read-batch-size', '700'));
    await database.query("INSERT INTO kinds VALUES (2, 'two')");
    return { cwd, load };
  }

  it('by kill -9 at any moment: each record is loaded once, and the ledger always adds up', async () => {
    const { cwd, load: first } = await prepare(20_000);
    let load = first;
    for (let round = 0; round < KILL_ROUNDS; round++) {
      const delayMs = Math.round(Math.random() * 500);
      const args = ['replay', load, '--database-url', database.url];
      await killDuring(database, 'replay', args, { cwd }, delayMs);
      await expectBalanced(database, 'facts');
      const [[left]] = (await database.query('SELECT count(*) FROM edp.rejects')) as [[number]];
      if (left > 1000) continue;
      // Nothing is left to be killed at: start again.
      await expectAll();
      expect(await run(cwd, 'undo', load)).toMatchObject({ status: 0 });
      await database.query('DELETE FROM kinds WHERE id = 2');
      load = loadIdOf(await run(cwd, 'ingest', 'facts.csv', '--read-batch-size', '700'));
      await database.query("INSERT INTO kinds VALUES (2, 'two')");
    }
    expect((await run(cwd, 'replay', load)).json.remaining).toBe(1000);
    await expectBalanced(database, 'facts');
    await expectAll();
  });

  async function expectAll() {
    expect(
      await database.query('SELECT count(*), count(DISTINCT id), sum(id), sum(kind) FROM facts'),
    ).toEqual([[19_000, 19_000, sumOfGood(20_000), 19_000 + 5000]]);
  }

  it('two at once: each record is loaded once', async () => {
    const { cwd, load } = await prepare(20_000);
    const both = await Promise.all([run(cwd, 'replay', load), run(cwd, 'replay', load)]);
    for (const { status, json, stderr } of both) {
      expect([1, 3], stderr).toContain(status);
      if (status === 1) expect(json.error.code).toBe('load_busy');
    }
    const loaded = both.reduce((sum, { json }) => sum + (json.rows?.loaded ?? 0), 0);
    expect(loaded).toBe(5000);
    expect(await database.query('SELECT count(*), sum(id) FROM facts')).toEqual([
      [19_000, sumOfGood(20_000)],
    ]);
    await expectBalanced(database, 'facts');
  });

  it('while its file is ingested: one waits for the other', async () => {
    const { cwd, load } = await prepare(2000);
    const [replayed, ingest] = await Promise.all([
      run(cwd, 'replay', load),
      run(cwd, 'ingest', 'facts.csv'),
    ]);
    expect(ingest.json.files[0], ingest.stderr).toMatchObject({ status: 'skipped' });
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 500, rejected: 100 });
    expect(await database.query('SELECT count(*) FROM facts')).toEqual([[1900]]);
  });

  it('by Ctrl-C: exit 130 after the batch in hand, and it goes on', async () => {
    const { cwd, load } = await prepare(400);
    const release = await holdOpen(database, 'DELETE FROM kinds WHERE id = 2');
    const stopped = await interruptAtLock(database, 'replay', release, cwd, 'replay', load);
    expect(stopped.status).toBe(130);
    expect(stopped.json).toMatchObject({
      interrupted: true,
      rows: { loaded: 100, rejected: 20 },
    });
    await expectBalanced(database, 'facts');
    expect((await run(cwd, 'replay', load)).json).toMatchObject({ rows: { read: 20, loaded: 0 } });
  });

  it('by the server, which ends its session: it goes on by itself', async () => {
    const { cwd, load } = await prepare(400);
    const release = await holdOpen(database, 'DELETE FROM kinds WHERE id = 2');
    const replay = run(cwd, 'replay', load);
    const pid = await waitForLock(database, 'replay');
    expect(await database.query('SELECT pg_terminate_backend($1)', [pid])).toEqual([[true]]);
    await release();
    const result = await replay;
    expect(result.json, result.stderr).toMatchObject({
      ok: true,
      rows: { read: 120, loaded: 100, rejected: 20, duplicate: 0 },
      remaining: 20,
    });
    await expectBalanced(database, 'facts');
  });
});

/** Sum of the ids of the records of `facts` that are not damaged. */
function sumOfGood(count: number): number {
  return Array.from({ length: count }, (_, i) => (i % 20 === 19 ? 0 : i)).reduce(
    (a, b) => a + b,
    0,
  );
}
