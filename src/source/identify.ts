/**
 * Content → identity. A file is identified by its bytes, not by its name.
 *
 * To hash a big file before the load, all workers would have to wait for a pass over it. So a file
 * is first identified by its fingerprint, which takes a few reads, and splits are hashed while they
 * are loaded. Only if the ledger has a load with the same fingerprint, the file is read to compare
 * its bytes with the receipts of that load.
 */
import { createXXHash128, type IHasher } from 'hash-wasm';
import type { FileIdentity } from './file-identity.js';
import { withFile } from './open-file.js';
import type { OpenFile } from './source.js';

const SAMPLE_BYTES = 16 * 1024;
const SAMPLE_COUNT = 8;
const READ_BYTES = 1024 * 1024;

/** One for all files. */
let hasher: IHasher | undefined;

export type IdentifiedFile = FileIdentity & { readonly contentHash: string };

/** Bytes of a file, by their hash. */
export interface HashedRange {
  readonly start: number;
  readonly end: number;
  readonly contentHash: string;
}

/**
 * XXH128 runs at three times the speed of the CPU's own SHA-256 (measured); there is no attacker
 * here, and 128 bits do not collide by chance.
 *
 * @param textHead for a file that is not plain text, the first bytes of its text. They alone
 *   identify it, so that the same text is recognized with any compression, and a truncated file as
 *   the beginning of the whole one
 */
export async function identifyFile(file: FileIdentity, textHead?: Buffer): Promise<IdentifiedFile> {
  hasher ??= await createXXHash128();
  const parts =
    textHead === undefined
      ? [Buffer.from(String(file.size)), ...(await readSamples(file))]
      : [Buffer.from('text'), textHead];
  // Many files are identified at once, so there must be no await in between.
  hasher.init();
  for (const part of parts) hasher.update(part);
  return { ...file, contentHash: hasher.digest('hex') };
}

/** All of a small file; of a larger one, parts at even distances from its beginning to its end. */
function readSamples(identity: FileIdentity): Promise<Buffer[]> {
  const { size } = identity;
  const step = (size - SAMPLE_BYTES) / (SAMPLE_COUNT - 1);
  const places =
    size <= SAMPLE_BYTES * SAMPLE_COUNT
      ? [{ start: 0, length: size }]
      : Array.from({ length: SAMPLE_COUNT }, (_, i) => ({
          start: Math.floor(i * step),
          length: SAMPLE_BYTES,
        }));
  return withFile(identity, (file) =>
    // All at once: each may be a round trip to a server.
    Promise.all(
      places.map(async ({ start, length }) => {
        const sample = Buffer.allocUnsafe(length);
        return sample.subarray(0, await fill(file, sample, start));
      }),
    ),
  );
}

/** Whether the file has, in each range, the bytes that the hash is of. */
export async function hasContent(
  identity: FileIdentity,
  ranges: readonly HashedRange[],
): Promise<boolean> {
  const hasher = await createXXHash128();
  return withFile(identity, async (file) => {
    const block = Buffer.allocUnsafeSlow(READ_BYTES);
    for (const { start, end, contentHash } of ranges) {
      if ((await hashRange(file, hasher, block, start, end)) !== contentHash) return false;
    }
    return true;
  });
}

/**
 * Whether a text has, in each range, the bytes that the hash is of.
 *
 * @param ranges in order of `start`
 * @param end required end of the text; undefined if it may continue
 */
export async function hasText(
  text: AsyncIterable<Buffer>,
  ranges: readonly HashedRange[],
  end: number | undefined,
): Promise<boolean> {
  const hasher = await createXXHash128();
  const last = end ?? ranges.at(-1)?.end ?? 0;
  let position = 0;
  let index = 0;
  hasher.init();
  /** @returns false as soon as a range differs */
  const take = (chunk: Buffer): boolean => {
    let at = 0;
    for (; index < ranges.length; index++) {
      const range = ranges[index]!;
      const from = Math.max(at, range.start - position);
      const until = Math.min(chunk.length, range.end - position);
      if (until > from) hasher.update(chunk.subarray(from, until));
      if (range.end > position + chunk.length) return true;
      if (hasher.digest('hex') !== range.contentHash) return false;
      hasher.init();
      at = Math.max(at, until);
    }
    return true;
  };
  if (last === 0 && end === undefined) return true;
  for await (const chunk of text) {
    if (!take(chunk)) return false;
    position += chunk.length;
    if (end === undefined ? position >= last : position > last) return end === undefined;
  }
  return position >= last;
}

async function hashRange(
  file: OpenFile,
  hasher: IHasher,
  block: Buffer,
  start: number,
  end: number,
): Promise<string> {
  hasher.init();
  file.willRead?.(start, end);
  for (let position = start; position < end; ) {
    const part = block.subarray(0, Math.min(block.length, end - position));
    const filled = await fill(file, part, position);
    if (filled === 0) break;
    hasher.update(part.subarray(0, filled));
    position += filled;
  }
  return hasher.digest('hex');
}

/** Reads until the buffer is full, or the file ends. @returns bytes read */
async function fill(file: OpenFile, bytes: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
