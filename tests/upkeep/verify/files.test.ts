/** `edp verify` and its file: moved, changed, loaded only in part. */
import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startEdp } from '../../support/cli.js';
import { generateEvents } from '../../support/events.js';
import { slowLoads } from '../../support/ledger.js';
import {
  FILE,
  ITEMS,
  makeEventsProject,
  makeProject,
  newTable,
  useVerifyDatabases,
  type VerifyProject,
} from './setup.js';

const { database, events } = useVerifyDatabases();

describe('the file', () => {
  async function load(): Promise<{ project: VerifyProject; loadId: number; file: string }> {
    const table = newTable();
    const project = await makeProject(database, `  ${table}:\n${ITEMS}`, {
      'a.csv': 'id,body,amount\n1,a,1\nx,bad,0\n2,b,2\n3,"c\nd",3\n',
    });
    const loadId = await project.ingest('a.csv', '--table', table);
    return { project, loadId, file: path.join(project.cwd, 'a.csv') };
  }

  it('may be elsewhere by now', async () => {
    const { project, loadId, file } = await load();
    await rename(file, path.join(project.cwd, 'b.csv'));
    const gone = await project.verify(loadId);
    expect(gone).toMatchObject({ status: 1 });
    expect(gone.json.error).toMatchObject({
      code: 'file_changed',
      message: expect.stringMatching(/is not there/),
      hint: expect.stringMatching(/edp verify \d+ FILE/),
    });
    expect(await project.verify(loadId, 'b.csv')).toMatchObject({ status: 0 });
    expect((await project.verify(loadId, 'c.csv')).json.error.code).toBe('no_such_file');
  });

  it('has other content: said so, and compared only when named', async () => {
    const { project, loadId, file } = await load();
    const text = await readFile(file, 'utf8');
    await project.write('a.csv', text.replace('2,b,2', '2,bb,2\n8,new,8').replace('1,a,1\n', ''));
    const changed = await project.verify(loadId);
    expect(changed.status).toBe(1);
    expect(changed.json.error.code).toBe('file_changed');
    expect(changed.json.error.message).toMatch(/a\.csv is not what load \d+ loaded any more/);
    const named = await project.verify(loadId, 'a.csv');
    expect(named.json).toMatchObject({
      sameContent: false,
      counts: { changed: 1, missing: 1, added: 1 },
      differences: [
        { kind: 'changed', line: 3, columns: [{ column: 'body', file: 'bb', table: 'b' }] },
        { kind: 'missing', line: 4, key: { id: '8' } },
        { kind: 'added', key: { id: '1' } },
      ],
    });
    expect(named.stderr).toMatch(/is not the file that load \d+ loaded/);
  });

  it('has other bytes, but the same records: they agree', async () => {
    const { project, loadId, file } = await load();
    const text = await readFile(file, 'utf8');
    await project.write('b.csv', text.replaceAll('\n', '\r\n').replace('c\r\n', 'c\n'));
    expect(await project.verify(loadId, 'b.csv')).toMatchObject({ status: 0 });
    await project.write('c.csv', text.replace('x,bad,0', 'y,bad,0'));
    const other = await project.verify(loadId, 'c.csv');
    expect(other.json.counts).toEqual({ unreadable: 1 });
  });

  it('came from standard input', async () => {
    const { project, file, loadId } = await load();
    await database.query(`UPDATE edp.loads SET path = '-' WHERE load_id = ${loadId}`);
    expect((await project.verify(loadId)).json.error.message).toMatch(/standard input/);
    await copyFile(file, path.join(project.cwd, 'spooled'));
    expect(await project.verify(loadId, 'spooled')).toMatchObject({ status: 0 });
  });
});

describe('a load that is not done', () => {
  it('is verified as far as it got, while it runs and after it was killed', async () => {
    const project = await makeEventsProject(events);
    const { files } = await generateEvents(project.cwd, '--files', '1', '--count', '150000');
    await project.run('seed-dimensions');
    const hurry = await slowLoads(events);
    const child = startEdp(['ingest', files[0]!, '--read-batch-size', '2000'], {
      cwd: project.cwd,
      env: { DATABASE_URL: events.url },
    });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    const find = async () =>
      (await events.query(
        `SELECT l.load_id FROM edp.loads l WHERE path = $1 AND
           (SELECT count(*) FROM edp.receipts r WHERE r.load_id = l.load_id) > 3
         ORDER BY 1 DESC LIMIT 1`,
        [files[0]!],
      )) as [number][];
    let found = await find();
    for (let tries = 0; found.length === 0 && tries < 1000; tries++) {
      await sleep(20);
      found = await find();
    }
    const load = found[0]![0];
    // Stopped, it neither continues meanwhile nor releases the load.
    child.kill('SIGSTOP');
    const during = await project.verify(load);
    child.kill('SIGKILL');
    await ended;
    await hurry();
    expect(during.json, during.stderr).toMatchObject({ ok: true, counts: {}, state: 'loading' });
    expect(during.stderr).toMatch(/the load is still going on: verified are the \d+ splits/);
    const killed = await project.verify(load);
    expect(killed.json).toMatchObject({ ok: true, state: 'interrupted' });
    expect(killed.json.compared.records).toBeGreaterThan(0);
    expect(killed.json.compared.records).toBeLessThan(150_000);
    expect(killed.stderr).toMatch(/the load was interrupted: verified are the \d+ splits/);
    // The run continues with another rule for conflicts and with splits of another size.
    const args = ['--read-batch-size', '9000', '--on-conflict', 'skip'];
    expect(await project.ingest(files[0]!, ...args)).toBe(load);
    const whole = await project.verify(load);
    expect(whole.json).toMatchObject({ ok: true, state: 'loaded', compared: { records: 150_000 } });
  });
});

describe('what cannot be verified', () => {
  it('is reported clearly', async () => {
    const table = newTable();
    const project = await makeProject(database, `  ${table}:\n${ITEMS}`, { 'a.csv': FILE });
    const load = await project.ingest('a.csv', '--table', table);
    expect((await project.verify(999_999)).json.error.code).toBe('unknown_load');
    await database.query(`ALTER TABLE ${table} DROP COLUMN body`);
    expect((await project.verify(load)).json.error.code).toBe('table_mismatch');
    await rm(path.join(project.cwd, 'edp.yaml'));
    expect((await project.verify(load)).json.error.code).toBe('unknown_table');
  });
});
