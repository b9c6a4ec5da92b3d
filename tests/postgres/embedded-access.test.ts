/** Only its owner can reach the embedded server. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';

const run = promisify(execFile);

async function startServer(cwd: string): Promise<{ socketDirectory: string }> {
  onTestFinished(async () => {
    await edp(['db', 'stop'], { cwd });
  });
  const started = await edp(['db', 'start', '--json'], { cwd });
  expect(started, started.stderr).toMatchObject({ status: 0 });
  const url = new URL(started.json.url!.replace('postgresql:', 'http://x'));
  return { socketDirectory: url.searchParams.get('host')! };
}

describe('the embedded server', () => {
  it.each([
    { name: 'of a short path', deeper: '' },
    { name: 'of a long path, whose socket is elsewhere', deeper: 'x'.repeat(120) },
  ])('$name: only its owner can enter the directories of socket and data', async ({ deeper }) => {
    const outer = await makeDirectory();
    // As accessible as a project's directory may be.
    await chmod(outer, 0o777);
    const cwd = path.join(outer, deeper);
    await mkdir(cwd, { recursive: true, mode: 0o777 });
    const { socketDirectory } = await startServer(cwd);
    const state = path.join(cwd, '.edp');
    for (const directory of [state, socketDirectory]) {
      expect((await stat(directory)).mode & 0o077, directory).toBe(0);
    }
    const socket = await stat(path.join(socketDirectory, '.s.PGSQL.5432'));
    expect(socket.isSocket()).toBe(true);
    expect(socket.mode & 0o077).toBe(0);
    for (const name of await readdir(path.join(state, 'pg18')).catch(() => [])) {
      const found = await stat(path.join(state, 'pg18', name));
      if (name === 'data' || name.endsWith('.log')) expect(found.mode & 0o077, name).toBe(0);
    }
  });

  it('listens on no network', async () => {
    const cwd = await makeDirectory();
    await startServer(cwd);
    const result = await edp(
      ['db', 'psql', '--json', '-c', 'SHOW listen_addresses', '-c', 'SHOW unix_socket_permissions'],
      { cwd },
    );
    const rows = result.json.results.map(({ rows }) => rows[0]![0]);
    expect(rows).toEqual(['', '0700']);
  });

  it.runIf(process.getuid?.() === 0)('is out of reach of another account', async () => {
    const outer = await makeDirectory();
    await chmod(outer, 0o755);
    const { socketDirectory } = await startServer(outer);
    const script = `const s = require('net').connect(${JSON.stringify(path.join(socketDirectory, '.s.PGSQL.5432'))});
      s.on('connect', () => { console.log('in'); s.end(); }).on('error', (e) => console.log(e.code));`;
    const { stdout } = await run(process.execPath, ['-e', script], {
      uid: 65_534,
      gid: 65_534,
      cwd: os.tmpdir(),
    });
    expect(stdout.trim()).toBe('EACCES');
  });
});
