/**
 * The values of a key that the user specified, of every record: a hash of each, and on a second reading the records
 * that are in the way of the key.
 */

import { isUuid } from './inferred-values.js';
import { hashValue } from './key-candidate.js';

/** An index row has 2,704 bytes at most, and each byte of Windows-1252 may become three. */
const MAX_TUPLE_BYTES = 900;

/** What is looked for on a second reading: records without a value, with an empty one, too long, or with some hashes. */
export type WantedRecords = 'missing' | 'empty' | 'long' | readonly bigint[];

/** Plain data. */
export interface KeyTask {
  /** Columns, in the order of the key. */
  readonly fields: readonly number[];
  readonly wanted?: WantedRecords;
}

export interface FoundRecord {
  readonly hash: bigint;
  /** Line, counted from 0 at the start of the stretch. */
  readonly line: number;
  /** Byte strings, in the order of the key; null for no value. */
  readonly values: readonly (string | null)[];
}

/** Plain data. */
export interface TupleFindings {
  /** One for each record, in order; undefined where there are too many to keep. */
  readonly hashes: BigUint64Array | undefined;
  /** Records without a value in one of the columns. */
  readonly missing: number;
  /** Records whose values are too long for an index. */
  readonly long: number;
  readonly found: readonly FoundRecord[];
}

/** Of records without a value, or too long, the first ones are enough. */
const MAX_FOUND = 2;

export class KeyTuple {
  readonly fields: readonly number[];
  readonly #wanted: WantedRecords | undefined;
  readonly #wantedHashes: ReadonlySet<bigint>;
  readonly #found: FoundRecord[] = [];
  #words = new Uint32Array(2048);
  #count = 0;
  #missing = 0;
  #long = 0;
  #scratch = Buffer.allocUnsafeSlow(1024);
  #length = 0;
  #isMissing = false;
  #values: (string | null)[] = [];

  constructor({ fields, wanted }: KeyTask) {
    this.fields = fields;
    this.#wanted = wanted;
    this.#wantedHashes = new Set(typeof wanted === 'object' ? wanted : []);
  }

  /** Adds the next value of a record. */
  addValue(bytes: Buffer, from: number, to: number): void {
    const needed = this.#length + 4 + to - from;
    if (needed > this.#scratch.length) {
      const grown = Buffer.allocUnsafeSlow(2 * needed);
      this.#scratch.copy(grown, 0, 0, this.#length);
      this.#scratch = grown;
    }
    // Its length before it keeps (a, bc) and (ab, c) apart.
    this.#scratch.writeUInt32LE(to - from, this.#length);
    const at = this.#length + 4;
    bytes.copy(this.#scratch, at, from, to);
    if (isUuid(bytes, from, to)) {
      for (let i = at; i < needed; i++) this.#scratch[i]! |= 0x20;
    }
    this.#length = needed;
    if (this.#wanted !== undefined) this.#values.push(bytes.toString('latin1', from, to));
  }

  /** Adds that the next value of a record is missing. */
  addNothing(): void {
    this.#isMissing = true;
    if (this.#wanted !== undefined) this.#values.push(null);
  }

  /** Ends a record. @param line lines from the start of the stretch */
  endRecord(line: number): void {
    const isLong = this.#length > MAX_TUPLE_BYTES;
    if (this.#isMissing) this.#missing++;
    else if (isLong) this.#long++;
    else this.#addHash();
    if (this.#wanted !== undefined) this.#search(line, isLong);
    this.#length = 0;
    this.#isMissing = false;
    this.#values = [];
  }

  #addHash(): void {
    if (2 * this.#count === this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 4);
      grown.set(this.#words);
      this.#words = grown;
    }
    hashValue(this.#scratch, 0, this.#length, 0, this.#words, 2 * this.#count);
    this.#count++;
  }

  #search(line: number, isLong: boolean): void {
    const values = this.#values;
    if (typeof this.#wanted === 'object') {
      if (this.#isMissing || isLong) return;
      const hash = this.#view()[this.#count - 1]!;
      if (this.#wantedHashes.has(hash)) this.#found.push({ hash, line, values });
      return;
    }
    const sought = this.#wanted === 'missing' ? null : '';
    const isWanted = this.#wanted === 'long' ? isLong : values.includes(sought);
    if (isWanted && this.#found.length < MAX_FOUND) this.#found.push({ hash: 0n, line, values });
  }

  #view(): BigUint64Array {
    return new BigUint64Array(this.#words.buffer, 0, this.#count);
  }

  take(): TupleFindings {
    return {
      hashes: this.#view().slice(),
      missing: this.#missing,
      long: this.#long,
      found: this.#found,
    };
  }
}
