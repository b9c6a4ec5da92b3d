/** Downloads all bytes of a file that does not support range requests. */
import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import { EdpError } from '../../base/errors.js';
import type { InputFile } from '../source.js';
import { get, OK } from './http-client.js';
import { PassingFault } from './http-faults.js';
import { readContentCoding, readContentLength } from './http-headers.js';
import { MAX_TRIES, withRetries } from './http-retry.js';

/**
 * An interrupted transfer starts again from the beginning: the rest might belong to another
 * version.
 *
 * @param take called for each attempt; the result of the last one counts
 * @throws EdpError `no_such_file`, `source_refused`, `source_unreachable`
 */
export function download<T>(
  { name, remote }: InputFile,
  take: (bytes: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const { url } = remote!;
  return withRetries(name, MAX_TRIES, async () => {
    const answer = await get(url, {}, { followsAnew: true });
    try {
      const { status, headers, body } = answer;
      if (status !== OK) throw new PassingFault(`the server answers ${status}`);
      const coding = readContentCoding(headers, new URL(url).pathname);
      const whole = checkLength(body, readContentLength(headers));
      return await take(coding === undefined ? whole : unpack(whole, coding, name));
    } finally {
      answer.close();
    }
  });
}

async function* checkLength(
  body: AsyncIterable<Buffer>,
  announced: number | undefined,
): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    yield chunk;
  }
  if (announced !== undefined && length !== announced) {
    throw new PassingFault(`the server sent ${length} bytes and announced ${announced}`);
  }
}

/** Compressions of bodies. Node has zstd from 22.15 on. */
const UNPACKERS: Readonly<Record<string, (() => Transform) | undefined>> = {
  gzip: zlib.createGunzip,
  'x-gzip': zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  zstd: (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress,
};

async function* unpack(
  packed: AsyncIterable<Buffer>,
  coding: string,
  name: string,
): AsyncGenerator<Buffer> {
  const make = UNPACKERS[coding];
  if (make === undefined) {
    throw new EdpError('source_refused', `${name} comes packed as "${coding}"`, {
      hint: 'download it by another program, and load the copy',
    });
  }
  const unpacker = make();
  // Errors of the body end the unpacker, whose reader sees them.
  pipeline(Readable.from(packed, { objectMode: false }), unpacker, () => {});
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof EdpError || error instanceof PassingFault) throw error;
    throw new PassingFault(`what came cannot be unpacked: ${message} (${code})`, { cause: error });
  }
}
