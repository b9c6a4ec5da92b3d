/** `edp ingest --replace`: a file as the new content of its table, or nothing at all. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { followEdp, startEdp } from '../support/cli.js';
import { holdOpen } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `tables:
  prices: { columns: { sku: text, price: int }, key: sku }
  notes: { columns: { v: int } }
`;
const OLD = 'sku,price\na,1\nb,2\nc,3\n';
const NEW = 'sku,price\nb,20\nd,40\n';
const content = () => database.query('SELECT sku, price FROM prices ORDER BY sku');
const OLD_ROWS = [
  ['a', 1],
  ['b', 2],
  ['c', 3],
];
const NEW_ROWS = [
  ['b', 20],
  ['d', 40],
];

async function makeOld(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const cwd = await makeProject(MODEL, { 'prices-1.csv': OLD, 'prices-2.csv': NEW, ...files });
  const { status, stderr } = await run(cwd, 'ingest', 'prices-1.csv');
  expect(status, stderr).toBe(0);
  return cwd;
}

describe('--replace', () => {
  it('makes a file the content of its table, and the ledger says so', async () => {
    const cwd = await makeOld();
    const { status, json, stderr } = await run(cwd, 'ingest', 'prices-2.csv', '--replace');
    expect(status, stderr).toBe(0);
    expect(json).toMatchObject({
      rows: { read: 2, loaded: 2, rejected: 0, duplicate: 0 },
      replaced: { rows: 3, loads: [1] },
      files: [{ status: 'loaded', loadId: 2 }],
    });
    expect(await content()).toEqual(NEW_ROWS);
    const { loads } = (await run(cwd, 'status')).json;
    expect(loads).toMatchObject([
      { loadId: 2, state: 'loaded', replacedBy: null, rows: { loaded: 2 } },
      { loadId: 1, state: 'undone', replacedBy: 2, rows: { read: 0 } },
    ]);
    expect((await run(cwd, 'verify', '2')).status).toBe(0);
    expect(await database.query('SELECT count(*) FROM edp.receipts WHERE load_id = 1')).toEqual([
      [0],
    ]);
    // The old file is as unknown as before its load.
    expect((await run(cwd, 'ingest', 'prices-1.csv')).json.files[0].status).toBe('loaded');
  });

  it('does so with known content, several files, rejects, and a table without key', async () => {
    const cwd = await makeProject(MODEL, {
      'notes-1.csv': 'v\n1\n2\n',
      'notes-2.csv': 'v\n3\nx\n4\n',
    });
    await run(cwd, 'ingest', 'notes-1.csv');
    await run(cwd, 'ingest', 'notes-1.csv', '--force');
    const { status, json } = await run(cwd, 'ingest', 'notes-1.csv', 'notes-2.csv', '--replace');
    expect(status).toBe(3);
    expect(json.rows).toEqual({ read: 5, loaded: 4, rejected: 1, duplicate: 0 });
    expect(json.replaced).toEqual({ rows: 4, loads: [1, 2] });
    expect(await database.query('SELECT v FROM notes ORDER BY v')).toEqual([[1], [2], [3], [4]]);
    const rejects = await run(cwd, 'rejects', String(json.files[1]!.loadId));
    expect(rejects.json.rejects).toMatchObject([{ line: 3, raw: 'x' }]);
  });

  it('judges each record where the server objects, in the order of the file', async () => {
    const rows = Array.from({ length: 500 }, (_, i) => `k${i},${i}\n`).join('');
    const cwd = await makeOld({ 'prices-3.csv': `sku,price\n${rows}k7,7\nk8,9\n,5\n` });
    const { status, json, stderr } = await run(
      ...([cwd, 'ingest', 'prices-3.csv', '--replace', '--read-batch-size', '100'] as const),
    );
    expect(status, stderr).toBe(3);
    expect(json.rows).toEqual({ read: 503, loaded: 500, rejected: 2, duplicate: 1 });
    expect(await database.query('SELECT count(*) FROM prices')).toEqual([[500]]);
  });

  it.each([
    [
      'too many rejects',
      'sku,price\nb,20\nd,x\n',
      ['prices-2.csv', 'prices-3.csv', '--max-rejects', '0'],
      /max-rejects 0/,
    ],
    [
      'no record that can be loaded',
      'sku,price\nb,y\nd,x\n',
      ['prices-3.csv'],
      /all 2 records would be rejected/,
    ],
    [
      'a header that does not fit',
      'sku,prise\nb,20\n',
      ['prices-2.csv', 'prices-3.csv'],
      /does not fit table "prices"/,
    ],
  ])('leaves everything as it is at %s', async (_, text, args, message) => {
    const cwd = await makeOld({ 'prices-3.csv': text });
    const { status, json } = await run(cwd, 'ingest', ...args, '--replace');
    expect(status).toBe(1);
    expect(json.error.message).toMatch(message);
    if (args.includes('--max-rejects')) {
      expect(json.error.hint).toMatch(/nothing is replaced.*--dry-run/);
    }
    expect(await content()).toEqual(OLD_ROWS);
    expect((await run(cwd, 'status')).json.loads).toMatchObject([{ loadId: 1, state: 'loaded' }]);
  });

  it('is told by a dry run, which changes nothing', async () => {
    const cwd = await makeOld();
    const { status, json } = await run(cwd, 'ingest', 'prices-2.csv', '--replace', '--dry-run');
    expect(status).toBe(0);
    expect(json).toMatchObject({ dryRun: true, replaced: { rows: 3, loads: [1] } });
    expect(json.rows).toEqual({ read: 2, loaded: 2, rejected: 0, duplicate: 0 });
    expect(await content()).toEqual(OLD_ROWS);
  });

  it('is refused for files of two tables', async () => {
    const cwd = await makeOld({ 'notes-1.csv': 'v\n1\n' });
    for (const flags of [[], ['--dry-run']]) {
      const args = ['ingest', 'prices-2.csv', 'notes-1.csv', '--replace', ...flags];
      const { status, json } = await run(cwd, ...args);
      expect(status).toBe(2);
      expect(json.error.message).toMatch(/one table at a time[\s\S]*prices, notes/);
    }
    expect(await content()).toEqual(OLD_ROWS);
  });

  it('is undone by removing the new content; the old is not brought back, and it says so', async () => {
    const cwd = await makeOld();
    await run(cwd, 'ingest', 'prices-2.csv', '--replace');
    const { status, json, stderr } = await run(cwd, 'undo', '2', '--yes');
    expect(status).toBe(0);
    expect(json).toMatchObject({ removed: { rows: 2 }, replacedLoads: [{ loadId: 1 }] });
    expect(stderr).toMatch(/not brought back[\s\S]*edp ingest prices-1\.csv/);
    expect(await content()).toEqual([]);
    await run(cwd, 'ingest', 'prices-1.csv');
    expect(await content()).toEqual(OLD_ROWS);
  });

  it('takes the place of a part that an interrupted load of the same file has', async () => {
    const cwd = await makeOld();
    await run(cwd, 'ingest', 'prices-2.csv', '--on-conflict', 'update');
    await database.query("UPDATE edp.loads SET state = 'loading' WHERE load_id = 2");
    const { status, stderr } = await run(cwd, 'ingest', 'prices-2.csv', '--replace');
    expect(status, stderr).toBe(0);
    expect(await content()).toEqual(NEW_ROWS);
    expect((await run(cwd, 'status', '2')).json.load).toMatchObject({
      state: 'loaded',
      rows: { read: 2, loaded: 2 },
    });
  });

  it.each([
    ['REFERENCES prices', 1, /rows of public\.orders refer to rows of it, for one by sku = b/],
    ['REFERENCES prices ON DELETE CASCADE', 1, /refer to rows of it, for one by sku = b/],
    ['REFERENCES prices DEFERRABLE', 0, undefined],
    ['REFERENCES prices DEFERRABLE', 1, /cannot be replaced: Key \(sku\)=\(c\)/, 'c'],
  ])('with rows of others: %s', async (reference, expected, message, key = 'b') => {
    const cwd = await makeOld();
    await database.query(`CREATE TABLE orders (sku text ${reference})`);
    await database.query(`INSERT INTO orders VALUES ('${key}')`);
    const { status, json } = await run(cwd, 'ingest', 'prices-2.csv', '--replace');
    expect(status).toBe(expected);
    if (message !== undefined) expect(json.error.message).toMatch(message);
    expect(await content()).toEqual(expected === 0 ? NEW_ROWS : OLD_ROWS);
    expect(await database.query('SELECT sku FROM orders')).toEqual([[key]]);
  });

  it('waits for a session that writes to the table; readers wait for nobody', async () => {
    const cwd = await makeOld();
    const release = await holdOpen(database, "INSERT INTO prices VALUES ('z', 26)");
    const args = [
      'ingest',
      'prices-2.csv',
      '--replace',
      '--json',
      '--database-url',
      database.url,
    ] as const;
    const child = startEdp(args, { cwd });
    const waiting = new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: Buffer) => {
        if (String(text).includes('waiting to replace table "prices"')) resolve();
      });
    });
    const ended = followEdp(child, args);
    await waiting;
    expect(await content()).toEqual(OLD_ROWS);
    await release();
    expect((await ended).json.replaced).toEqual({ rows: 3, loads: [1] });
    expect(await content()).toEqual(NEW_ROWS);
  });

  it('killed before the commit leaves the old content, and the same command completes it', async () => {
    const cwd = await makeOld();
    const rows = Array.from({ length: 200_000 }, (_, i) => `k${i},${i}\n`).join('');
    await writeFile(path.join(cwd, 'prices-3.csv'), `sku,price\n${rows}`);
    const args = [
      'ingest',
      'prices-3.csv',
      '--replace',
      '--json',
      '--database-url',
      database.url,
    ] as const;
    const child = startEdp(args, { cwd });
    const closed = new Promise((resolve) => child.once('close', resolve));
    for (; ; await sleep(5)) {
      const [[isLocked]] = (await database.query(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = to_regclass('prices') AND mode = 'ShareRowExclusiveLock' AND granted)",
      )) as [[boolean]];
      if (isLocked || child.exitCode !== null) break;
    }
    child.kill('SIGKILL');
    await closed;
    expect(await content()).toEqual(OLD_ROWS);
    const { status, json, stderr } = await run(cwd, 'ingest', 'prices-3.csv', '--replace');
    expect(status, stderr).toBe(0);
    expect(json.replaced).toEqual({ rows: 3, loads: [1] });
    expect(await database.query('SELECT count(*) FROM prices')).toEqual([[200_000]]);
  });

  it('enters what went and what came into the log of changes, and accounts for each byte', async () => {
    const text = '\uFEFF# prices\nsku,price\nb,20\n\n# more\nd,40\nsku,price\nx,y\n# end\n';
    const cwd = await makeOld({ 'prices-3.csv': text });
    const args = ['ingest', 'prices-3.csv', '--replace', '--comment', '#'] as const;
    const { status, json, stderr } = await run(cwd, ...args);
    expect(status, stderr).toBe(3);
    const [file] = json.files;
    const bytes = Object.values(file.byteCounts as Record<string, number>);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBe(Buffer.byteLength(text));
    expect(file.passedOver).toMatchObject({ header: 2, comment: 3, blank: 1 });
    expect(stderr).toMatch(/has its header line once more/);
    const changes = `SELECT c.kind, c.rows, c.load_id, r.inserted, r.deleted, r.rejected
      FROM edp.changes c JOIN edp.runs r USING (run_id) WHERE run_id = (SELECT max(run_id) FROM edp.runs)
      ORDER BY change_id`;
    expect(await database.query(changes)).toEqual([
      ['deleted', 3, null, 2, 3, 1],
      ['inserted', 2, 2, 2, 3, 1],
    ]);
    const verified = await run(cwd, 'verify', '2');
    expect(verified.status, verified.stderr).toBe(0);
  });

  it('enters no change where nothing is replaced', async () => {
    const cwd = await makeOld({ 'prices-3.csv': 'sku,price\nx,y\n' });
    const entries = () => database.query('SELECT count(*), max(change_id) FROM edp.changes');
    const before = await entries();
    expect((await run(cwd, 'ingest', 'prices-3.csv', '--replace')).status).not.toBe(0);
    await run(cwd, 'ingest', 'prices-2.csv', '--replace', '--dry-run');
    expect(await entries()).toEqual(before);
  });

  it('takes files with other columns, in another order', async () => {
    const cwd = await makeOld({
      'prices-3.csv': 'price,sku\n1,x\n',
      'prices-4.csv': 'sku\ny\n',
      'prices-5.csv': 'sku,price\nz,3\n',
    });
    const files = ['prices-3.csv', 'prices-4.csv', 'prices-5.csv'] as const;
    const { status, stderr } = await run(cwd, 'ingest', ...files, '--replace');
    expect(status, stderr).toBe(0);
    expect(await content()).toEqual([
      ['x', 1],
      ['y', null],
      ['z', 3],
    ]);
  });

  it('judges records one by one while deferred references wait for the commit', async () => {
    const cwd = await makeOld({ 'prices-3.csv': 'sku,price\nd,1\nd,2\nd,1\nb,3\n' });
    await database.query('CREATE TABLE orders (sku text REFERENCES prices DEFERRABLE)');
    await database.query("INSERT INTO orders VALUES ('b')");
    const args = ['ingest', 'prices-3.csv', '--replace', '--read-batch-size', '1'] as const;
    for (const more of [['--dry-run'], []]) {
      const { status, json, stderr } = await run(cwd, ...args, ...more);
      expect(status, stderr).toBe(3);
      expect(json.rows).toEqual({ read: 4, loaded: 2, rejected: 1, duplicate: 1 });
    }
    expect(await content()).toEqual([
      ['b', 3],
      ['d', 1],
    ]);
  });

  it.each([
    [
      'a trigger that leaves records out',
      `CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RETURN CASE WHEN NEW.price > 30 THEN NULL ELSE NEW END; END $$;
       CREATE TRIGGER leave BEFORE INSERT ON prices FOR EACH ROW EXECUTE FUNCTION leave()`,
      'left_out',
    ],
    [
      'a deferred check',
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.price > 30 THEN RAISE EXCEPTION 'too dear'; END IF; RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON prices DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()`,
      'refused_by_server',
    ],
  ])('rejects single records because of %s', async (_, sql, code) => {
    const cwd = await makeOld();
    await database.query(sql);
    const { status, json, stderr } = await run(cwd, 'ingest', 'prices-2.csv', '--replace');
    expect(status, stderr).toBe(3);
    expect(json.rows).toEqual({ read: 2, loaded: 1, rejected: 1, duplicate: 0 });
    const { rejects } = (await run(cwd, 'rejects', '2')).json;
    expect(rejects).toMatchObject([{ code, raw: 'd,40' }]);
    expect(await content()).toEqual([['b', 20]]);
  });

  it('stopped in the middle leaves the old content', async () => {
    const cwd = await makeOld();
    const rows = Array.from({ length: 400_000 }, (_, i) => `k${i},${i}\n`).join('');
    await writeFile(path.join(cwd, 'prices-3.csv'), `sku,price\n${rows}`);
    const args = ['ingest', 'prices-3.csv', '--replace', '--json', '--database-url', database.url];
    const child = startEdp(args, { cwd });
    const ended = followEdp(child, args);
    for (; ; await sleep(5)) {
      const [[isCopying]] = (await database.query(
        "SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE relid = to_regclass('prices'))",
      )) as [[boolean]];
      if (isCopying || child.exitCode !== null) break;
    }
    child.kill('SIGINT');
    const { status, json, stderr } = await ended;
    expect(status, stderr).toBe(130);
    expect(json).toMatchObject({ ok: false, interrupted: true });
    expect(await content()).toEqual(OLD_ROWS);
    expect((await run(cwd, 'status')).json.loads).toMatchObject([{ loadId: 1, state: 'loaded' }]);
  });
});
