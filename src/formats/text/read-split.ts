/** A split → its records, from a file or a segment: all commands read a split through this. */
import { copyBytes } from '../../base/shared-memory.js';
import type { FileIdentity } from '../../source/file-identity.js';
import type { ByteSource } from '../../source/open-file.js';
import type { Segment } from './cut-text.js';
import type { RecordPlace, SplitRange } from './ranges.js';
import type { TextFormat } from './text-format.js';
import { type ByteRange, readWindows, type WindowConsumer, type WindowWatch } from './windows.js';

/** A split whose bytes can be read, and whose first record is known or guessed. */
export interface OpenSplit extends ByteRange {
  /** Set where the split is one record of which only the beginning is held. */
  readonly longRecord: Segment['longRecord'];
}

export interface RecordConsumer extends WindowConsumer {
  /**
   * Takes a record that is too long to be held.
   *
   * @param place of the bytes that are kept
   * @param length bytes of the whole record
   * @param head the bytes that are kept
   * @param lines line ends from the start of the record up to the next one
   */
  rejectLongRecord(place: RecordPlace, length: number, head: Buffer, lines: number): void;
}

/**
 * Finds the bytes of a split and its first record.
 *
 * @param file that the split belongs to
 * @param buffer for the part of the file that is searched
 */
export async function openSplit(
  file: ByteSource,
  identity: FileIdentity,
  format: TextFormat,
  { range, segment }: { readonly range: SplitRange; readonly segment?: Segment | undefined },
  buffer: Buffer,
): Promise<OpenSplit> {
  if (segment !== undefined) return openSegment(segment, identity);
  const { path, size } = identity;
  const { until } = range;
  const start = await findStart(file, size, format, range, buffer);
  return { source: file, size, path, start, until, longRecord: undefined };
}

/** Opens a split whose bytes are in a segment; the file need not be open. */
export function openSegment(segment: Segment, { path }: FileIdentity): OpenSplit {
  const { start, end, longRecord } = segment;
  const bytes = Buffer.from(segment.bytes, 0, Math.min(segment.bytes.byteLength, end - start));
  return { source: new BufferSource(bytes, start), size: end, path, start, until: end, longRecord };
}

/** @returns start of the first record behind the split */
export async function readSplit(
  split: OpenSplit,
  buffer: Buffer,
  consumer: RecordConsumer,
  watch?: WindowWatch,
): Promise<number> {
  const { source, start, size, longRecord } = split;
  if (longRecord === undefined) return readWindows(split, buffer, consumer, watch);
  const { keptBytes, lineCount } = longRecord;
  const head = Buffer.allocUnsafeSlow(keptBytes);
  await source.read(head, 0, keptBytes, start);
  const place = { byteOffset: start, byteLength: keptBytes, lineInSplit: 0 };
  consumer.rejectLongRecord(place, size - start, head, lineCount);
  return size;
}

/** Bytes in memory, read at the offsets that they have in the text. */
export class BufferSource implements ByteSource {
  readonly #bytes: Buffer;
  readonly #start: number;

  /** @param start offset of the first byte */
  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#start = start;
  }

  async read(into: Buffer, offset: number, length: number, position: number) {
    const from = position - this.#start;
    const bytesRead = Math.max(0, Math.min(length, this.#bytes.length - from));
    copyBytes(this.#bytes, from, into, offset, bytesRead);
    return { bytesRead };
  }
}

/**
 * Finds where the first record of a range starts: known or guessed. Where no line ends in the
 * range, all of it belongs to a record that began before, and the answer is the end of the range.
 */
async function findStart(
  file: ByteSource,
  size: number,
  format: TextFormat,
  { from, until, isExact }: SplitRange,
  buffer: Buffer,
): Promise<number> {
  if (isExact) return from;
  const end = Math.min(until, size);
  file.willRead?.(from - 1, end);
  for (let position = from - 1; position < end - 1; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    const guess = format.guessRecordStart(buffer.subarray(0, bytesRead), 1);
    if (guess >= 0) return position + guess;
    if (bytesRead <= 1) break;
    position += bytesRead - 1;
  }
  return end;
}
