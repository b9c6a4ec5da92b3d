import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { HEADER } from '../../src/generate/chunk.js';
import { prepareDimensions } from '../../src/generate/dimensions.js';
import { makeDirectory, edp as runEdp, startEdp } from '../support/cli.js';
import { parseResult } from '../support/json.js';
import { expectLoad, parseRecords, toReported } from './expectation.js';

let directory: string;
beforeEach(async () => {
  directory = await makeDirectory();
});

const edp = (...args: string[]) => runEdp(['generate-data', ...args], { cwd: directory });

async function generate(...args: string[]) {
  const { status, stderr, json } = await edp(...args, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return json;
}

async function readRecords(file: string): Promise<string> {
  const text = await readFile(path.join(directory, file), 'utf8');
  expect(text.startsWith(HEADER)).toBe(true);
  return text.slice(HEADER.length);
}

async function readAll(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(path.join(directory, folder))).sort();
  const texts = names.map((name) => readFile(path.join(directory, folder, name), 'utf8'));
  return Object.fromEntries((await Promise.all(texts)).map((text, i) => [names[i], text]));
}

describe('edp generate-data', () => {
  it('writes the same bytes whatever the number of workers', async () => {
    const args = ['--files', '2', '--count', '90001', '--seed', '5', '--dirty', '0.05'];
    args.push('--unknown-metrics', '0.05');
    for (const workers of ['1', '2', '5']) {
      await generate(...args, '--out', `by-${workers}`, '--process-count', workers);
    }
    const one = await readAll('by-1');
    expect(Object.keys(one)).toEqual([
      'events-5-1.csv',
      'events-5-2.csv',
      'first_dimensions.csv',
      'second_dimensions.csv',
    ]);
    expect(await readAll('by-2')).toEqual(one);
    expect(await readAll('by-5')).toEqual(one);
  });

  it('reports what an independent parse of the files finds', async () => {
    const result = await generate(
      ...['--files', '3', '--count', '50000', '--dirty', '0.1', '--unknown-metrics', '0.1'],
      ...['--first-id', '1000', '--out', 'out'],
    );
    const { dimensions } = await prepareDimensions(path.join(directory, 'out'), 1);
    expect(result).toMatchObject({
      command: 'generate-data',
      ok: true,
      seed: 1,
      rows: { read: 50_000 },
      dimensions: { first: 20, second: 100, written: true },
    });
    expect(result.files.map((file) => file.records)).toEqual([16_667, 16_667, 16_666]);
    const texts: string[] = [];
    let bytes = 0;
    for (const { path: file, bytes: fileBytes, dirt, ...announced } of result.files) {
      const text = await readRecords(file);
      expect(fileBytes).toBe(Buffer.byteLength(HEADER + text));
      expect(announced).toEqual(toReported(expectLoad([text], dimensions)));
      texts.push(text);
      bytes += fileBytes;
    }
    const { records, ...totals } = toReported(expectLoad(texts, dimensions)) as { records: number };
    expect(result).toMatchObject({ ...totals, bytes, rows: { read: records } });
    const counts = Object.values(result.dirt as Record<string, number>);
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThan(4500);
  });

  it('numbers records through all files from --first-id', async () => {
    await generate('--files', '3', '--count', '10', '--first-id', '7', '--out', 'out');
    const ids: unknown[] = [];
    for (const n of [1, 2, 3]) {
      const text = await readRecords(`out/events-1-${n}.csv`);
      ids.push(...parseRecords(text).map(({ fields }) => fields[0]));
    }
    expect(ids).toEqual(Array.from({ length: 10 }, (_, i) => String(7 + i)));
  });

  it('uses the dimension files that are there', async () => {
    await mkdir(path.join(directory, 'data'));
    await writeFile(path.join(directory, 'data/first_dimensions.csv'), 'id,name\n5,a\n');
    await writeFile(
      path.join(directory, 'data/second_dimensions.csv'),
      'id,name,first_dimension_id\n50,a,5\n',
    );
    const result = await generate('--files', '1', '--count', '100');
    expect(result.dimensions).toEqual({ first: 1, second: 1, written: false });
    for (const { fields } of parseRecords(await readRecords('data/events-1-1.csv'))) {
      expect(fields.slice(3, 5)).toEqual(['5', '50']);
    }
  });

  it('writes headers alone with --count 0', async () => {
    const result = await generate('--files', '2', '--count', '0', '--out', 'a/b');
    expect(result.rows.read).toBe(0);
    expect(await readRecords('a/b/events-1-1.csv')).toBe('');
    expect(await readRecords('a/b/events-1-2.csv')).toBe('');
  });

  it('writes more files than records', async () => {
    const result = await generate('--files', '5', '--count', '2', '--out', 'out');
    expect(result.files.map((file) => file.records)).toEqual([1, 1, 0, 0, 0]);
  });

  it('tells people what it did, and warns of files of a larger run', async () => {
    await generate('--files', '3', '--count', '3');
    const { status, stdout, stderr } = await edp(
      '--files',
      '2',
      '--count',
      '3000',
      '--dirty',
      '0.5',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/data\/events-1-1\.csv +1,500/);
    expect(stdout).toMatch(/bad_timestamp +\d+ +rejected: bad_timestamp/);
    expect(stdout).toMatch(/expected: [\d,]+ loaded, [\d,]+ rejected, [\d,]+ duplicate/);
    expect(stdout).toMatch(/3,000 records in 2 files, .* records\/s\n$/);
    expect(stderr).toMatch(/^warning: data still holds .* events-1-3\.csv\n$/);
  });

  it.each([
    ['a share above 1', ['--dirty', '1.5'], 2, '--dirty'],
    ['ids beyond what is exact', ['--first-id', '9007199254740000'], 2, '--first-id'],
    ['a file in place of the directory', ['--out', 'taken'], 1, '--out'],
    ['a file above the directory', ['--out', 'taken/below'], 1, '--out'],
    ['a directory in place of a file', ['--out', 'odd'], 1, '--out'],
  ])('refuses %s, and leaves nothing half-written', async (_, args, status, hint) => {
    await writeFile(path.join(directory, 'taken'), '');
    await mkdir(path.join(directory, 'odd/events-1-1.csv'), { recursive: true });
    const run = await edp(...args);
    expect(run).toMatchObject({ status, stdout: '' });
    expect(run.stderr).toContain(hint);
    expect(run.stderr).not.toContain('    at ');
    expect((await readdir(path.join(directory, 'odd'))).filter((name) => /tmp/.test(name))).toEqual(
      [],
    );
  });

  it('removes what it has half-written on Ctrl-C', async () => {
    const child = startEdp(
      ['generate-data', '--files', '1', '--count', '30000000', '--out', 'out', '--json'],
      { cwd: directory },
    );
    let stdout = '';
    child.stdout?.on('data', (text) => {
      stdout += text;
    });
    const closed = once(child, 'close');
    const list = () => readdir(path.join(directory, 'out')).catch(() => []);
    while (!(await list()).some((name) => name.startsWith('.events-1-1.csv'))) {
      if (child.exitCode !== null) throw new Error('ended too early');
      await delay(5);
    }
    child.kill('SIGINT');
    const [status] = await closed;
    expect(status).toBe(130);
    expect(parseResult<'generate-data'>(stdout)).toMatchObject({
      ok: false,
      error: { code: 'interrupted' },
    });
    expect((await list()).sort()).toEqual(['first_dimensions.csv', 'second_dimensions.csv']);
  });
});
