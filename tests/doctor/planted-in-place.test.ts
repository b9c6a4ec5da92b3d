/** Faults of the project, its surroundings and the embedded server; each is mended by what is printed. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { judgeDisk } from '../../src/doctor/machine-checks.js';
import { edp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { added, type Examined, examine, makePlace, mend, named, shell } from './examined.js';

const database = useTestDatabase('empty');

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const hasGit = works('git', '--version');
const mayMount = works('unshare', '-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt');

/** What no server can be found for says so, too. */
const IN_ITS_WAKE: ReadonlySet<string> = new Set(['server-unreachable', 'embedded-server']);

const SECRET = 'database-url: postgresql://me:secret@127.0.0.1:1/x\n';

interface Fault {
  readonly check: string;
  readonly what: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of a shell. */
  readonly plant: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For the doctor that looks for the fault, in its shell. */
  readonly before?: string;
  readonly isSkipped?: boolean;
}

const FAULTS: readonly Fault[] = [
  { check: 'unused-parts', what: 'a file of the wrong name', plant: 'echo "limit: 5" > edp.yml' },
  {
    check: 'unused-parts',
    what: 'a variable of the wrong name',
    plant: '',
    before: 'export EDP_PROCES_COUNT=3',
  },
  {
    check: 'readable-password',
    what: 'a password in a file that others can read',
    plant: `printf '${SECRET}' > edp.yaml; chmod 644 edp.yaml`,
  },
  {
    check: 'password-in-git',
    what: 'a password in a file that git keeps',
    plant: `git init -q; printf '${SECRET}' > edp.yaml; chmod 600 edp.yaml; git add -A`,
    isSkipped: !hasGit,
  },
  { check: 'state-folder', what: 'others can enter .edp', plant: 'mkdir .edp; chmod 755 .edp' },
  { check: 'state-folder', what: '.edp is a file', plant: 'echo x > .edp' },
  { check: 'state-folder', what: '.edp leads nowhere', plant: 'ln -s /not/there .edp' },
  {
    check: 'temporary-folder',
    what: 'a file where the folder for temporary files should be',
    files: { 'a file': '' },
    plant: '',
    before: 'export TMPDIR="$PWD/a file"',
  },
  {
    check: 'state-in-git',
    what: 'git does not ignore .edp',
    files: { '.gitignore': '*.log' },
    plant: 'git init -q; mkdir -m 700 .edp',
    isSkipped: !hasGit,
  },
  {
    check: 'memory',
    what: 'more workers than fit',
    plant: 'echo "process-count: 256" > edp.yaml',
    before: 'ulimit -n 1024',
    isSkipped: process.constrainedMemory() > 11e9 || process.constrainedMemory() === 0,
  },
  {
    check: 'temporary-folder',
    what: 'a folder for temporary files that is not there',
    plant: '',
    before: 'export TMPDIR=/not/there',
  },
  {
    check: 'servers-contradict',
    what: 'two servers in edp.yaml and DATABASE_URL',
    files: { 'edp.yaml': 'database-url: postgresql://a@127.0.0.1:1/x\n' },
    plant: '',
    before: 'export DATABASE_URL=postgresql://a@127.0.0.1:1/y',
  },
  {
    check: 'servers-contradict',
    what: 'two servers in DATABASE_URL and PGHOST',
    env: { DATABASE_URL: 'postgresql://a@127.0.0.1:1/y' },
    plant: '',
    before: 'export PGHOST=other.example',
  },
];

describe('broken-reports', () => {
  it('names each report with a broken header, until it is corrected', async () => {
    const cwd = await makePlace({
      'sql/reports/good.sql': '-- title: Good\nSELECT 1 AS a\n',
      'sql/reports/nameless.sql': 'SELECT 1 AS a\n',
      'sql/reports/pie.sql': '-- title: Pie\n-- chart: pie x=a\nSELECT 1 AS a\n',
    });
    const planted = named(await examine({ cwd, env: {} }), 'broken-reports');
    expect(planted.map(({ severity, problem }) => `${severity} ${problem}`)).toEqual([
      expect.stringMatching(/^warning sql\/reports\/nameless\.sql.*title/),
      expect.stringMatching(/^warning sql\/reports\/pie\.sql:2: .*pie/),
    ]);
    for (const { mend } of planted) expect(mend[0]!.text).not.toBe('');
    for (const name of ['nameless', 'pie'])
      await writeFile(path.join(cwd, `sql/reports/${name}.sql`), '-- title: T\nSELECT 1 AS a\n');
    expect(named(await examine({ cwd, env: {} }), 'broken-reports')).toEqual([]);
  });
});

