/** What lies between a file's bytes and its text. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvFormat } from '../../../src/formats/csv/csv-format.js';
import { type Dialect, PLAIN_DIALECT } from '../../../src/formats/csv/dialect.js';
import { bunzip } from '../../../src/formats/text/bunzip.js';
import { cutText, type Segment } from '../../../src/formats/text/cut-text.js';
import { decompress, guessCompression } from '../../../src/formats/text/decompress.js';
import { guessEncoding } from '../../../src/formats/text/encoding.js';
import { openSegment } from '../../../src/formats/text/read-split.js';
import { readText, withoutFooter } from '../../../src/formats/text/read-text.js';
import { Utf16Transcoder } from '../../../src/formats/text/utf16.js';
import { ZstdFrames } from '../../../src/formats/text/zstd-frames.js';
import { localVersion } from '../../../src/source/local-files.js';
import { makeDirectory } from '../../support/cli.js';
import { zstd, zstdSkippable } from '../../support/packed.js';
import { writtenTables } from '../csv/scan/dialects.js';
import { scanWhole } from '../csv/scan/scanning.js';

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all);
}

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function writeTemporary(bytes: Buffer): Promise<string> {
  const file = path.join(await makeDirectory(), 'file');
  await writeFile(file, bytes);
  return file;
}

function transcode(bytes: Buffer, isLittleEndian: boolean, sizes: readonly number[]): Buffer {
  const transcoder = new Utf16Transcoder(isLittleEndian);
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    parts.push(Buffer.from(transcoder.transcode(bytes.subarray(at, at + size))));
    at += size;
  }
  return Buffer.concat([...parts, transcoder.end()]);
}

describe('UTF-16', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

  it('becomes UTF-8, however it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), sizes, (text, isLittle, cuts) => {
        const little = Buffer.from(text.toWellFormed(), 'utf16le');
        const bytes = isLittle ? little : little.swap16();
        expect(transcode(bytes, isLittle, cuts).toString()).toBe(text.toWellFormed());
      }),
      { numRuns: 1000 },
    );
  });

  it('that is none becomes bytes that are no UTF-8, and all else stays', () => {
    const lone = Buffer.from('a\ud800b\udc00c', 'utf16le');
    const text = transcode(lone, true, [3]);
    expect(text.toString('latin1')).toBe('a\xed\xa0\x80b\xed\xb0\x80c');
    expect(transcode(Buffer.from('a\0b', 'latin1'), true, [2]).toString('latin1')).toBe('a\xff');
    expect(transcode(Buffer.from('\ud800', 'utf16le'), true, [2]).toString('latin1')).toBe(
      '\xed\xa0\x80',
    );
  });
});

describe('the encoding', () => {
  it.each<[name: string, bytes: Buffer, encoding: string]>([
    ['ASCII', Buffer.from('a,b\n'), 'utf-8'],
    ['UTF-8', Buffer.from('é,ü\n'), 'utf-8'],
    ['UTF-8 with a stray byte', Buffer.from('\xc3\xa9,\xff\n', 'latin1'), 'utf-8'],
    ['ASCII with a stray byte', Buffer.from('abc,a\xffb\n', 'latin1'), 'utf-8'],
    ['ASCII with half a character', Buffer.from('abc,\xc3\n', 'latin1'), 'utf-8'],
    ['UTF-8 cut off in a character', Buffer.from('é,\xc3', 'latin1').subarray(0, 4), 'utf-8'],
    ['Latin-1', Buffer.from('caf\xe9,na\xefve\n', 'latin1'), 'windows-1252'],
    ['Windows-1252', Buffer.from('it\x92s \x80 5, \x93caf\xe9\x94\n', 'latin1'), 'windows-1252'],
    ['bytes of no text', Buffer.from('a\x01\xfe\x8f\xff,\xf0\n', 'latin1'), 'utf-8'],
    ['UTF-16 LE', Buffer.from('id,name\n1,a\n', 'utf16le'), 'utf-16le'],
    ['UTF-16 BE', Buffer.from('id,name\n1,a\n', 'utf16le').swap16(), 'utf-16be'],
    ['nothing', Buffer.alloc(0), 'utf-8'],
  ])('of %s', (_, bytes, encoding) => {
    expect(guessEncoding([bytes]).encoding).toBe(encoding);
  });
});

/** `printf 'hello\n' | bzip2`. */
const BZIP2 = Buffer.from(
  '425a6839314159265359c1c080e2000001410000100244a00030cd00c3462997177245385090c1c080e2',
  'hex',
);

/** `(echo id,name; yes 1,a | head -50) | zstd -19 --check`. */
const ZSTD = Buffer.from('28b52ffd04689500005869642c6e616d650a312c61010042d4f502c3720cca', 'hex');

