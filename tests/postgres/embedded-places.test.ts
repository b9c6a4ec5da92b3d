/** The embedded server finds its data where it was made, and keeps out what is not its own. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';

const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';
const SELECT = ['db', 'psql', '--json', '-c', 'TABLE kept'] as const;
const NOBODY = 65_534;

async function makeData(cwd: string, env: Record<string, string> = {}): Promise<void> {
  const made = await edp(['db', 'psql', '--json', '-c', 'CREATE TABLE kept AS SELECT 7 AS v'], {
    cwd,
    env,
  });
  expect(made.status, made.stderr).toBe(0);
}

async function expectKept(cwd: string, env: Record<string, string> = {}): Promise<string> {
  const found = await edp(SELECT, { cwd, env });
  expect(found.status, found.stderr).toBe(0);
  expect(found.json.results[0]!.rows).toEqual([[7]]);
  return found.stderr;
}

async function statusOf(cwd: string, env: Record<string, string> = {}) {
  const { json } = await edp(['db', 'status', '--json'], { cwd, env });
  return json as typeof json & { dataDirectory: string; otherDataDirectory: string | null };
}

/** A PATH on which a program of the system is not found. */
async function pathWithout(program: string): Promise<string> {
  const directory = await makeDirectory();
  await chmod(directory, 0o755);
  await symlink('/bin/false', path.join(directory, program));
  return `${directory}:${process.env.PATH}`;
}

describe.runIf(isRoot && isLinux)('for root', () => {
  const NO_NAMESPACE = { EDP_EMBEDDED_LAUNCHER: 'account' };

  async function makeClosed(): Promise<string> {
    const cwd = path.join(await makeDirectory(), 'closed');
    await mkdir(cwd, { mode: 0o700 });
    return cwd;
  }

  it('data made in a namespace is found where there is none today, and again afterwards', async () => {
    const cwd = await makeClosed();
    await makeData(cwd);
    await expectKept(cwd, NO_NAMESPACE);
    await expectKept(cwd, { PATH: await pathWithout('unshare') });
    await expectKept(cwd);
    expect(await statusOf(cwd)).toMatchObject({
      dataDirectory: path.join(cwd, '.edp/pg18/data'),
      otherDataDirectory: null,
    });
  });

  it('data made by an account is found when namespaces are allowed', async () => {
    const cwd = await makeClosed();
    await makeData(cwd, NO_NAMESPACE);
    await expectKept(cwd);
    const { dataDirectory } = await statusOf(cwd);
    expect(dataDirectory).toMatch(/^\/var\/lib\/edp\//);
    onTestFinished(() => rm(path.dirname(dataDirectory), { recursive: true, force: true }));
  });

  it('data at two places is reported, with both, and that of the project is used', async () => {
    const cwd = await makeClosed();
    await makeData(cwd, NO_NAMESPACE);
    const { dataDirectory: account } = await statusOf(cwd, NO_NAMESPACE);
    onTestFinished(() => rm(path.dirname(account), { recursive: true, force: true }));
    const away = `${path.dirname(account)}-away`;
    await rename(path.dirname(account), away);
    await edp(['db', 'psql', '--json', '-c', 'CREATE TABLE kept AS SELECT 7 AS v'], { cwd });
    await rename(away, path.dirname(account));
    const warning = await expectKept(cwd);
    expect(warning).toContain(path.join(cwd, '.edp/pg18'));
    expect(warning).toContain(path.dirname(account));
    expect(await statusOf(cwd)).toMatchObject({
      dataDirectory: path.join(cwd, '.edp/pg18/data'),
      otherDataDirectory: account,
    });
  });

  it.each([
    { name: 'whose directory everybody can enter', mode: 0o755 },
    { name: 'whose directory only root can enter', mode: 0o700 },
  ])("a user's data, $name, stays that user's", async ({ mode }) => {
    const outer = await makeDirectory();
    await chmod(outer, 0o755);
    const cwd = path.join(outer, 'project');
    await mkdir(cwd);
    await chown(cwd, NOBODY, NOBODY);
    await makeData(cwd);
    // As if that user had made it.
    spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path.join(cwd, '.edp')]);
    await chmod(outer, mode);
    await expectKept(cwd);
    const { status, stdout } = spawnSync('find', [
      ...[path.join(cwd, '.edp/pg18/data'), path.join(cwd, '.edp/pg18/postgres.log')],
      ...['!', '-uid', String(NOBODY)],
    ]);
    expect(status).toBe(0);
    expect(stdout.toString()).toBe('');
  });
});

