/** Names on the command line of edp realize → files. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { listEventFiles } from '../../src/realize/list-event-files.js';
import { discoverFiles } from '../../src/source/discover.js';
import { makeTemporary } from '../support/temporary.js';

const FILES = [
  'a/2.jsonl',
  'a/1.ndjson.gz',
  'a/.3.jsonl',
  'a/4.jsonl.tmp',
  'b/c/1.jsonl',
  'b,c/1.jsonl',
  '5.jsonl',
];
let directory = '';
beforeAll(async () => {
  directory = await makeTemporary();
  for (const file of FILES) {
    await mkdir(path.join(directory, path.dirname(file)), { recursive: true });
    await writeFile(path.join(directory, file), '{}\n');
  }
});

describe('a name', () => {
  it.each([
    ['a directory', ['a'], ['a/1.ndjson.gz', 'a/2.jsonl']],
    ['directories in a list', ['a,b'], ['a/1.ndjson.gz', 'a/2.jsonl', 'b/c/1.jsonl']],
    ['a file beside a directory', ['5.jsonl, b'], ['5.jsonl', 'b/c/1.jsonl']],
    ['a directory with a comma in its name', ['b,c'], ['b,c/1.jsonl']],
    ['a URL with a comma', ['https://x.test/a,b.jsonl'], ['https://x.test/a,b.jsonl']],
    ['a pattern', ['{a,b}/*.jsonl'], ['{a,b}/*.jsonl']],
    ['standard input', ['-'], ['-']],
  ])('may be %s', async (_, names, wanted) => {
    expect(await listEventFiles(names, directory)).toEqual(wanted);
  });

  it.each([[['']], [['a', ' ']]])(
    'of no characters is a fault, not all files: %j',
    async (names) => {
      const listed = await listEventFiles(names, directory);
      await expect(discoverFiles(listed, directory)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it('of a pipe is a fault that says how it is read', async () => {
    await promisify(execFile)('mkfifo', [path.join(directory, 'a pipe')]);
    await expect(listEventFiles(['a pipe'], directory)).rejects.toMatchObject({
      code: 'not_a_file',
      hint: "pipe it in: edp realize - < 'a pipe'",
    });
  });

  it('of a directory without such files is a fault', async () => {
    await mkdir(path.join(directory, 'none'), { recursive: true });
    await expect(listEventFiles(['a,none'], directory)).rejects.toMatchObject({
      code: 'no_such_file',
    });
  });
});
