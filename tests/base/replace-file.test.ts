/** A file that is replaced: it is complete or as it was, and nothing is left beside it. */
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { replaceFile, withReplacedFile } from '../../src/base/replace-file.js';
import { makeDirectory } from '../support/cli.js';

describe('a replaced file', () => {
  it('is new, or takes the place of the one before', async () => {
    const directory = await makeDirectory();
    const file = path.join(directory, 'a');
    await replaceFile(file, 'one');
    await replaceFile(file, 'two');
    expect(await readFile(file, 'utf8')).toBe('two');
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('may have the longest name that there is for its folder, less a few characters', async () => {
    const directory = await makeDirectory();
    const name = 'n'.repeat(240);
    await replaceFile(path.join(directory, name), 'one');
    expect(await readdir(directory)).toEqual([name]);
  });

  it('is for whom it is meant', async () => {
    const file = path.join(await makeDirectory(), 'a');
    await withReplacedFile(file, (handle) => handle.writeFile('secret'), { mode: 0o600 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it.each<
    [string, Parameters<typeof withReplacedFile<void>>[1], ((from: string) => Promise<void>)?]
  >([
    ['the writing', () => Promise.reject(new Error('stopped'))],
    ['the name', (handle) => handle.writeFile('two'), () => Promise.reject(new Error('stopped'))],
  ])('stays as it was where %s fails', async (_, write, place) => {
    const directory = await makeDirectory();
    const file = path.join(directory, 'a');
    await writeFile(file, 'one');
    const done = withReplacedFile(file, write, place === undefined ? {} : { place });
    await expect(done).rejects.toThrow('stopped');
    expect(await readFile(file, 'utf8')).toBe('one');
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('is seen under its temporary name until it is complete', async () => {
    const directory = await makeDirectory();
    const file = path.join(directory, 'a');
    await withReplacedFile(
      file,
      async (handle) => {
        await handle.writeFile('one');
        expect(await readdir(directory)).toEqual([
          expect.stringMatching(/^\.a\.[0-9a-f]{8}\.tmp$/),
        ]);
      },
      { place: (temporary) => rename(temporary, path.join(directory, 'b')) },
    );
    expect(await readdir(directory)).toEqual(['b']);
  });

  it('cannot be made in a folder that is none', async () => {
    const directory = await makeDirectory();
    await mkdir(path.join(directory, 'b'));
    await expect(replaceFile(path.join(directory, 'c/a'), 'one')).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(replaceFile(path.join(directory, 'b'), 'one')).rejects.toThrow();
    expect(await readdir(directory)).toEqual(['b']);
  });
});
