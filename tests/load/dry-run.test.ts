/** `edp ingest --dry-run`: what it tells is what the load then does, and nothing of it stays. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CliResult, edp, startEdp } from '../support/cli.js';
import { type JsonOf, withoutLoads } from '../support/json.js';
import {
  holdOpen,
  interruptAtLock,
  slowLoads,
  waitForIdle,
  waitForLock,
} from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

type Files = Readonly<Record<string, string | Buffer>>;

const database = useEmptyDatabase();
const run = runnerFor(database);

/** Everything there is in the database: relations, their rows, the state of sequences. */
async function snapshot(): Promise<unknown[]> {
  const relations = (await database.query(
    `SELECT c.oid::regclass::text, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'edp') AND c.relkind IN ('r', 'p', 'S') ORDER BY 1`,
  )) as [string, string][];
  const contents: unknown[] = [];
  for (const [name, kind] of relations) {
    const query =
      kind === 'S'
        ? `SELECT last_value, is_called FROM ${name}`
        : `SELECT * FROM ${name} AS t ORDER BY t::text`;
    contents.push([name, await database.query(query)]);
  }
  return contents;
}

/** What a load and a dry run must have in common. */
function outcomeOf({ status, json }: CliResult<'ingest'>): object {
  const { rows, unknownMetrics, files } = json;
  const told = files.map((file) => ({
    path: file.path,
    table: file.table,
    status: file.status,
    rows: file.rows,
    dialect: file.dialect,
    drift: file.drift,
  }));
  return { status, rows, unknownMetrics, files: told, error: json.error?.code };
}

/** Dry run, then load, and all that they tell of rejects. */
async function expectSame(cwd: string, args: readonly string[]): Promise<CliResult<'ingest'>> {
  const before = await snapshot();
  const dry = await run(cwd, 'ingest', ...args, '--dry-run', '--limit', '100000');
  expect(await snapshot(), dry.stderr).toEqual(before);
  expect(dry.json, dry.stderr).toMatchObject({ dryRun: true });
  const real = await run(cwd, 'ingest', ...args);
  expect(outcomeOf(dry), dry.stderr + real.stderr).toEqual(outcomeOf(real));

  const stored: Omit<JsonOf<'rejects'>['rejects'][number], 'loadId'>[] = [];
  for (const { loadId, status } of real.json.files) {
    if (loadId === null || status === 'skipped') continue;
    const { json } = await run(cwd, 'rejects', String(loadId));
    stored.push(...withoutLoads(json.rejects));
  }
  // Whether a key was met in the table or in an earlier record depends on the splits; and a message of
  // the server may tell the row with the number of its load.
  const alike = (rejects: readonly { readonly reason: string }[]) =>
    rejects.map((reject) => ({
      ...reject,
      reason: reject.reason.replace(', from an earlier record', '').replace(/, -?\d+\)\.$/, ')'),
    }));
  expect(alike(dry.json.firstRejects)).toEqual(alike(stored));
  const byCode: Record<string, number> = {};
  for (const { code } of stored) byCode[code] = (byCode[code] ?? 0) + 1;
  expect(dry.json.rejects).toEqual(byCode);
  return dry;
}

const ITEMS = `
tables:
  kinds:
    columns: { id: int, name: text }
    key: id
  items:
    columns:
      id: int
      body: { type: text, nullable: false }
      kind: { type: int, references: kinds }
      doc: json
    key: id
    metrics: { from: payload, columns: { one: int } }
  loose:
    columns: { id: int, body: text }
`;
const KINDS = 'id,name\n1,one\n2,two\n';
const HEADER = 'id,body,kind,doc,payload';

/** Good records with some of each kind of fault among them, and keys that meet. */
function dirty(count: number, from = 0): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const id = from + i;
    switch (i % 23) {
      case 3:
        return `x${id},text,1,,`;
      case 5:
        return `${id},,1,,`;
      case 7:
        return `${id},text,9,,`;
      case 9:
        return `${id},"text\n",1,"{""a"": ","{""one"": 1}"`;
      case 11:
        return `${id},text,1,"{}","{""one"": 1.5}"`;
      case 13:
        return `${id},text,1,"{}","{""one"": 1, ""two"": ${i}, ""three"": 3}"`;
      case 15:
        return `${id - 1},"record ${id - 1}\nover lines",1,"[1, ${id - 1}]",`;
      case 17:
        return `${id - 1},another,2,,`;
      case 19:
        return `${id},"text,1,,`;
      case 20:
        return `${id},text,1`;
      default:
        return `${id},"record ${id}\nover lines",${(i % 2) + 1},"[1, ${id}]",`;
    }
  });
  return `${HEADER}\n${lines.join('\n')}\n`;
}

