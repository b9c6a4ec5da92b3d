/**
 * Bytes of a source → windows of them, through one buffer that is used over and over: memory does not
 * depend on how much is read. Only for a record that does not fit does the window grow, and it shrinks
 * back as soon as what is left of it fits: the byte lane reads none but the first buffer.
 */
import { EdpError } from '../../base/errors.js';
import type { ByteSource } from '../../source/open-file.js';
import { MAX_RECORD_BYTES } from './limits.js';

/** Part of a text, from the start of a record on. */
export interface Window {
  /** Reused after the call; its byte at `filled` may be written to. */
  readonly bytes: Buffer;
  /** Bytes of the text in it. */
  readonly filled: number;
  /** Offset of its first byte in the text. */
  readonly base: number;
  /** Records that start here or behind belong to the next split. */
  readonly limit: number;
  /** Whether the text ends with it. */
  readonly isLast: boolean;
}

export interface WindowConsumer {
  /** Takes complete records. @returns start of the first record not taken */
  take(window: Window): Promise<number>;
  /**
   * Takes the first record of a window that cannot grow further, or its bytes so far: then the windows
   * that follow are in the middle of it, until {@link isInRecord} is false again.
   *
   * @returns how many bytes it took
   */
  cutLongRecord(window: Window): number;
  readonly isInRecord: boolean;
}

/** What else happens to each window. */
export interface WindowWatch {
  /** Takes every byte of the range, in order, and only those. */
  readonly hasher?: { update(bytes: Buffer): unknown } | undefined;
  /** Called before the consumer takes from a window; may throw to end the reading. */
  before?(window: Window): void | Promise<void>;
  /** Called behind it. @param taken what the consumer returned */
  after?(window: Window, taken: number): void;
}

/** Bytes to be read. */
export interface ByteRange {
  readonly source: ByteSource;
  /** Offset at which the bytes of the source end. */
  readonly size: number;
  /** Of the file, for messages. */
  readonly path: string;
  /** Offset at which a record starts. */
  readonly start: number;
  /** Records that start here or behind are not read. */
  readonly until: number;
}

/**
 * Reads the records that start in a range, in order.
 *
 * @param buffer for the windows, and one byte more, for the sentinel of the byte lane
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
    // The record that is not complete stays; the source is read on behind it.
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
