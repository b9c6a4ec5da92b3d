/** References to dimension members that are not there. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
  await database.query("INSERT INTO first_dimensions VALUES (1, 'one')");
  await database.query("INSERT INTO second_dimensions VALUES (1, 'one', 1)");
});

/** 600 events, of which every third refers to member 7 or 8, which nobody brought. */
async function ingest(...args: string[]) {
  const cwd = await makeDirectory();
  const lines = Array.from(
    { length: 600 },
    (_, i) => `${i},,,${i % 3 === 0 ? 7 + (i % 2) : 1},${i % 2 === 0 ? '' : '1'},`,
  );
  await writeFile(path.join(cwd, 'events.csv'), `${HEADER}\n${lines.join('\n')}\n`);
  return edp(
    [
      'ingest',
      'events.csv',
      '--json',
      '--read-batch-size',
      '100',
      '--process-count',
      '3',
      '--database-url',
      database.url,
      ...args,
    ],
    { cwd },
  );
}

it('rejects the records concerned, and no other', async () => {
  const result = await ingest();
  expect(result.status).toBe(3);
  expect(result.json.rows).toEqual({ read: 600, loaded: 400, rejected: 200, duplicate: 0 });
  expect(
    await database.query(
      'SELECT code, column_name, min(reason), count(*) FROM edp.rejects GROUP BY 1, 2',
    ),
  ).toEqual([
    ['missing_dimension', 'first_dimension_id', '7 is not in public.first_dimensions', 200],
  ]);
  expect(await database.query('SELECT count(*) FROM events WHERE first_dimension_id <> 1')).toEqual(
    [[0]],
  );
});

it('infers the members when told to, each once, and notes them', async () => {
  const result = await ingest('--missing-dimensions', 'infer');
  expect(result, result.stderr).toMatchObject({ status: 0 });
  expect(result.json.rows).toEqual({ read: 600, loaded: 600, rejected: 0, duplicate: 0 });
  expect(await database.query('SELECT id, name FROM first_dimensions ORDER BY id')).toEqual([
    [1, 'one'],
    [7, null],
    [8, null],
  ]);
  expect(
    await database.query('SELECT table_name, member FROM edp.inferred_members ORDER BY 2'),
  ).toEqual([
    ['public.first_dimensions', '7'],
    ['public.first_dimensions', '8'],
  ]);
});

it('leaves the check to the server where the role may not skip its triggers', async () => {
  await database.query('DROP ROLE IF EXISTS edp_test_loader');
  await database.query('CREATE ROLE edp_test_loader LOGIN');
  await database.query('GRANT USAGE ON SCHEMA edp, public TO edp_test_loader');
  await database.query(
    'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA edp, public TO edp_test_loader',
  );
  await database.query('GRANT USAGE ON ALL SEQUENCES IN SCHEMA edp TO edp_test_loader');
  const result = await ingest(
    '--database-url',
    database.url.replace('user=edp', 'user=edp_test_loader'),
  );
  expect(result, result.stderr).toMatchObject({ status: 3 });
  expect(result.json.rows).toEqual({ read: 600, loaded: 400, rejected: 200, duplicate: 0 });
  await database.query('DROP OWNED BY edp_test_loader');
  await database.query('DROP ROLE edp_test_loader');
});
