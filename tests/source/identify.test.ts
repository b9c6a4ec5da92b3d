import { appendFile, copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createXXHash128 } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { hasContent, identifyFile } from '../../src/source/identify.js';
import { localVersion } from '../../src/source/local-files.js';
import { makeDirectory } from '../support/cli.js';

const BLOCK = 4 * 1024 * 1024;

const identify = async (file: string) => identifyFile(await localVersion(file));

async function hashOf(bytes: Buffer | string): Promise<string> {
  const file = path.join(await makeDirectory(), 'file');
  await writeFile(file, bytes);
  const { contentHash, size } = await identify(file);
  expect(size).toBe(bytes.length);
  expect(contentHash).toMatch(/^[\da-f]{32}$/);
  return contentHash;
}

describe('the identity of a file', () => {
  it('is its content, not its name', async () => {
    const directory = await makeDirectory();
    const [one, two] = [path.join(directory, 'one.csv'), path.join(directory, 'two.csv')];
    await writeFile(one, 'id\n1\n');
    await copyFile(one, two);
    const [first, second] = [await identify(one), await identify(two)];
    expect(second.contentHash).toBe(first.contentHash);
    expect([first.path, second.path]).toEqual([one, two]);
    await appendFile(two, '\n');
    expect((await identify(two)).contentHash).not.toBe(first.contentHash);
  });

  it('differs for other sizes, and for other bytes where it looks', async () => {
    const block = Buffer.alloc(BLOCK + 1, 'a');
    const contents = [
      ...['', '\0', '\0\0', 'id\n', 'id'],
      ...[block.subarray(1), block.subarray(2), block, Buffer.concat([block, block])],
      ...[Buffer.from(block).fill('b', 0, 1), Buffer.from(block).fill('b', BLOCK)],
    ];
    const hashes = await Promise.all(contents.map(hashOf));
    expect(new Set(hashes).size).toBe(contents.length);
    expect(await hashOf(block)).toBe(hashes[7]);
  });

  it('is told by the bytes of every range where it looks the same', async () => {
    const hasher = await createXXHash128();
    const hashOfBytes = (bytes: Buffer) => hasher.init().update(bytes).digest('hex');
    const block = Buffer.alloc(BLOCK, 'a');
    const other = Buffer.from(block).fill('b', 300_000, 300_001);
    expect(await hashOf(other)).toBe(await hashOf(block));
    const cuts = [10, 1000, BLOCK / 2, BLOCK];
    const ranges = cuts.slice(1).map((end, i) => ({
      start: cuts[i]!,
      end,
      contentHash: hashOfBytes(block.subarray(cuts[i], end)),
    }));
    const [one, two] = [
      path.join(await makeDirectory(), 'one'),
      path.join(await makeDirectory(), 'two'),
    ];
    await writeFile(one, block);
    await writeFile(two, other);
    expect(await hasContent(await localVersion(one), ranges)).toBe(true);
    expect(await hasContent(await localVersion(two), ranges)).toBe(false);
    expect(await hasContent(await localVersion(two), [])).toBe(true);
    await writeFile(two, block.subarray(0, -1));
    expect(await hasContent(await localVersion(two), ranges)).toBe(false);
  });
});
