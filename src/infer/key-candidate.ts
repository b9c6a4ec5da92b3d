/**
 * Checks whether all values of a column differ. A 64-bit hash of each value is kept: if all hashes
 * differ, all values differ. If two hashes are equal, the values are assumed to be equal; a key
 * that is not proposed does no harm.
 */
import { UUID_BYTES } from './inferred-values.js';

/** Plain data. */
export interface KeyHashes {
  readonly field: number;
  /**
   * One for each value, in the order of the records; undefined for no key, or for too many values.
   */
  readonly hashes: BigUint64Array | undefined;
  /** Whether a value was missing, repeated, or too long. */
  readonly isNoKey: boolean;
}

/** Most hashes that are kept, of all files together: half a gigabyte. */
export const MAX_HASHES = 64 * 1024 * 1024;

/** An index row has 2,704 bytes at most, and each byte of Windows-1252 may become three. */
const MAX_KEY_BYTES = 900;

/** After this many values, they are checked for the first time. */
const FIRST_LOOK = 1024;

export class KeyCandidate {
  readonly field: number;
  #words = new Uint32Array(2 * FIRST_LOOK);
  #count = 0;
  #isNoKey = false;

  constructor(field: number) {
    this.field = field;
  }

  get isNoKey(): boolean {
    return this.#isNoKey;
  }

  /** Notes that a value is missing. */
  addNothing(): void {
    this.#isNoKey = true;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    if (to - from > MAX_KEY_BYTES) {
      this.#isNoKey = true;
      return;
    }
    // A uuid in capitals is the same value.
    const fold = to - from === UUID_BYTES ? 0x20 : 0;
    if (2 * this.#count === this.#words.length && !this.#grow()) return;
    hashValue(bytes, from, to, fold, this.#words, 2 * this.#count);
    this.#count++;
  }

  /** Enlarges the memory. @returns false where the column is no key */
  #grow(): boolean {
    if (this.#count === FIRST_LOOK && hasDuplicates(this.#view().slice())) {
      this.#isNoKey = true;
      return false;
    }
    const grown = new Uint32Array(this.#words.length * 4);
    grown.set(this.#words);
    this.#words = grown;
    return true;
  }

  #view(): BigUint64Array {
    return new BigUint64Array(this.#words.buffer, 0, this.#count);
  }

  take(): KeyHashes {
    return {
      field: this.field,
      hashes: this.#isNoKey ? undefined : this.#view().slice(),
      isNoKey: this.#isNoKey,
    };
  }
}

/**
 * Writes a hash of 64 bits.
 *
 * @param fold bits that are set in every byte: 0x20 makes letters small
 * @param words place of the two halves, from index `into`
 */
export function hashValue(
  bytes: Uint8Array,
  from: number,
  to: number,
  fold: number,
  words: Uint32Array,
  into: number,
): void {
  let a = 0x811c9dc5 ^ (to - from);
  let b = 0x9747b28c;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]! | fold;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b + byte, 0x5bd1e995);
    b ^= b >>> 15;
  }
  a ^= a >>> 16;
  a = Math.imul(a, 0x85ebca6b);
  a ^= a >>> 13;
  words[into] = a;
  words[into + 1] = b;
}

/** Whether two hashes are equal. Sorts `hashes`. */
function hasDuplicates(hashes: BigUint64Array): boolean {
  hashes.sort();
  // Compared as 32-bit numbers, since reading a bigint allocates it.
  const words = new Uint32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
  for (let i = 2; i < words.length; i += 2) {
    if (words[i] === words[i - 2] && words[i + 1] === words[i - 1]) return true;
  }
  return false;
}

export type Uniqueness = 'unique' | 'not_unique' | 'not_verified';

/** @param parts the hashes of all stretches of the column */
export function checkUniqueness(parts: readonly KeyHashes[]): Uniqueness {
  if (parts.some(({ isNoKey }) => isNoKey)) return 'not_unique';
  const hashes = parts.map((part) => part.hashes);
  const all = joinHashes(hashes);
  if (all === undefined) return 'not_verified';
  return hasDuplicates(all) ? 'not_unique' : 'unique';
}

/** @returns undefined where there are too many, or some are missing */
function joinHashes(parts: readonly (BigUint64Array | undefined)[]): BigUint64Array | undefined {
  const count = parts.reduce((sum, hashes) => sum + (hashes?.length ?? 0), 0);
  if (count > MAX_HASHES || parts.some((hashes) => hashes === undefined)) return undefined;
  const all = new BigUint64Array(count);
  let at = 0;
  for (const hashes of parts) {
    all.set(hashes!, at);
    at += hashes!.length;
  }
  return all;
}

/**
 * @param parts the hashes of all records, in order
 * @returns whether all could be compared, and the hashes that occur again, in the order in which they do so
 */
export function checkHashes(parts: readonly (BigUint64Array | undefined)[]): {
  readonly isComplete: boolean;
  readonly repeated: readonly bigint[];
} {
  const all = joinHashes(parts);
  if (all === undefined) return { isComplete: false, repeated: [] };
  if (!hasDuplicates(all.slice())) return { isComplete: true, repeated: [] };
  const sorted = all.slice().sort();
  const twice = new Set<bigint>();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) twice.add(sorted[i]!);
  const seen = new Set<bigint>();
  const repeated = new Set<bigint>();
  for (const hash of all) {
    if (!twice.has(hash)) continue;
    if (seen.has(hash)) repeated.add(hash);
    seen.add(hash);
  }
  return { isComplete: true, repeated: [...repeated] };
}
