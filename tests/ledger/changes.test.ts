/** Every transaction that changes a table enters it, in that same transaction; a reader can rely on it. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import {
  isStale,
  type ReadPoint,
  readPoint,
  recordChanges,
  waitUntilDurable,
} from '../../src/ledger/changes.js';
import { withClient } from '../../src/postgres/connection.js';
import { migrate } from '../../src/postgres/migrate.js';
import { holdOpen } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `tables:
  kinds: { columns: { id: int, name: text }, key: id }
  items:
    columns: { id: int, kind: { type: int, references: kinds }, value: int }
    key: id
    metrics: { from: more, columns: {} }
  notes: { columns: { body: text } }
`;

/** Entries since the last call, summed: those of one transaction and kind are one. */
let seen = 0;
async function entries(): Promise<unknown[][]> {
  const rows = await database.query(
    `SELECT relation, kind, load_id, sum(rows)::bigint, max(change_id) FROM edp.changes
     WHERE change_id > $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    [seen],
  );
  seen = Math.max(seen, ...rows.map((row) => row[4] as number));
  return rows.map((row) => row.slice(0, 4));
}

describe('what a command enters', () => {
  it('creation, loads by every way, replay, undo, promote, new columns', async () => {
    seen = 0;
    const cwd = await makeProject(MODEL);
    const put = (name: string, text: string) => writeFile(path.join(cwd, name), text);
    const items = 'id,kind,value,more\n';

    await put('kinds.csv', 'id,name\n1,a\n2,b\n');
    await run(cwd, 'ingest', 'kinds.csv');
    expect(await entries()).toEqual([
      ['public.kinds', 'definition', null, null],
      ['public.kinds', 'inserted', 1, 2],
    ]);

    // A record with an unknown kind: the careful way.
    await put('items-1.csv', `${items}1,1,10,"{""x"":1}"\n2,2,20,"{""x"":2}"\n3,9,30,\n`);
    await run(cwd, 'ingest', 'items-1.csv');
    expect(await entries()).toEqual([
      ['public.items', 'definition', null, null],
      ['public.items', 'inserted', 2, 2],
    ]);

    // Only rejects and duplicates change nothing.
    await put('items-2.csv', `${items}1,1,10,"{""x"":1}"\n4,9,30,\n`);
    await run(cwd, 'ingest', 'items-2.csv');
    expect(await entries()).toEqual([]);

    await put('items-3.csv', `${items}1,1,11,\n2,2,20,"{""x"":2}"\n5,2,50,\n5,2,51,\n`);
    await run(cwd, 'ingest', 'items-3.csv', '--on-conflict', 'update');
    expect(await entries()).toEqual([
      ['public.items', 'inserted', 4, 1],
      // One row of before, and the new one by the second record with its key.
      ['public.items', 'updated', 4, 2],
    ]);

    await put('items-4.csv', `${items}6,7,60,\n7,8,70,\n`);
    await run(cwd, 'ingest', 'items-4.csv', '--missing-dimensions', 'infer');
    expect(await entries()).toEqual([
      ['public.items', 'inserted', 5, 2],
      ['public.kinds', 'inserted', null, 2],
    ]);

    // An inferred member gets its values.
    await put('kinds-2.csv', 'id,name\n7,g\n9,i\n');
    await run(cwd, 'ingest', 'kinds-2.csv');
    expect(await entries()).toEqual([
      ['public.kinds', 'inserted', 6, 1],
      ['public.kinds', 'updated', 6, 1],
    ]);

    await run(cwd, 'replay', '2');
    expect(await entries()).toEqual([['public.items', 'inserted', 2, 1]]);

    await run(cwd, 'undo', '5', '--yes');
    expect(await entries()).toEqual([
      ['public.items', 'deleted', 5, 2],
      ['public.kinds', 'deleted', null, 1],
    ]);

    await run(cwd, 'promote', 'x', '--type', 'int', '--table', 'items');
    expect(await entries()).toEqual([
      ['public.items', 'definition', null, null],
      ['public.items', 'updated', null, 1],
    ]);
    await run(cwd, 'promote', 'x', '--table', 'items');
    expect(await entries()).toEqual([]);

    await put('items-5.csv', 'id,kind,value,colour\n8,1,80,red\n');
    await run(cwd, 'ingest', 'items-5.csv', '--on-new-column', 'add');
    expect(await entries()).toEqual([
      ['public.items', 'definition', null, null],
      ['public.items', 'inserted', 7, 1],
    ]);

    for (let i = 0; i < 30; i++) await put(`notes-${i}.csv`, `body\na${i}\nb${i}\n`);
    await run(cwd, 'ingest', 'notes-*.csv');
    const small = await entries();
    expect(small).toHaveLength(31);
    expect(small.slice(1).every(([, kind, , rows]) => kind === 'inserted' && rows === 2)).toBe(
      true,
    );

    await put('notes-0.csv', 'body\nanother\n');
    await run(cwd, 'ingest', 'notes-0.csv', '--dry-run');
    const last = () => database.query('SELECT last_value FROM edp.changes_change_id_seq');
    const before = await last();
    await put('items-6.csv', `${items}90,91,1,\n`);
    await run(cwd, 'ingest', 'items-6.csv', '--dry-run', '--missing-dimensions', 'infer');
    expect(await entries()).toEqual([]);
    expect(await last()).toEqual(before);
  });

  it('the receipt of a split and its entry are of one transaction', async () => {
    const cwd = await makeProject('tables:\n  notes: { columns: { body: text } }\n', {
      'notes.csv': `body\n${Array.from({ length: 3000 }, (_, i) => `text ${i}`).join('\n')}\n`,
    });
    await run(cwd, 'ingest', 'notes.csv', '--read-batch-size', '500');
    const [[receipts, changes, together]] = (await database.query(
      `SELECT (SELECT count(*) FROM edp.receipts), (SELECT count(*) FROM edp.changes WHERE kind = 'inserted'),
         (SELECT count(DISTINCT r.xmin::text) FROM edp.receipts r
          JOIN edp.changes c ON c.xid::text::numeric % 4294967296 = r.xmin::text::numeric)`,
    )) as [[number, number, number]];
    expect(receipts).toBeGreaterThan(3);
    expect([changes, together]).toEqual([receipts, receipts]);
  });
});

async function atPoint<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient(database.config, 'test', async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    return work(client);
  });
}

const look = () => atPoint(readPoint);
const isStaleNow = (point: ReadPoint, ...relations: string[]) =>
  withClient(database.config, 'test', (client) => isStale(client, relations, point));
const change = (relation: string) => [{ relation, kind: 'inserted' as const, rows: 1 }];

describe('a reader', () => {
  const begin = async () => {
    await withClient(database.config, 'test', migrate);
    await database.query('CREATE TABLE a (n int); CREATE TABLE b (n int)');
  };
  const enter = (relation: string) =>
    withClient(database.config, 'test', (client) => recordChanges(client, change(relation)));

  it('is stale exactly if what it reads changed after its point', async () => {
    await begin();
    await enter('public.a');
    const point = await look();
    expect(await isStaleNow(point, 'a')).toBe(false);
    await enter('public.b');
    expect(await isStaleNow(point, 'a')).toBe(false);
    expect(await isStaleNow(point, 'a', 'b')).toBe(true);
    expect(await isStaleNow(await look(), 'a', 'b')).toBe(false);
  });

  it('sees a change that had begun before the point, and committed after it', async () => {
    await begin();
    const insert = `INSERT INTO edp.changes (relation, kind) VALUES ('public.a', 'deleted')`;
    const close = await holdOpen(database, insert);
    // Later transactions commit first.
    await enter('public.a');
    const point = await look();
    expect(await isStaleNow(point, 'a')).toBe(false);
    await close('COMMIT');
    expect(await isStaleNow(point, 'a')).toBe(true);
  });

  it('does not see one that was rolled back', async () => {
    await begin();
    const insert = `INSERT INTO edp.changes (relation, kind) VALUES ('public.a', 'deleted')`;
    const close = await holdOpen(database, insert);
    const point = await look();
    await close();
    expect(await isStaleNow(point, 'a')).toBe(false);
  });

  it('sees changes of partitions and of parents, and not those of siblings', async () => {
    await withClient(database.config, 'test', migrate);
    await database.query('CREATE TABLE p (n int) PARTITION BY LIST (n)');
    for (const n of [1, 2])
      await database.query(`CREATE TABLE p${n} PARTITION OF p FOR VALUES IN (${n})`);
    const point = await look();
    await enter('public.p1');
    expect(await isStaleNow(point, 'p')).toBe(true);
    expect(await isStaleNow(point, 'p2')).toBe(false);
    const later = await look();
    await enter('public.p');
    expect(await isStaleNow(later, 'p2')).toBe(true);
  });

  it('is stale in another history, and where its table is gone', async () => {
    await begin();
    const point = await look();
    expect(await isStaleNow({ ...point, history: point.history.replace(/^\d/, '0') }, 'a')).toBe(
      true,
    );
    await database.query('DROP TABLE a');
    expect(await isStaleNow(point, 'a')).toBe(true);
    expect(await isStaleNow(point, 'b')).toBe(false);
    await database.query('DROP SCHEMA edp CASCADE');
    await withClient(database.config, 'test', migrate);
    expect(await isStaleNow(point, 'b')).toBe(true);
  });

  it('waits for the disk where it keeps its point elsewhere', async () => {
    await begin();
    await withClient(database.config, 'test', async (client) => {
      await client.query('SET synchronous_commit = off');
      await recordChanges(client, change('public.a'));
    });
    const point = await look();
    await withClient(database.config, 'test', (client) => waitUntilDurable(client, point));
    const rows = await database.query('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn', [
      point.wal,
    ]);
    expect(rows).toEqual([[true]]);
  });

  it('needs no more than USAGE of the schemas, and SELECT on the log', async () => {
    await begin();
    const role = `edp_reader_${randomBytes(4).toString('hex')}`;
    await database.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await database.query(`GRANT USAGE ON SCHEMA edp, public TO ${role}`);
      await database.query(`GRANT SELECT ON edp.changes TO ${role}`);
      await withClient({ ...database.config, user: role }, 'test', async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        const point = await readPoint(client);
        await client.query('COMMIT');
        expect(await isStale(client, ['public.a'], point)).toBe(false);
        await waitUntilDurable(client, point);
        await enter('public.a');
        expect(await isStale(client, ['public.a'], point)).toBe(true);
      });
    } finally {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    }
  });

  it('must read at one point', async () => {
    await begin();
    await withClient(database.config, 'test', async (client) => {
      await expect(readPoint(client)).rejects.toThrow('REPEATABLE READ');
    });
  });
});