it('source-address: a variable of the address of the source, until it is set; the rest is examined all the same', async () => {
  const cwd = await makePlace({
    'edp.yaml': `tables: { t: { key: id, columns: { id: int } } }\ncapture: { source: { name: s, database-url: "\${SHOP_URL}" }, tables: { t: {} } }\n`,
  });
  const planted = await examine({ cwd, env: {} });
  expect(named(planted, 'project-file')).toEqual([]);
  expect(named(planted, 'source-address')).toMatchObject([
    { severity: 'note', problem: expect.stringMatching(/^edp\.yaml:2: .* no variable SHOP_URL$/) },
  ]);
  const env = { SHOP_URL: 'postgresql://127.0.0.1:1/shop' };
  expect(named(await examine({ cwd, env }), 'source-address')).toEqual([]);
});

describe('a fault of the place', () => {
  for (const { check, what, files = {}, plant, env = {}, before = '', isSkipped } of FAULTS) {
    it.skipIf(isSkipped === true)(`${check}: ${what}`, async () => {
      const examined: Examined = { cwd: await makePlace(files), env };
      const healthy = await examine(examined);
      const planting = await shell(plant, examined);
      expect(planting.stderr).toBe('');
      const planted = await examine(examined, before);
      expect(added(planted, healthy).filter((name) => !IN_ITS_WAKE.has(name))).toEqual([check]);
      const [finding, ...more] = named(planted, check);
      expect(more).toEqual([]);
      const commands = await mend(finding!, examined);
      const after = await examine(examined, `${before}\n${commands}`);
      expect(named(after, check), JSON.stringify(after.findings)).toEqual([]);
    });
  }

  it('project-file: all faults of edp.yaml, and the server is examined all the same', async () => {
    const cwd = await makePlace({ 'edp.yaml': 'tables: 3\nlimit: none\n' });
    const env = { DATABASE_URL: database.url };
    const planted = await examine({ cwd, env });
    expect(planted).toMatchObject({ ok: false, server: { kind: 'server' } });
    expect(named(planted, 'project-file')).toMatchObject([
      { severity: 'error', problem: expect.stringMatching(/edp.yaml:1:[\s\S]*edp.yaml:2:/) },
    ]);
    expect(planted.notExamined.map(({ check }) => check)).toContain('tables');
    await writeFile(path.join(cwd, 'edp.yaml'), 'limit: 3\n');
    expect(named(await examine({ cwd, env }), 'project-file')).toEqual([]);
  });

  it.each([
    ['server-unreachable', 'postgresql://a@127.0.0.1:1/x'],
    ['server-unreachable', 'postgresql:///x?host=/not/there'],
    ['server-address', 'mysql://a@127.0.0.1/x'],
    ['server-address', 'postgresql://a:b@c@d/x'],
  ])('%s: %s', async (check, url) => {
    const planted = await examine({ cwd: await makePlace(), env: { DATABASE_URL: url } });
    expect(planted).toMatchObject({ ok: false, server: null });
    expect(planted.findings.map((finding) => finding.check)).toEqual([check]);
    expect(planted.findings[0]!.mend).not.toEqual([]);
  });

  it('server-unreachable: what listens there never answers, and is given up within ten seconds', async () => {
    const silent = net.createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
    const { port } = silent.address() as net.AddressInfo;
    onTestFinished(() => void silent.close());
    const startedAt = performance.now();
    const planted = await examine({
      cwd: await makePlace(),
      env: { DATABASE_URL: `postgresql://a@127.0.0.1:${port}/x?sslmode=disable` },
    });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(named(planted, 'server-unreachable')).toMatchObject([
      { mend: [{ text: expect.stringMatching(/does not answer as PostgreSQL/) }] },
    ]);
  });

  it('login-refused: a role that is not there', async () => {
    const env = { DATABASE_URL: database.url.replace('user=edp', 'user=nobody_here') };
    const planted = await examine({ cwd: await makePlace(), env });
    expect(planted.findings.map(({ check }) => check)).toEqual(['login-refused']);
  });

  it.skipIf(!mayMount)('disk-space: a disk that is full, and one without inodes', async () => {
    const cwd = await makePlace();
    const onDisk = (options: string, fill: string) =>
      shell(
        `unshare -rm sh -c 'mount -t tmpfs -o ${options} none . && cd "$PWD" && ${fill} && edp doctor --json; rm -f fill* && edp doctor --json'`,
        { cwd, env: { DATABASE_URL: 'postgresql://a@127.0.0.1:1/x' } },
      );
    for (const [options, fill, what] of [
      ['size=400m', 'head -c 350m /dev/zero > fill', /MB left/],
      ['size=400m,nr_inodes=1200', 'for i in $(seq 300); do : > fill$i; done', /inodes left/],
    ] as const) {
      const { stdout, stderr } = await onDisk(options, fill);
      const [planted, after] = stdout.trimEnd().split('\n');
      expect(planted, stderr).toMatch(/"check":"disk-space"/);
      expect(planted).toMatch(what);
      expect(after).not.toMatch(/"check":"disk-space"/);
    }
  });

  it.each([
    [{ free: 50e6, size: 1e12, files: 0, ffree: 0 }, 'error'],
    [{ free: 2e9, size: 1e12, files: 0, ffree: 0 }, 'warning'],
    [{ free: 20e9, size: 1e12, files: 0, ffree: 0 }, undefined],
    [{ free: 2e9, size: 10e9, files: 0, ffree: 0 }, undefined],
    [{ free: 20e9, size: 40e9, files: 1e6, ffree: 10 }, 'error'],
    [{ free: 20e9, size: 40e9, files: 1e6, ffree: 5000 }, 'warning'],
    [{ free: 20e9, size: 40e9, files: 1e6, ffree: 50_000 }, undefined],
  ] as const)('%j is %s', (figures, severity) => {
    expect(judgeDisk(figures)?.[0]).toBe(severity);
  });
});

