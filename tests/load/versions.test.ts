/** Tables that keep each version of a key, and files that hold all members. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const VERSIONS = `tables:
  m:
    key: id
    versions: true
    columns: { id: int, v: text }
`;
const SNAPSHOT = VERSIONS.replace('versions: true', 'versions: true\n    snapshot: full');

const csv = (...records: string[]) => `id,v\n${records.map((record) => `${record}\n`).join('')}`;

/** Rows in the order of versions: key, value, load. */
const versions = () =>
  database.query('SELECT id, v, load_id::int FROM m ORDER BY id, load_id, source_offset');
/** The same, with the mark of an end. */
const states = async () =>
  (
    await database.query(
      'SELECT id, v, load_id::int, is_ended FROM m ORDER BY id, load_id, source_offset',
    )
  ).map(([id, v, load, isEnded]) => `${id}${v}@${load}${isEnded ? ' end' : ''}`);

async function ingest(cwd: string, name: string, content: string, ...options: string[]) {
  await writeFile(path.join(cwd, name), content);
  return run(cwd, 'ingest', name, '--table', 'm', ...options);
}

async function expectSound(cwd: string, ...loads: number[]): Promise<void> {
  for (const load of loads) {
    const { status, stderr, json } = await run(cwd, 'verify', `${load}`);
    expect(status, `load ${load}: ${stderr} ${JSON.stringify(json)}`).toBe(0);
  }
}