describe('the environment of the server', () => {
  it.runIf(isLinux)('has no secret', async () => {
    const cwd = await makeDirectory();
    onTestFinished(async () => {
      await edp(['db', 'stop'], { cwd });
    });
    const secrets = {
      POSTGRES_PASSWORD: 'hunter2',
      AWS_SECRET_ACCESS_KEY: 'hunter2',
      MY_TOKEN: 'hunter2',
      DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x',
      EDP_DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/x',
      PGPASSWORD: 'hunter2',
    };
    const started = await edp(['db', 'start', '--json'], { cwd, env: secrets });
    expect(started.status, started.stderr).toBe(0);
    const status = await edp(['db', 'status', '--json'], { cwd });
    const pid = (status.json as { pid: number }).pid;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    expect(environment).not.toContain('hunter2');
    const names = environment
      .split('\0')
      .filter(Boolean)
      .map((line) => line.split('=')[0]);
    expect(new Set(names)).toEqual(
      new Set([
        ...names.filter((name) => /^(PATH|LC_ALL|TMP|TEMP|TMPDIR|LD_LIBRARY_PATH)$/.test(name!)),
      ]),
    );
  });
});

describe('the directory of the socket, where it is in /tmp', () => {
  const LONG = 'x'.repeat(120);

  async function findSocketDirectory(cwd: string, env: Record<string, string>): Promise<string> {
    const status = await edp(['db', 'status', '--json'], { cwd, env });
    return (status.json as { socketDirectory: string }).socketDirectory;
  }

  const CASES: readonly {
    readonly name: string;
    readonly says: RegExp;
    readonly needsRoot?: boolean;
    make(directory: string): Promise<unknown>;
  }[] = [
    {
      name: 'a symbolic link of another user',
      says: /symbolic link/,
      make: (directory) => symlink(os.tmpdir(), directory),
    },
    {
      name: 'open to others',
      says: /used by others \(mode 755\)/,
      make: async (directory) => {
        await mkdir(directory);
        await chmod(directory, 0o755);
      },
    },
    { name: 'a file', says: /is no directory/, make: (d) => cp('/etc/passwd', d) },
    {
      name: 'of another user',
      says: /another user \(65534\)/,
      needsRoot: true,
      make: async (directory) => {
        await mkdir(directory, { mode: 0o700 });
        await chown(directory, NOBODY, NOBODY);
      },
    },
  ];

  it.for(CASES)('is refused where it is $name', async ({ says, needsRoot, make }, { skip }) => {
    if (needsRoot === true && !isRoot) skip('only root can make it');
    const cwd = path.join(await makeDirectory(), LONG);
    await mkdir(cwd);
    const temporary = await makeDirectory();
    const env = { TMPDIR: temporary };
    const directory = await findSocketDirectory(cwd, env);
    expect(directory.startsWith(temporary)).toBe(true);
    await rm(directory, { recursive: true });
    await make(directory);
    const refused = await edp(['status', '--json'], { cwd, env });
    expect(refused.status).toBe(1);
    expect(refused.json.error).toMatchObject({ code: 'embedded_failed' });
    expect(refused.stderr).toMatch(says);
    expect(refused.stderr).toContain(directory);
  });
});