describe('the embedded server', () => {
  it('is healthy when it is new: nothing but notes', async () => {
    const cwd = await makePlace();
    const examined = { cwd, env: {} };
    const none = await examine(examined);
    expect(none.findings).toEqual([]);
    expect(none.notExamined).toEqual([
      { check: 'server', reason: expect.stringMatching(/no data yet/) },
    ]);
    expect(await shell('ls -A', examined)).toMatchObject({ stdout: '' });
    await edp(['generate-data', '--files', '1', '--count', '2000'], { cwd });
    await edp(['seed-dimensions'], { cwd });
    expect((await edp(['ingest', 'data/events-1-1.csv'], { cwd })).status).toBe(0);
    const loaded = await examine(examined);
    expect(loaded.notExamined).toEqual([]);
    expect(loaded.server).toMatchObject({ kind: 'embedded' });
    expect(loaded.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });

  it('crashed-server: it was killed, and the next command mends it', async () => {
    const cwd = await makePlace();
    const examined = { cwd, env: {} };
    onTestFinished(async () => {
      await edp(['db', 'stop'], { cwd });
    });
    const { json } = await edp(['db', 'start', '--json'], { cwd });
    expect(json.running).toBe(true);
    const { dataDirectory, pid } = (await edp(['db', 'status', '--json'], { cwd })).json;
    process.kill(pid!, 'SIGKILL');
    await expect.poll(() => works('kill', '-0', String(pid)), { timeout: 10_000 }).toBe(false);
    expect(await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).toMatch(`${pid}`);
    const planted = await examine(examined);
    const [finding] = named(planted, 'crashed-server');
    expect(finding).toMatchObject({ severity: 'note' });
    const after = await examine(examined, `${await mend(finding!, examined)} >&2`);
    expect(after.findings).toEqual([]);
  });

  it('older-data: data of another version', async () => {
    const cwd = await makePlace();
    await mkdir(path.join(cwd, '.edp', 'pg13', 'data'), { recursive: true });
    await chmod(path.join(cwd, '.edp'), 0o700);
    expect(named(await examine({ cwd, env: {} }), 'older-data')).toMatchObject([
      { severity: 'warning' },
    ]);
  });

  it('embedded-server: it cannot be started', async () => {
    const cwd = await makePlace();
    await edp(['status'], { cwd });
    await edp(['seed-dimensions', '--dir', '.'], { cwd });
    const { dataDirectory } = (await edp(['db', 'status', '--json'], { cwd })).json;
    const control = path.join(dataDirectory, 'global', 'pg_control');
    await expect
      .poll(async () => (await edp(['db', 'status', '--json'], { cwd })).json.running)
      .toBe(false);
    const kept = await readFile(control);
    await writeFile(control, 'x');
    const planted = await examine({ cwd, env: {} });
    expect(planted).toMatchObject({ ok: false, server: null });
    expect(planted.findings.map(({ check }) => check)).toEqual(['embedded-server']);
    await writeFile(control, kept);
    expect((await examine({ cwd, env: {} })).ok).toBe(true);
  });
});
