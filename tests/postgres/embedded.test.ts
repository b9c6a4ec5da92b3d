/**
 * The embedded server from the view of commands: started on demand, shared, recovered, never left
 * behind.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findBinaries } from '../../src/postgres/embedded/binaries.js';
import { type CliResult, edp, makeDirectory, startEdp } from '../support/cli.js';
import { generateEvents, sumFiles, TOTALS_SQL, totalsRow } from '../support/events.js';
import { HURRY_SQL, SLOW_LOADS_SQL } from '../support/ledger.js';

const isLinux = process.platform === 'linux';

/** Living processes that work in a directory (zombies do not). */
async function processesIn(directory: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (!cwd.startsWith(directory)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command !== '') found.push({ pid: Number(pid), command: command.replaceAll('\0', ' ') });
  }
  return found;
}

async function waitUntil(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await sleep(30);
  }
  throw new Error(`waited in vain until ${what}`);
}

const sql = (text: string) => ['db', 'psql', '--json', '-c', text] as const;
const rowsOf = (result: CliResult<'db'>) => result.json.results[0]!.rows;

describe('the embedded server', () => {
  it('starts for a command and is gone after it', async () => {
    const cwd = await makeDirectory();
    const result = await edp(sql('SELECT 41 + 1'), { cwd });
    expect(rowsOf(result)).toEqual([[42]]);
    if (isLinux) expect(await processesIn(cwd)).toEqual([]);
  });

  it('stays up after `db start`, tells its URL, and goes with `db stop`', async () => {
    const cwd = await makeDirectory();
    const started = await edp(['db', 'start', '--json'], { cwd });
    expect(started.json).toMatchObject({ ok: true, running: true });
    const url = await edp(['db', 'url'], { cwd });
    expect(url.stdout).toBe(`${started.json.url}\n`);
    expect(url.stdout).toMatch(/^postgresql:\/\//);
    const viaUrl = await edp(['status', '--json'], {
      cwd,
      env: { DATABASE_URL: url.stdout.trim() },
    });
    expect(viaUrl.json).toMatchObject({ ok: true, loads: [] });
    await edp(sql('CREATE TABLE kept AS SELECT 1'), { cwd });
    const stopped = await edp(['db', 'stop', '--json'], { cwd });
    expect(stopped.json).toMatchObject({ ok: true, wasRunning: true });
    if (isLinux) expect(await processesIn(cwd)).toEqual([]);
    expect((await edp(['db', 'stop', '--json'], { cwd })).json.wasRunning).toBe(false);
    expect(rowsOf(await edp(sql('TABLE kept'), { cwd }))).toEqual([[1]]);
  });

  it('keeps tables of the user apart from the ledger', async () => {
    const cwd = await makeDirectory();
    await generateEvents(cwd, '--files', '1', '--count', '10');
    await edp(['seed-dimensions'], { cwd });
    const tables =
      "SELECT table_schema FROM information_schema.tables WHERE table_name IN ('mine', 'first_dimensions')";
    await edp(sql('CREATE TABLE mine (id int)'), { cwd });
    expect(rowsOf(await edp(sql(tables), { cwd }))).toEqual([['public'], ['public']]);
  });

  it('is made and shared by commands that start at the same time', async () => {
    const cwd = await makeDirectory();
    const results = await Promise.all([1, 2, 3, 4].map((n) => edp(sql(`SELECT ${n}`), { cwd })));
    for (const [i, result] of results.entries()) {
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(rowsOf(result)).toEqual([[i + 1]]);
    }
    if (isLinux)
      await waitUntil(async () => (await processesIn(cwd)).length === 0, 'the server is gone');
  });

  it('keeps two loads apart that start at the same time, on one file and on several', async () => {
    const cwd = await makeDirectory();
    const { files } = await generateEvents(cwd, '--files', '3', '--count', '30000');
    const seed = await edp(['seed-dimensions'], { cwd });
    expect(seed, seed.stderr).toMatchObject({ status: 0 });
    const results = await Promise.all(
      ['events', files[0]!, files[2]!].map((files) => edp(['ingest', files, '--json'], { cwd })),
    );
    for (const result of results) expect(result, result.stderr).toMatchObject({ status: 0 });
    const totals = await sumFiles(files.map((file) => path.join(cwd, file)));
    expect(rowsOf(await edp(sql(TOTALS_SQL), { cwd }))).toEqual([totalsRow(totals)]);
  });

  it.runIf(isLinux)('recovers when everything was killed in the middle of a load', async () => {
    const cwd = await makeDirectory();
    const { files } = await generateEvents(cwd, '--files', '1', '--count', '150000');
    await edp(['seed-dimensions'], { cwd });
    expect(await edp(sql(SLOW_LOADS_SQL), { cwd })).toMatchObject({ status: 0 });
    const child = startEdp(['ingest', 'events', '--read-batch-size', '3000'], { cwd });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    await waitUntil(
      async () => (await processesIn(cwd)).some(({ command }) => command.includes('COPY')),
      'it copies',
    );
    await sleep(700);
    for (const { pid } of await processesIn(cwd)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The process has already ended.
      }
    }
    await ended;
    expect(await edp(sql(HURRY_SQL), { cwd })).toMatchObject({ status: 0 });
    const again = await edp(['ingest', 'events', '--json'], { cwd });
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(again.json.files[0]).toMatchObject({
      status: 'loaded',
      rows: { read: 150_000, loaded: 150_000 },
    });
    const totals = await sumFiles(files.map((file) => path.join(cwd, file)));
    expect(rowsOf(await edp(sql(TOTALS_SQL), { cwd }))).toEqual([totalsRow(totals)]);
    expect(await processesIn(cwd)).toEqual([]);
  });

  it.runIf(isLinux)('ends by itself when the commands that used it were killed', async () => {
    const cwd = await makeDirectory();
    const child = startEdp(sql('SELECT pg_sleep(60)'), { cwd });
    const ended = new Promise((resolve) => child.once('close', resolve));
    // A process title shows only the command's tag, and shorter SELECTs come first.
    let seenBefore = 0;
    await waitUntil(async () => {
      const isSelecting = (await processesIn(cwd)).some(
        ({ command }) => command.startsWith('postgres: ') && command.includes('SELECT'),
      );
      seenBefore = isSelecting ? seenBefore + 1 : 0;
      return seenBefore > 10;
    }, 'the query runs');
    child.kill('SIGKILL');
    await ended;
    await waitUntil(async () => (await processesIn(cwd)).length === 0, 'the server is gone');
  });

  it.runIf(isLinux)('ends by itself when the command was killed while it started', async () => {
    // A kill at any time, from before initdb to after the first query, leaves nothing behind.
    const kills = Array.from({ length: 8 }, async (_, i) => {
      const cwd = await makeDirectory();
      const child = startEdp(sql('SELECT pg_sleep(60)'), { cwd });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await sleep(250 + i * 300);
      child.kill('SIGKILL');
      await ended;
      return cwd;
    });
    for (const cwd of await Promise.all(kills)) {
      await waitUntil(async () => (await processesIn(cwd)).length === 0, 'the server is gone');
      expect(rowsOf(await edp(sql('SELECT 1'), { cwd }))).toEqual([[1]]);
    }
  });

  it('works in a directory with a long path, and a path with spaces and quotes', async () => {
    const cwd = path.join(await makeDirectory(), `it's a "long" path ${'x'.repeat(120)}`);
    await mkdir(cwd);
    expect(rowsOf(await edp(sql('SELECT 1'), { cwd }))).toEqual([[1]]);
  });

  it.runIf(process.getuid?.() === 0)(
    'runs for root in a directory that nobody else can enter, by either way',
    async () => {
      for (const launcher of ['namespace', 'account']) {
        const cwd = path.join(await makeDirectory(), 'closed');
        await mkdir(cwd, { mode: 0o700 });
        const env = { EDP_EMBEDDED_LAUNCHER: launcher };
        const result = await edp(sql('SELECT 1'), { cwd, env });
        expect(result, result.stderr).toMatchObject({ status: 0 });
        expect(rowsOf(await edp(sql('SELECT 1'), { cwd, env }))).toEqual([[1]]);
      }
    },
  );

  it.runIf(isLinux)(
    'works without the library links that an install script would make',
    async () => {
      // A copy of the programs as npm unpacks them, with no script run.
      const { root } = await findBinaries();
      const cwd = await makeDirectory();
      const copy = path.join(cwd, 'native');
      await cp(root, copy, { recursive: true, verbatimSymlinks: true });
      const links = JSON.parse(await readFile(path.join(copy, 'pg-symlinks.json'), 'utf8')) as {
        target: string;
      }[];
      for (const { target } of links) await rm(path.join(cwd, target), { force: true });
      const { ensureLibraryLinks } = await import('../../src/postgres/embedded/binaries.js');
      expect(() =>
        execFileSync(path.join(copy, 'bin', 'postgres'), ['--version'], { stdio: 'pipe' }),
      ).toThrow();
      const environment = await ensureLibraryLinks(copy, path.join(cwd, 'lib'));
      for (const program of ['postgres', 'initdb']) {
        const version = execFileSync(path.join(copy, 'bin', program), ['--version'], {
          env: { ...process.env, ...environment },
        });
        expect(version.toString()).toMatch(/PostgreSQL/);
      }
    },
  );

  it('tells clearly when it cannot start', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, '.edp'), 'not a directory');
    const result = await edp(['status', '--json'], { cwd });
    expect(result.status).toBe(1);
    expect(result.json.error.code).toBe('embedded_failed');
    expect(result.stderr).toMatch(/→/);
  });
});