describe('unpacking', () => {
  it('gives back what was packed, of several members, too', async () => {
    const text = Buffer.from('id,name\n1,a\n'.repeat(10_000));
    const file = await writeTemporary(Buffer.concat([gzipSync(text), gzipSync(text)]));
    expect(await collect(decompress(await localVersion(file), 'x.gz', 'gzip'))).toEqual(
      Buffer.concat([text, text]),
    );
  });

  it('of gzip tells of damage and of a missing end', async () => {
    const packed = gzipSync(Buffer.from('id,name\n1,a\n'.repeat(1000)));
    const spoiled = Buffer.from(packed);
    spoiled[packed.length - 6]! ^= 1;
    for (const bytes of [packed.subarray(0, packed.length - 9), spoiled]) {
      const file = await writeTemporary(bytes);
      await expect(
        collect(decompress(await localVersion(file), 'x.gz', 'gzip')),
      ).rejects.toMatchObject({
        code: 'corrupt_file',
        message: expect.stringContaining('x.gz'),
      });
    }
  });

  it('of bzip2 takes streams one behind the other, and tells of damage', () => {
    const unpack = (bytes: Buffer) => {
      const chunks = [bytes.subarray(0, 7), bytes.subarray(7)];
      return Buffer.concat([...bunzip(() => chunks.shift(), bytes.length)]).toString();
    };
    expect(unpack(BZIP2)).toBe('hello\n');
    expect(unpack(Buffer.concat([BZIP2, BZIP2]))).toBe('hello\nhello\n');
    const spoiled = Buffer.from(BZIP2);
    spoiled[30]! ^= 4;
    expect(() => unpack(spoiled)).toThrow();
    expect(() => unpack(BZIP2.subarray(0, 30))).toThrow('unexpected end of file');
  });

  it('of zstd takes frames one behind the other, and tells of damage and of a missing end', async () => {
    const unpack = async (bytes: Buffer) => {
      const chunks = await collect(
        decompress(await localVersion(await writeTemporary(bytes)), 'x.zst', 'zstd'),
      );
      return chunks.toString();
    };
    const text = `id,name\n${'1,a\n'.repeat(50)}`;
    const [skipped, stored] = [zstdSkippable(Buffer.from('x')), zstd(Buffer.from('2,b\n'), 2)];
    expect(await unpack(Buffer.concat([ZSTD, skipped, stored, ZSTD, skipped]))).toBe(
      `${text}2,b\n${text}`,
    );
    const spoiled = Buffer.from(ZSTD);
    spoiled[spoiled.length - 1]! ^= 1;
    for (const bytes of [
      spoiled,
      ZSTD.subarray(0, -1),
      ZSTD.subarray(0, 9),
      Buffer.concat([ZSTD, stored.subarray(0, -1)]),
      Buffer.concat([ZSTD, ZSTD.subarray(0, 3)]),
      Buffer.concat([ZSTD, Buffer.from('something else')]),
    ]) {
      await expect(unpack(bytes)).rejects.toMatchObject({ code: 'corrupt_file' });
    }
  });

  it('knows the frames of zstd, however they are cut', () => {
    const skipped = zstdSkippable(Buffer.from('x'));
    const stored = zstd(Buffer.from('2,b\n'), 2);
    const empty = zstd(Buffer.alloc(0));
    const bytes = Buffer.concat([ZSTD, skipped, stored, zstdSkippable(Buffer.alloc(0)), empty]);
    for (let size = 1; size <= bytes.length; size++) {
      const frames = new ZstdFrames();
      const found: Buffer[] = [];
      let frame: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const piece of frames.take(bytes.subarray(at, at + size))) {
          frame.push(Buffer.from(piece.bytes));
          if (!piece.isLast) continue;
          found.push(Buffer.concat(frame));
          frame = [];
        }
      }
      expect(found).toEqual([ZSTD, stored, empty]);
      expect(frame).toEqual([]);
      expect(frames.isBetweenFrames).toBe(true);
    }
  });

  it.each<[Buffer, string]>([
    [gzipSync('a'), 'gzip'],
    [BZIP2, 'bzip2'],
    [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), 'zstd'],
    [Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]), 'zstd'],
    [Buffer.from('PK\x03\x04', 'latin1'), 'zip'],
    [Buffer.from('BZh9 is a name,b\n'), 'none'],
    [Buffer.from('PK,id\n'), 'none'],
    [Buffer.alloc(0), 'none'],
  ])('%# is told by the first bytes', (bytes, compression) => {
    expect(guessCompression(bytes)).toBe(compression);
  });

  it('and UTF-16 within it', async () => {
    const file = await writeTemporary(gzipSync(Buffer.from('\ufeffid,näme\n', 'utf16le')));
    const form = { compression: 'gzip', encoding: 'utf-16le', markBytes: 2 } as const;
    expect((await collect(readText(await localVersion(file), 'x.gz', form))).toString()).toBe(
      'id,näme\n',
    );
  });
});