describe('versions', () => {
  it('are kept, and what equals the one before is a duplicate', async () => {
    const cwd = await makeProject(VERSIONS);
    const first = await ingest(cwd, '1.csv', csv('1,a', '2,x', '1,a', '1,b', '1,a'));
    expect(first.json.rows, first.stderr).toMatchObject({ read: 5, loaded: 4, duplicate: 1 });
    const second = await ingest(cwd, '2.csv', csv('1,a', '2,y', '3,'));
    expect(second.json.rows).toMatchObject({ loaded: 2, duplicate: 1 });
    const third = await ingest(cwd, '3.csv', csv('2,x', '3,'));
    expect(third.json.rows).toMatchObject({ loaded: 1, duplicate: 1 });
    expect(await versions()).toEqual([
      [1, 'a', 1],
      [1, 'b', 1],
      [1, 'a', 1],
      [2, 'x', 1],
      [2, 'y', 2],
      [2, 'x', 3],
      [3, null, 2],
    ]);
    expect(
      await database.query('SELECT source_offset::int FROM m WHERE load_id = 1 ORDER BY 1'),
    ).toEqual([[5], [9], [17], [21]]);
    await expectSound(cwd, 1, 2, 3);
  });

  it('are rows of their own where their spelling differs', async () => {
    const cwd = await makeProject(VERSIONS.replace('v: text', 'v: numeric'));
    const { json } = await ingest(cwd, '1.csv', csv('1,1.0', '1,1.00', '1,1.00'));
    expect(json.rows).toMatchObject({ loaded: 2, duplicate: 1 });
    await expectSound(cwd, 1);
  });

  it.each([
    ['1', '100'],
    ['2', '100'],
    ['2', '400'],
  ])('do not depend on workers (%s) and splits (%s)', async (processes, batch) => {
    const cwd = await makeProject(VERSIONS);
    const records = Array.from({ length: 3000 }, (_, i) => `${i % 7},${Math.floor(i / 50) % 3}`);
    const { json, stderr } = await ingest(
      cwd,
      '1.csv',
      csv(...records),
      '--process-count',
      processes,
      '--read-batch-size',
      batch,
    );
    const last = new Map<string, string>();
    const expected = records.filter((record) => {
      const [id, v] = record.split(',') as [string, string];
      const isNew = last.get(id) !== v;
      last.set(id, v);
      return isNew;
    });
    expect(json.rows, stderr).toMatchObject({
      loaded: expected.length,
      duplicate: records.length - expected.length,
    });
    const [[splits]] = (await database.query('SELECT count(*)::int FROM edp.receipts')) as [
      [number],
    ];
    expect(splits).toBeGreaterThan(3);
    const rows = await database.query('SELECT id, v FROM m ORDER BY source_offset');
    expect(rows.map((row) => row.join(','))).toEqual(expected);
    await expectSound(cwd, 1);
  });

  it('stay right where a load between others is undone', async () => {
    const cwd = await makeProject(VERSIONS);
    for (const [i, v] of ['a', 'b', 'a'].entries())
      await ingest(cwd, `${i}.csv`, csv(`1,${v}`, `9,${i}`));
    const undone = await run(cwd, 'undo', '2', '--yes');
    expect(undone.json, undone.stderr).toMatchObject({ ok: true });
    expect(await versions()).toEqual([
      [1, 'a', 1],
      [1, 'a', 3],
      [9, '0', 1],
      [9, '2', 3],
    ]);
    await expectSound(cwd, 1, 3);
  });

  it('come in by a replay, at the places of their records', async () => {
    const cwd = await makeProject(`tables:
  d: { key: k, columns: { k: text } }
  m:
    key: id
    versions: true
    columns: { id: int, v: { type: text, references: d } }
`);
    await writeFile(path.join(cwd, 'd.csv'), 'k\na\nb\n');
    await run(cwd, 'ingest', 'd.csv', '--table', 'd');
    const loaded = await ingest(cwd, '1.csv', csv('1,a', '1,c', '1,a', '1,b'));
    expect(loaded.json.rows, loaded.stderr).toMatchObject({ loaded: 2, rejected: 1, duplicate: 1 });
    await database.query("INSERT INTO d (k) VALUES ('c')");
    const replayed = await run(cwd, 'replay', '2');
    expect(replayed.json, replayed.stderr).toMatchObject({ remaining: 0 });
    expect(await database.query('SELECT v, source_offset::int FROM m ORDER BY 2')).toEqual([
      ['a', 5],
      ['c', 9],
      ['b', 17],
    ]);
    // What was a duplicate before it is none beside it; verify says so.
    const { json } = await run(cwd, 'verify', '2');
    expect(json.differences).toMatchObject([{ kind: 'missing', line: 4 }]);
  });

  it('are tried by a dry run as a load would', async () => {
    const cwd = await makeProject(VERSIONS);
    await ingest(cwd, '1.csv', csv('1,a', '2,a'));
    await writeFile(path.join(cwd, '2.csv'), csv('1,b', '2,a'));
    await writeFile(path.join(cwd, '3.csv'), csv('1,b', '2,b'));
    const args = ['ingest', '2.csv', '3.csv', '--table', 'm'] as const;
    const dry = await run(cwd, ...args, '--dry-run');
    const real = await run(cwd, ...args);
    expect(dry.json.rows, dry.stderr).toEqual(real.json.rows);
    expect(real.json.rows).toMatchObject({ loaded: 2, duplicate: 2 });
  });

  it('go on after a kill', async () => {
    const cwd = await makeProject(VERSIONS);
    const records = Array.from({ length: 2000 }, (_, i) => `${i % 5},${Math.floor(i / 5) % 2}`);
    await writeFile(path.join(cwd, '1.csv'), csv(...records, '1,z', '1,z'));
    const args = ['ingest', '1.csv', '--table', 'm', '--read-batch-size', '100'];
    const killed = await edp([...args, '--database-url', database.url], {
      cwd,
      env: { EDP_FAILPOINTS: 'dispatch.committed=kill@4' },
    });
    expect(killed.status).not.toBe(0);
    const { json, stderr } = await run(cwd, ...args);
    expect(json.files, stderr).toMatchObject([{ status: 'loaded' }]);
    expect(await database.query('SELECT count(*)::int FROM m')).toEqual([[2001]]);
    await expectSound(cwd, 1);
  });

  it('of a content that was loaded before come with --force', async () => {
    const cwd = await makeProject(VERSIONS);
    for (const [name, v] of Object.entries({ '1.csv': 'a', '2.csv': 'b' })) {
      await ingest(cwd, name, csv(`1,${v}`));
    }
    const { json } = await ingest(cwd, '3.csv', csv('1,a'));
    expect(json.files).toMatchObject([
      { status: 'skipped', reason: expect.stringContaining('are not the last ones') },
    ]);
    await ingest(cwd, '3.csv', csv('1,a'), '--force');
    expect((await versions()).map(([, v]) => v)).toEqual(['a', 'b', 'a']);
    await expectSound(cwd, 1, 2, 3);
  });

  it('replace the content of the table with --replace', async () => {
    const cwd = await makeProject(VERSIONS);
    await ingest(cwd, '1.csv', csv('1,a', '2,a'));
    await writeFile(path.join(cwd, '2.csv'), csv('1,b', '1,b', '1,c'));
    const { json, stderr } = await run(cwd, 'ingest', '2.csv', '--table', 'm', '--replace');
    expect(json.rows, stderr).toMatchObject({ loaded: 2, duplicate: 1 });
    expect((await versions()).map(([, v]) => v)).toEqual(['b', 'c']);
    await expectSound(cwd, 2);
  });

  it('are compared by verify with their places', async () => {
    const cwd = await makeProject(VERSIONS);
    await ingest(cwd, '1.csv', csv('1,a', '1,b', '2,a', '2,a', '3,a'));
    await database.query("UPDATE m SET v = 'x' WHERE id = 3");
    await database.query('DELETE FROM m WHERE id = 2');
    await database.query("UPDATE m SET source_offset = 7 WHERE v = 'b'");
    const { json, status } = await run(cwd, 'verify', '1');
    expect(status).not.toBe(0);
    const kinds = (json.differences as { kind: string; line?: number }[]).map(
      ({ kind, line }) => `${kind} ${line ?? ''}`,
    );
    expect(kinds).toEqual(['missing 3', 'missing 4', 'changed 6', 'added ']);
  });

  it('say what --on-conflict has to do with them', async () => {
    const cwd = await makeProject(VERSIONS);
    await ingest(cwd, '1.csv', csv('1,a'));
    const { json, stderr } = await ingest(cwd, '2.csv', csv('1,b'), '--on-conflict', 'update');
    expect(json.rows).toMatchObject({ loaded: 1 });
    expect(stderr).toContain('keeps versions');
  });

  it('are divided into partitions', async () => {
    const cwd = await makeProject(`tables:
  m:
    key: [id, day]
    versions: true
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, v: text }
`);
    const days = ['1,2020-01-01,a', '1,2020-02-01,a', '1,2020-01-01,a', '1,2020-01-01,b'];
    const { json, stderr } = await ingest(cwd, '1.csv', `id,day,v\n${days.join('\n')}\n`);
    expect(json.rows, stderr).toMatchObject({ loaded: 3, duplicate: 1 });
    await expectSound(cwd, 1);
  });
});

