/** Files of events: complete ones only, and none twice. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { DirectorySink } from '../../../src/capture/sinks/directory-sink.js';
import { consumerWriter, snapshotWriter } from '../../../src/capture/writer-name.js';
import { discoverFiles } from '../../../src/source/discover.js';
import { withDirectory } from '../../support/cli.js';

const event = (sequence: number, table = 'notes') => ({
  table,
  sequence: BigInt(sequence),
  line: `{"n":${sequence}}`,
});
const OPTIONS = { writer: 'shop.default', rotateSeconds: 60 };
const NAME = '00000000000000000003-00000000000000000007';

async function list(directory: string, table = 'notes') {
  return (await readdir(path.join(directory, table))).sort();
}

it('gives a file its name when it is complete', () =>
  withDirectory(async (directory) => {
    const sink = new DirectorySink(directory, OPTIONS);
    await sink.open();
    await sink.write([event(7), event(3)]);
    await sink.write([event(5), event(1, 'a/b')]);
    expect((await list(directory)).every((name) => name.startsWith('.'))).toBe(true);
    await sink.commit();
    expect(await list(directory)).toEqual([`${NAME}.jsonl`]);
    expect(await readFile(path.join(directory, 'notes', `${NAME}.jsonl`), 'utf8')).toBe(
      '{"n":7}\n{"n":3}\n{"n":5}\n',
    );
    expect(await list(directory, 'a%2Fb')).toHaveLength(1);
  }));

it('knows a file that is there, and never replaces one', () =>
  withDirectory(async (directory) => {
    for (const lines of [
      [3, 7],
      [3, 7],
      [3, 5, 7],
    ]) {
      const sink = new DirectorySink(directory, OPTIONS);
      await sink.open();
      await sink.write(lines.map((n) => event(n)));
      await sink.commit();
    }
    expect(await list(directory)).toEqual([`${NAME}-2.jsonl`, `${NAME}.jsonl`]);
  }));

it('removes what a dead run of the same writer has left, and nothing else', () =>
  withDirectory(async (directory) => {
    await mkdir(path.join(directory, 'notes'));
    for (const name of ['.shop.default.1.part', '.shop.other.1.part', '.hidden', '1-2.jsonl']) {
      await writeFile(path.join(directory, 'notes', name), '');
    }
    await new DirectorySink(directory, OPTIONS).open();
    expect(await list(directory)).toEqual(['.hidden', '.shop.other.1.part', '1-2.jsonl']);
  }));

it('never takes the files of another writer for its own', () =>
  withDirectory(async (directory) => {
    const writers = [
      consumerWriter('shop', 'a'),
      consumerWriter('shop', 'a.b'),
      consumerWriter('shop.a', 'b'),
      consumerWriter('shop', 'snapshot'),
      snapshotWriter('shop', 'notes'),
      snapshotWriter('shop', 'others'),
    ];
    expect(new Set(writers).size).toBe(writers.length);
    const sinks = writers.map((writer) => new DirectorySink(directory, { ...OPTIONS, writer }));
    for (const [i, sink] of sinks.entries()) await sink.write([event(i)]);
    for (const writer of writers) {
      const begun = await list(directory);
      await new DirectorySink(directory, { ...OPTIONS, writer }).open();
      const left = await list(directory);
      expect(begun.length - left.length).toBe(1);
    }
    await Promise.all(sinks.map((sink) => sink.discard()));
  }));

it('forgets what was not committed', () =>
  withDirectory(async (directory) => {
    const sink = new DirectorySink(directory, OPTIONS);
    await sink.open();
    await sink.write([event(1)]);
    await sink.discard();
    await sink.commit();
    expect(await list(directory)).toEqual([]);
  }));

it('is due at a size and at an age', () =>
  withDirectory(async (directory) => {
    const small = new DirectorySink(directory, { ...OPTIONS, mostBytes: 10 });
    await small.open();
    expect(small.isDue()).toBe(false);
    await small.write([event(1), event(2)]);
    expect(small.isDue()).toBe(true);
    const old = new DirectorySink(directory, { ...OPTIONS, rotateSeconds: 0 });
    await old.write([event(1)]);
    expect(old.isDue()).toBe(true);
    await Promise.all([small.discard(), old.discard()]);
  }));

it('names folders so that they are read again, whatever a table is called', () =>
  withDirectory(async (directory) => {
    const names = [
      '.',
      '..',
      '..x',
      '.x',
      'x.',
      'a*b',
      '!x',
      '{a,b}',
      '(x)',
      '[ab]',
      '-x',
      'a b',
      "'",
    ];
    const sink = new DirectorySink(path.join(directory, 'ev'), OPTIONS);
    await sink.open();
    await sink.write(names.map((name, i) => event(i, name)));
    await sink.commit();
    // Whoever lists them passes over a point at the beginning.
    const folders = await readdir(path.join(directory, 'ev'));
    expect(folders.filter((name) => name.startsWith('.'))).toEqual([]);
    const listed = await Promise.all(
      folders.map(async (name) => path.join('ev', name, (await list(directory, `ev/${name}`))[0]!)),
    );
    expect(listed).toHaveLength(names.length);
    expect(await discoverFiles(listed, directory)).toHaveLength(names.length);
  }));

it.each(['/proc/x', '/proc/x/y/z', '/dev/null/x'])(
  'is refused at once where no folder can be: %s',
  async (folder) => {
    await expect(new DirectorySink(folder, OPTIONS).open()).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(`${folder} cannot be written`),
    });
  },
);