describe('a footer', () => {
  it.each<[text: string, lines: number, rest: string]>([
    ['a\nb\nc\n', 1, 'a\nb\n'],
    ['a\nb\nc', 1, 'a\nb\n'],
    ['a\nb\n\n\n', 1, 'a\n'],
    ['a\r\nb\r\nc\r\n', 2, 'a\r\n'],
    ['a\n', 5, ''],
  ])('of %j, %i lines, is left out', async (text, lines, rest) => {
    for (const size of [1, 2, 100]) {
      const stream = withoutFooter(inPieces(Buffer.from(text), [size]), lines, 'lf');
      expect((await collect(stream)).toString()).toBe(rest);
    }
  });

  it('of a long text, too', async () => {
    const text = 'some text\n'.repeat(500_000);
    const stream = withoutFooter(inPieces(Buffer.from(`${text}end\n`), [300_000]), 1, 'lf');
    expect((await collect(stream)).equals(Buffer.from(text))).toBe(true);
  });
});

async function cut(
  bytes: Buffer,
  dialect: Dialect,
  segmentBytes: number,
  sizes: readonly number[],
): Promise<Segment[]> {
  const segments: Segment[] = [];
  const gaps = [{ start: 0, end: Number.MAX_SAFE_INTEGER, firstLine: 1 }];
  const takeBuffer = async (size: number) => new SharedArrayBuffer(size);
  const text = inPieces(bytes, sizes);
  for await (const segment of cutText(text, {
    format: csvFormat(dialect),
    gaps,
    segmentBytes,
    takeBuffer,
  })) {
    segments.push(segment);
  }
  return segments;
}

async function bytesOf(segment: Segment): Promise<Buffer> {
  const bytes = Buffer.alloc(segment.end - segment.start);
  const { source } = openSegment(segment, {
    kind: 'local',
    path: 'a.csv',
    size: 0,
    modifiedMs: 0,
    changedMs: 0,
    inode: 0,
  });
  await source.read(bytes, 0, bytes.length, segment.start);
  return bytes;
}

describe('segments of a text', () => {
  it('have the records that the whole has, wherever they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        writtenTables,
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'"\'\\,\n\r|x')), { maxLength: 3 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
        async ({ bytes, dialect }, damages, segmentBytes, sizes) => {
          let text = bytes.toString('latin1');
          for (const [place, extra] of damages) {
            const at = place % (text.length + 1);
            text = text.slice(0, at) + extra + text.slice(at);
          }
          const damaged = Buffer.from(text, 'latin1');
          const whole = scanWhole(damaged, dialect);
          const found = [];
          let expectedStart = 0;
          for (const segment of await cut(damaged, dialect, segmentBytes, sizes)) {
            expect(segment.start).toBe(expectedStart);
            expectedStart = segment.end;
            const part = await bytesOf(segment);
            expect(part.equals(damaged.subarray(segment.start, segment.end))).toBe(true);
            for (const record of scanWhole(part, dialect)) {
              found.push({
                ...record,
                start: record.start + segment.start,
                end: record.end + segment.start,
                line: record.line + segment.firstLine - 1,
              });
            }
          }
          expect(expectedStart).toBe(damaged.length);
          expect(found).toEqual(whole);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('of a record that no memory holds have only its beginning', async () => {
    const dialect = { ...PLAIN_DIALECT, fieldCount: 2 };
    async function* text(): AsyncGenerator<Buffer> {
      yield Buffer.from('1,a\n2,');
      for (let i = 0; i < 70; i++) yield Buffer.alloc(1024 * 1024, 'x');
      yield Buffer.from('\n3,b\n');
    }
    const gaps = [{ start: 0, end: Number.MAX_SAFE_INTEGER, firstLine: 1 }];
    const takeBuffer = async (size: number) => new SharedArrayBuffer(size);
    const segments: Segment[] = [];
    for await (const segment of cutText(text(), {
      format: csvFormat(dialect),
      gaps,
      segmentBytes: 1000,
      takeBuffer,
    })) {
      segments.push(segment);
    }
    const length = 2 + 70 * 1024 * 1024 + 1;
    expect(segments.map(({ start, end, firstLine }) => [start, end, firstLine])).toEqual([
      [0, 4, 1],
      [4, 4 + length, 2],
      [4 + length, 8 + length, 3],
    ]);
    expect(segments[1]!.longRecord).toMatchObject({ lineCount: 1, keptBytes: 65_536 });
    expect(segments[1]!.bytes.byteLength).toBe(65_536);
    expect((await bytesOf(segments[2]!)).toString()).toBe('3,b\n');
  });
});