describe('tells what the load does', () => {
  const SMALL_SPLITS = ['--read-batch-size', '40'];
  const cases: readonly {
    name: string;
    files: Files;
    args?: string[];
    before?: Files;
    sql?: string;
  }[] = [
    { name: 'no tables, no ledger', files: { 'kinds.csv': KINDS, 'items.csv': dirty(500) } },
    {
      name: 'small splits, several workers',
      files: { 'kinds.csv': KINDS, 'items.csv': dirty(500) },
      args: [...SMALL_SPLITS, '--process-count', '4'],
    },
    {
      name: 'files and splits whose keys meet each other and the table',
      before: { 'kinds.csv': KINDS, 'items-0.csv': dirty(200, 50) },
      files: { 'items-1.csv': dirty(300), 'items-2.csv': dirty(300, 100) },
      args: SMALL_SPLITS,
    },
    {
      name: '--on-conflict skip',
      before: { 'kinds.csv': KINDS, 'items-0.csv': dirty(200, 50) },
      files: { 'items-1.csv': dirty(300), 'items-2.csv': dirty(300, 100) },
      args: [...SMALL_SPLITS, '--on-conflict', 'skip'],
    },
    {
      name: '--on-conflict update',
      before: { 'kinds.csv': KINDS, 'items-0.csv': dirty(200, 50) },
      files: { 'items-1.csv': dirty(300), 'items-2.csv': dirty(300, 100) },
      args: [...SMALL_SPLITS, '--on-conflict', 'update'],
    },
    {
      name: '--missing-dimensions infer',
      files: { 'items-1.csv': dirty(300), 'items-2.csv': dirty(300, 300) },
      args: [...SMALL_SPLITS, '--missing-dimensions', 'infer'],
    },
    {
      name: 'inferred members that arrive',
      before: { 'items-0.csv': dirty(50) },
      files: { 'kinds.csv': KINDS, 'items-2.csv': dirty(300, 300) },
    },
    {
      name: 'a table without a key, and the same file twice',
      files: {
        'loose-1.csv': 'id,body\n1,a\n1,a\nx,b\n',
        'loose-2.csv': 'id,body\n1,a\n1,a\nx,b\n',
      },
    },
    {
      name: 'a file that is loaded, and one that is not',
      before: { 'kinds.csv': KINDS, 'items-1.csv': dirty(100) },
      files: { 'items-copy.csv': dirty(100), 'items-3.csv': dirty(100, 200) },
    },
    {
      name: '--force',
      before: { 'kinds.csv': KINDS, 'items-1.csv': dirty(100) },
      files: { 'items-1.csv': dirty(100) },
      args: ['--force'],
    },
    {
      name: 'a header that does not fit, an empty file, a header alone',
      files: {
        'loose-1.csv': 'id,body,more\n1,a,b\n',
        'loose-2.csv': '',
        'loose-3.csv': 'id,body\n',
      },
    },
    {
      name: 'what only the server refuses',
      before: { 'loose-0.csv': 'id,body\n0,zero\n' },
      sql: `ALTER TABLE loose ADD CHECK (id <> 5), ADD UNIQUE (body);
            CREATE FUNCTION no_seven() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN IF NEW.id = 7 THEN RAISE 'no seven'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER no_seven BEFORE INSERT ON loose FOR EACH ROW EXECUTE FUNCTION no_seven()`,
      files: {
        'loose-1.csv': `id,body\n${Array.from({ length: 300 }, (_, i) => `${i % 11},b${i % 40 === 0 ? 0 : i}`).join('\n')}\n`,
      },
      args: SMALL_SPLITS,
    },
    {
      name: 'bytes that PostgreSQL cannot hold',
      files: { 'loose-1.csv': Buffer.from('id,body\n1,a\xff\n2,b\0\n3,"c\n4,d\n5,e', 'latin1') },
    },
  ];
  it.each(cases)('$name', async ({ files, args = [], before = {}, sql }) => {
    const cwd = await makeProject(ITEMS, { ...before, ...files });
    if (Object.keys(before).length > 0) {
      const infer = ['--missing-dimensions', 'infer'];
      const prepared = await run(cwd, 'ingest', ...Object.keys(before), ...infer);
      expect([0, 3], prepared.stderr).toContain(prepared.status);
    }
    if (sql !== undefined) await database.query(sql);
    const dry = await expectSame(cwd, [...Object.keys(files), ...args]);
    expect(dry.json.files).toHaveLength(Object.keys(files).length);
  });

  it('partitions, a composite key, a table whose name needs quoting', async () => {
    const cwd = await makeProject(
      'tables:\n  \'a "b" c\':\n    files: p*.csv\n    columns: { id: int, part: int, body: text }\n    key: [id, part]\n',
      {
        'p1.csv': 'id,part,body\n1,1,a\n1,2,b\n1,1,c\n9,9,none\n',
        'p2.csv': 'id,part,body\n1,2,b\n2,1,d\n',
      },
    );
    await database.query(`CREATE TABLE "a ""b"" c" (id int, part int, body text, load_id bigint, PRIMARY KEY (id, part))
      PARTITION BY LIST (part)`);
    await database.query('CREATE TABLE part_1 PARTITION OF "a ""b"" c" FOR VALUES IN (1)');
    await database.query('CREATE TABLE part_2 PARTITION OF "a ""b"" c" FOR VALUES IN (2)');
    const dry = await expectSame(cwd, ['p1.csv', 'p2.csv']);
    expect(dry.json.rows).toEqual({ read: 6, loaded: 3, rejected: 2, duplicate: 1 });
  });

  it('what is checked at the commit', async () => {
    const cwd = await makeProject(ITEMS, { 'loose.csv': 'id,body\n1,a\n2,b\n' });
    await database.query(
      `CREATE TABLE loose (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, body text, load_id bigint)`,
    );
    await database.query('INSERT INTO loose VALUES (2)');
    const dry = await run(cwd, 'ingest', 'loose.csv', '--dry-run');
    const real = await run(cwd, 'ingest', 'loose.csv');
    const counts = { read: 2, loaded: 1, rejected: 1, duplicate: 0 };
    expect(dry.json.rows, dry.stderr).toEqual(counts);
    expect(real.json.rows, real.stderr).toEqual(counts);
    expect(dry.json.rejects).toEqual({ conflict: 1 });
  });

  it('a load that was interrupted: the whole of it, with what is there already', async () => {
    const cwd = await makeProject(ITEMS, { 'kinds.csv': KINDS, 'items.csv': dirty(30_000) });
    await run(cwd, 'ingest', 'kinds.csv');
    const args = [
      'ingest',
      'items.csv',
      '--read-batch-size',
      '300',
      '--process-count',
      '1',
    ] as const;
    const hurry = await slowLoads(database);
    const child = startEdp([...args, '--database-url', database.url], { cwd });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    for (let tries = 0; tries < 1000; tries++) {
      if ((await database.query('SELECT FROM edp.receipts WHERE load_id = 2')).length > 3) break;
      await sleep(10);
    }
    child.kill('SIGKILL');
    await ended;
    await hurry();
    await waitForIdle(database);
    const [[read]] = (await database.query(
      'SELECT rows_read FROM edp.loads WHERE load_id = 2',
    )) as [[number]];
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(30_000);
    const before = await snapshot();
    const dry = await run(cwd, ...args, '--dry-run');
    expect(await snapshot()).toEqual(before);
    const real = await run(cwd, ...args);
    expect(outcomeOf(dry)).toEqual(outcomeOf(real));
    const codes = await database.query('SELECT code, count(*) FROM edp.rejects GROUP BY 1');
    expect(dry.json.rejects).toEqual(Object.fromEntries(codes));
  });

  it('--max-rejects', async () => {
    const cwd = await makeProject(ITEMS, { 'kinds.csv': KINDS, 'items.csv': dirty(500) });
    await run(cwd, 'ingest', 'kinds.csv');
    const args = ['items.csv', '--read-batch-size', '40', '--max-rejects', '10'];
    const dry = await run(cwd, 'ingest', ...args, '--dry-run');
    expect([dry.status, dry.json.error.code]).toEqual([1, 'too_many_rejects']);
    expect(dry.json.rows.read).toBeLessThan(500);
    const real = await run(cwd, 'ingest', ...args);
    expect([real.status, real.json.error.code]).toEqual([1, 'too_many_rejects']);
  });
});

