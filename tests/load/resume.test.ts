/** What happens when a file comes again: after a kill, after a whole load, under another name. */
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory, startEdp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';
import { slowLoads } from '../support/ledger.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

const receiptCount = async () =>
  Number((await database.query('SELECT count(*) FROM edp.receipts WHERE rows_read > 100'))[0]![0]);

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error('waited in vain');
}

async function prepare(records: number) {
  const cwd = await makeDirectory();
  const { files } = await generateEvents(cwd, '--files', '1', '--count', String(records));
  await edp(['seed-dimensions', '--database-url', database.url], { cwd });
  const totals = await sumFiles(files.map((file) => path.join(cwd, file)));
  const run = (...args: string[]) =>
    edp(
      [
        'ingest',
        'events',
        '--json',
        '--read-batch-size',
        '4000',
        '--database-url',
        database.url,
        ...args,
      ],
      { cwd },
    );
  return { cwd, file: path.join(cwd, files[0]!), totals, run };
}

describe('a run that was killed', () => {
  it.each(['SIGKILL', 'SIGINT'] as const)('by %s goes on where it stopped', async (signal) => {
    const { cwd, totals, run } = await prepare(120_000);
    const hurry = await slowLoads(database);
    const child = startEdp(
      ['ingest', 'events', '--read-batch-size', '4000', '--database-url', database.url],
      { cwd },
    );
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await waitFor(async () => (await receiptCount()) >= 3);
    child.kill(signal);
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : null);
    await hurry();

    const before = await receiptCount();
    const [[state, read, table]] = (await database.query(
      `SELECT state, rows_read, (SELECT count(*) FROM events) FROM edp.loads WHERE table_name = 'events'`,
    )) as [[string, number, number]];
    expect(state).toBe('loading');
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(totals.records);
    // What the ledger says is in the table, also right after the kill.
    expect(table).toBe(read);
    const listed = await edp(['status', '--json', '--database-url', database.url], { cwd });
    expect(listed.json.loads[0]).toMatchObject({ state: 'interrupted', rows: { read } });

    const again = await run();
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(again.json.files[0]).toMatchObject({
      status: 'loaded',
      rows: { read: totals.records, loaded: totals.records },
    });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    expect(await receiptCount()).toBeGreaterThan(before);
  });
});

