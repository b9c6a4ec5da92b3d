/** Spooled streams: there while they are needed, and not for ever. */
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withSpool } from '../../src/source/spool.js';
import { makeDirectory } from '../support/cli.js';

/** Beyond the largest number that Linux gives a process. */
const NO_PROCESS = 2 ** 22 + 1;

it('holds what was written until the work is done, also where that fails', async () => {
  const directory = await makeDirectory();
  const work = withSpool(directory, async (spool) => {
    const file = await spool.write(Readable.from([Buffer.from('a,b\n'), Buffer.from('1,2\n')]));
    expect(await readFile(file, 'utf8')).toBe('a,b\n1,2\n');
    throw new Error('no');
  });
  await expect(work).rejects.toThrow('no');
  expect(await readdir(path.join(directory, '.edp', 'spool'))).toEqual([]);
});

it('removes what dead commands left more than a day ago, and nothing else', async () => {
  const directory = await makeDirectory();
  const spooled = path.join(directory, '.edp', 'spool');
  await mkdir(spooled, { recursive: true });
  const files = {
    [`${NO_PROCESS}-old`]: 25,
    [`${NO_PROCESS}-young`]: 23,
    [`${process.pid}-own`]: 25,
  };
  for (const [name, hours] of Object.entries(files)) {
    await writeFile(path.join(spooled, name), 'x');
    const time = new Date(Date.now() - hours * 3_600_000);
    await utimes(path.join(spooled, name), time, time);
  }
  await withSpool(directory, (spool) => spool.write(Readable.from([Buffer.from('x')])));
  expect((await readdir(spooled)).sort()).toEqual(
    [`${NO_PROCESS}-young`, `${process.pid}-own`].sort(),
  );
});

it('holds nothing of a source that fails at once', async () => {
  const directory = await makeDirectory();
  const breakOff = () =>
    new Readable({
      read() {
        this.destroy(new Error('broke off'));
      },
    });
  await withSpool(directory, async (spool) => {
    // Many, as it takes a race to leave a file behind.
    for (let i = 0; i < 100; i++) {
      await expect(spool.write(breakOff())).rejects.toThrow('broke off');
      await sleep(2);
    }
    expect(await readdir(path.join(directory, '.edp', 'spool'))).toEqual([]);
  });
});
