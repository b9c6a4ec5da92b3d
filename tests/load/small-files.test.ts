/** Small files, which go to a worker several at a time: each is accounted for as if it were alone. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = `
tables:
  items:
    columns: { id: int, body: text }
    key: id
`;

const database = useEmptyDatabase();
const run = runnerFor(database);

const FILES = 24;
const ROWS = 50;

const nameOf = (file: number) => `items-${String(file).padStart(2, '0')}.csv`;
const idOf = (file: number, row: number) => file * 1000 + row;

/** @param change lines of some files, by file, instead of their first */
function writeFiles(change: Readonly<Record<number, string>> = {}): Record<string, string> {
  const files: Record<string, string> = {};
  for (let file = 0; file < FILES; file++) {
    const lines = Array.from({ length: ROWS }, (_, row) => `${idOf(file, row)},of ${file}`);
    if (change[file] !== undefined) lines[0] = change[file];
    files[nameOf(file)] = `id,body\n${lines.join('\n')}\n`;
  }
  return files;
}

async function ingest(files: Record<string, string>, ...args: string[]) {
  const cwd = await makeProject(MODEL, files);
  return { cwd, ...(await run(cwd, 'ingest', 'items-*.csv', '--process-count', '2', ...args)) };
}

interface FileResult {
  readonly path: string;
  readonly status: string;
  readonly loadId: number;
  readonly rows: Record<string, number>;
}

const filesOf = (json: Record<string, unknown>) => json.files as FileResult[];

/** Each row by the load that it says it is of. */
const rowsByLoad = () =>
  database.query('SELECT load_id, count(*)::int FROM items GROUP BY 1 ORDER BY 1');

async function countTransactions(): Promise<number> {
  const [[count]] = (await database.query('SELECT count(DISTINCT xmin::text)::int FROM items')) as [
    [number],
  ];
  return count;
}