describe('a file that was loaded', () => {
  it('is skipped when it comes again, and when a copy of it comes', async () => {
    const { cwd, file, totals, run } = await prepare(5000);
    expect((await run()).status).toBe(0);
    const again = await run();
    expect(again.status).toBe(0);
    expect(again.json).toMatchObject({
      ok: true,
      rows: { read: 0, loaded: 0 },
      files: [{ status: 'skipped' }],
    });
    expect(again.json.files[0].reason).toMatch(/same content was loaded by load \d+/);

    await copyFile(file, path.join(cwd, 'events-copy.csv'));
    const copy = await edp(['ingest', 'events-copy.csv', '--database-url', database.url], { cwd });
    expect(copy.status).toBe(0);
    expect(copy.stderr + copy.stdout).toMatch(
      /events-copy\.csv: skipped, the same content was loaded as data\/events-1-1\.csv/,
    );
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
  });

  it('is loaded again with --force, where its records are duplicates', async () => {
    const { run } = await prepare(5000);
    await run();
    const forced = await run('--force');
    expect(forced.status).toBe(0);
    expect(forced.json.rows).toEqual({ read: 5000, loaded: 0, rejected: 0, duplicate: 5000 });
    expect(forced.json.files[0]).toMatchObject({ status: 'loaded' });
  });

  it('is a new load when it has changed', async () => {
    const cwd = await makeDirectory();
    const header = 'id,name\n';
    const options = ['--json', '--database-url', database.url];
    await writeFile(path.join(cwd, 'first_dimensions.csv'), `${header}1,a\n`);
    const first = await edp(['ingest', 'first_dimensions.csv', ...options], { cwd });
    await writeFile(path.join(cwd, 'first_dimensions.csv'), `${header}1,a\n2,b\n`);
    const second = await edp(['ingest', 'first_dimensions.csv', ...options], { cwd });
    expect(second.json.rows).toEqual({ read: 2, loaded: 1, rejected: 0, duplicate: 1 });
    expect(second.json.files[0].loadId).not.toBe(first.json.files[0].loadId);
  });

  it('is loaded once when it is named twice', async () => {
    const { cwd, file, totals } = await prepare(5000);
    await copyFile(file, path.join(cwd, 'data', 'events-0.csv'));
    const result = await edp(
      [
        'ingest',
        'events',
        'data/events-1-1.csv,data/events-0.csv',
        '--json',
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    expect(result.json.files.map(({ status }) => status)).toEqual(['loaded', 'skipped']);
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
  });
});

describe('--max-rejects', () => {
  it.each([
    { limit: '10', status: 1 },
    { limit: '1%', status: 1 },
    { limit: '100', status: 3 },
    { limit: '50%', status: 3 },
  ])('$limit', async ({ limit, status }) => {
    const cwd = await makeDirectory();
    const lines = Array.from({ length: 500 }, (_, i) => (i % 10 === 0 ? `x${i},bad` : `${i},good`));
    await writeFile(path.join(cwd, 'first_dimensions.csv'), `id,name\n${lines.join('\n')}\n`);
    const args = [
      'ingest',
      'first_dimensions.csv',
      '--json',
      '--read-batch-size',
      '20',
      '--database-url',
      database.url,
    ] as const;
    const result = await edp([...args, '--max-rejects', limit], { cwd });
    expect(result.status, result.stderr).toBe(status);
    if (status === 1) {
      expect(result.json).toMatchObject({ ok: false, error: { code: 'too_many_rejects' } });
      expect(result.json.rows.read).toBeLessThan(500);
    }
    const resumed = await edp(args, { cwd });
    if (status === 1)
      expect(resumed.json.rows).toEqual({ read: 500, loaded: 450, rejected: 50, duplicate: 0 });
    else expect(resumed.json.files[0].status).toBe('skipped');
    expect(await database.query('SELECT count(*) FROM first_dimensions')).toEqual([[450]]);
  });
});

describe('files that look the same, but for a byte in the middle', () => {
  const content = (middle: string) =>
    `id,name\n${Array.from({ length: 30_000 }, (_, i) => `${i},${i === 14_321 ? middle : 'name'}\n`).join('')}`;

  it('are different files, after a whole load and after an interrupted one', async () => {
    const cwd = await makeDirectory();
    const load = async (text: string) => {
      await writeFile(path.join(cwd, 'first_dimensions.csv'), text);
      return edp(
        [
          'ingest',
          'first_dimensions.csv',
          '--on-conflict',
          'update',
          '--json',
          '--read-batch-size',
          '5000',
          '--database-url',
          database.url,
        ],
        { cwd },
      );
    };
    const middle = async () =>
      (await database.query('SELECT name FROM first_dimensions WHERE id = 14321'))[0]![0];
    const first = await load(content('aaaa'));
    expect(first.json.files[0]).toMatchObject({ status: 'loaded', rows: { loaded: 30_000 } });
    const second = await load(content('bbbb'));
    expect(second.json.files[0]).toMatchObject({
      status: 'loaded',
      rows: { loaded: 1, duplicate: 29_999 },
    });
    expect(await middle()).toBe('bbbb');
    expect((await load(content('aaaa'))).json.files[0].status).toBe('skipped');
    expect((await load(content('bbbb'))).json.files[0].status).toBe('skipped');
    // As if the run had ended before its last split.
    const interrupted = second.json.files[0].loadId;
    await database.query(`UPDATE edp.loads SET state = 'loading' WHERE load_id = ${interrupted}`);
    expect((await load(content('cccc'))).json.files[0]).toMatchObject({
      status: 'loaded',
      rows: { loaded: 1, duplicate: 29_999 },
    });
    expect(await middle()).toBe('cccc');
    expect((await load(content('bbbb'))).json.files[0]).toMatchObject({
      loadId: interrupted,
      status: 'loaded',
    });
  });
});

it('the working time of a load that was killed is known by its splits', async () => {
  const { cwd, run } = await prepare(100_000);
  const hurry = await slowLoads(database);
  const child = startEdp(
    [
      'ingest',
      'events',
      '--read-batch-size',
      '4000',
      '--process-count',
      '1',
      '--database-url',
      database.url,
    ],
    { cwd },
  );
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once('close', resolve));
  await waitFor(async () => (await receiptCount()) >= 20);
  child.kill('SIGKILL');
  await ended;
  await hurry();
  expect((await run()).status).toBe(0);
  const where = ['--json', '--database-url', database.url];
  const { json } = await edp(['status', ...where], { cwd });
  // 20 splits of 50 ms each, and what the second run took.
  expect(json.loads[0]?.seconds).toBeGreaterThan(1);
  expect(json.loads[0]?.seconds).toBeLessThan(100);
  const report = ['generate-report', 'load_history', '--format', 'json', '--out', '-'];
  const { stdout } = await edp([...report, '--database-url', database.url], { cwd });
  const [load] = JSON.parse(stdout) as { seconds: number; rows_per_second: number }[];
  expect(load?.seconds).toBeCloseTo(json.loads[0]!.seconds, 2);
  expect(load?.rows_per_second).toBeLessThan(100_000);
});
