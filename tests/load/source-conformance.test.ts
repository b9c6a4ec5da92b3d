/** What every source must do, whatever is behind it. A new source is an entry in the list. */
import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

vi.hoisted(() => {
  process.env.EDP_FAILPOINTS = 'http.retry_ms:=5';
});

import { describeFile } from '../../src/formats/describe-file.js';
import { NO_SETTINGS } from '../../src/model/file-settings.js';
import { withReadableFiles } from '../../src/source/copies.js';
import { discoverFiles, totalBytes } from '../../src/source/discover.js';
import type { FileIdentity } from '../../src/source/file-identity.js';
import { hasContent, identifyFile } from '../../src/source/identify.js';
import { localVersion } from '../../src/source/local-files.js';
import { assertUnchanged, withFile } from '../../src/source/open-file.js';
import type { InputFile } from '../../src/source/source.js';
import { versionOf } from '../../src/source/sources.js';
import { makeDirectory } from '../support/cli.js';
import { FileServer } from '../support/http-server.js';

/** A file in a source, under the name by which it is given on the command line. */
interface Placed {
  readonly name: string;
  /** Puts other bytes in its place; undefined where nobody can. */
  readonly change?: (bytes: Buffer) => Promise<void>;
  readonly remove?: () => Promise<void>;
}

interface Case {
  readonly source: string;
  place(directory: string, bytes: Buffer): Promise<Placed>;
  /** A name of something that is not there; undefined where all there is has one name. */
  missing?(directory: string): string;
}

const server = new FileServer();
let count = 0;
beforeAll(() => server.start());
afterAll(() => server.stop());
afterEach(() => vi.restoreAllMocks());

function onServer(hasRanges: boolean): Case['place'] {
  return async (_, bytes) => {
    const at = `/files/${++count}/events-1.csv`;
    const name = server.serve(at, { bytes, hasRanges });
    return {
      name,
      ...(hasRanges
        ? {
            async change(other: Buffer) {
              server.serve(at, { bytes: other, etag: `"${++count}"` });
            },
            async remove() {
              server.remove(at);
            },
          }
        : {}),
    };
  };
}

const CASES: Case[] = [
  {
    source: 'local files',
    async place(directory, bytes) {
      const file = path.join(directory, 'events-1.csv');
      await writeFile(file, bytes);
      return {
        name: 'events-1.csv',
        change: async (other) => {
          await rm(file);
          await writeFile(file, other);
        },
        remove: () => rm(file),
      };
    },
    missing: () => 'no.csv',
  },
  {
    source: 'standard input',
    async place(_, bytes) {
      vi.spyOn(process, 'stdin', 'get').mockReturnValue(
        Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]) as unknown as typeof process.stdin,
      );
      return { name: '-' };
    },
  },
  { source: 'http', place: onServer(true), missing: () => server.url('/no.csv') },
  { source: 'http without ranges', place: onServer(false), missing: () => server.url('/no.csv') },
];

const RECORDS = Array.from({ length: 40_000 }, (_, i) => `${i},name ${i}\n`);
const TEXT = Buffer.from(`id,name\n${RECORDS.join('')}`);

