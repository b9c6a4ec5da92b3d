/** `edp db destroy`: the embedded server goes with its data, and nothing else does. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../src/base/alive.js';
import { edp, makeDirectory, startEdp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { hasTerminal, onTerminal } from '../support/pty.js';

const database = useTestDatabase('empty');

async function makeLoaded(name = '.'): Promise<string> {
  const cwd = path.join(await makeDirectory(), name);
  await mkdir(cwd, { recursive: true });
  await writeFile(path.join(cwd, 'notes.csv'), 'id,body\n1,a\n');
  const { status, stderr } = await edp(['ingest', 'notes.csv', '--create'], { cwd });
  expect(status, stderr).toBe(0);
  onTestFinished(async () => {
    await edp(['db', 'stop'], { cwd });
  });
  return cwd;
}

const DESTROY = ['db', 'destroy', '--yes', '--json'] as const;

describe('edp db destroy', () => {
  it.each(['.', 'a very long path '.repeat(8).trim()])(
    'in "%s": says what it removed',
    async (name) => {
      const cwd = await makeLoaded(name);
      const { json, status } = await edp(DESTROY, { cwd });
      expect(status).toBe(0);
      expect(json.removed[0]!.bytes).toBeGreaterThan(20_000_000);
      expect(json.bytes).toBeGreaterThanOrEqual(json.removed[0]!.bytes);
      for (const { path: removed } of json.removed) expect(existsSync(removed)).toBe(false);
      expect((await readdir(cwd)).sort()).toEqual(['edp.yaml', 'notes.csv']);
      expect((await edp(DESTROY, { cwd })).json).toMatchObject({ removed: [], bytes: 0 });
      const { json: loaded } = await edp(['ingest', 'notes.csv', '--json'], { cwd });
      expect(loaded.files).toMatchObject([{ status: 'loaded', loadId: 1 }]);
    },
  );

  it('stops a server that `edp db start` left running', async () => {
    const cwd = await makeLoaded();
    const { json } = await edp(['db', 'start', '--json', '--port', '0'], { cwd });
    expect(json.running).toBe(true);
    const { pid } = (await edp(['db', 'status', '--json'], { cwd })).json;
    expect((await edp(DESTROY, { cwd })).json).toMatchObject({ wasRunning: true });
    await expect.poll(() => isAlive(pid!), { timeout: 10_000 }).toBe(false);
    expect(existsSync(path.join(cwd, '.edp'))).toBe(false);
  });

  it('refuses while another command uses the server, and removes nothing', async () => {
    const cwd = await makeLoaded();
    const other = startEdp(['ingest', '-', '--table', 'notes'], { cwd });
    other.stdin?.write('id,body\n2,b\n');
    await expect
      .poll(async () => (await edp(['db', 'status', '--json'], { cwd })).json.running)
      .toBe(true);
    const { status, json } = await edp(DESTROY, { cwd });
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'server_in_use' });
    other.stdin?.end('3,c\n');
    const ended = await new Promise((resolve) => other.once('close', resolve));
    expect(ended).toBe(0);
    const rows = await edp(['db', 'psql', '--json', '-c', 'SELECT count(*)::int FROM notes'], {
      cwd,
    });
    expect(rows.json.results).toMatchObject([{ rows: [[3]] }]);
  });

  it('removes what a crash left', async () => {
    const cwd = await makeLoaded();
    await edp(['db', 'start'], { cwd });
    const { pid } = (await edp(['db', 'status', '--json'], { cwd })).json;
    process.kill(pid!, 'SIGKILL');
    await expect
      .poll(async () => (await edp(['db', 'status', '--json'], { cwd })).json.running)
      .toBe(false);
    expect((await edp(DESTROY, { cwd })).json).toMatchObject({ wasRunning: false });
    expect(existsSync(path.join(cwd, '.edp'))).toBe(false);
  });

  it.each(['embedded.destroy_stopped', 'embedded.destroy_moved'])(
    'is run again after a kill at %s',
    async (point) => {
      const cwd = await makeLoaded();
      await edp(['db', 'start'], { cwd });
      const killed = await edp(DESTROY, { cwd, env: { EDP_FAILPOINTS: `${point}=kill` } });
      expect(killed.status, killed.stderr).toBe(null);
      expect((await edp(DESTROY, { cwd })).json.removed).toHaveLength(1);
      expect(existsSync(path.join(cwd, '.edp'))).toBe(false);
    },
  );

  it('keeps files of .edp that are not the server', async () => {
    const cwd = await makeLoaded();
    await mkdir(path.join(cwd, '.edp', 'spool'), { recursive: true });
    await writeFile(path.join(cwd, '.edp', 'spool', '1-x'), '');
    expect((await edp(DESTROY, { cwd })).status).toBe(0);
    expect(await readdir(path.join(cwd, '.edp'))).toEqual(['spool']);
  });

  it('refuses a database that is not embedded', async () => {
    const cwd = await makeDirectory();
    for (const [args, env] of [
      [DESTROY, { DATABASE_URL: database.url }],
      [DESTROY, { EDP_DATABASE_URL: database.url }],
      [DESTROY, { PGHOST: '127.0.0.1' }],
    ] as const) {
      const { status, json } = await edp(args, { cwd, env });
      expect(status).toBe(2);
      expect(json.error.message).toMatch(/edp destroys none but its own/);
    }
    await database.query('SELECT 1');
  });

  it('refuses where nobody can be asked, and other actions take no --yes', async () => {
    const cwd = await makeLoaded();
    const { status, stderr } = await edp(['db', 'destroy'], { cwd });
    expect(status).toBe(2);
    expect(stderr).toMatch(/edp db destroy --yes/);
    expect(existsSync(path.join(cwd, '.edp'))).toBe(true);
    expect((await edp(['db', 'stop', '--yes'], { cwd })).status).toBe(2);
  });

  it.skipIf(!hasTerminal)('asks on a terminal', async () => {
    const cwd = await makeLoaded();
    const answer = async (text: string) => {
      let isAnswered = false;
      return onTerminal(['db', 'destroy'], {
        cwd,
        columns: 100,
        type: (shown) => {
          if (isAnswered || !shown.includes('[y/N]')) return undefined;
          isAnswered = true;
          return `${text}\n`;
        },
      });
    };
    expect((await answer('n')).status).toBe(1);
    expect(existsSync(path.join(cwd, '.edp'))).toBe(true);
    expect((await answer('y')).status).toBe(0);
    expect(existsSync(path.join(cwd, '.edp'))).toBe(false);
  });
});
