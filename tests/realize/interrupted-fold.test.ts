/** Folds that end before their last table: by Ctrl-C, and by a connection that breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { followEdp, startEdp } from '../support/cli.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  a: { key: id, columns: { id: int, v: int } }
  b: { key: id, columns: { id: int, v: int } }
`,
});
const event = (table: string, sequence: number, op: 'create' | 'update', after: object) =>
  cloudEvent({ table, op, sequence, key: { id: 1 }, after: { ...after } });
const CREATES = ['a', 'b'].map((table) => event(table, 1, 'create', { id: 1, v: 1 }));
const UPDATES = ['a', 'b'].map((table) => event(table, 2, 'update', { v: 2 }));

const values = () =>
  folder.database.query('SELECT (SELECT v FROM a)::text, (SELECT v FROM b)::text');

beforeEach(async () => {
  await folder.database.query(
    'DROP SCHEMA IF EXISTS edp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
  );
  await folder.write('1.jsonl', toLines(CREATES));
  await folder.edp('realize', '1.jsonl');
  await folder.write('2.jsonl', toLines([...UPDATES, { ...CREATES[0], type: 'none.created' }]));
});

describe('a fold that Ctrl-C ends says so, and leaves the other tables to the next one', () => {
  const interrupted = async (args: readonly string[], before: string, after: string) => {
    const { status, stdout, stderr } = await folder.killed(
      [...args, '--json'],
      'realize.merged=interrupt',
    );
    expect([status, JSON.parse(stdout)], stderr).toMatchObject([
      130,
      { ok: false, interrupted: true, tables: [{ table: 'a' }] },
    ]);
    expect(stderr).toContain('edp realize folds the tables that are left');
    expect(await values()).toEqual([[after, before]]);
    expect((await folder.edp('realize')).json.tables).toContainEqual({
      table: 'b',
      rows: { inserted: 0, updated: 1, deleted: 0 },
    });
    expect(await values()).toEqual([[after, after]]);
  };

  it('edp realize', () => interrupted(['realize', '2.jsonl'], '1', '2'));

  it('edp undo', async () => {
    await folder.edp('realize', '2.jsonl');
    await interrupted(['undo', '2', '--yes'], '2', '1');
  });

  it('edp replay', async () => {
    const lines = toLines([
      event('a', 3, 'update', { w: 3 }),
      event('b', 3, 'update', { w: 3 }),
      event('c', 3, 'update', { w: 3 }),
    ]);
    await folder.write('3.jsonl', lines);
    await folder.edp('realize', '3.jsonl');
    const columns = '{ id: int, v: int, w: int }';
    await folder.write(
      'edp.yaml',
      `tables: { a: { key: id, columns: ${columns} }, b: { key: id, columns: ${columns} } }`,
    );
    await interrupted(['replay', '2'], '1', '1');
  });
});

describe('Ctrl-C ends a fold at once that waits for another one', () => {
  it.each(['edp folds change events', 'edp folds a'])('%s', async (lock) => {
    await withClient(folder.database.config, 'test', async (holder) => {
      await holder.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [lock]);
      const args = ['realize', '2.jsonl', '--json'] as const;
      const env = { DATABASE_URL: folder.database.url };
      const child = startEdp(args, { cwd: folder.directory, env });
      const ended = followEdp(child, args);
      await expect
        .poll(
          () => folder.database.query("SELECT count(*)::int FROM edp.loads WHERE state = 'loaded'"),
          {
            timeout: 20_000,
          },
        )
        .toEqual([[2]]);
      await sleep(500);
      const stoppedAt = performance.now();
      child.kill('SIGINT');
      const { status, json, stderr } = await ended;
      expect([status, json], stderr).toMatchObject([
        130,
        { ok: false, interrupted: true, tables: [] },
      ]);
      expect(performance.now() - stoppedAt).toBeLessThan(1000);
    });
    expect(await values()).toEqual([['1', '1']]);
    expect((await folder.edp('realize')).status).toBe(0);
    expect(await values()).toEqual([['2', '2']]);
  });
});

describe('a fault of the connection is not one of the table', () => {
  it.each(['error/EPIPE', 'error/ECONNRESET', 'error/ENOSPC', 'disconnect', 'terminate'])(
    '%s',
    async (fault) => {
      const { status, stdout, stderr } = await folder.killed(
        ['realize', '2.jsonl', '--json'],
        `realize.merged=${fault}`,
      );
      expect(status, stderr).toBe(1);
      expect(stderr).not.toContain('is not folded');
      expect(stdout).not.toContain('"table":"b"');
      expect(await values()).toEqual([['1', '1']]);
      expect((await folder.edp('realize')).json.tables).toMatchObject([
        { table: 'a' },
        { table: 'b' },
      ]);
      expect(await values()).toEqual([['2', '2']]);
    },
  );
});

it('what the server refuses for one table keeps no other', async () => {
  await folder.database.query('ALTER TABLE a ADD CHECK (v < 2)');
  const { json, status } = await folder.edp('realize', '2.jsonl');
  expect([status, json.tables]).toMatchObject([
    1,
    [{ table: 'a', reason: expect.stringContaining('check') }, { table: 'b' }],
  ]);
  expect(await values()).toEqual([['1', '2']]);
});