it('shows the first rejects in the order of the files, as many as asked for', async () => {
  const cwd = await makeProject(ITEMS, { 'kinds.csv': KINDS, 'items.csv': dirty(500) });
  await run(cwd, 'ingest', 'kinds.csv');
  const args = ['ingest', 'items.csv', '--dry-run', '--database-url', database.url];
  const all = (await edp([...args, '--json', '--limit', '1000'], { cwd })).json.firstRejects;
  const some = (await edp([...args, '--json', '--limit', '7', '--read-batch-size', '13'], { cwd }))
    .json;
  expect(some.firstRejects.map((r: { byteOffset: number }) => r.byteOffset)).toEqual(
    all.slice(0, 7).map((r: { byteOffset: number }) => r.byteOffset),
  );
  const text = await edp(args, { cwd });
  expect(text.status).toBe(3);
  expect(text.stdout).toContain('dry run, nothing was written');
  expect(text.stdout).toContain(
    `items.csv:${all[0].line} (byte ${all[0].byteOffset}) ${all[0].code}`,
  );
  expect(text.stdout).toContain(`showing the first 20 of ${all.length}`);
  expect((await edp(['ingest', 'items.csv', '--limit', '7'], { cwd })).status).toBe(2);
});

describe('beside others', () => {
  it('a load of the same file waits for its end, and loads everything', async () => {
    const cwd = await makeProject(ITEMS, { 'kinds.csv': KINDS, 'items.csv': dirty(20_000) });
    await run(cwd, 'ingest', 'kinds.csv');
    const [dry, real] = await Promise.all([
      run(cwd, 'ingest', 'items.csv', '--dry-run'),
      run(cwd, 'ingest', 'items.csv', '--read-batch-size', '1000'),
    ]);
    expect([dry.status, real.status], dry.stderr + real.stderr).toEqual([
      dry.json.files[0].status === 'skipped' ? 0 : 3,
      3,
    ]);
    if (dry.json.files[0].status !== 'skipped') expect(dry.json.rows).toEqual(real.json.rows);
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[real.json.rows.loaded]]);
  });

  it('other files with the same keys, both ways round: none waits for ever', async () => {
    const good = (from: number, until: number) =>
      `${HEADER}\n${Array.from({ length: until - from }, (_, i) => `${from + i},b,1,,`).join('\n')}\n`;
    const backwards = good(0, 6000).trimEnd().split('\n');
    const cwd = await makeProject(ITEMS, {
      'kinds.csv': KINDS,
      'items-1.csv': good(0, 6000),
      'items-2.csv': `${[backwards[0], ...backwards.slice(1).reverse()].join('\n')}\n`,
    });
    await run(cwd, 'ingest', 'kinds.csv');
    const splits = ['--read-batch-size', '100', '--process-count', '4'];
    const results = await Promise.all([
      run(cwd, 'ingest', 'items-1.csv', '--dry-run', ...splits),
      run(cwd, 'ingest', 'items-2.csv', ...splits),
      run(cwd, 'ingest', 'items-2.csv', '--dry-run', ...splits),
    ]);
    for (const { status, stderr } of results) expect(status, stderr).toBe(0);
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[6000]]);
  });

  it('somebody between two splits of a run: the later one lets them through', async () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `${i},b,1,,`);
    const cwd = await makeProject(ITEMS, {
      'kinds.csv': KINDS,
      'items.csv': `${HEADER}\n${lines.join('\n')}\n`,
    });
    await run(cwd, 'ingest', 'kinds.csv');
    await run(cwd, 'ingest', 'items.csv', '--read-batch-size', '1000', '--dry-run');
    await database.query(`CREATE TABLE items (id int PRIMARY KEY, body text NOT NULL,
      kind int REFERENCES kinds, doc json, one int, extra_metrics jsonb, load_id bigint)`);
    // Holds a key of the first split, and then wants one of the second, which waits for the first.
    const release = await holdOpen(database, "INSERT INTO items (id, body) VALUES (10, 'mine')");
    const ingest = run(
      cwd,
      'ingest',
      'items.csv',
      '--read-batch-size',
      '1000',
      '--process-count',
      '2',
    );
    await waitForLock(database, 'worker');
    await sleep(300);
    await release("INSERT INTO items (id, body) VALUES (1990, 'mine')");
    expect((await ingest).json.rows).toEqual({
      read: 2000,
      loaded: 2000,
      rejected: 0,
      duplicate: 0,
    });
  });
});

it('is stopped by Ctrl-C: exit 130, and nothing is there', async () => {
  const cwd = await makeProject(ITEMS, { 'kinds.csv': KINDS, 'items.csv': dirty(2000) });
  await run(cwd, 'ingest', 'kinds.csv');
  await run(cwd, 'ingest', 'items.csv', '--dry-run');
  const before = await snapshot();
  const release = await holdOpen(database, 'LOCK edp.loads');
  const stopped = await interruptAtLock(
    database,
    'dry run',
    release,
    cwd,
    'ingest',
    'items.csv',
    '--dry-run',
  );
  expect(stopped.status).toBe(130);
  expect(stopped.json).toMatchObject({ dryRun: true, ok: false, interrupted: true });
  expect(await snapshot()).toEqual(before);
});