describe('snapshots of all members', () => {
  it('end those that a file lacks, and begin those that come back', async () => {
    const cwd = await makeProject(SNAPSHOT);
    await ingest(cwd, '1.csv', csv('1,a', '2,a', '3,a'));
    const second = await ingest(cwd, '2.csv', csv('1,a', '3,b'));
    expect(second.stderr).toContain('one member of "m" is not in 2.csv, and so ended');
    await ingest(cwd, '3.csv', csv('1,a', '2,a', '3,b', '4,a'));
    await ingest(cwd, '4.csv', csv('4,a', '1,a'));
    const { json } = await run(cwd, 'status');
    expect(json.loads.map(({ membersEnded }) => membersEnded)).toEqual([2, 0, 1, 0]);
    expect(await states()).toEqual([
      '1a@1',
      '2a@1',
      '2a@2 end',
      '2a@3',
      '2a@4 end',
      '3a@1',
      '3b@2',
      '3b@4 end',
      '4a@3',
    ]);
    await expectSound(cwd, 1, 2, 3, 4);
  });

  it('one file after the other in one run', async () => {
    const cwd = await makeProject(SNAPSHOT, {
      '1.csv': csv('1,a', '2,a'),
      '2.csv': csv('1,a'),
      '3.csv': csv('2,a', '1,a'),
    });
    const args = ['ingest', '1.csv', '2.csv', '3.csv', '--table', 'm'] as const;
    const dry = await run(cwd, ...args, '--dry-run');
    const { json } = await run(cwd, ...args);
    expect(json.rows).toMatchObject({ loaded: 3, duplicate: 2 });
    expect(dry.json.rows).toEqual(json.rows);
    expect(await states()).toEqual(['1a@1', '2a@1', '2a@2 end', '2a@3']);
  });

  it('an undo takes the ends back, or hands them to the next load that lacks the member, too', async () => {
    const cwd = await makeProject(SNAPSHOT);
    await ingest(cwd, '1.csv', csv('1,a', '2,a', '3,a'));
    await ingest(cwd, '2.csv', csv('1,b'));
    await ingest(cwd, '3.csv', csv('1,b', '3,a'));
    await run(cwd, 'undo', '2', '--yes');
    expect(await states()).toEqual(['1a@1', '2a@1', '2a@3 end', '3a@1', '3a@3']);
    // Its record of 1 was a duplicate of the row that is gone.
    expect((await run(cwd, 'verify', '3')).json.differences).toMatchObject([
      { kind: 'missing', line: 2 },
    ]);
    await run(cwd, 'undo', '3', '--yes');
    expect(await states()).toEqual(['1a@1', '2a@1', '3a@1']);
  });

  it('are complete before they end anybody: after a kill, the next run does it', async () => {
    const cwd = await makeProject(SNAPSHOT);
    await ingest(cwd, '1.csv', csv('1,a', '2,a', '3,a'));
    await writeFile(path.join(cwd, '2.csv'), csv('1,a', '2,b'));
    const args = ['ingest', '2.csv', '--table', 'm'];
    for (const failpoint of ['split.receipt_written', 'dispatch.committed', 'end.members']) {
      await edp([...args, '--database-url', database.url], {
        cwd,
        env: { EDP_FAILPOINTS: `${failpoint}=kill@1` },
      });
      expect((await states()).filter((one) => one.includes('end'))).toEqual([]);
    }
    const { json, stderr } = await run(cwd, ...args);
    expect(json.files, stderr).toMatchObject([{ status: 'loaded' }]);
    expect(await states()).toEqual(['1a@1', '2a@1', '2b@2', '3a@1', '3a@2 end']);
    await expectSound(cwd, 2);
  });

  it('also those that a load brings which is complete only after the next one', async () => {
    const cwd = await makeProject(SNAPSHOT);
    await ingest(cwd, '1.csv', csv('1,a', '2,a', '3,a'));
    const others = Array.from({ length: 2000 }, (_, i) => `${i + 1000},x`);
    await writeFile(path.join(cwd, '2.csv'), csv('1,b', '2,a', ...others, '8,a', '9,a'));
    const args = ['ingest', '2.csv', '--table', 'm', '--read-batch-size', '100'];
    await edp([...args, '--database-url', database.url], {
      cwd,
      env: { EDP_FAILPOINTS: 'dispatch.committed=kill@1' },
    });
    await ingest(cwd, '3.csv', csv('1,a', '8,a', ...others));
    const { json, stderr } = await run(cwd, ...args);
    expect(json.files, stderr).toMatchObject([{ status: 'loaded', loadId: 2 }]);
    const alive = (await states())
      .map((one) => one.split('@'))
      .filter(([one]) => one!.length === 2);
    const last = new Map(alive.map(([member, rest]) => [member![0], rest]));
    expect(Object.fromEntries(last)).toEqual({
      1: '3',
      2: '3 end',
      3: '3 end',
      8: '3',
      9: '3 end',
    });
    const counts = await database.query(
      'SELECT load_id::int, rows_ended::int, (SELECT count(*)::int FROM m WHERE m.load_id = l.load_id AND is_ended) FROM edp.loads l ORDER BY 1',
    );
    for (const [load, noted, there] of counts) expect(noted, `load ${load}`).toBe(there);
    // A dry run is behind all loads, and ends nobody in them.
    const before = await states();
    await ingest(cwd, '4.csv', csv('1,a', '7,a', ...others), '--dry-run');
    expect(await states()).toEqual(before);
    await run(cwd, 'undo', '3', '--yes');
    expect(await states()).toContain('9a@2');
    expect((await states()).filter((one) => one.endsWith('end'))).toEqual(['3a@2 end']);
  });

  it('with rejects end nobody, until a replay has loaded them', async () => {
    const cwd = await makeProject(
      `tables:
  d: { key: k, columns: { k: text } }
  m:
    key: id
    versions: true
    snapshot: full
    columns: { id: int, v: { type: text, references: d } }
`,
      { 'd.csv': 'k\na\n' },
    );
    await run(cwd, 'ingest', 'd.csv');
    await ingest(cwd, '1.csv', csv('1,a', '2,a', '3,a'));
    const { stderr } = await ingest(cwd, '2.csv', csv('1,a', '2,b'));
    expect(stderr).toContain('no member of "m" has ended by 2.csv');
    expect(await states()).toEqual(['1a@2', '2a@2', '3a@2']);
    await database.query("INSERT INTO d (k) VALUES ('b')");
    await run(cwd, 'replay', '3');
    expect(await states()).toEqual(['1a@2', '2a@2', '2b@3', '3a@2', '3a@3 end']);
    await expectSound(cwd, 2, 3);
  });

  it('without records end all members only with --force', async () => {
    const cwd = await makeProject(SNAPSHOT);
    await ingest(cwd, '1.csv', csv('1,a', '2,a'));
    const refused = await ingest(cwd, '2.csv', csv());
    expect(refused.status).toBe(1);
    expect(refused.json.files).toMatchObject([{ status: 'failed' }]);
    expect(await states()).toEqual(['1a@1', '2a@1']);
    const forced = await ingest(cwd, '2.csv', csv(), '--force');
    expect(forced.json.files, forced.stderr).toMatchObject([{ status: 'loaded' }]);
    expect(await states()).toEqual(['1a@1', '1a@2 end', '2a@1', '2a@2 end']);
  });

  it('keep what is NOT NULL in the row of an end', async () => {
    const cwd = await makeProject(
      SNAPSHOT.replace('v: text', 'v: { type: text, nullable: false }'),
    );
    await ingest(cwd, '1.csv', csv('1,a', '2,a'));
    await ingest(cwd, '2.csv', csv('1,a'));
    expect(await states()).toEqual(['1a@1', '2a@1', '2a@2 end']);
  });
});
