/** A file → a sample of its text: its first megabyte, and pieces from behind it. */
import { EdpError } from '../../base/errors.js';
import type { Compression } from '../../model/csv-settings.js';
import type { TextSettings } from '../../model/file-settings.js';
import type { FileIdentity } from '../../source/file-identity.js';
import { type OpenFile, withFile } from '../../source/open-file.js';
import { decompress, guessCompression } from './decompress.js';
import { guessEncoding } from './encoding.js';
import { assertNoMagic } from './foreign-file.js';
import { isDecoded, type TextForm } from './read-text.js';
import { newTranscoder } from './transcoder.js';

/** The reason given for a property of a file that the user specified. */
export const SPECIFIED = 'as specified';

/** Bytes of the head and of each piece of a sample. */
interface Extent {
  readonly head: number;
  readonly piece: number;
}

const FULL: Extent = { head: 1024 * 1024, piece: 64 * 1024 };
/** Enough to see that a file is as expected. */
const BRIEF: Extent = { head: 32 * 1024, piece: 8 * 1024 };

/** What lies between the file's bytes and its text, and why it was detected so. */
export interface FileForm extends TextForm {
  readonly why: { readonly compression: string; readonly encoding: string };
  /** Whether other encodings are possible. */
  readonly isEncodingGuessed: boolean;
  /** The error that ends unpacking, where the sample already meets it. */
  readonly breakage: EdpError | undefined;
}

/** A sample of a text. */
export interface SampleParts {
  /** First bytes, decoded. */
  readonly head: Buffer;
  /** Where the first line starts, behind a byte order mark and skipped lines. */
  readonly start: number;
  /** Whether the head is the whole text. */
  readonly isWhole: boolean;
  /** Pieces from the middle and the end; each begins somewhere in a line. */
  readonly pieces: readonly Buffer[];
}

export interface Sample {
  readonly form: FileForm;
  /** Of the text: unpacked, and UTF-8 where the file is converted to it. */
  readonly parts: SampleParts;
  /**
   * The end of the text and its offset; it begins somewhere in a line. Undefined where only reading
   * the whole text would give it.
   */
  readonly tail: { readonly bytes: Buffer; readonly start: number } | undefined;
  /** Of the file itself. */
  readonly size: number;
  /** Whether it has bytes that are not UTF-8. */
  readonly hasInvalid: boolean;
}

/** Unpacked bytes of the file: the first ones, and pieces from further on. */
interface RawSample {
  readonly head: Buffer;
  readonly isWhole: boolean;
  readonly pieces: readonly { readonly bytes: Buffer; readonly start: number }[];
  readonly breakage?: EdpError;
}

/** Whether {@link readSample} would read no more of the file than this brief sample has. */
export function isFullSample({ form, parts }: Sample): boolean {
  return parts.isWhole || form.compression !== 'none';
}

/** @throws EdpError `io`, `not_csv`, `corrupt_file`, and those of its source */
export function readSample(
  file: FileIdentity,
  name: string,
  settings: TextSettings,
): Promise<Sample> {
  return readExtent(file, name, settings, FULL);
}

/** Reads a small sample of plain text, and a full sample of other files. */
export function readBriefSample(
  file: FileIdentity,
  name: string,
  settings: TextSettings,
): Promise<Sample> {
  return readExtent(file, name, settings, BRIEF);
}

async function readExtent(
  file: FileIdentity,
  name: string,
  settings: TextSettings,
  extent: Extent,
): Promise<Sample> {
  try {
    return await withFile(file, async (open) => {
      const { size } = file;
      const head = await readAt(open, 0, Math.min(size, extent.head));
      const compression = settings.compression ?? guessCompression(head);
      const raw =
        compression === 'none'
          ? await readPlain(open, head, size, extent)
          : await unpackHead(file, name, compression);
      assertNoMagic(raw.head, name);
      return toSample(raw, compression, size, settings);
    });
  } catch (error) {
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${name} cannot be read: ${(error as Error).message}`, {
      hint: 'check its permissions',
      cause: error,
    });
  }
}

function toSample(
  raw: RawSample,
  compression: Compression,
  size: number,
  settings: TextSettings,
): Sample {
  const guess = guessEncoding([raw.head, ...raw.pieces.map(({ bytes }) => bytes)], raw.isWhole);
  const encoding = settings.encoding ?? guess.encoding;
  const hasInvalid = guess.hasInvalid ?? false;
  const form: FileForm = {
    compression,
    encoding,
    markBytes: guess.markBytes,
    why: {
      compression:
        settings.compression !== undefined
          ? SPECIFIED
          : compression === 'none'
            ? 'it is plain text'
            : `it begins as a ${compression} file does`,
      encoding: settings.encoding === undefined ? guess.why : SPECIFIED,
    },
    isEncodingGuessed: settings.encoding === undefined && guess.isGuess === true,
    breakage: raw.breakage,
  };
  if (!isDecoded({ ...form, compression: 'none' })) {
    const { head, isWhole, pieces } = raw;
    const tail = isWhole ? { bytes: head, start: 0 } : pieces.at(-1);
    const parts = {
      head,
      start: form.markBytes,
      isWhole,
      pieces: pieces.map(({ bytes }) => bytes),
    };
    return { form, parts, tail, size, hasInvalid };
  }
  const transcoder = newTranscoder(encoding);
  const head = Buffer.concat([
    transcoder.transcode(raw.head.subarray(form.markBytes)),
    ...(raw.isWhole ? [transcoder.end()] : []),
  ]);
  return {
    form,
    parts: { head, start: 0, isWhole: raw.isWhole, pieces: [] },
    tail: raw.isWhole ? { bytes: head, start: 0 } : undefined,
    size,
    hasInvalid,
  };
}

async function readPlain(
  file: OpenFile,
  head: Buffer,
  size: number,
  extent: Extent,
): Promise<RawSample> {
  const isWhole = size <= extent.head;
  const places = isWhole ? [] : [size / 3, (size * 2) / 3, size - extent.piece];
  // All at once, since each read may be a request to a server.
  const pieces = await Promise.all(
    places.map(async (place) => {
      const start = Math.floor(place);
      return { bytes: await readAt(file, start, extent.piece), start };
    }),
  );
  return { head, isWhole, pieces };
}

async function unpackHead(
  file: FileIdentity,
  name: string,
  compression: Compression,
): Promise<RawSample> {
  const chunks: Buffer[] = [];
  let length = 0;
  const sample = (isWhole: boolean) => ({
    head: Buffer.concat(chunks).subarray(0, FULL.head),
    isWhole,
    pieces: [],
  });
  try {
    for await (const chunk of decompress(file, name, compression)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > FULL.head) return sample(false);
    }
    return sample(true);
  } catch (error) {
    // The text before the damage can be read; the load reports the damage when it gets there.
    if (!(error instanceof EdpError) || error.code !== 'corrupt_file' || length === 0) throw error;
    return { ...sample(false), breakage: error };
  }
}

async function readAt(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
