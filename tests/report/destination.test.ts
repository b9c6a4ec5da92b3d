import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  chooseDestination,
  reportFileName,
  type Write,
  withOutputFile,
} from '../../src/report/destination.js';
import { makeDirectory } from './setup.js';

let directory: string;
beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const NOW = new Date('2026-01-31T06:15:00.123Z');

test.each([
  [undefined, undefined, 'r-20260131T061500Z.csv'],
  ['2024-01-31', undefined, 'r-from-2024-01-31-20260131T061500Z.csv'],
  [
    '2024-01-31T06:00+02:00',
    '2024-02-01 00:00',
    'r-from-2024-01-31T0600+0200-to-2024-02-01-0000-20260131T061500Z.csv',
  ],
  ['../../etc/passwd', undefined, 'r-from-..-..-etc-passwd-20260131T061500Z.csv'],
])('file name from %j to %j', (from, to, name) => {
  expect(reportFileName('r', { from, to }, NOW, 'csv')).toBe(name);
});

describe('--out', () => {
  const cases: readonly (readonly [string | undefined, string | undefined, boolean])[] = [
    [undefined, 'reports/r.csv', false],
    ['-', undefined, false],
    ['/dev/stdout', undefined, false],
    ['mine.csv', 'mine.csv', true],
    ['new/', 'new/r.csv', false],
    ['there', 'there/r.csv', false],
    ['new/mine.csv', 'new/mine.csv', true],
  ];
  test.each(cases)('%j', async (out, file, mayReplace) => {
    await mkdir(path.join(directory, 'there'));
    expect(await chooseDestination(out, directory, 'r.csv')).toEqual({
      file: file === undefined ? undefined : path.join(directory, file),
      mayReplace,
    });
  });
});

describe('the file', () => {
  const say = (text: string) => (write: Write) => write(Buffer.from(text));

  test('appears when it is complete, in a directory made for it', async () => {
    const file = path.join(directory, 'a', 'b', 'r.csv');
    const written = await withOutputFile({ file, mayReplace: false }, async (write) => {
      await write(Buffer.from('one\n'));
      expect(await readdir(path.dirname(file))).toEqual([
        expect.stringMatching(/^\.r\.csv\..*tmp$/),
      ]);
      await write(Buffer.from('two\n'));
      return 2;
    });
    expect(written).toEqual({ file, result: 2 });
    expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
    expect(await readdir(path.dirname(file))).toEqual(['r.csv']);
  });

  test('is not there, nor anything else, after a failure; an older one stays', async () => {
    const file = path.join(directory, 'r.csv');
    await writeFile(file, 'old');
    const work = withOutputFile({ file, mayReplace: true }, async (write) => {
      await write(Buffer.from('half'));
      throw new Error('broken');
    });
    await expect(work).rejects.toThrow('broken');
    expect(await readdir(directory)).toEqual(['r.csv']);
    expect(await readFile(file, 'utf8')).toBe('old');
  });

  test('gets a number where its name is taken, unless the user named it', async () => {
    const file = path.join(directory, 'r.csv');
    const names = [];
    for (const text of ['1', '2', '3']) {
      names.push((await withOutputFile({ file, mayReplace: false }, say(text))).file);
    }
    expect(names.map((name) => path.basename(name))).toEqual(['r.csv', 'r-2.csv', 'r-3.csv']);
    await withOutputFile({ file, mayReplace: true }, say('new'));
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await readFile(path.join(directory, 'r-2.csv'), 'utf8')).toBe('2');
  });

  test('behind a link is replaced, and the link stays', async () => {
    const link = path.join(directory, 'link.csv');
    await writeFile(path.join(directory, 'r.csv'), 'old');
    await symlink('r.csv', link);
    await withOutputFile({ file: link, mayReplace: true }, say('new'));
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(path.join(directory, 'r.csv'), 'utf8')).toBe('new');
  });

  test('that is a device is written to, not replaced', async () => {
    await withOutputFile({ file: '/dev/null', mayReplace: true }, say('gone'));
    expect((await lstat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  test('that cannot be made is an io error', async () => {
    await writeFile(path.join(directory, 'f'), '');
    const file = path.join(directory, 'f', 'r.csv');
    await expect(withOutputFile({ file, mayReplace: true }, say(''))).rejects.toThrow(
      expect.objectContaining({ code: 'io' }),
    );
  });
});
