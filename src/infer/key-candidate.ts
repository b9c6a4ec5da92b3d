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
    if (2 * this.#count === this.#words.length && !this.#grow()) return;
    this.#words[2 * this.#count] = a;
    this.#words[2 * this.#count + 1] = b;
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
  const count = parts.reduce((sum, { hashes }) => sum + (hashes?.length ?? 0), 0);
  if (count > MAX_HASHES || parts.some(({ hashes }) => hashes === undefined)) return 'not_verified';
  const all = new BigUint64Array(count);
  let at = 0;
  for (const { hashes } of parts) {
    all.set(hashes!, at);
    at += hashes!.length;
  }
  return hasDuplicates(all) ? 'not_unique' : 'unique';
}
