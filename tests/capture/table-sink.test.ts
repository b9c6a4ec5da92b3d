/** `edp capture run --to table`: from the source's transactions into the tables of the warehouse. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { settled } from './source.js';

const MODEL = `
tables:
  kept:
    key: id
    columns: { id: int, text: text, number: numeric }
capture:
  source: { name: shop, database-url: "\${DATABASE_URL}" }
  tables:
    kept: { from: notes, columns: { number: amount } }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const query = (sql: string) => folder.database.query(sql);
const keptRows = () =>
  query('SELECT id, text, number FROM kept WHERE deleted_at IS NULL ORDER BY id');
const sourceRows = () => query('SELECT id, text, amount::numeric AS number FROM notes ORDER BY id');

const send = async () => {
  await settled(query);
  return folder.edp('capture', 'run', '--to', 'table', '--once');
};

/** What is left of the files, and of the folders that they were in. */
async function waiting(): Promise<string[]> {
  const names = await readdir(path.join(folder.directory, '.edp'), { recursive: true });
  return names.filter((name) => name.startsWith('capture'));
}

beforeAll(async () => {
  await query('CREATE TABLE notes (id int PRIMARY KEY, text text, amount text)');
  expect((await folder.edp('capture', 'install')).status).toBe(0);
});

describe('a run before the first event', () => {
  it('makes the tables, so that who reads them finds them', async () => {
    const sent = await send();
    expect(sent.status, sent.stderr).toBe(0);
    expect(sent.json).toMatchObject({ events: { published: 0 } });
    expect(await keptRows()).toEqual([]);
  });
});

describe('events of a run', () => {
  it('are in the tables, and in no file', async () => {
    await query("INSERT INTO notes VALUES (1, 'one', '1'), (2, 'two', '2')");
    await query("UPDATE notes SET text = 'second' WHERE id = 2");
    const sent = await send();
    expect(sent.status, sent.stderr).toBe(0);
    expect(sent.json).toMatchObject({ events: { published: 3 }, lag: { events: 0 } });
    expect(await keptRows()).toEqual(await sourceRows());
    expect(await waiting()).toEqual([]);
    expect((await stat(path.join(folder.directory, '.edp'))).mode & 0o777).toBe(0o700);
  });

  it.each(['realize.loaded', 'realize.merged', 'split.copied'])(
    'count once where a run is killed at %s',
    async (failpoint) => {
      await query(
        `INSERT INTO notes SELECT 1 + max(id), '${failpoint}', '3' FROM notes; DELETE FROM notes WHERE id = 1`,
      );
      await settled(query);
      const killed = await folder.killed(
        ['capture', 'run', '--to', 'table', '--once'],
        `${failpoint}=kill`,
      );
      expect(killed.status).not.toBe(0);
      const again = await send();
      expect(again.status, again.stderr).toBe(0);
      expect(await keptRows()).toEqual(await sourceRows());
      expect(await waiting()).toEqual([]);
      // One number for each event.
      expect(await query('SELECT count(*)::int FROM change_events')).toEqual(
        await query(
          "SELECT (last_value - seqstart + 1)::int FROM edp_capture.event_sequence, pg_sequence WHERE seqrelid = 'edp_capture.event_sequence'::regclass",
        ),
      );
    },
  );

  it('that the schema refuses are rejects, and hold nothing up', async () => {
    await query(
      "UPDATE notes SET amount = 'many' WHERE id = 2; INSERT INTO notes VALUES (90, 'x', '9')",
    );
    const sent = await send();
    expect(sent.status).toBe(3);
    expect(sent.stderr + sent.stdout).toMatch(/1 reject/);
    expect(await query('SELECT id, number FROM kept WHERE id IN (2, 90) ORDER BY id')).toEqual([
      [2, '2'],
      [90, '9'],
    ]);
    expect((await send()).json).toMatchObject({ events: { published: 0 } });
  });

  it('of a snapshot go into the tables as well', async () => {
    await query("TRUNCATE notes; INSERT INTO notes VALUES (5, 'five', '5'), (6, 'six', '6')");
    await send();
    const taken = await folder.edp('capture', 'snapshot', '--to', 'table');
    expect(taken.status, taken.stderr).toBe(0);
    // And the truncate that ends others.
    expect(taken.json).toMatchObject({ events: { published: 3 } });
    expect(await keptRows()).toEqual(await sourceRows());
  });

  it('that an earlier run could not fold are folded by the next one, which has none of its own', async () => {
    await query(
      "INSERT INTO notes VALUES (7, 'seven', '7'); ALTER TABLE kept ADD CONSTRAINT small CHECK (id <> 7) NOT VALID",
    );
    await settled(query);
    for (const _ of ['with events', 'with none']) {
      const failed = await folder.plain('capture', 'run', '--to', 'table', '--once');
      expect([failed.status, failed.stderr]).toEqual([
        3,
        expect.stringMatching(/kept is not folded.*edp realize folds them/s),
      ]);
    }
    await query('ALTER TABLE kept DROP CONSTRAINT small');
    const done = await send();
    expect([done.status, done.json], done.stderr).toMatchObject([0, { events: { published: 0 } }]);
    expect(await keptRows()).toEqual(await sourceRows());
  });
});

describe('a load of such events, whose file is gone', () => {
  it('is undone with a hint that brings the rows back, and verify says that it cannot compare', async () => {
    await query("INSERT INTO notes VALUES (8, 'eight', '8')");
    await send();
    const [[load]] = (await query('SELECT max(load_id)::text FROM edp.loads')) as [[string]];
    const verified = await folder.plain('verify', load);
    expect([verified.status, verified.stderr]).toEqual([
      1,
      expect.stringMatching(/came from edp capture --to table, which removes its files/),
    ]);
    const undone = await folder.plain('undo', load, '--yes');
    expect(undone.status, undone.stderr).toBe(0);
    expect(undone.stdout).toContain('edp capture snapshot kept --to table');
    expect(undone.stdout).not.toContain('.jsonl can be loaded again');
    expect(await query('SELECT id FROM kept WHERE id = 8')).toEqual([]);
    expect((await folder.edp('capture', 'snapshot', 'kept', '--to', 'table')).status).toBe(0);
    expect(await keptRows()).toEqual(await sourceRows());
    expect(await waiting()).toEqual([]);
  });
});
