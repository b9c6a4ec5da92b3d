import { appendFile, copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { identifyFile } from '../../src/ingest/plan/identify.js';
import { makeDirectory } from '../support/cli.js';

const BLOCK = 4 * 1024 * 1024;

async function hashOf(bytes: Buffer | string): Promise<string> {
  const file = path.join(await makeDirectory(), 'file');
  await writeFile(file, bytes);
  const { contentHash, size } = await identifyFile(file);
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
    const [first, second] = [await identifyFile(one), await identifyFile(two)];
    expect(second.contentHash).toBe(first.contentHash);
    expect([first.path, second.path]).toEqual([one, two]);
    await appendFile(two, '\n');
    expect((await identifyFile(two)).contentHash).not.toBe(first.contentHash);
  });

  it('differs for any other content, also around the size of a block', async () => {
    const block = Buffer.alloc(BLOCK + 1, 'a');
    const swapped = Buffer.alloc(2 * BLOCK, 'a').fill('b', BLOCK);
    const contents = [
      ...['', '\0', '\0\0', 'id\n', 'id'],
      ...[block.subarray(1), block.subarray(2), block, Buffer.concat([block, block])],
      ...[swapped, Buffer.concat([swapped.subarray(BLOCK), swapped.subarray(0, BLOCK)])],
    ];
    const hashes = await Promise.all(contents.map(hashOf));
    expect(new Set(hashes).size).toBe(contents.length);
    expect(await hashOf(block)).toBe(hashes[7]);
  });
});
