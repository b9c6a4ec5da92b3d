/** `edp capture run --to table`: from the source's transactions into the tables of the warehouse. */
import { readdir } from 'node:fs/promises';
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

async function waiting(): Promise<string[]> {
  const names = await readdir(path.join(folder.directory, '.edp/capture'), { recursive: true });
  return names.filter((name) => name.endsWith('l') || name.endsWith('.part'));
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
});
