/** Members that facts referred to before their dimension came, and what becomes of them when it comes. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { expectBalanced } from '../support/ledger.js';
import { runnerFor } from '../support/scratch.js';

const database = useTestDatabase();
const run = runnerFor(database);
beforeEach(async () => {
  await database.query('TRUNCATE events, first_dimensions, second_dimensions');
  await database.query('TRUNCATE edp.loads CASCADE');
});

const HEADER = 'id,recorded_date,created_date,first_dimension_id,second_dimension_id,event_metrics';
/** Members 1 to 20, of the second dimension 1 to 40. */
const FIRST = `id,name\n${Array.from({ length: 20 }, (_, i) => `${i + 1},first ${i + 1}`).join('\n')}\n`;
const SECOND = `id,name,first_dimension_id\n${Array.from({ length: 40 }, (_, i) => `${i + 1},second ${i + 1},${(i % 20) + 1}`).join('\n')}\n`;

async function project(): Promise<string> {
  const cwd = await makeDirectory();
  await mkdir(path.join(cwd, 'data'));
  await writeFile(path.join(cwd, 'data', 'first_dimensions.csv'), FIRST);
  await writeFile(path.join(cwd, 'data', 'second_dimensions.csv'), SECOND);
  for (const [name, from] of [
    ['events-1.csv', 0],
    ['events-2.csv', 1000],
  ] as const) {
    // Members 21 and 22 are in no dimension file.
    const lines = Array.from(
      { length: 1000 },
      (_, i) => `${from + i},,,${(i % 22) + 1},${(i % 40) + 1},`,
    );
    await writeFile(path.join(cwd, 'data', name), `${HEADER}\n${lines.join('\n')}\n`);
  }
  return cwd;
}

const dimensions = async () => [
  await database.query('SELECT id, name FROM first_dimensions ORDER BY id'),
  await database.query('SELECT id, name, first_dimension_id FROM second_dimensions ORDER BY id'),
];

async function expectSeeded(hasInferred: boolean): Promise<void> {
  const first = Array.from({ length: 20 }, (_, i): unknown[] => [i + 1, `first ${i + 1}`]);
  if (hasInferred) first.push([21, null], [22, null]);
  const second = Array.from({ length: 40 }, (_, i) => [i + 1, `second ${i + 1}`, (i % 20) + 1]);
  expect(await dimensions()).toEqual([first, second]);
}

describe.each([{ workers: '1' }, { workers: '4' }])('with $workers workers', ({ workers }) => {
  const ingest = (cwd: string, file: string) =>
    run(
      cwd,
      'ingest',
      file,
      '--missing-dimensions',
      'infer',
      '--process-count',
      workers,
      '--read-batch-size',
      '100',
    );

  it.each([
    { order: ['seed', 'data/events-1.csv', 'data/events-2.csv'] },
    { order: ['data/events-1.csv', 'seed', 'data/events-2.csv'] },
    { order: ['data/events-1.csv', 'data/events-2.csv', 'seed'] },
  ])('$order', async ({ order }) => {
    const cwd = await project();
    for (const what of order) {
      const result = await (what === 'seed' ? run(cwd, 'seed-dimensions') : ingest(cwd, what));
      expect(result, result.stderr).toMatchObject({ status: 0 });
      if (what === 'seed') {
        // Whether a member was there already or not: its record is loaded, and no conflict.
        expect(result.json.rows).toEqual({ read: 60, loaded: 60, rejected: 0, duplicate: 0 });
      } else {
        expect(result.json.rows).toMatchObject({ read: 1000, loaded: 1000 });
      }
    }
    await expectSeeded(true);
    const status = await run(cwd, 'status');
    expect(status.json.inferredMembers).toEqual({ 'public.first_dimensions': 2 });
    expect(status.json.loads).toHaveLength(4);
    await expectBalanced(database, 'events');
  });

  it('at the same time as the facts', async () => {
    const cwd = await project();
    const results = await Promise.all([
      ingest(cwd, 'data/events-1.csv'),
      run(cwd, 'seed-dimensions'),
      ingest(cwd, 'data/events-2.csv'),
    ]);
    for (const result of results) expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(results[1].json.rows).toEqual({ read: 60, loaded: 60, rejected: 0, duplicate: 0 });
    await expectSeeded(true);
    expect((await run(cwd, 'status')).json.inferredMembers).toEqual({
      'public.first_dimensions': 2,
    });
    expect(await database.query('SELECT count(*) FROM events')).toEqual([[2000]]);
  });
});

