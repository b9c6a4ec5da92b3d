/** Big files into an empty table: its indexes are built behind the rows, and it is never seen without them. */
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, startEdp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  type EventTotals,
  generateEvents,
  sumFiles,
  TOTALS_SQL,
  totalsRow,
} from '../support/events.js';
import { makeTemporary } from '../support/temporary.js';

const RECORDS = 270_000;
const CONSTRAINTS_SQL = `
  SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'events'::regclass
  UNION ALL
  SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'events'::regclass
  ORDER BY 1`;

let database: TestDatabase;
let cwd: string;
let files: readonly string[];
let totals: EventTotals;
let constraints: unknown[][];

const ingest = (...args: string[]) =>
  edp(['ingest', ...args, '--json', '--database-url', database.url], { cwd });
/** With failpoints, in small splits. */
const ingestWith = (failpoints: string, ...args: string[]) =>
  edp(['ingest', ...args, '--json', '--database-url', database.url, ...SMALL_SPLITS], {
    cwd,
    env: { EDP_FAILPOINTS: failpoints },
  });
const SMALL_SPLITS = ['--read-batch-size', '5000', '--process-count', '2'];

/** Transactions of receipts; of the first one, the share of all their records. */
async function firstShare(): Promise<{ transactions: number; share: number }> {
  const rows = (await database.query(
    `SELECT sum(rows_read)::int FROM edp.receipts GROUP BY xmin::text ORDER BY min(committed_at)`,
  )) as [number][];
  return { transactions: rows.length, share: rows[0]![0] / RECORDS };
}

/** Everything is there once, the receipts tile the files, and the table is whole. */
async function expectComplete(): Promise<void> {
  expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
  expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
  const faults = await database.query(
    `SELECT l.load_id FROM edp.loads l JOIN edp.receipts r USING (load_id)
     GROUP BY l.load_id
     HAVING sum(end_byte - start_byte) <> max(end_byte) - min(start_byte)
         OR sum(r.rows_loaded) <> max(l.rows_loaded) OR max(state) <> 'loaded'
         OR max(first_line + line_count) <> 1 + sum(line_count) + min(first_line) - 1`,
  );
  expect(faults).toEqual([]);
}

beforeAll(async () => {
  database = await createTestDatabase();
  cwd = await makeTemporary();
  ({ files } = await generateEvents(cwd, '--files', '2', '--count', String(RECORDS)));
  totals = await sumFiles(files.map((file) => path.join(cwd, file)));
  await edp(['seed-dimensions', '--database-url', database.url], { cwd });
  constraints = await database.query(CONSTRAINTS_SQL);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));
beforeEach(async () => {
  await database.query('TRUNCATE events');
  await database.query('TRUNCATE edp.loads CASCADE');
});

