/** Bad input of each kind: one clear message with the remedy, no stack trace, the right exit status. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

interface BadInput {
  readonly name: string;
  readonly args: readonly string[];
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly directories?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string;
  readonly message: RegExp;
}

const CASES: readonly BadInput[] = [
  {
    name: 'no such file',
    args: ['ingest', 'nowhere.csv'],
    status: 2,
    code: 'no_such_file',
    message: /nowhere\.csv: no such file/,
  },
  ...[[''], [','], [' , ,'], ['a.csv', '']].map((names) => ({
    name: `the names ${JSON.stringify(names)}`,
    args: ['ingest', ...names],
    files: { 'a.csv': 'id\n' },
    status: 2,
    code: 'usage',
    message: /names no file[\s\S]*variable/,
  })),
  ...[
    {
      args: ['ingest', 'a.csv', '--max-rejects', '101%'],
      message: /--max-rejects: .*100% at most/,
    },
    { args: ['ingest', 'a.csv', '--max-rejects=100.5%'], message: /--max-rejects: .*100% at most/ },
    { args: ['ingest', 'a.csv', '--force=maybe'], message: /--force: expected true or false/ },
    { args: ['ingest', 'a.csv', '--header=on'], message: /--header: expected true or false/ },
    { args: ['status', '--verbose='], message: /--verbose: expected true or false/ },
    { args: ['status', '--json=maybe'], message: /--json: expected true or false \(got "maybe"\)/ },
  ].map((one) => ({ ...one, name: one.args.join(' '), status: 2, code: 'usage' })),
  {
    name: 'a glob that matches nothing',
    args: ['ingest', 'x/*.csv'],
    status: 2,
    code: 'no_such_file',
    message: /x\/\*\.csv: no such file/,
  },
  {
    name: 'no event files',
    args: ['ingest', 'events'],
    status: 2,
    code: 'no_such_file',
    message: /data\/events\*[\s\S]*generate-data/,
  },
  {
    name: 'a directory',
    args: ['ingest', 'events-dir'],
    directories: ['events-dir'],
    status: 2,
    code: 'not_a_file',
    message: /events-dir is a directory[\s\S]*events-dir\/\*\.csv/,
  },
  {
    name: 'an unknown table',
    args: ['ingest', 'a.csv', '--table', 'nope'],
    files: { 'a.csv': 'id\n' },
    status: 2,
    code: 'unknown_table',
    message: /no table "nope"[\s\S]*first_dimensions, second_dimensions, events/,
  },
  {
    name: 'a file name that no table goes by',
    args: ['ingest', 'a.csv'],
    files: { 'a.csv': 'id\n' },
    status: 2,
    code: 'unknown_table',
    message: /a\.csv: no table[\s\S]*--table/,
  },
  {
    name: 'stdin without a table',
    args: ['ingest', '-'],
    status: 2,
    code: 'usage',
    message: /--table/,
  },
  {
    name: 'an option that is no number',
    args: ['ingest', 'events', '--process-count', 'many'],
    status: 2,
    code: 'usage',
    message: /--process-count: expected a whole number \(got "many"\)/,
  },
  {
    name: 'a bad environment variable',
    args: ['ingest', 'events'],
    env: { EDP_WRITE_BATCH_SIZE: '0' },
    status: 2,
    code: 'usage',
    message: /EDP_WRITE_BATCH_SIZE: expected 1 or more/,
  },
  {
    name: 'no database there',
    args: ['status', '--database-url', 'postgresql://u:secret@127.0.0.1:1/x'],
    status: 1,
    code: 'database_unreachable',
    message: /no database at 127\.0\.0\.1:1\/x: nothing listens there[\s\S]*embedded/,
  },
  {
    name: 'an unknown host',
    args: ['status', '--database-url', 'postgresql://u:secret@no-such-host.invalid/x'],
    status: 1,
    code: 'database_unreachable',
    message: /no-such-host\.invalid/,
  },
  {
    name: 'a URL that is none',
    args: ['status', '--database-url', 'mysql://u:secret@h/x'],
    status: 2,
    code: 'config',
    message: /--database-url cannot be read/,
  },
  {
    name: 'edp.yaml that is no YAML',
    args: ['ingest', 'events'],
    files: { 'edp.yaml': 'tables: [\n' },
    status: 2,
    code: 'config',
    message: /edp\.yaml:\d+:/,
  },
  {
    name: 'edp.yaml with faults',
    args: ['ingest', 'events'],
    files: { 'edp.yaml': 'nonsense: 1\ntables:\n  a:\n    columns:\n      x: integer\n' },
    status: 2,
    code: 'config',
    message: /edp\.yaml:1: .*nonsense[\s\S]*edp\.yaml:5: .*"integer" is not a column type/,
  },
  {
    name: 'edp.yaml that is a directory',
    args: ['ingest', 'events'],
    directories: ['edp.yaml'],
    status: 2,
    code: 'config',
    message: /edp\.yaml cannot be read/,
  },
  {
    name: 'an unknown load',
    args: ['rejects', '99999'],
    status: 2,
    code: 'unknown_load',
    message: /no load 99999/,
  },
  {
    name: 'what is no load',
    args: ['rejects', 'abc'],
    status: 2,
    code: 'usage',
    message: /edp status/,
  },
];

describe('bad input', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });

  it.each(CASES)(
    '$name',
    async ({ args, files = {}, directories = [], env, status, code, message }) => {
      const cwd = await makeDirectory();
      for (const [name, content] of Object.entries(files))
        await writeFile(path.join(cwd, name), content);
      for (const name of directories) await mkdir(path.join(cwd, name));
      const result = await edp([...args, '--json'], {
        cwd,
        env: args.includes('--database-url') ? env : { DATABASE_URL: database.url, ...env },
      });
      expect(result.stderr).toMatch(message);
      expect(result.stderr).toMatch(/→/);
      expect(result.stderr).not.toMatch(/^\s+at /m);
      expect(result.stdout + result.stderr).not.toMatch(/secret/);
      expect(result.json).toMatchObject({ command: args[0], ok: false, error: { code } });
      expect(result.status).toBe(status);
    },
  );

  it.each([
    { name: 'a header that does not fit', content: 'a,b\n1,2\n', message: /"a", "b"[\s\S]*"id"/ },
    {
      name: 'a picture',
      content: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
      message: /does not look like a CSV/,
    },
    {
      name: 'a compressed file that breaks off',
      content: Buffer.from('1f8b0800', 'hex'),
      message: /unexpected end/,
    },
  ])('$name fails that file, and the others load', async ({ content, message }) => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'first_dimensions-1.csv'), content);
    await writeFile(
      path.join(cwd, 'first_dimensions-2.csv'),
      `id,name\n${Math.floor(Math.random() * 2e9)},x\n`,
    );
    const result = await edp(
      ['ingest', 'first_dimensions-*.csv', '--json', '--database-url', database.url],
      { cwd },
    );
    expect(result.status).toBe(1);
    expect(result.json.ok).toBe(false);
    expect(result.json.files[0]).toMatchObject({ status: 'failed', loadId: null });
    expect(result.json.files[0].reason).toMatch(message);
    expect(result.json.files[1]).toMatchObject({ status: 'loaded', rows: { loaded: 1 } });
  });

  it('a model that does not fit the existing table names every difference', async () => {
    const cwd = await makeDirectory();
    await database.query(
      'CREATE TABLE things (id text PRIMARY KEY, must int NOT NULL, load_id bigint)',
    );
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables:\n  things:\n    columns: { id: int, extra: text }\n    key: id\n',
    );
    await writeFile(path.join(cwd, 'things.csv'), 'id,extra\n1,x\n');
    const result = await edp(['ingest', 'things.csv', '--json', '--database-url', database.url], {
      cwd,
    });
    expect(result.status).toBe(1);
    expect(result.json.error.code).toBe('table_mismatch');
    expect(result.stderr).toMatch(/"id" is text, the model says integer/);
    expect(result.stderr).toMatch(/no column "extra"/);
    expect(result.stderr).toMatch(/"must" needs a value/);
    expect(result.stderr).toContain(
      'or the table: ALTER TABLE public.things ADD COLUMN "extra" text, ALTER COLUMN "id" TYPE integer USING "id"::integer, ALTER COLUMN "must" DROP NOT NULL;',
    );
  });

  it('the statement that an error about a table names mends it', async () => {
    const cwd = await makeDirectory();
    await database.query(`CREATE TABLE "Mended" (id text, load_id bigint);
      INSERT INTO "Mended" VALUES ('7')`);
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables:\n  Mended:\n    columns: { id: int, extra: text }\n    key: id\n',
    );
    await writeFile(path.join(cwd, 'Mended.csv'), 'id,extra\n1,x\n');
    const ingest = () =>
      edp(['ingest', 'Mended.csv', '--json', '--database-url', database.url], { cwd });
    const { hint } = (await ingest()).json.error;
    const statement = String(/ALTER TABLE [^;]*;/.exec(String(hint))?.[0]);
    expect(statement).toContain('ADD PRIMARY KEY ("id")');
    await database.query(statement);
    expect((await ingest()).json).toMatchObject({ ok: true, rows: { loaded: 1 } });
  });

  it('a wrong password is told without repeating it', async () => {
    await database.query("CREATE ROLE locked LOGIN PASSWORD 'x'");
    // The test server trusts its socket, so the refusal is a role that does not exist.
    const cwd = await makeDirectory();
    const url = database.url
      .replace('user=edp', 'user=nobody_here')
      .replace('?', '?password=secret&');
    const result = await edp(['status', '--json', '--database-url', url], { cwd });
    expect(result.status).toBe(1);
    expect(result.json.error.code).toBe('database_refused');
    expect(result.stderr).toMatch(/check user and password/);
    expect(result.stdout + result.stderr).not.toMatch(/secret/);
    await database.query('DROP ROLE locked');
  });
});

describe('--json', () => {
  it.each([
    { args: ['ingest'], command: 'ingest' },
    { args: ['bogus'], command: 'bogus' },
    { args: ['ingest', 'x', '--nonsense'], command: 'ingest' },
    { args: ['rejects', '1', '--raw'], command: 'rejects' },
    { args: ['seed-dimensions'], command: 'seed-dimensions' },
    { args: [], command: null },
  ])('prints one object for edp $args, too', async ({ args, command }) => {
    const cwd = await makeDirectory();
    const result = await edp([...args, '--json'], { cwd });
    expect(result.status).toBe(2);
    expect(result.json).toMatchObject({ command, ok: false });
  });
});

describe('the command line', () => {
  it.each([
    { args: ['--version'], stdout: /^\d+\.\d+\.\d+\n$/ },
    { args: ['--help'], stdout: /Begin with:[\s\S]*ingest <files\.\.\.>/ },
    { args: ['ingest', '--help'], stdout: /Examples:[\s\S]*--read-batch-size/ },
  ])('edp $args', async ({ args, stdout }) => {
    const cwd = await makeDirectory();
    const result = await edp(args, { cwd });
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(stdout);
  });

  it('takes options that every command has in front of the command', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'dims.csv'), 'id,name\n');
    const args = ['--verbose', '--json', 'ingest', 'dims.csv', '--table', 'first_dimensions'];
    const result = await edp(args, { cwd });
    expect(result, result.stderr).toMatchObject({ status: 0, json: { command: 'ingest' } });
  });

  it('takes a name that begins with a dash behind --', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, '-dims.csv'), 'id,name\n');
    const result = await edp(
      ['ingest', '--json', '--table', 'first_dimensions', '--', '-dims.csv'],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json.files).toMatchObject([{ path: './-dims.csv', status: 'loaded' }]);
  });
});
