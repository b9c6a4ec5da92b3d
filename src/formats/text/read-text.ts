/**
 * A file → its text as a stream of bytes: unpacked, converted to UTF-8 from UTF-16 and other
 * encodings with several bytes for a character, without a footer. Offsets in such a file are offsets in this text.
 */
import type { Compression, Encoding, LineEnd } from '../../model/csv-settings.js';
import type { FileIdentity } from '../../source/file-identity.js';
import { isTranscoded } from './character-set.js';
import { decompress, type SourceProgress } from './decompress.js';
import { measureLineEnd } from './line-end.js';
import { newTranscoder } from './transcoder.js';

/** What lies between the file's bytes and its text. */
export interface TextForm {
  readonly compression: Compression;
  readonly encoding: Encoding;
  /** Bytes of the byte order mark, which does not belong to the text. */
  readonly markBytes: number;
}

/** Whether the text differs from the bytes of the file. */
export function isDecoded({ compression, encoding }: TextForm): boolean {
  return compression !== 'none' || isTranscoded(encoding);
}

/** @throws EdpError `corrupt_file`, `not_csv`, and those of its source */
export async function* readText(
  file: FileIdentity,
  name: string,
  { compression, encoding, markBytes }: TextForm,
  progress?: SourceProgress,
): AsyncGenerator<Buffer> {
  const bytes = decompress(file, name, compression, progress);
  if (!isTranscoded(encoding)) {
    yield* bytes;
    return;
  }
  const transcoder = newTranscoder(encoding);
  let mark = markBytes;
  for await (const chunk of bytes) {
    const skipped = Math.min(mark, chunk.length);
    mark -= skipped;
    yield transcoder.transcode(chunk.subarray(skipped));
  }
  yield transcoder.end();
}

/** Lines at the end of a text that are longer than this together are no footer. */
const MAX_FOOTER_BYTES = 1024 * 1024;

/** The last lines of a text, which are passed over. */
export interface TextTail {
  /** Offset in the text. */
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * Yields the text without its last lines; blank lines do not count.
 *
 * @param take receives those lines, when the text has ended
 */
export async function* withoutFooter(
  text: AsyncIterable<Buffer>,
  lines: number,
  lineEnd: LineEnd,
  take: (tail: TextTail) => void = () => {},
): AsyncGenerator<Buffer> {
  if (lines === 0) {
    yield* text;
    return;
  }
  let held: Buffer = Buffer.alloc(0);
  let yielded = 0;
  for await (const chunk of text) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (held.length <= 2 * MAX_FOOTER_BYTES) continue;
    yielded += held.length - MAX_FOOTER_BYTES;
    yield held.subarray(0, held.length - MAX_FOOTER_BYTES);
    held = Buffer.from(held.subarray(held.length - MAX_FOOTER_BYTES));
  }
  const footer = findFooter(held, lines, lineEnd) ?? 0;
  take({ start: yielded + footer, bytes: held.subarray(footer) });
  yield held.subarray(0, footer);
}

/**
 * @param bytes the end of a text
 * @returns where the last `lines` non-blank lines begin; undefined where they begin before `bytes`
 */
export function findFooter(bytes: Buffer, lines: number, lineEnd: LineEnd): number | undefined {
  const starts: number[] = [];
  let lineStart = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = measureLineEnd(bytes, at, bytes.length, true, lineEnd);
    if (length > 0) lineStart = at + length;
    else if (lineStart >= 0 && bytes[at] !== 0x0d) {
      starts.push(lineStart);
      lineStart = -1;
    }
    at += Math.max(1, length);
  }
  return starts.at(-lines);
}