describe('a bulk load', () => {
  it('loads every record once, with receipts that cover the files, and all constraints', async () => {
    const result = await ingest('events', '--read-batch-size', '20000', '--process-count', '3');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr).not.toMatch(/split by split/);
    expect(result.json.rows).toEqual({ read: RECORDS, loaded: RECORDS, rejected: 0, duplicate: 0 });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
    // Committed by one transaction, and tiling each file behind its header.
    const [[transactions]] = (await database.query(
      'SELECT count(DISTINCT xmin::text) FROM edp.receipts',
    )) as [[number]];
    expect(Number(transactions)).toBe(1);
    const gaps = await database.query(
      `SELECT l.load_id FROM edp.loads l JOIN edp.receipts r USING (load_id)
       GROUP BY l.load_id, size_bytes, header
       HAVING sum(end_byte - start_byte) <> size_bytes - length(header) - 1
           OR sum(r.rows_loaded) <> max(l.rows_loaded) OR max(state) <> 'loaded'`,
    );
    expect(gaps).toEqual([]);
    expect((await ingest('events')).json.files).toMatchObject(
      files.map(() => ({ status: 'skipped' })),
    );
  });

  it('has the records that are no rows among the rejects, with their lines', async () => {
    const file = path.join(cwd, 'events-bad.csv');
    const text = await readFile(path.join(cwd, files[0]!), 'utf8');
    const second = await readFile(path.join(cwd, files[1]!), 'utf8');
    const lines = text.trimEnd().split('\n').concat(second.trimEnd().split('\n').slice(1));
    for (const line of [2, 70_000, lines.length]) {
      lines[line - 1] = lines[line - 1]!.replace(/\d\d:\d\d:\d\d/, '25:00:00');
    }
    await appendFile(file, `${lines.join('\n')}\n`);
    const result = await ingest('events-bad.csv', '--read-batch-size', '15000');
    expect(result.status).toBe(3);
    expect(result.stderr).not.toMatch(/split by split/);
    expect(result.json.rows).toMatchObject({ loaded: RECORDS - 3, rejected: 3 });
    const rejects = await edp(
      ['rejects', String(result.json.files[0].loadId), '--json', '--database-url', database.url],
      { cwd },
    );
    expect(rejects.json.rejects).toMatchObject(
      [2, 70_000, lines.length].map((line) => ({
        line,
        code: 'bad_timestamp',
        raw: lines[line - 1],
      })),
    );
  });

  it('takes packed files, too; where one breaks off, what comes before it is loaded by splits', async () => {
    // Stored, since the size of the files decides whether a bulk load is worth it.
    const packed = await Promise.all(
      files.map(async (file) => gzipSync(await readFile(path.join(cwd, file)), { level: 0 })),
    );
    const names = ['events-gz-1.csv', 'events-gz-2.csv'];
    for (const [i, bytes] of packed.entries()) await writeFile(path.join(cwd, names[i]!), bytes);
    const sizes = ['--read-batch-size', '20000', '--process-count', '3'];
    const result = await ingest(...names, ...sizes);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr).not.toMatch(/split by split/);
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    const [[transactions]] = (await database.query(
      'SELECT count(DISTINCT xmin::text) FROM edp.receipts',
    )) as [[number]];
    expect(Number(transactions)).toBe(1);
    expect((await ingest(...names)).json.files).toMatchObject(
      names.map(() => ({ status: 'skipped' })),
    );

    await database.query('TRUNCATE events');
    await database.query('TRUNCATE edp.loads CASCADE');
    await writeFile(path.join(cwd, names[1]!), packed[1]!.subarray(0, -5_000_000));
    const broken = await ingest(...names, ...sizes);
    expect(broken.status).toBe(1);
    expect(broken.json.files).toMatchObject([{ status: 'loaded' }, { status: 'failed' }]);
    expect(broken.json.files[1].rows.loaded).toBeGreaterThan(50_000);
    const [[count]] = (await database.query('SELECT count(*)::int FROM events')) as [[number]];
    expect(count).toBe(broken.json.rows.loaded);
    await writeFile(path.join(cwd, names[1]!), packed[1]!);
    const mended = await ingest(...names, ...sizes);
    expect(mended.json.files).toMatchObject([{ status: 'skipped' }, { status: 'loaded' }]);
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    await Promise.all(names.map((name) => rm(path.join(cwd, name))));
  });

  it.each([
    ['a doubled key', 'conflict', (line: string) => line.replace(/^\d+/, '7')],
    [
      'a missing dimension',
      'missing_dimension',
      (line: string) => {
        const fields = line.split(',');
        fields[3] = '987654';
        return fields.join(',');
      },
    ],
  ])('gives way to splits where the server refuses %s', async (_, code, spoil) => {
    const copy = `events-${code}.csv`;
    const [first, second] = await Promise.all(
      files.map((file) => readFile(path.join(cwd, file), 'utf8')),
    );
    const lines = [...first!.trimEnd().split('\n'), ...second!.trimEnd().split('\n').slice(1)];
    const header = lines[0]!.split(',');
    expect(header.slice(0, 4)).toEqual([
      'id',
      'recorded_date',
      'created_date',
      'first_dimension_id',
    ]);
    lines[200_000] = spoil(lines[200_000]!);
    await appendFile(path.join(cwd, copy), `${lines.join('\n')}\n`);
    const result = await ingest(copy);
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/split by split/);
    expect(result.json.rows).toEqual({
      read: RECORDS,
      loaded: RECORDS - 1,
      rejected: 1,
      duplicate: 0,
    });
    const rejects = await edp(
      ['rejects', String(result.json.files[0].loadId), '--json', '--database-url', database.url],
      { cwd },
    );
    expect(rejects.json.rejects).toMatchObject([{ line: 200_001, code, raw: lines[200_000] }]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
  });

  it('leaves the table as it was when the run is killed, and can be begun again', async () => {
    const child = startEdp(['ingest', 'events', '--database-url', database.url], { cwd });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    const isCopying = async () => {
      const [[count]] = (await database.query(
        `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'edp bulk' AND query LIKE 'COPY%'`,
      )) as [[number]];
      return Number(count) > 0;
    };
    for (let tries = 0; tries < 1000 && !(await isCopying()); tries++) await sleep(10);
    child.kill('SIGKILL');
    await ended;
    // Waits for the lock, if the server has yet to notice.
    expect(await database.query('SELECT count(*)::int FROM events')).toEqual([[0]]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
    expect(await database.query('SELECT sum(rows_read)::int FROM edp.loads')).toEqual([[0]]);
    const again = await ingest('events');
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
  });

  it('does not happen to a table that is in use, or has rows that must not wait', async () => {
    await database.query('INSERT INTO events (id) SELECT -i FROM generate_series(1, 50000) AS i');
    const result = await ingest('events');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const [[transactions]] = (await database.query(
      'SELECT count(DISTINCT xmin::text) FROM edp.receipts',
    )) as [[number]];
    expect(Number(transactions)).toBeGreaterThan(1);
    expect(await database.query('SELECT count(*)::int FROM events')).toEqual([[RECORDS + 50_000]]);
  });

  it('keeps --max-rejects, and a later run with another limit loads what was undone', async () => {
    const file = path.join(cwd, 'events-many.csv');
    const text = await readFile(path.join(cwd, files[0]!), 'utf8');
    const second = await readFile(path.join(cwd, files[1]!), 'utf8');
    await appendFile(
      file,
      text + second.slice(second.indexOf('\n') + 1) + 'not,a,number\n'.repeat(1000),
    );
    const stopped = await ingest('events-many.csv', '--max-rejects', '10');
    expect(stopped.status).toBe(1);
    expect(stopped.json.error.code).toBe('too_many_rejects');
    const resumed = await ingest('events-many.csv', '--max-rejects', '1000');
    expect(resumed.status).toBe(3);
    expect(resumed.json.rows).toMatchObject({ loaded: RECORDS, rejected: 1000 });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
  });

  it('keeps --max-rejects over several files: none is complete', async () => {
    const names = ['events-over-1.csv', 'events-over-2.csv'];
    for (const [i, file] of files.entries()) {
      const text = await readFile(path.join(cwd, file), 'utf8');
      await writeFile(path.join(cwd, names[i]!), text + 'not,a,number\n'.repeat(20));
    }
    const stopped = await ingest(...names, '--max-rejects', '30');
    expect(stopped.json.error.code).toBe('too_many_rejects');
    expect(await database.query("SELECT count(*) FROM edp.loads WHERE state = 'loaded'")).toEqual([
      [0],
    ]);
    const resumed = await ingest(...names, '--max-rejects', '100');
    expect(resumed.status, resumed.stderr).toBe(3);
    expect(resumed.json.files).toMatchObject(names.map(() => ({ status: 'loaded' })));
    expect(resumed.json.rows).toMatchObject({ loaded: RECORDS, rejected: 40 });
    expect(await database.query(TOTALS_SQL)).toEqual([totalsRow(totals)]);
    await Promise.all(names.map((name) => rm(path.join(cwd, name))));
  });
});

