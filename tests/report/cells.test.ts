/** `--safe-cells`: a report opened in a spreadsheet runs nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function report(select: string, ...args: string[]) {
  const cwd = await makeDirectory();
  await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
  await writeFile(path.join(cwd, 'sql', 'reports', 'r.sql'), `-- title: R\n\n${select}\n`);
  return edp(['generate-report', 'r', ...args], { cwd, env: { DATABASE_URL: database.url } });
}

const FORMULAS = [
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://x","y")',
  '＝1+1',
  '-',
  '+49 170',
  '-5 days',
];
const HARMLESS = [
  '',
  'a=1',
  ' =1',
  "'=1",
  '1',
  '-1',
  '+1',
  '-1.5e-7',
  '+.5',
  '-1.',
  'a\n=1',
  '"=1"',
];

const selectAll = (values: readonly string[]) =>
  `SELECT v FROM unnest(ARRAY[${values.map((v) => `convert_from('\\x${Buffer.from(v).toString('hex')}', 'UTF8')`).join(', ')}]) AS v`;

const cells = (csv: string) =>
  (parse(csv, { relax_quotes: false }) as string[][]).slice(1).map(([cell]) => cell);

describe('--safe-cells', () => {
  it('puts an apostrophe before what a spreadsheet would run', async () => {
    const { stdout, stderr } = await report(selectAll(FORMULAS), '--safe-cells', '--out', '-');
    expect(cells(stdout), stderr).toEqual(FORMULAS.map((text) => `'${text}`));
  });

  it('leaves all else alone', async () => {
    const { stdout } = await report(selectAll(HARMLESS), '--safe-cells', '--out', '-');
    expect(cells(stdout)).toEqual(HARMLESS);
  });

  it('leaves numbers alone, and names no column like a formula', async () => {
    const { stdout } = await report(
      `SELECT -1 AS "=n", -1.5::numeric AS b, '-Infinity'::float8 AS c, NULL::text AS "@d", ''::text AS e, '-1'::int8 AS "-1"`,
      '--safe-cells',
      '--out',
      '-',
    );
    expect(stdout).toBe('\'=n,b,c,\'@d,e,-1\n-1,-1.5,-Infinity,,"",-1\n');
  });

  it('is off unless asked for, by the command line, the environment or edp.yaml', async () => {
    expect((await report(selectAll(['=1']), '--out', '-')).stdout).toBe('v\n=1\n');
    const cwd = await makeDirectory();
    await mkdir(path.join(cwd, 'sql', 'reports'), { recursive: true });
    await writeFile(path.join(cwd, 'sql', 'reports', 'r.sql'), "-- title: R\n\nSELECT '=1' AS v\n");
    await writeFile(path.join(cwd, 'edp.yaml'), 'safe-cells: true\n');
    const run = (...args: string[]) =>
      edp(['generate-report', 'r', '--out', '-', ...args], {
        cwd,
        env: { DATABASE_URL: database.url },
      });
    expect((await run()).stdout).toBe("v\n'=1\n");
    expect((await run('--format', 'json')).stdout).toContain('"=1"');
  });

  it('is refused for formats that no spreadsheet opens', async () => {
    const result = await report('SELECT 1', '--safe-cells', '--format', 'json');
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/--safe-cells is for CSV/);
  });
});
