/** An error that reaches no handler, in any thread, ends a command like any other error: in order. */
import { describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { expectBalanced, waitForIdle } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const RECORDS = 600;
const MODEL =
  'tables:\n  t: { columns: { id: int, boss: { type: int, references: t } }, key: id }\n';
const CSV = `id,boss\n${Array.from({ length: RECORDS }, (_, i) => `${i + 1},${i || ''}\n`).join('')}`;
const LOAD = ['ingest', 't.csv', '--process-count', '2', '--read-batch-size', '50'] as const;

const withFault = <const A extends readonly string[]>(cwd: string, fault: string, ...args: A) =>
  edp([...args, '--json', '--database-url', database.url], {
    cwd,
    // A table that refers to itself has several splits all the same.
    env: { EDP_FAILPOINTS: `split.related_bytes:=1000,${fault}` },
  });

function expectOrderly(
  result: { readonly status: number | null; readonly stderr: string; readonly json: unknown },
  message: RegExp,
): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).toMatch(/^edp: /m);
  // What Node prints of an error by itself.
  expect(result.stderr).not.toMatch(/Node\.js v|node:internal|\n {4}at /);
  expect(result.status).toBe(1);
  expect(result.json).toMatchObject({
    ok: false,
    error: { message: expect.stringMatching(message) },
  });
}

describe('a load', () => {
  it.each([
    // In the main thread.
    'run.migrated=stray',
    'claim.created=reject',
    'run.planned=reject',
    'dispatch.answer=stray@2',
    'dispatch.answer=error@2',
    'dispatch.committed=stray@3',
    'end.begin=reject',
    // In a worker: while it has a split, and while it has none.
    'worker.connected=stray',
    'split.begun=stray@2',
    'split.read=reject',
    'stage.inserted=stray@2',
    'split.committed=stray@2',
    'split.committed=reject',
  ])('ends in order, and can be continued: %s', async (fault) => {
    const cwd = await makeProject(MODEL, { 't.csv': CSV });
    expectOrderly(await withFault(cwd, fault, ...LOAD), /injected fault/);
    await expectContinued(cwd);
  });

  it('ends in order where a thread ends by itself', async () => {
    const cwd = await makeProject(MODEL, { 't.csv': CSV });
    expectOrderly(await withFault(cwd, 'split.begun=stray/exit@2', ...LOAD), /exited with code: 7/);
    await expectContinued(cwd);
  });

  it.each(['bulk.write=stray', 'bulk.indexes_built=reject', 'split.read=stray'])(
    'ends in order where rows are copied in bulk: %s',
    async (fault) => {
      const cwd = await makeProject(MODEL.replace(', references: t', ''), { 't.csv': CSV });
      const result = await withFault(cwd, `bulk.min_bytes:=1,${fault}`, ...LOAD);
      expectOrderly(result, /injected fault/);
      await expectContinued(cwd);
    },
  );

  async function expectContinued(cwd: string): Promise<void> {
    await waitForIdle(database);
    const continued = await run(cwd, ...LOAD);
    expect(continued.status, continued.stderr).toBe(0);
    expect(await database.query('SELECT count(*)::int FROM t')).toEqual([[RECORDS]]);
    expect(await database.query('SELECT DISTINCT state FROM edp.loads')).toEqual([['loaded']]);
    expect(
      await database.query("SELECT count(*)::int FROM edp.runs WHERE state = 'running'"),
    ).toEqual([[0]]);
    await expectBalanced(database, 't');
  }
});

describe('other commands', () => {
  it('end in order, too', async () => {
    const cwd = await makeProject(MODEL, { 't.csv': `${CSV}5000,6000\n` });
    await run(cwd, ...LOAD);
    expectOrderly(await withFault(cwd, 'replay.tried=stray', 'replay', '1'), /injected fault/);
    const replayed = await run(cwd, 'replay', '1');
    expect(replayed.json, replayed.stderr).toMatchObject({ remaining: 1 });
    expectOrderly(
      await withFault(cwd, 'undo.rows_deleted=reject', 'undo', '1', '--yes'),
      /injected fault/,
    );
    const undone = await run(cwd, 'undo', '1', '--yes');
    expect(undone.status, undone.stderr).toBe(0);
    expect(await database.query('SELECT count(*)::int FROM t')).toEqual([[0]]);
    expect(await database.query('SELECT command, state FROM edp.runs ORDER BY run_id')).toEqual([
      ['ingest', 'done'],
      ['replay', 'failed'],
      ['replay', 'done'],
      ['undo', 'failed'],
      ['undo', 'done'],
    ]);
  });
});
