/** A file → a sample of its text: its first megabyte, and pieces from behind it. */
import { type FileHandle, open } from 'node:fs/promises';
import { EdpError } from '../../errors.js';
import type { Compression, CsvSettings, Encoding } from '../../model/csv.js';
import { TOLD } from './detect.js';
import { guessEncoding } from './encoding.js';
import type { SampleParts } from './evaluate.js';

const HEAD_BYTES = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** What lies between the file's bytes and its text. */
export interface FileForm {
  readonly compression: Compression;
  readonly encoding: Encoding;
  /** Bytes of a byte order mark, which is no text. */
  readonly markBytes: number;
  readonly why: { readonly compression: string; readonly encoding: string };
}

export interface Sample {
  readonly form: FileForm;
  readonly parts: SampleParts;
  /** The end of the text, from somewhere in a line on, and where in the text it begins. */
  readonly tail: { readonly bytes: Buffer; readonly start: number } | undefined;
  /** Of the file itself. */
  readonly size: number;
}

/** @throws EdpError `io`, `not_csv` */
export async function readSample(
  file: string,
  name: string,
  settings: CsvSettings,
): Promise<Sample> {
  try {
    const handle = await open(file, 'r');
    try {
      return await readPlain(handle, name, settings);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${name} cannot be read: ${(error as Error).message}`, {
      hint: 'check its permissions',
      cause: error,
    });
  }
}

async function readPlain(handle: FileHandle, name: string, settings: CsvSettings): Promise<Sample> {
  const { size } = await handle.stat();
  const head = await readAt(handle, 0, HEAD_BYTES);
  assertPlain(head, name);
  const isWhole = head.length < HEAD_BYTES || size <= HEAD_BYTES;
  const places = isWhole
    ? []
    : [size / 3, (size * 2) / 3, size - PIECE_BYTES].map((place) => Math.floor(place));
  const pieces: Buffer[] = [];
  for (const place of places) pieces.push(await readAt(handle, place, PIECE_BYTES));
  const guess = guessEncoding([head, ...pieces]);
  const form: FileForm = {
    compression: 'none',
    encoding: settings.encoding ?? guess.encoding,
    markBytes: guess.markBytes,
    why: { compression: 'it is plain text', encoding: settings.encoding ? TOLD : guess.why },
  };
  return {
    form,
    parts: { head, start: form.markBytes, isWhole, pieces },
    tail: isWhole ? { bytes: head, start: 0 } : { bytes: pieces.at(-1)!, start: places.at(-1)! },
    size,
  };
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function assertPlain(head: Buffer, name: string): void {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  const isCompressed =
    (head[0] === 0x1f && head[1] === 0x8b) ||
    head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) ||
    head.subarray(0, 4).toString('latin1') === 'PK\x03\x04' ||
    head.subarray(0, 3).toString('latin1') === 'BZh';
  if (isUtf16) {
    throw new EdpError('not_csv', `${name} is UTF-16`, {
      hint: `convert it first: iconv -f UTF-16 -t UTF-8 ${name} | edp ingest - --table NAME`,
    });
  }
  if (isCompressed) {
    throw new EdpError('not_csv', `${name} is compressed`, {
      hint: `unpack it on the way: gzip -dc ${name} | edp ingest - --table NAME`,
    });
  }
}