describe('a bulk load that takes long', () => {
  it.each([
    ['plain', false],
    ['packed', true],
  ])('commits the first part, and loads the rest split by split: %s', async (kind, isPacked) => {
    let names: readonly string[] = files;
    if (isPacked) {
      names = files.map((_, i) => `events-long-${i}.csv`);
      for (const [i, file] of files.entries()) {
        const bytes = gzipSync(await readFile(path.join(cwd, file)), { level: 0 });
        await writeFile(path.join(cwd, names[i]!), bytes);
      }
    }
    const result = await ingestWith('bulk.max_ms:=100', ...names);
    expect(result, `${kind} ${result.stderr}`).toMatchObject({ status: 0 });
    expect(result.json.rows).toEqual({ read: RECORDS, loaded: RECORDS, rejected: 0, duplicate: 0 });
    // What is read again from its beginning counts once, too.
    const texts = await Promise.all(names.map((name) => readFile(path.join(cwd, name))));
    const bytes = texts.reduce((sum, { length }) => sum + length, 0);
    expect(result.json.thisRun).toEqual({
      bytes,
      rows: result.json.rows,
    });
    expect(result.json.files).toMatchObject(names.map(() => ({ status: 'loaded' })));
    const { transactions, share } = await firstShare();
    expect(transactions).toBeGreaterThan(1);
    // At least a tenth of the bytes, or it would not end.
    expect(share).toBeGreaterThan(0.09);
    await expectComplete();
    for (const { loadId } of result.json.files) {
      const verified = await edp(
        ['verify', String(loadId), '--json', '--database-url', database.url],
        { cwd },
      );
      expect(verified, verified.stderr).toMatchObject({ status: 0 });
    }
    if (isPacked) await Promise.all(names.map((name) => rm(path.join(cwd, name))));
  });

  it('accounts for the footer of a packed file that it has read in part', async () => {
    const footer = '\nTotal,,\n';
    const all = await Promise.all(files.map((file) => readFile(path.join(cwd, file), 'utf8')));
    const text = all[0]!.trimEnd() + all[1]!.slice(all[1]!.indexOf('\n')).trimEnd() + footer;
    await writeFile(path.join(cwd, 'events-foot.csv'), gzipSync(text, { level: 0 }));
    const args = ['events-foot.csv', '--skip-footer', '1'];
    const result = await ingestWith('bulk.max_ms:=100', ...args);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect((await firstShare()).transactions).toBeGreaterThan(1);
    const { passedOver, byteCounts } = result.json.files[0]!;
    expect(passedOver).toMatchObject({ header: 1, footer: 1 });
    expect(Object.values(byteCounts as object).reduce((sum, one) => sum + one, 0)).toBe(
      Buffer.byteLength(text),
    );
    await rm(path.join(cwd, 'events-foot.csv'));
  });

  it('keeps that part when it is killed behind it', async () => {
    const killed = await ingestWith('bulk.max_ms:=100,bulk.committed=kill', ...files);
    expect(killed.status).not.toBe(0);
    const [[kept]] = (await database.query('SELECT count(*)::int FROM events')) as [[number]];
    expect(kept).toBeGreaterThan(RECORDS * 0.09);
    expect(kept).toBeLessThan(RECORDS);
    expect(await database.query('SELECT sum(rows_loaded)::int FROM edp.loads')).toEqual([[kept]]);
    const again = await ingest(...files);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    await expectComplete();
  });
});

