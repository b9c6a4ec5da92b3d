/** `--log` and `--log-file` from end to end. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../src/observe/log/log-line.js';
import { edp, followEdp, makeDirectory, startEdp } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');
let made = 0;

async function makeProject(more = ''): Promise<{ cwd: string; table: string; file: string }> {
  const cwd = await makeDirectory();
  const table = `goods${++made}`;
  await writeFile(
    path.join(cwd, 'edp.yaml'),
    `tables:\n  ${table}: { columns: { id: int, value: int }, key: id }\n${more}`,
  );
  const file = `${table}.csv`;
  await writeFile(path.join(cwd, file), 'id,value\n1,10\n2,x\n3,y\n4,40\n');
  return { cwd, table, file };
}

const KEYS = ['time', 'level', 'run_id', 'load_id', 'split', 'code', 'message'];

function linesOf(text: string): LogLine[] {
  expect(text).toMatch(/\n$/);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parsed = JSON.parse(line);
      expect(Object.keys(parsed)).toEqual(KEYS);
      return parsed;
    });
}

const env = () => ({ DATABASE_URL: database.url });

it('JSON is all that is on stderr, and the result stays on stdout', async () => {
  const { cwd, table, file } = await makeProject();
  const { status, stderr, stdout, json } = await edp(['ingest', file, '--log', 'json', '--json'], {
    cwd,
    env: env(),
  });
  expect(status).toBe(3);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(json).toMatchObject({ ok: true });
  const lines = linesOf(stderr);
  expect(lines.map(({ level, code }) => [level, code])).toEqual([
    ['info', 'command_began'],
    ['info', 'run_began'],
    ['info', 'load_began'],
    ['warn', expect.stringMatching(/^bad_|^invalid_|^not_/)],
    ['info', 'load_ended'],
    ['warn', 'command_ended'],
  ]);
  expect(lines[3]!.message).toBe('2 records rejected');
  expect(lines[4]!.message).toContain(
    `load of ${file} into public.${table} ended: loaded; 4 read, 2 loaded, 2 rejected, 0 duplicate`,
  );
  expect(lines[4]).toMatchObject({ run_id: expect.any(Number), load_id: expect.any(Number) });
  expect(lines[0]!.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  // Without --json the lines for people stay on stdout.
  const people = await edp(['--log', 'json', 'ingest', file], { cwd, env: env() });
  expect(people.stdout).toContain('skipped');
  expect(linesOf(people.stderr).at(-1)).toMatchObject({ level: 'info', code: 'command_ended' });
});

it('splits are told with --verbose', async () => {
  const { cwd, file } = await makeProject();
  const { stderr } = await edp(['ingest', file, '--verbose', '--log=json'], { cwd, env: env() });
  const splits = linesOf(stderr).filter(({ level }) => level === 'debug');
  expect(splits).toMatchObject([
    {
      code: 'split_committed',
      split: expect.stringMatching(/^\d+-\d+$/),
      load_id: expect.any(Number),
    },
  ]);
});

it('a file is appended to, in the form that is asked for, and stderr stays as it is', async () => {
  const { cwd, file } = await makeProject();
  const log = path.join(cwd, 'edp.log');
  const first = await edp(['ingest', file, '--log-file', 'edp.log'], { cwd, env: env() });
  expect(first.stderr).toMatch(/^goods\d+\.csv → goods\d+: 2 loaded, 2 rejected \(load \d+\)$/m);
  const text = await readFile(log, 'utf8');
  expect(text).toMatch(/^\S+Z info {2}command_began: edp ingest began\n/);
  expect(text).toMatch(/ warn {2}run \d+ load \d+ \w+: 2 records rejected\n/);
  expect((await stat(log)).mode & 0o777 & ~0o640).toBe(0);
  await edp(['status'], { cwd, env: { ...env(), EDP_LOG: 'json', EDP_LOG_FILE: 'edp.log' } });
  const both = await readFile(log, 'utf8');
  expect(both.startsWith(text)).toBe(true);
  expect(linesOf(both.slice(text.length)).map(({ code }) => code)).toEqual([
    'command_began',
    'command_ended',
  ]);
});

it('edp.yaml says where the log is, too', async () => {
  const { cwd, file } = await makeProject('log: json\nlog-file: edp.log\n');
  await edp(['ingest', file], { cwd, env: env() });
  expect(linesOf(await readFile(path.join(cwd, 'edp.log'), 'utf8')).length).toBeGreaterThan(3);
});

it('a warning of Node is a line without its text', async () => {
  const { cwd, file } = await makeProject();
  const own = { ...env(), NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const args = ['ingest', 'https://127.0.0.1:1/secret.csv', file, '--log', 'json'];
  const { stderr } = await edp(args, { cwd, env: own });
  const warnings = linesOf(stderr).filter(({ message }) => message.startsWith('Node.js has a'));
  expect(warnings).toMatchObject([{ level: 'warn', code: 'said' }]);
  expect(stderr).not.toContain('NODE_TLS');
});

describe('a log file that cannot be opened is a mistake, before anything is done', () => {
  it.each([
    ['in a directory that is not there', 'gone/edp.log', 'ENOENT'],
    ['that is a directory', '.', 'it is not a file'],
  ])('%s', async (_, log, reason) => {
    const { cwd, file } = await makeProject();
    const { status, stderr } = await edp(['ingest', file, '--log-file', log], { cwd, env: env() });
    expect(status).toBe(2);
    expect(stderr).toContain(`the log file ${log} cannot be opened: ${reason}`);
    expect((await edp(['ingest', file, '--json'], { cwd, env: env() })).json).toMatchObject({
      files: [{ status: 'loaded' }],
    });
  });
});

it.skipIf(process.platform !== 'linux')('a disk that is full is one warning', async () => {
  const { cwd, file } = await makeProject();
  const { status, stderr } = await edp(['ingest', file, '--log-file', '/dev/full'], {
    cwd,
    env: env(),
  });
  expect(status).toBe(3);
  expect(stderr.match(/warning: the log file cannot be written/g)).toHaveLength(1);
});

describe('what fails before the project is known', () => {
  it('a faulty edp.yaml is a line, where the command line says so', async () => {
    const { cwd } = await makeProject('secret-key: 1\n');
    const { status, stderr } = await edp(['ingest', 'x', '--log', 'json'], { cwd, env: env() });
    expect(status).toBe(2);
    expect(linesOf(stderr)).toMatchObject([
      { code: 'command_began' },
      { level: 'error', code: 'config', message: expect.stringMatching(/\(edp\.yaml:3\)$/) },
      { level: 'error', code: 'command_ended' },
    ]);
    expect(stderr).not.toContain('secret-key');
  });

  it.each([
    ['an option that is not there', ['ingest', 'x', '--log', 'json', '--secret-option']],
    ['a value that is none', ['ingest', 'x', '--log=json', '--process-count', 'secret']],
    ['no command', ['--log', 'json', 'secret-command']],
  ])('%s is a line', async (_, args) => {
    const { cwd } = await makeProject();
    const { status, stderr } = await edp(args, { cwd, env: env() });
    expect(status).toBe(2);
    expect(linesOf(stderr).find(({ level }) => level === 'error')).toMatchObject({ code: 'usage' });
    expect(stderr).not.toContain('secret');
  });
});

it('lines of processes that write at the same time never mix', async () => {
  const { cwd } = await makeProject();
  const args = ['generate-data', '--files', '1', '--count', '1', '--log', 'json'];
  const runs = Array.from({ length: 6 }, (_, i) => {
    const all = [...args, '--out', `out${i}`, '--log-file', 'edp.log'];
    return followEdp(startEdp(all, { cwd, env: env() }), all);
  });
  for (const { status, stderr } of await Promise.all(runs)) expect(status, stderr).toBe(0);
  expect(linesOf(await readFile(path.join(cwd, 'edp.log'), 'utf8'))).toHaveLength(12);
});

it('a file that is renamed meanwhile is followed by a new one', async () => {
  const { LogFile } = await import('../../src/observe/log/log-file.js');
  const directory = await makeDirectory();
  const file = path.join(directory, 'edp.log');
  const warnings: string[] = [];
  const log = new LogFile(file, (text) => warnings.push(text));
  log.write('one\n');
  await rename(file, `${file}.1`);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  log.write('two\n');
  // As copytruncate does.
  await writeFile(file, '');
  log.write('three\n');
  log.close();
  expect(await readFile(`${file}.1`, 'utf8')).toBe('one\n');
  expect(await readFile(file, 'utf8')).toBe('three\n');
  expect(warnings).toEqual([]);
  await mkdir(path.join(directory, 'x'));
  expect(() => new LogFile(path.join(directory, 'x'), () => {})).toThrow('cannot be opened');
});

it('a progress bar has no place beside JSON', async () => {
  const { Output } = await import('../../src/terminal/output.js');
  const written: string[] = [];
  const stderr = { isTTY: true, write: (text: string) => written.push(text) } as never;
  const output = new Output(false, process.stdout, stderr);
  expect(output.isTerminal).toBe(true);
  output.yieldStderr();
  expect(output.isTerminal).toBe(false);
  output.warn('a warning');
  output.note('a note');
  output.error('an error');
  expect(written).toEqual([]);
});