describe('a late member takes the values of its first record, once', () => {
  it.each(['reject', 'skip', 'update'])('with --on-conflict %s', async (mode) => {
    const cwd = await project();
    await run(cwd, 'ingest', 'data/events-1.csv', '--missing-dimensions', 'infer');
    await writeFile(
      path.join(cwd, 'first_dimensions.csv'),
      'id,name\n1,late\n2,late\n1,later\n3,\n2,late\n',
    );
    const result = await run(cwd, 'ingest', 'first_dimensions.csv', '--on-conflict', mode);
    expect(result.json.rows).toEqual(
      {
        reject: { read: 5, loaded: 3, rejected: 1, duplicate: 1 },
        skip: { read: 5, loaded: 3, rejected: 0, duplicate: 2 },
        update: { read: 5, loaded: 4, rejected: 0, duplicate: 1 },
      }[mode],
    );
    expect(
      await database.query('SELECT id, name FROM first_dimensions WHERE id <= 3 ORDER BY id'),
    ).toEqual([
      [1, mode === 'update' ? 'later' : 'late'],
      [2, 'late'],
      [3, null],
    ]);
    expect((await run(cwd, 'status')).json.inferredMembers['public.first_dimensions']).toBe(22 - 3);

    // From now on it is a member as any other.
    await writeFile(path.join(cwd, 'first_dimensions.csv'), 'id,name\n2,other\n');
    const next = await run(cwd, 'ingest', 'first_dimensions.csv', '--on-conflict', 'reject');
    expect(next.json.rows).toMatchObject({ loaded: 0, rejected: 1 });
  });

  it('a record that the table refuses does not stand in the way of the next one', async () => {
    const cwd = await project();
    await database.query("ALTER TABLE first_dimensions ADD CONSTRAINT nice CHECK (name <> 'ugly')");
    await run(cwd, 'ingest', 'data/events-1.csv', '--missing-dimensions', 'infer');
    await writeFile(
      path.join(cwd, 'first_dimensions.csv'),
      'id,name\n1,ugly\n2,fine\n1,nice\n30,ugly\n31,new\n',
    );
    const result = await run(cwd, 'ingest', 'first_dimensions.csv');
    expect(result.json.rows, result.stderr).toEqual({
      read: 5,
      loaded: 3,
      rejected: 2,
      duplicate: 0,
    });
    const rejects = await run(cwd, 'rejects', String(result.json.files[0].loadId));
    expect(rejects.json.rejects).toMatchObject([
      { line: 2, code: 'refused_by_server' },
      { line: 5, code: 'refused_by_server' },
    ]);
    expect(
      await database.query(
        'SELECT id, name FROM first_dimensions WHERE name IS NOT NULL ORDER BY id',
      ),
    ).toEqual([
      [1, 'nice'],
      [2, 'fine'],
      [31, 'new'],
    ]);
    await database.query('ALTER TABLE first_dimensions DROP CONSTRAINT nice');
  });

  it('a member brought by the file whose own rows it was inferred for', async () => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables:\n  nodes:\n    columns: { id: int, name: text, parent: { type: int, references: nodes } }\n    key: id\n',
    );
    await writeFile(
      path.join(cwd, 'nodes.csv'),
      `id,name,parent\n${Array.from({ length: 200 }, (_, i) => `${i},n${i},${i < 199 ? i + 1 : ''}`).join('\n')}\n`,
    );
    const args = ['--missing-dimensions', 'infer', '--read-batch-size', '20'];
    const result = await run(cwd, 'ingest', 'nodes.csv', ...args);
    expect(result.json.rows, result.stderr).toEqual({
      read: 200,
      loaded: 200,
      rejected: 0,
      duplicate: 0,
    });
    expect(
      await database.query(
        "SELECT count(*), count(load_id), bool_and(name = 'n' || id) FROM nodes",
      ),
    ).toEqual([[200, 200, true]]);
    expect((await run(cwd, 'status')).json.inferredMembers).toEqual({});
    await database.query('DROP TABLE nodes');
  });
});

it('members that cannot be inferred are missing, and only the records concerned are rejected', async () => {
  const cwd = await project();
  await database.query('ALTER TABLE first_dimensions ADD CONSTRAINT small CHECK (id <> 7)');
  const result = await run(
    cwd,
    'ingest',
    'data/events-1.csv',
    '--missing-dimensions',
    'infer',
    '--read-batch-size',
    '300',
  );
  const sevens = Array.from({ length: 1000 }, (_, i) => i).filter((i) => i % 22 === 6).length;
  expect(result.json.rows, result.stderr).toMatchObject({
    loaded: 1000 - sevens,
    rejected: sevens,
  });
  expect(await database.query('SELECT DISTINCT code, column_name FROM edp.rejects')).toEqual([
    ['missing_dimension', 'first_dimension_id'],
  ]);
  await database.query('ALTER TABLE first_dimensions DROP CONSTRAINT small');
  await database.query("ALTER TABLE first_dimensions ADD needed text NOT NULL DEFAULT ''");
  await database.query('ALTER TABLE first_dimensions ALTER needed DROP DEFAULT');
  try {
    const load = String(result.json.files[0].loadId);
    const replayed = await run(cwd, 'replay', load, '--missing-dimensions', 'infer');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 0, rejected: sevens });
  } finally {
    await database.query('ALTER TABLE first_dimensions DROP needed');
  }
});

describe('undo of a load that inferred members', () => {
  it('takes those that nobody else refers to and nobody gave values', async () => {
    const cwd = await project();
    const infer = ['--missing-dimensions', 'infer'];
    const first = await run(cwd, 'ingest', 'data/events-1.csv', ...infer);
    await writeFile(path.join(cwd, 'events.csv'), `${HEADER}\n5000,,,5,6,\n`);
    await run(cwd, 'ingest', 'events.csv', ...infer);
    await database.query("UPDATE first_dimensions SET name = 'by hand' WHERE id = 9");
    await writeFile(path.join(cwd, 'first_dimensions.csv'), 'id,name\n10,arrived\n');
    await run(cwd, 'ingest', 'first_dimensions.csv');

    const undone = await run(cwd, 'undo', String(first.json.files[0].loadId));
    expect(undone.json, undone.stderr).toMatchObject({
      ok: true,
      removed: { rows: 1000, inferredMembers: 22 - 3 + 40 - 1 },
      keptInferredMembers: 3,
    });
    expect(await dimensions()).toEqual([
      [
        [5, null],
        [9, 'by hand'],
        [10, 'arrived'],
      ],
      [[6, null, null]],
    ]);
    const again = await run(cwd, 'ingest', 'data/events-1.csv', ...infer);
    expect(again.json.rows, again.stderr).toMatchObject({ loaded: 1000 });
    expect((await run(cwd, 'seed-dimensions')).json.rows).toMatchObject({ rejected: 0 });
    await expectSeeded(true);
  });
});
