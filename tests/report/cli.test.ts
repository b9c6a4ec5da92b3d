/** `edp generate-report` as its users and their scripts see it. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasTerminal, onTerminal } from '../support/pty.js';
import { makeDirectory, runCli, SLOW, startProject, type TestProject } from './setup.js';

let project: TestProject;
beforeAll(async () => {
  project = await startProject();
}, SLOW);
afterAll(() => project.stop(), SLOW);
beforeEach(async () => {
  for (const folder of ['reports', 'sql', 'out']) {
    await rm(path.join(project.directory, folder), { recursive: true, force: true });
  }
});

const HOURLY = 'count_hourly_events_by_first_dimension';

function edp(...args: readonly string[]) {
  return runCli(project.directory, ['generate-report', ...args]);
}

function read(file: string): Promise<string> {
  return readFile(path.join(project.directory, file), 'utf8');
}

describe('writes', () => {
  test(
    'a CSV into reports/, and says so',
    async () => {
      const { status, stdout, stderr } = await edp(HOURLY);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [file = ''] = await readdir(path.join(project.directory, 'reports'));
      expect(file).toMatch(new RegExp(`^${HOURLY}-\\d{8}T\\d{6}Z\\.csv$`));
      const [summary, , ...preview] = stdout.trimEnd().split('\n');
      expect(summary).toMatch(new RegExp(`^reports/${file}: 4 rows, \\d+ B in .* s$`));
      expect(preview.join('\n')).toBe((await read(`reports/${file}`)).trimEnd());
    },
    SLOW,
  );

  test(
    'with --json exactly one object',
    async () => {
      const { status, stdout, json: answer } = await edp(HOURLY, '--json', '--from', '2024-01-02');
      expect(status).toBe(0);
      expect(stdout.trimEnd()).not.toContain('\n');
      expect(answer).toEqual({
        command: 'generate-report',
        ok: true,
        seconds: expect.any(Number),
        report: HOURLY,
        path: expect.stringMatching(/^reports\/.*-from-2024-01-02-\d{8}T\d{6}Z\.csv$/),
        rows: 2,
        columns: ['dimension_name', 'current_hour', 'num_events'],
        cached: expect.any(Boolean),
        bytes: Buffer.byteLength(await read(answer.path!)),
      });
    },
    SLOW,
  );

  test(
    'nothing but data to --out -',
    async () => {
      const { status, stdout, stderr } = await edp(HOURLY, '--out', '-', '--format', 'json');
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toHaveLength(4);
      expect(stderr).toMatch(/4 rows/);
      expect(existsSync(path.join(project.directory, 'reports'))).toBe(false);
    },
    SLOW,
  );

  test(
    'to the file of --out, over an older one, or into its directory',
    async () => {
      await mkdir(path.join(project.directory, 'out'));
      await writeFile(path.join(project.directory, 'out', 'a.json'), 'old');
      await edp(HOURLY, '--out', 'out/a.json', '--format', 'json');
      expect(JSON.parse(await read('out/a.json'))).toHaveLength(4);
      const { json } = await edp('load_history', '--out', 'out', '--json');
      expect(json.path).toMatch(/^out\/load_history-.*\.csv$/);
    },
    SLOW,
  );

  test(
    'a table for people',
    async () => {
      const shown = await edp(HOURLY, '--format', 'table');
      expect(shown.stdout.split('\n')[1]).toMatch(/^alpha +2024-01-01 00:00:00 +2$/);
      expect(existsSync(path.join(project.directory, 'reports'))).toBe(false);
      const both = await edp(HOURLY, '--format', 'table', '--json');
      expect(both.json).toMatchObject({ path: null, rows: 4 });
      expect(both.stderr).toMatch(/^alpha/m);
      await edp(HOURLY, '--format', 'table', '--out', 'out/t.txt');
      expect(await read('out/t.txt')).toMatch(/^alpha/m);
    },
    SLOW,
  );
});

describe('all reports', () => {
  test(
    'go into a folder with an index; what has no table is skipped, and what fails does not stop the others',
    async () => {
      await project.writeReport('other', '-- title: Other\n\nSELECT * FROM nothing_here\n');
      const args = ['all', '--out', 'out/today', '--from', '2024-01-02'];
      const fine = await edp(...args, '--json');
      expect(fine.status, fine.stderr).toBe(0);
      expect(fine.json).toMatchObject({
        ok: true,
        format: 'html',
        path: 'out/today',
        index: 'out/today/index.html',
      });
      const { results } = fine.json;
      const byName = new Map(results.map((result) => [result.report, result]));
      expect(byName.get(HOURLY)).toMatchObject({
        state: 'written',
        path: `out/today/${HOURLY}.html`,
        rows: 2,
      });
      expect(byName.get('other')).toMatchObject({
        state: 'skipped',
        path: null,
        error: { message: 'relation "nothing_here" does not exist (42P01)' },
      });
      expect(byName.get(`${HOURLY}_name`)?.state).toBe('skipped');
      const index = await read('out/today/index.html');
      expect(index).toContain(`href="${HOURLY}.html"`);
      expect(index.match(/<figure>/g)?.length).toBeGreaterThan(5);
      const files = await readdir(path.join(project.directory, 'out/today'));
      expect(files).toHaveLength(results.filter(({ state }) => state === 'written').length + 1);

      await project.writeReport('broken', '-- title: Broken\n\nSELECT 1 / 0 AS x\n');
      const failed = await edp(...args, '--format', 'csv');
      expect(failed.status).toBe(1);
      expect(failed.stdout).toMatch(
        /^broken: failed, sql\/reports\/broken\.sql: division by zero/m,
      );
      expect(failed.stdout).toMatch(/index\.html: 11 reports; 2 skipped, .*; 1 failed in/);
      expect(await read(`out/today/${HOURLY}.csv`)).toMatch(/^dimension_name,/);
      expect(await read('out/today/index.html')).toMatch(
        /<h2>Failed<\/h2>\n<ul class="quiet">\n<li>Broken: division by zero/,
      );
    },
    SLOW,
  );

  test(
    'before anything is loaded, none can be written: exit status 1',
    async () => {
      const directory = await makeDirectory();
      try {
        const { status, stdout } = await runCli(directory, ['generate-report', 'all']);
        expect(status).toBe(1);
        expect(stdout).toMatch(/reports\/\d{4}-\d\d-\d\d\/index\.html: 0 reports; 12 skipped/);
      } finally {
        await runCli(directory, ['db', 'stop']);
        await rm(directory, { recursive: true, force: true });
      }
    },
    SLOW,
  );
});

describe('formats that are no text', () => {
  test.each(['xlsx', 'parquet'])(
    '%s goes to a pipe, and says nothing of its lines',
    async (format) => {
      await edp(HOURLY, '--out', `out/a.${format}`);
      const bytes = await readFile(path.join(project.directory, 'out', `a.${format}`));
      expect(bytes.subarray(0, 2).toString()).toBe(format === 'xlsx' ? 'PK' : 'PA');
      const shown = await edp(HOURLY, '--out', 'out/b.html');
      expect(shown.stdout).toMatch(/^out\/b\.html: 4 rows, .*\n$/);
      const piped = await edp(HOURLY, '--format', format, '--out', '-');
      expect(piped.status).toBe(0);
      expect(piped.stdout.startsWith(format === 'xlsx' ? 'PK' : 'PAR1')).toBe(true);
    },
    SLOW,
  );
});

test.skipIf(!hasTerminal)(
  'bytes that are no text are not written to a terminal',
  async () => {
    const args = ['generate-report', HOURLY, '--format', 'xlsx', '--out', '-'];
    const { status, shown } = await onTerminal(args, { cwd: project.directory, columns: 100 });
    expect(status).toBe(2);
    expect(shown).toMatch(/xlsx is no text: a terminal cannot show it/);
    expect(shown).toMatch(/specify a file with --out, or pipe it/);
    expect(shown).not.toContain('PK');
  },
  SLOW,
);

describe("the user's own reports", () => {
  test(
    'are listed and run; they win, and broken ones do not hide the others',
    async () => {
      await project.writeReport(
        'top_names',
        "-- title: First names\n-- param top int = 2: how many\n\nSELECT name FROM first_dimensions ORDER BY 1 LIMIT :'top'\n",
      );
      await project.writeReport('load_history', '-- title: My own\n\nSELECT 1 AS mine\n');
      await project.writeReport('broken', '-- title: Broken\n-- colour: red\nSELECT 1\n');
      const human = await edp('--list');
      expect(human.status).toBe(0);
      expect(human.stdout).toMatch(/^load_history +My own +project, replaces the built-in one$/m);
      expect(human.stdout).toMatch(/^broken +broken, sql\/reports\/broken\.sql:2: /m);

      const { reports } = (await edp('--list', '--json')).json;
      const byName = new Map(reports.map((report) => [report.name, report]));
      expect(byName.get('top_names')).toEqual({
        name: 'top_names',
        title: 'First names',
        description: '',
        parameters: [{ name: 'top', type: 'int', default: '2', description: 'how many' }],
        source: 'project',
        path: 'sql/reports/top_names.sql',
        replacesBuiltin: false,
      });
      expect(byName.get('load_history')).toMatchObject({
        source: 'project',
        replacesBuiltin: true,
      });
      expect(byName.get('broken')).toMatchObject({
        title: null,
        fault: { place: 'sql/reports/broken.sql:2' },
      });
      expect(byName.get(HOURLY)).toMatchObject({
        source: 'built-in',
        parameters: [
          { name: 'from', type: 'timestamp', default: null },
          { name: 'to', type: 'timestamp', default: null },
        ],
      });

      expect((await edp('load_history', '--out', '-')).stdout).toBe('mine\n1\n');
      // The name may follow --param, and --param may be repeated.
      expect((await edp('--param', 'top=1', 'top_names', '--out', '-')).stdout).toBe(
        'name\nalpha\n',
      );
      const broken = await edp('broken');
      expect(broken.status).toBe(1);
      expect(broken.stderr).toMatch(/^edp: sql\/reports\/broken\.sql:2: /);
    },
    SLOW,
  );

  test(
    'one in detail',
    async () => {
      const { stdout } = await edp(HOURLY, '--list');
      expect(stdout).toMatch(/^Events per hour and first dimension/);
      expect(stdout).toMatch(/^from +timestamp /m);
    },
    SLOW,
  );
});

describe('usage errors', () => {
  const cases: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [[], /name a report\n.*load_history/],
    [['nix'], /there is no report "nix"\n.*load_history/],
    [['../../../etc/passwd'], /there is no report/],
    [['sql/reports/load_history'], /there is no report/],
    [['load_history.sql'], /there is no report/],
    [['load_history', '--param', 'from'], /expected name=value/],
    [['load_history', '--param', 'nix=1'], /no parameter "nix"\n.*from, to/],
    [['unknown_metrics', '--from', '2024-01-01'], /--from: report unknown_metrics has no/],
    [[HOURLY, '--from', "'; DROP TABLE events; --"], /--from: .* is no timestamp/],
    [[HOURLY, '--to', '2024-13-01'], /--to: "2024-13-01" is no timestamp/],
    [[HOURLY, '--json', '--out', '-'], /both use standard output/],
    [['all', '--out', '-'], /all reports are a folder/],
    [['all', '--out', 'a.html'], /a\.html is a file\n.*reports\/today/],
    [['all', '--param', 'top=1'], /--param is for one report/],
    [[HOURLY, '--safe-cells', '--out', 'a.xlsx'], /--safe-cells is for CSV, not for xlsx/],
    [[HOURLY, '--format', 'csv', '--out', 'a.xlsx'], /contradicts the suffix/],
  ];
  test.each(cases)(
    '%j',
    async (args, said) => {
      const { status, stderr } = await edp(...args);
      expect(stderr).toMatch(said);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(status).toBe(2);
      const { rows } = await project.session.query('SELECT count(*) AS n FROM events');
      expect(rows[0].n).toBe(5);
    },
    SLOW,
  );
});

describe('stops', () => {
  test(
    'at Ctrl-C, and leaves nothing behind',
    async () => {
      await project.writeReport(
        'slow',
        '-- title: Slow\n\nSELECT n, pg_sleep(600) FROM generate_series(1, 9) n\n',
      );
      const folder = path.join(project.directory, 'reports');
      const isRunning = async () => {
        const { rowCount } = await project.session.query(
          "SELECT FROM pg_stat_activity WHERE application_name = 'edp report' AND wait_event = 'PgSleep'",
        );
        return rowCount === 1;
      };
      let interrupt = () => {};
      const running = runCli(project.directory, ['generate-report', 'slow', '--json'], (child) => {
        interrupt = () => child.kill('SIGINT');
      });
      await expect.poll(isRunning, { timeout: SLOW }).toBe(true);
      expect(await readdir(folder)).toHaveLength(1);
      interrupt();
      const { status, json } = await running;
      expect(status).toBe(130);
      expect(json).toMatchObject({ ok: false, error: { code: 'interrupted' } });
      expect(await readdir(folder)).toEqual([]);
    },
    SLOW,
  );

  test(
    'quietly when its reader goes away',
    async () => {
      await project.writeReport(
        'long',
        '-- title: Long\n\nSELECT generate_series(1, 3000000) AS n\n',
      );
      const { status, stderr } = await runCli(
        project.directory,
        ['generate-report', 'long', '--out', '-'],
        (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
    SLOW,
  );
});

test(
  'before anything is loaded it says what to do',
  async () => {
    const directory = await makeDirectory();
    try {
      const ledger = await runCli(directory, ['generate-report', 'load_history']);
      expect(ledger.status).toBe(1);
      expect(ledger.stderr).toMatch(/load_history\.sql:\d+: relation "edp.loads" does not exist/);
      expect(ledger.stderr).toMatch(/load something first/);
      const events = await runCli(directory, ['generate-report', HOURLY, '--json']);
      expect(events.json).toMatchObject({
        ok: false,
        error: { code: 'report_failed' },
      });
      expect(await readdir(path.join(directory, 'reports'))).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
  SLOW,
);