describe.each(CASES)('$source', ({ place, missing }) => {
  /** Runs `work` with a file of those bytes, as a command does. */
  async function withPlaced<T>(
    bytes: Buffer,
    work: (file: InputFile, version: FileIdentity, placed: Placed) => Promise<T>,
  ): Promise<T> {
    const directory = await makeDirectory();
    const placed = await place(directory, bytes);
    const files = await discoverFiles([placed.name], directory);
    expect(files).toHaveLength(1);
    const copying = { note: () => {}, signal: new AbortController().signal };
    return withReadableFiles(directory, files, copying, async ([file]) => {
      expect(file!.name).toBe(placed.name);
      return work(file!, await versionOf(file!), placed);
    });
  }

  it('lists a file once, by its name', async () => {
    const directory = await makeDirectory();
    const { name } = await place(directory, TEXT);
    const files = await discoverFiles([name, name], directory);
    expect(files).toEqual([expect.objectContaining({ name })]);
    expect(path.isAbsolute(files[0]!.path)).toBe(true);
    if (name !== '-') expect(path.basename(files[0]!.path)).toBe('events-1.csv');
  });

  // Standard input is always there.
  it.skipIf(missing === undefined)('names what is not there', async () => {
    const directory = await makeDirectory();
    const name = missing!(directory);
    await expect(discoverFiles([name], directory)).rejects.toMatchObject({
      code: 'no_such_file',
      exitStatus: 2,
      place: expect.stringContaining(name),
    });
  });

  it('says how long a file is', async () => {
    await withPlaced(TEXT, async (file, version) => {
      expect(version.size).toBe(TEXT.length);
      expect(await totalBytes([file])).toBe(TEXT.length);
    });
  });

  it('gives the same version again, as plain data', async () => {
    await withPlaced(TEXT, async (file, version) => {
      expect(await versionOf(file)).toEqual(version);
      expect(structuredClone(version)).toEqual(version);
      await withFile(structuredClone(version), (open) => assertUnchanged(open, version));
    });
  });

  it('reads ranges, and less where the file ends', async () => {
    await withPlaced(TEXT, async (_, version) => {
      await withFile(version, async (open) => {
        for (const [position, length] of [
          [0, 10],
          [70_000, 100_000],
          [TEXT.length - 5, 5],
          [TEXT.length - 5, 500],
          [3, 1],
        ] as const) {
          const into = Buffer.alloc(length + 2, '.');
          let bytesRead = 0;
          while (bytesRead < length) {
            const part = await open.read(
              into,
              1 + bytesRead,
              length - bytesRead,
              position + bytesRead,
            );
            if (part.bytesRead === 0) break;
            bytesRead += part.bytesRead;
          }
          const expected = TEXT.subarray(position, position + length);
          expect(bytesRead).toBe(expected.length);
          expect(into.subarray(1, 1 + bytesRead).equals(expected)).toBe(true);
          expect([into[0], into.at(-1)]).toEqual([0x2e, 0x2e]);
        }
        expect((await open.read(Buffer.alloc(5), 0, 5, TEXT.length)).bytesRead).toBe(0);
        expect((await open.read(Buffer.alloc(5), 0, 5, TEXT.length + 9)).bytesRead).toBe(0);
      });
    });
  });

  it('reads several ranges at once', async () => {
    await withPlaced(TEXT, async (_, version) => {
      await withFile(version, async (open) => {
        await Promise.all(
          Array.from({ length: 9 }, async (__, i) => {
            const into = Buffer.alloc(1000);
            const { bytesRead } = await open.read(into, 0, 1000, i * 66_000);
            const expected = TEXT.subarray(i * 66_000, i * 66_000 + bytesRead);
            expect(bytesRead).toBeGreaterThan(0);
            expect(into.subarray(0, bytesRead).equals(expected)).toBe(true);
          }),
        );
      });
    });
  });

  it('streams ranges, several of one file, also ones that nobody reads to the end', async () => {
    await withPlaced(TEXT, async (_, version) => {
      await withFile(version, async (open) => {
        for await (const chunk of open.stream(10, TEXT.length)) {
          expect((chunk as Buffer).length).toBeGreaterThan(0);
          break;
        }
        for (const [from, until] of [
          [0, TEXT.length],
          [100, 300_000],
          [5, 5],
        ] as const) {
          const chunks: Buffer[] = [];
          for await (const chunk of open.stream(from, until)) chunks.push(chunk as Buffer);
          expect(Buffer.concat(chunks).equals(TEXT.subarray(from, until))).toBe(true);
        }
      });
    });
  });

  it('knows the content as that of a local file, and describes it the same', async () => {
    const file = path.join(await makeDirectory(), 'other.csv');
    await writeFile(file, TEXT);
    const local = await localVersion(file);
    const expected = await describeFile(local, 'x', undefined, NO_SETTINGS);
    const { contentHash } = await identifyFile(local);
    await withPlaced(TEXT, async (_, version) => {
      expect((await identifyFile(version)).contentHash).toBe(contentHash);
      expect(await describeFile(version, 'x', undefined, NO_SETTINGS)).toEqual(expected);
      expect(await hasContent(version, [])).toBe(true);
    });
  });

  it('has empty files, too', async () => {
    await withPlaced(Buffer.alloc(0), async (_, version) => {
      expect(version.size).toBe(0);
      const { fields } = await describeFile(version, 'x', undefined, NO_SETTINGS);
      expect(fields).toEqual([]);
      await withFile(version, (open) => assertUnchanged(open, version));
    });
  });

  const other = Buffer.from(TEXT).fill('x', 200_000, 200_100);
  it.each([
    ['as long as before', other],
    ['longer', Buffer.concat([TEXT, Buffer.from('more\n')])],
    ['shorter', TEXT.subarray(0, 100_000)],
  ])('notices another version that is %s', async (_, bytes) => {
    await withPlaced(TEXT, async (file, version, { change }) => {
      // Of a copy there is no other version.
      if (change === undefined) return expect(file.copy).toBeDefined();
      const changed = { code: 'file_changed', hint: expect.any(String) };
      await withFile(version, async (open) => {
        await change(bytes);
        if (version.kind !== 'local') {
          const into = Buffer.alloc(100);
          await expect(open.read(into, 0, 100, 99_950)).rejects.toMatchObject(changed);
        }
      });
      const again = withFile(version, (open) => assertUnchanged(open, version));
      await expect(again).rejects.toMatchObject(changed);
      expect(await versionOf(file)).not.toEqual(version);
    });
  });

  it('notices that a file is written to while it is open, and that it is gone', async () => {
    await withPlaced(TEXT, async (file, version, { change, remove }) => {
      if (change === undefined) return expect(file.copy).toBeDefined();
      await withFile(version, async (open) => {
        if (version.kind === 'local') await appendFile(version.path, 'more\n');
        else await change(other);
        await expect(assertUnchanged(open, version)).rejects.toMatchObject({
          code: 'file_changed',
        });
      });
      await remove!();
      const gone = withFile(version, (open) => assertUnchanged(open, version));
      await expect(gone).rejects.toMatchObject({ code: 'file_changed' });
    });
  });
});
