/**
 * Bytes of a source → windows, through one buffer that is reused: memory does not depend on how
 * much is read. The window grows only for a record that does not fit, and returns to the first
 * buffer as soon as the rest fits, since the byte lane reads that buffer only.
 */
import { EdpError } from '../../base/errors.js';
import type { ByteSource } from '../../source/open-file.js';
import { MAX_RECORD_BYTES } from './limits.js';

/** Part of a text that begins at the start of a record. */
export interface Window {
  /** Reused after the call; the byte at `filled` may be overwritten. */
  readonly bytes: Buffer;
  /** Number of bytes of the text in it. */
  readonly filled: number;
  /** Offset of its first byte in the text. */
  readonly base: number;
  /** Records that start at or behind this offset in the window belong to the next split. */
  readonly limit: number;
  /** Whether the text ends with it. */
  readonly isLast: boolean;
}

export interface WindowConsumer {
  /** Takes complete records. @returns start of the first record not taken */
  take(window: Window): Promise<number>;
  /**
   * Takes the first record of a window that cannot grow further, or its bytes so far. In the latter
   * case the following windows begin inside the record, until {@link isInRecord} is false again.
   *
   * @returns number of bytes taken
   */
  cutLongRecord(window: Window): number;
  readonly isInRecord: boolean;
}

/** Callbacks for each window. */
export interface WindowWatch {
  /** Receives every byte of the range, in order, and no others. */
  readonly hasher?: { update(bytes: Buffer): unknown } | undefined;
  /** Called before the consumer takes a window; it may throw to stop reading. */
  before?(window: Window): void | Promise<void>;
  /** Called after the consumer took a window. @param taken what the consumer returned */
  after?(window: Window, taken: number): void;
}

/** Bytes to be read. */
export interface ByteRange {
  readonly source: ByteSource;
  /** Offset of the end of the source. */
  readonly size: number;
  /** Path of the file, for messages. */
  readonly path: string;
  /** Offset at which a record starts. */
  readonly start: number;
  /** Records that start at or behind this offset are not read. */
  readonly until: number;
}

/**
 * Reads the records that start in a range, in order.
 *
 * @param buffer for the windows, with one byte more for the sentinel of the byte lane
 * @returns start of the first record behind the range
 * @throws EdpError `file_changed` where the source ends early
 */
export async function readWindows(
  { source, size, path, start, until }: ByteRange,
  buffer: Buffer,
  consumer: WindowConsumer,
  watch: WindowWatch = {},
): Promise<number> {
  source.willRead?.(start, until);
  let bytes = buffer;
  let base = start;
  let filled = 0;
  for (;;) {
    const isLast = base + filled >= size;
    const window: Window = { bytes, filled, base, limit: until - base, isLast };
    await watch.before?.(window);
    let taken = await consumer.take(window);
    watch.after?.(window, taken);
    const isDone = base + taken >= until && !consumer.isInRecord;
    if (isDone || (isLast && taken >= filled)) {
      watch.hasher?.update(bytes.subarray(0, taken));
      return base + taken;
    }
    if (taken === 0 && filled === bytes.length - 1) {
      if (bytes.length > MAX_RECORD_BYTES) {
        taken = consumer.cutLongRecord(window);
      } else {
        const size = Math.min(MAX_RECORD_BYTES, (bytes.length - 1) * 4);
        const grown = Buffer.allocUnsafeSlow(size + 1);
        bytes.copy(grown, 0, 0, filled);
        bytes = grown;
      }
    }
    // An incomplete record stays in the buffer; the source is read on behind it.
    watch.hasher?.update(bytes.subarray(0, taken));
    const next = filled - taken < buffer.length - 1 ? buffer : bytes;
    bytes.copy(next, 0, taken, filled);
    bytes = next;
    base += taken;
    filled -= taken;
    const wanted = Math.min(bytes.length - 1 - filled, size - base - filled);
    const { bytesRead } = await source.read(bytes, filled, wanted, base + filled);
    if (bytesRead === 0 && wanted > 0) {
      throw new EdpError('file_changed', `${path} became shorter while it was read`, {
        hint: 'run the command again when nobody writes to the file any more',
      });
    }
    filled += bytesRead;
  }
}