describe('small files', () => {
  it('share transactions, and are loads of their own', async () => {
    const { cwd, status, json } = await ingest(writeFiles());
    expect(status).toBe(0);
    expect(await countTransactions()).toBeLessThan(FILES / 2);
    expect(await rowsByLoad()).toEqual(filesOf(json).map(({ loadId }) => [loadId, ROWS]));
    const receipts = await database.query(
      'SELECT load_id, first_line::int, line_count::int, rows_loaded::int FROM edp.receipts ORDER BY 1',
    );
    expect(receipts).toEqual(filesOf(json).map(({ loadId }) => [loadId, 2, ROWS, ROWS]));

    const [, second] = filesOf(json);
    expect((await run(cwd, 'verify', String(second!.loadId))).status).toBe(0);
    expect((await run(cwd, 'undo', String(second!.loadId), '--yes')).status).toBe(0);
    const ids = await database.query('SELECT id FROM items WHERE id BETWEEN 1000 AND 1999');
    expect(ids).toEqual([]);
    const again = await run(cwd, 'ingest', 'items-*.csv');
    expect(again.json.rows).toMatchObject({ loaded: ROWS });
    expect(await database.query('SELECT count(*)::int FROM items')).toEqual([[FILES * ROWS]]);
  });

  it('have their own rejects, with the lines of their file', async () => {
    const { status, json } = await ingest(
      writeFiles({ 3: 'x,a', 4: '"unclosed', 11: '12345678901,b' }),
    );
    expect(status).toBe(3);
    const rejects = await database.query(
      `SELECT l.path, r.code, r.byte_offset::int, (p.first_line + r.line_in_split)::int
       FROM edp.rejects r JOIN edp.loads l USING (load_id) JOIN edp.receipts p USING (load_id, start_byte)
       ORDER BY 1, 3`,
    );
    expect(rejects).toEqual([
      [nameOf(3), 'bad_integer', 8, 2],
      [nameOf(4), 'unterminated_quote', 8, 2],
      [nameOf(11), 'out_of_range', 8, 2],
    ]);
    expect(filesOf(json).map(({ rows }) => rows.read)).toEqual(Array(FILES).fill(ROWS));
    expect(await rowsByLoad()).toEqual(
      filesOf(json).map(({ loadId, rows }) => [loadId, rows.loaded]),
    );
  });

  it('of which the server takes one record not, lose no other', async () => {
    const cwd = await makeProject(MODEL, { 'items-none.csv': 'id,body\n' });
    await run(cwd, 'ingest', 'items-none.csv');
    await database.query("ALTER TABLE items ADD CONSTRAINT no_beast CHECK (body <> 'beast')");
    const { status, json } = await ingest(writeFiles({ 5: '5000,beast' }));
    expect(status).toBe(3);
    expect(json.rows).toEqual({
      read: FILES * ROWS,
      loaded: FILES * ROWS - 1,
      rejected: 1,
      duplicate: 0,
    });
    const rejects = await database.query(
      'SELECT l.path, r.code FROM edp.rejects r JOIN edp.loads l USING (load_id)',
    );
    expect(rejects).toEqual([[nameOf(5), 'refused_by_server']]);
  });

  it('each of which fails once, are loaded all the same', async () => {
    const cwd = await makeProject(MODEL, { 'items-none.csv': 'id,body\n' });
    await run(cwd, 'ingest', 'items-none.csv');
    // A sequence is not rolled back: each first record is refused the first time, and taken the second.
    await database.query(`
      CREATE FUNCTION deadlock_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id % 1000 = 0 AND nextval('public.tries_' || NEW.id / 1000) = 1 THEN
          RAISE EXCEPTION 'deadlock, say' USING ERRCODE = '40P01';
        END IF;
        RETURN NEW;
      END $$`);
    await database.query(
      'CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION deadlock_once()',
    );
    for (let file = 0; file < FILES; file++) await database.query(`CREATE SEQUENCE tries_${file}`);
    const { status, json } = await ingest(writeFiles());
    expect(status).toBe(0);
    expect(json.rows).toMatchObject({ loaded: FILES * ROWS });
  });

  it('before the limit of --max-rejects are loaded, and the others stay open', async () => {
    const bad = Object.fromEntries([12, 13, 14].map((file) => [file, 'x,a']));
    const { cwd, status, json } = await ingest(writeFiles(bad), '--max-rejects', '1');
    expect(status).toBe(1);
    const statuses = filesOf(json).map((file) => file.status);
    expect(statuses.slice(0, 12)).toEqual(Array(12).fill('loaded'));
    expect(statuses).toContain('failed');
    const [[open]] = (await database.query(
      "SELECT count(*)::int FROM edp.loads WHERE state = 'loading'",
    )) as [[number]];
    expect(open).toBeGreaterThan(0);
    const again = await run(cwd, 'ingest', 'items-*.csv', '--max-rejects', '3');
    expect(again.status).toBe(3);
    expect(await database.query('SELECT count(*)::int FROM items')).toEqual([[FILES * ROWS - 3]]);
  });

  it('of which the first has many rejects, are held together against a share', async () => {
    const files = writeFiles();
    const lines = Array.from({ length: 1100 }, (_, row) => `${row < 30 ? 'x' : 90_000 + row},a`);
    files[nameOf(0)] = `id,body\n${lines.join('\n')}\n`;
    // 30 of 1,100 are more than that, and of the 1,350 that commit together they are less.
    const { status, json } = await ingest(files, '--max-rejects', '2.5%');
    expect(status).toBe(3);
    expect(filesOf(json).map((file) => file.status)).toEqual(Array(FILES).fill('loaded'));
  });

  it('take keys in their order', async () => {
    // The first record of each file has the key of the one in the first file.
    const change = Object.fromEntries(
      Array.from({ length: FILES }, (_, file) => [file, `7777,of ${file}`]),
    );
    const { json } = await ingest(writeFiles(change));
    expect(await database.query('SELECT body FROM items WHERE id = 7777')).toEqual([['of 0']]);
    expect(filesOf(json).map(({ rows }) => rows.rejected)).toEqual(
      Array.from({ length: FILES }, (_, file) => (file === 0 ? 0 : 1)),
    );
  });

  it('with other columns go by themselves', async () => {
    const files = writeFiles();
    for (let file = 0; file < FILES; file += 3) {
      const lines = Array.from({ length: ROWS }, (_, row) => `of ${file},${idOf(file, row)}`);
      files[nameOf(file)] = `body,id\n${lines.join('\n')}\n`;
    }
    files[nameOf(4)] = `id\n${Array.from({ length: ROWS }, (_, row) => idOf(4, row)).join('\n')}\n`;
    const { status, json } = await ingest(files);
    expect(status).toBe(0);
    expect(json.rows).toMatchObject({ loaded: FILES * ROWS });
    const wrong = await database.query(
      `SELECT * FROM items WHERE CASE id / 1000 WHEN 4 THEN body IS NOT NULL
         ELSE body IS DISTINCT FROM 'of ' || id / 1000 END`,
    );
    expect(wrong).toEqual([]);
  });
});
