/** `--max-rejects` over several runs of one load, with one worker and with many. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

/** Each tenth record has a fault. */
async function project(count: number, files = 1) {
  const cwd = await makeDirectory();
  const names: string[] = [];
  for (let file = 0; file < files; file++) {
    const lines = Array.from({ length: count }, (_, i) => {
      const id = file * count + i;
      return i % 10 === 0 ? `x${id},bad` : `${id},good`;
    });
    names.push(`first_dimensions-${file}.csv`);
    await writeFile(path.join(cwd, names[file]!), `id,name\n${lines.join('\n')}\n`);
  }
  return (...args: string[]) =>
    edp(
      [
        'ingest',
        ...names,
        '--json',
        '--read-batch-size',
        '20',
        '--database-url',
        database.url,
        ...args,
      ],
      { cwd },
    );
}

const loaded = async () =>
  (await database.query('SELECT count(*) FROM first_dimensions'))[0]![0] as number;

describe.each([{ workers: '1' }, { workers: '8' }])('with $workers workers', ({ workers }) => {
  const count = ['--process-count', workers];

  it.each([
    { first: '7', second: '20', last: '50' },
    { first: '2%', second: '9.9%', last: '15%' },
  ])(
    'what earlier runs rejected counts: $first, $second, $last',
    async ({ first, second, last }) => {
      const run = await project(500);
      const stopped = await run('--max-rejects', first, ...count);
      expect(stopped.status, stopped.stderr).toBe(1);
      expect(stopped.json).toMatchObject({ ok: false, error: { code: 'too_many_rejects' } });
      expect(stopped.json.rows.read).toBeLessThan(500);
      expect(stopped.json.files[0]).toMatchObject({ status: 'failed' });
      expect(stopped.json.files[0].reason).toContain('--max-rejects');
      const afterFirst = await loaded();

      // With the same limit nothing more is loaded, however often it is tried.
      const again = await run('--max-rejects', first, ...count);
      expect(again.status).toBe(1);
      expect(again.json.error.code).toBe('too_many_rejects');
      expect(await loaded()).toBe(afterFirst);

      // With a higher one it goes on, up to that.
      const higher = await run('--max-rejects', second, ...count);
      expect(higher.status).toBe(1);
      expect(await loaded()).toBeGreaterThanOrEqual(afterFirst);
      expect(higher.json.rows.rejected).toBeGreaterThan(stopped.json.rows.rejected - 1);

      const done = await run('--max-rejects', last, ...count);
      expect(done.status, done.stderr).toBe(3);
      expect(done.json.rows).toEqual({ read: 500, loaded: 450, rejected: 50, duplicate: 0 });
      expect(await loaded()).toBe(450);
    },
  );

  it('a file that is over the limit only with its last record stays open', async () => {
    const run = await project(60);
    for (const limit of ['5', '9%']) {
      for (const _ of ['first', 'again']) {
        const over = await run('--max-rejects', limit, ...count);
        expect(over.status, over.stderr).toBe(1);
        expect(over.json.files[0].status).toBe('failed');
      }
    }
    const done = await run('--max-rejects', '10%', ...count);
    expect(done.status, done.stderr).toBe(3);
    expect(done.json.rows).toEqual({ read: 60, loaded: 54, rejected: 6, duplicate: 0 });
    expect((await run('--max-rejects', '1', ...count)).json.files[0].status).toBe('skipped');
  });

  it('the files of a run count together', async () => {
    const run = await project(100, 4);
    const over = await run('--max-rejects', '35', ...count);
    expect(over.status).toBe(1);
    const done = await run('--max-rejects', '40', ...count);
    expect(done.status, done.stderr).toBe(3);
    expect(await loaded()).toBe(360);
  });
});
