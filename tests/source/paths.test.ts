/** No name leads out of the directory it is for. */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** A project in a directory of its own, beside which nothing must appear. */
async function makeProject() {
  const outer = await makeDirectory();
  const cwd = path.join(outer, 'project');
  await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
  await writeFile(path.join(outer, 'secret.sql'), '-- title: Secret\n\nSELECT 1\n');
  return {
    cwd,
    outer,
    run: (...args: string[]) =>
      edp([...args, '--json'], { cwd, env: { DATABASE_URL: database.url } }),
    outside: async () => (await readdir(outer)).sort(),
  };
}

describe('a report', () => {
  it.each([
    '../../../secret',
    '../secret',
    '/etc/passwd',
    'a/../../secret',
    '..',
    '.',
    '',
    'sub\\x',
  ])('called %j does not exist', async (name) => {
    const { run, outside } = await makeProject();
    const result = await run('generate-report', name);
    expect(result.json).toMatchObject({ ok: false });
    expect(['unknown_report', 'usage']).toContain(result.json.error.code);
    expect(await outside()).toEqual(['project', 'secret.sql']);
  });

  it('is written where it belongs, whatever its parameters are', async () => {
    const { run, cwd, outside } = await makeProject();
    await writeFile(
      path.join(cwd, 'sql', 'reports', 'r.sql'),
      "-- title: R\n-- param from text: a\n\nSELECT :'from' AS a\n",
    );
    for (const from of [
      '../../x',
      '/tmp/x',
      'a/b',
      '..',
      '\u0000'.replace('\u0000', 'nul'),
      'a\nb',
    ]) {
      const result = await run('generate-report', 'r', '--from', from);
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(path.dirname(result.json.path!)).toBe('reports');
    }
    expect(await readdir(path.join(cwd, 'reports'))).toHaveLength(6);
    expect(await outside()).toEqual(['project', 'secret.sql']);
  });

  it('goes where --out says, and through no link that was put in the way', async () => {
    const { run, cwd, outer } = await makeProject();
    const result = await run('generate-report', 'load_history', '--out', '../named.csv');
    expect(result.json.path).toBe(path.join(outer, 'named.csv'));
    await symlink(outer, path.join(cwd, 'reports'));
    const linked = await run('generate-report', 'load_history');
    // The user's own directory may be a link; what is written there is a new file.
    expect(linked.status).toBe(0);
    expect((await readdir(outer)).filter((name) => name.startsWith('load_history'))).toHaveLength(
      1,
    );
  });
});

describe('a file', () => {
  it.each([
    { name: '../events-1.csv', table: 'events' },
    { name: 'events;rm -rf.csv', table: 'events' },
  ])('$name goes into $table, and nowhere else', async ({ name, table }) => {
    const { run, cwd, outside } = await makeProject();
    const header =
      'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics\n';
    const id = Math.floor(Math.random() * 1e12);
    await writeFile(path.resolve(cwd, name), `${header}${id},,,,,\n`);
    const before = await outside();
    const result = await run('ingest', name);
    expect(result.json.files[0], result.stderr).toMatchObject({
      path: name,
      table,
      status: 'loaded',
    });
    expect(await outside()).toEqual(before);
  });

  it.each(['../first_dimensions', '/events', 'events/../x', '..'])(
    'cannot be sent into the table %j',
    async (table) => {
      const { run, cwd } = await makeProject();
      await writeFile(path.join(cwd, 'a.csv'), 'id\n1\n');
      const result = await run('ingest', 'a.csv', '--table', table);
      expect(result.json.error.code).toBe('unknown_table');
    },
  );
});

describe('generate-data', () => {
  it('writes into the directory of --out, and follows no link to do so', async () => {
    const { run, cwd, outer, outside } = await makeProject();
    await mkdir(path.join(cwd, 'out'));
    await writeFile(path.join(outer, 'precious'), 'keep');
    await symlink(path.join(outer, 'precious'), path.join(cwd, 'out', 'events-1-1.csv'));
    const result = await run('generate-data', '--files', '1', '--count', '3', '--out', 'out');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await outside()).toEqual(['precious', 'project', 'secret.sql']);
    expect(await readFile(path.join(outer, 'precious'), 'utf8')).toBe('keep');
  });
});