describe('a bulk load that is stopped', () => {
  it.each([1, 4, 12])('keeps what it has copied: at write %i', async (write) => {
    const stopped = await ingestWith(`bulk.write=interrupt@${write}`, ...files);
    expect(stopped, stopped.stderr).toMatchObject({ status: 130 });
    expect(stopped.stderr).toContain('building the indexes over the');
    const [[kept]] = (await database.query('SELECT count(*)::int FROM events')) as [[number]];
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(RECORDS);
    expect(stopped.json.rows.loaded).toBe(kept);
    expect(stopped.json.thisRun.rows.loaded).toBe(kept);
    expect(stopped.json.files.at(-1)).toMatchObject({ status: 'interrupted' });
    expect(await database.query('SELECT sum(rows_loaded)::int FROM edp.loads')).toEqual([[kept]]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
    const again = await ingest(...files);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    const both = [stopped, again].map(({ json }) => json.thisRun);
    expect(both.map(({ rows }) => rows.loaded)).toEqual([kept, RECORDS - Number(kept)]);
    const texts = await Promise.all(files.map((file) => readFile(path.join(cwd, file))));
    expect(both[0]!.bytes + both[1]!.bytes).toBe(
      texts.reduce((sum, { length }) => sum + length, 0),
    );
    await expectComplete();
  });

  it('stops at once the second time, and then the table is as it was', async () => {
    const stopped = await ingestWith('bulk.write=interrupt2@4', ...files);
    expect(stopped.status).toBe(130);
    expect(await database.query('SELECT count(*)::int FROM events')).toEqual([[0]]);
    expect(await database.query(CONSTRAINTS_SQL)).toEqual(constraints);
    expect(await ingest(...files)).toMatchObject({ status: 0 });
    await expectComplete();
  });
});

it('a bulk load whose commit is not acknowledged is known, also where its first file is empty', async () => {
  const [header] = (await readFile(path.join(cwd, files[0]!), 'utf8')).split('\n', 1);
  await writeFile(path.join(cwd, 'events-0.csv'), `${header}\n`);
  const result = await ingestWith('bulk.acknowledged=lose', 'events-0.csv', ...files);
  expect(result, result.stderr).toMatchObject({ status: 0 });
  expect(result.stderr).not.toMatch(/split by split/);
  expect(result.json.rows).toMatchObject({ read: RECORDS, loaded: RECORDS });
  await rm(path.join(cwd, 'events-0.csv'));
  await expectComplete();
});
