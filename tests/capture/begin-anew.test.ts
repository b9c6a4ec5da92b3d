/** What a new install and its snapshot say of all that was published before: rows have their values of now, and those that went end. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { toUrl } from '../../src/postgres/which-server.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { foldEvents, readEvents } from './fold.js';
import { settled } from './source.js';

const MODEL = `
tables:
  kept: { key: id, history: true, columns: { id: int, text: text } }
capture:
  source: { name: shop, database-url: "\${DATABASE_URL}" }
  tables:
    kept: { from: notes }
`;

const folder = useWarehouseFolder({ 'edp.yaml': MODEL });
const query = (sql: string) => folder.database.query(sql);

async function done(...args: string[]): Promise<void> {
  const { status, stderr } = await folder.edp(...args);
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0);
}

async function send(): Promise<void> {
  await settled(query);
  await done('capture', 'run', '--to', 'ev', '--once');
  await done('realize', 'ev');
}

const live = () => query('SELECT id, text FROM kept WHERE deleted_at IS NULL ORDER BY id');
const sourceRows = () => query('SELECT id, text FROM notes ORDER BY id');
const GAPS = `SELECT id, valid_to, next FROM (
  SELECT *, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next FROM kept_history) AS h
  WHERE valid_to IS DISTINCT FROM next AND next IS NOT NULL`;

beforeAll(async () => {
  await query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
  await done('capture', 'install');
  await query("INSERT INTO notes VALUES (1, 'v1'), (3, 'goes'), (4, 'stays')");
  await query("UPDATE notes SET text = 'v2' WHERE id = 1");
  await query("UPDATE notes SET text = 'v3' WHERE id = 1");
});

describe('uninstall, install and snapshot', () => {
  it('are above all that was published before, and end what went meanwhile', async () => {
    await send();
    expect(await live()).toEqual(await sourceRows());
    await done('capture', 'uninstall');
    await query("DELETE FROM notes WHERE id = 3; UPDATE notes SET text = 'alone' WHERE id = 4");
    await done('capture', 'install');
    await query("UPDATE notes SET text = 'NEW' WHERE id = 1");
    await query("INSERT INTO notes VALUES (2, 'two')");
    await done('capture', 'snapshot');
    await send();
    expect(await live()).toEqual(await sourceRows());
    expect(await query('SELECT id FROM kept WHERE deleted_at IS NOT NULL')).toEqual([[3]]);
    expect(await query(GAPS)).toEqual([]);
    expect(await query('SELECT id FROM kept_history WHERE is_current ORDER BY id')).toEqual([
      [1],
      [2],
      [4],
    ]);
  });

  it.each([['ev'], ['rows']])('again end what went without an event: into %s', async (to) => {
    await query(`ALTER TABLE notes DISABLE TRIGGER USER;
      DELETE FROM notes WHERE id = ${to === 'ev' ? 2 : 4}`);
    await query(`DO $$DECLARE one record; BEGIN
      FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'notes'::regclass LOOP
        EXECUTE format('ALTER TABLE notes ENABLE ALWAYS TRIGGER %I', one.tgname);
      END LOOP; END$$`);
    const target = to === 'ev' ? [] : ['--to', to];
    await done('capture', 'snapshot', ...target);
    if (to === 'ev') await send();
    else await done('realize', to);
    expect(await live()).toEqual(await sourceRows());
    expect(await query(GAPS)).toEqual([]);
  });

  it('are right for whoever reads the events alone', async () => {
    const before = readEvents(path.join(folder.directory, 'ev')).get('kept')!;
    const after = readEvents(path.join(folder.directory, 'rows')).get('kept')!;
    const found = [...foldEvents([...after, ...before]).values()];
    const expected = (await sourceRows()).map(([id, text]) => ({ id, text }));
    expect(found.sort((a, b) => Number(a.id) - Number(b.id))).toEqual(expected);
    const reads = before.filter(({ data }) => data.op === 'read' || data.op === 'truncate');
    expect(new Set(reads.map(({ sequence, time }) => `${sequence} ${time}`)).size).toBe(2);
  });

  it('refuse rows that a policy hides from the role, which would count as gone', async () => {
    await query(`ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY;
      CREATE POLICY few ON notes USING (id > 1)`);
    const role = `few_${Date.now()}`;
    await query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      await query(`GRANT USAGE ON SCHEMA edp_capture TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA edp_capture TO ${role};
        GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA edp_capture TO ${role};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA edp_capture TO ${role}; GRANT SELECT ON notes TO ${role}`);
      const url = toUrl({ ...folder.database.config, user: role, password: 'x' });
      await folder.write('edp.yaml', MODEL.replace(/\$\{DATABASE_URL\}/, url));
      const refused = await folder.edp('capture', 'snapshot');
      expect([refused.status, refused.stderr]).toEqual([
        1,
        expect.stringContaining('kept: row level security hides rows of public.notes from few_'),
      ]);
      expect(refused.stderr).toContain('BYPASSRLS');
    } finally {
      await query(`DROP POLICY few ON notes; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
