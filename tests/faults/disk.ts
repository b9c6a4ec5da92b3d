/** A file system so small that it fills up: a tmpfs, which only root can mount. */
import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { FaultServer } from './server.js';

const run = promisify(execFile);

const TABLESPACE = 'small';

export class SmallDisk {
  readonly #directory: string;
  readonly #small: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#small = `${directory}-client`;
  }

  /** @returns the reason, where none can be mounted */
  static async find(parent: string): Promise<SmallDisk | string> {
    const directory = path.join(parent, 'disk');
    await mkdir(directory, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', directory]);
      await run('umount', [directory]);
      return new SmallDisk(directory);
    } catch {
      return 'only root can mount a small file system';
    }
  }

  /** @returns the name of the tablespace on it */
  async open(server: FaultServer): Promise<string> {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', this.#directory]);
    const data = path.join(this.#directory, 'data');
    await mkdir(data);
    await server.give(this.#directory);
    await server.give(data);
    await server.query(`CREATE TABLESPACE ${TABLESPACE} LOCATION '${data}'`);
    return TABLESPACE;
  }

  /** Fills it until only `freeBytes` are free. */
  async fill(freeBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#directory);
    const size = Math.max(0, bavail * bsize - freeBytes);
    await writeFile(path.join(this.#directory, 'filler'), Buffer.alloc(size));
  }

  async empty(): Promise<void> {
    await rm(path.join(this.#directory, 'filler'), { force: true });
  }

  async close(server: FaultServer): Promise<void> {
    await server.query(`DROP TABLESPACE IF EXISTS ${TABLESPACE}`).catch(() => {});
    for (const directory of [this.#directory, this.#small]) {
      await run('umount', ['-l', directory]).catch(() => {});
    }
  }

  /** Mounts a working directory with almost no room. */
  async mountSmall(): Promise<string> {
    await mkdir(this.#small, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', this.#small]);
    return this.#small;
  }
}
