/**
 * A split of a file → windows of it, through one buffer that is used over and over: memory does
 * not depend on the size of the split. Only for a record that does not fit does the window grow, and
 * it shrinks back as soon as what is left of it fits: the byte lane reads none but the first buffer.
 */

import type { IHasher } from 'hash-wasm';
import { EdpError } from '../../base/errors.js';
import type { FileIdentity } from '../../source/file-identity.js';
import type { ByteSource } from '../../source/open-file.js';
import { MAX_RECORD_BYTES } from './limits.js';
import type { SplitRange } from './ranges.js';
import type { TextFormat } from './text-format.js';

/** Part of a file, from the start of a record on. */
export interface Window {
  /** Reused after the call; its byte at `filled` may be written to. */
  readonly bytes: Buffer;
  /** Bytes of the file in it. */
  readonly filled: number;
  /** Offset of its first byte in the file. */
  readonly base: number;
  /** Records that start here or behind belong to the next split. */
  readonly limit: number;
  /** Whether the file ends with it. */
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

/**
 * Reads the records that start in [start, until), in order.
 *
 * @param start where a record starts
 * @param buffer for the windows, and one byte more, for the sentinel of the byte lane
 * @param hasher takes every byte of the split, and only those
 * @returns start of the first record behind the split
 */
export async function readSplit(
  file: ByteSource,
  identity: FileIdentity,
  start: number,
  until: number,
  buffer: Buffer,
  hasher: Pick<IHasher, 'update'>,
  consumer: WindowConsumer,
): Promise<number> {
  file.willRead?.(start, until);
  let bytes = buffer;
  let base = start;
  let filled = 0;
  for (;;) {
    const isLast = base + filled >= identity.size;
    const window: Window = { bytes, filled, base, limit: until - base, isLast };
    let taken = await consumer.take(window);
    const isDone = base + taken >= until && !consumer.isInRecord;
    if (isDone || (isLast && taken >= filled)) {
      hasher.update(bytes.subarray(0, taken));
      return base + taken;
    }
    if (taken === 0 && filled === bytes.length - 1) {
      if (bytes.length > MAX_RECORD_BYTES) {
        taken = consumer.cutLongRecord(window);
      } else {
        const grown = Buffer.allocUnsafeSlow((bytes.length - 1) * 4 + 1);
        bytes.copy(grown, 0, 0, filled);
        bytes = grown;
      }
    }
    // The record that is not complete stays; the file is read on behind it.
    hasher.update(bytes.subarray(0, taken));
    const next = filled - taken < buffer.length - 1 ? buffer : bytes;
    bytes.copy(next, 0, taken, filled);
    bytes = next;
    base += taken;
    filled -= taken;
    const wanted = Math.min(bytes.length - 1 - filled, identity.size - base - filled);
    const { bytesRead } = await file.read(bytes, filled, wanted, base + filled);
    if (bytesRead === 0 && wanted > 0) {
      throw new EdpError('file_changed', `${identity.path} became shorter while it was read`, {
        hint: 'run the command again when nobody writes to the file any more',
      });
    }
    filled += bytesRead;
  }
}

/**
 * Where the range's first record starts: known, or guessed; `until` where no line ends in the range, so
 * that it is all of a record that began before.
 *
 * @param buffer for the part of the file that is looked at
 */
export async function findStart(
  file: ByteSource,
  identity: FileIdentity,
  format: TextFormat,
  { from, until, isExact }: SplitRange,
  buffer: Buffer,
): Promise<number> {
  if (isExact) return from;
  const end = Math.min(until, identity.size);
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
