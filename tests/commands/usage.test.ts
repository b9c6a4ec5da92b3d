/** A command line that is wrong: the message names the mistake and what was likely meant. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase();

describe('a mistake in the call', () => {
  it.each([
    [[], /^edp: which command\?\n {2}→ edp --help lists the commands$/],
    [['ingets', 'x'], /^edp: there is no command "ingets"\n {2}→ did you mean "ingest"\?/],
    [['stauts'], /did you mean "status"/],
    [['nosuch'], /^edp: there is no command "nosuch"\n {2}→ edp --help lists the commands$/],
    [['help', 'verfy'], /no command "verfy"\n.*"verify"/],
    [['ingest', '--nosuch'], /^edp: edp ingest has no option --nosuch\n.*edp ingest --help/],
    [['ingest', 'a.csv', '--tabel', 't'], /no option --tabel\n.*did you mean --table\?/],
    [['ingest', 'a.csv', '--on_conflict=skip'], /no option --on_conflict\n.*--on-conflict\?/],
    [['undo', '7', '--no-ys'], /no option --no-ys/],
    [['ingest', 'a.csv', '-x'], /no option -x/],
    [['ingest'], /^edp: edp ingest needs <files …>\n.*edp ingest --help/],
    [['verify'], /edp verify needs <load>/],
    [['status', '1', '2'], /edp status does not take "2"/],
    [['ingest', 'a.csv', '--table'], /--table needs a value/],
    [['ingest', 'a.csv', '--table', '--force'], /--table needs a value/],
    [['db', 'strat'], /no action "strat"\n.*did you mean "start"\?/],
    [['ingest', 'a.csv', '--on-conflict', 'udpate'], /reject, skip or update .*mean "update"\?/],
    [['ingest', 'a.csv', '--process-count', 'x'], /whole number[\s\S]*edp ingest --help/],
    [['promote', 'm', '--type', 'bigin'], /did you mean "bigint"\?/],
    [['generate-report', 'load_histroy'], /did you mean "load_history"\?/],
    [['generate-report', 'load_history', '--param', 'form=1'], /did you mean "from"\?/],
    [['ingest', 'a.csv', '--table', 'event'], /did you mean "events"\?/],
    [['ingest', 'evnts-1.csv'], /did you mean "events"\?/],
  ] as const)('%j', async (args, message) => {
    const cwd = await makeDirectory();
    for (const name of ['a.csv', 'evnts-1.csv']) await writeFile(path.join(cwd, name), 'id\n1\n');
    const result = await edp(args, { cwd, env: { DATABASE_URL: database.url } });
    expect(result.status).toBe(2);
    expect(result.stderr.trimEnd()).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('what belongs to another action', () => {
  it.each([
    [['db', 'stop', '--port', '1'], '--port is for edp db start, not for stop'],
    [['db', 'status', 'now'], 'edp db status takes no further arguments: now'],
    [['schema', 'check', '--from', 'v1'], '--from is for edp schema diff, not for check'],
    [['schema', 'publish', '--to', 'v1'], '--to is for edp schema diff, not for publish'],
    [['model', 'infer', 'a.csv', '--schema', 's'], '--schema is for edp model import'],
    [['model', 'infer', 'a.csv', '--database-url', 'x'], '--database-url is for edp model import'],
    [['model', 'import', '--table', 't'], '--table is for edp model infer, not for import'],
    [['model', 'import', '--key', 'id'], '--key is for edp model infer'],
    [['model', 'import', '--process-count', '2'], '--process-count is for edp model infer'],
    [['model', 'import', '--format', 'csv'], '--format is for edp model infer'],
    [['model', 'import', '--delimiter', ';'], '--delimiter is for edp model infer'],
    [['model', 'import', '--encoding', 'utf-8'], '--encoding is for edp model infer'],
  ] as const)('is refused: %j', async (args, message) => {
    const result = await edp(args, { cwd: await makeDirectory() });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain(`edp ${args[0]} --help`);
    expect(result.status).toBe(2);
  });
});

describe('help', () => {
  it('of a command is the same by both names, and begins with its examples', async () => {
    const cwd = await makeDirectory();
    const [help, option] = await Promise.all([
      edp(['help', 'ingest'], { cwd }),
      edp(['ingest', '--help'], { cwd }),
    ]);
    expect(help).toMatchObject({ status: 0, stdout: option.stdout });
    expect(help.stdout).toMatch(
      /^edp ingest <files\.\.\.>\n\nLoad .*\n\nExamples:\nedp ingest events +# every/,
    );
    expect(help.stdout.indexOf('Options:')).toBeGreaterThan(help.stdout.indexOf('--dry-run '));
    expect((await edp(['help'], { cwd })).stdout).toMatch(/Begin with:/);
  });
});

describe('what means nothing to edp', () => {
  it('is reported: files of almost its name, and variables', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yml'), 'process-count: 3\n');
    const env = {
      DATABASE_URL: database.url,
      EDP_PROCES_COUNT: '3',
      EDP_COLOUR: 'red',
      EDP_LIMIT: '7',
    };
    const { stderr, status } = await edp(['status'], { cwd, env });
    expect(status).toBe(0);
    expect(stderr.trimEnd().split('\n').sort()).toEqual([
      'warning: EDP_COLOUR means nothing to edp; docs/options.md lists its variables',
      'warning: EDP_PROCES_COUNT means nothing to edp; did you mean EDP_PROCESS_COUNT?',
      'warning: edp.yml is not read: the file must be called edp.yaml',
    ]);
  });
});

it('what a file that is included has is no such thing', async () => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'edp.yaml'), 'include: edp.yml\n');
  await writeFile(path.join(cwd, 'edp.yml'), `process-count: \${EDP_WORKERS}\n`);
  const env = { DATABASE_URL: database.url, EDP_WORKERS: '3' };
  expect(await edp(['status'], { cwd, env })).toMatchObject({ status: 0, stderr: '' });
});

describe('status', () => {
  it('says that there are more loads than it lists, and how to see them', async () => {
    const cwd = await makeDirectory();
    const env = { DATABASE_URL: database.url };
    for (let i = 0; i < 23; i++) {
      await writeFile(path.join(cwd, `first_dimensions-${i}.csv`), `id,name\n${i},n\n`);
    }
    expect((await edp(['ingest', 'first_dimensions-*.csv'], { cwd, env })).status).toBe(0);
    const first = await edp(['status'], { cwd, env });
    expect(first.stdout).toMatch(/\nthe newest 20 of 23 loads; --limit 23 shows all\n$/);
    expect((await edp(['status', '--limit', '23'], { cwd, env })).stdout).not.toMatch(/newest/);
    const { json } = await edp(['status', '--json', '--limit', '2'], { cwd, env });
    expect(json).toMatchObject({ total: 23, loads: { length: 2 } });
  });

  it.each(['.edp', 'edp.yaml'])('in a folder below one with %s names both', async (name) => {
    const above = await makeDirectory();
    const cwd = path.join(above, 'data', 'new');
    await mkdir(cwd, { recursive: true });
    if (name === '.edp') await mkdir(path.join(above, name));
    else await writeFile(path.join(above, name), '');
    await database.query('TRUNCATE edp.loads CASCADE');
    const { stdout } = await edp(['status'], { cwd, env: { DATABASE_URL: database.url } });
    expect(stdout).toBe(
      `there are no loads in ${cwd} yet, but ${above} above it has ${name}: is edp meant to run there?\n`,
    );
    await writeFile(path.join(cwd, 'edp.yaml'), '');
    expect((await edp(['status'], { cwd, env: { DATABASE_URL: database.url } })).stdout).toMatch(
      /^there are no loads yet/,
    );
  });
});
