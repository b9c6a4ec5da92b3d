/**
 * Rows in binary form → a hash of their content, and one of their key, by which rows of the file
 * and of the table are sorted into buckets and compared.
 *
 * How it works: a walk over the lengths of a row's fields finds its end and its key; then the bytes
 * are hashed in place. Only a row with a value that has several forms (canonical-row.ts) is taken
 * apart first. The hash is MurmurHash3's mixing in two lanes of 32 bits, seeded anew for every run,
 * so that nobody can prepare rows that collide. It may call equal rows different (then they are
 * examined more closely), and two different rows have the same 64 bits by chance once in 10^19.
 */
import { type FieldBytes, joinFields } from '../../values/copy-fields.js';
import { CanonicalRow, CONCERNS, looseField, NUMERIC_SPECIAL, type Side } from './canonical-row.js';
import type { RowShape } from './shape.js';

export interface HashSeed {
  readonly first: number;
  readonly second: number;
}

/** Types of keys whose equal values have equal bytes. */
const PLAIN_KEY_TYPES: ReadonlySet<string> = new Set([
  'smallint',
  'int',
  'bigint',
  'boolean',
  'date',
  'timestamp',
  'timestamptz',
  'uuid',
]);

export class RowReader {
  /** Hash of the content of the row read last. */
  content1 = 0;
  content2 = 0;
  /** Hash of its key; of the whole row where the table has no key. */
  key1 = 0;
  key2 = 0;
  /** Offset of the end of its compared columns. */
  end = 0;
  readonly #shape: RowShape;
  readonly #canonical: CanonicalRow;
  readonly #concerns: Uint8Array;
  readonly #seed: HashSeed;
  readonly #columnCount: number;
  /** Index of the key's column, if the key is one plain column. */
  readonly #plainKey: number;
  #hash1 = 0;
  #hash2 = 0;

  constructor(shape: RowShape, side: Side, promoted: ReadonlySet<string>, seed: HashSeed) {
    this.#shape = shape;
    this.#canonical = new CanonicalRow(shape, side, promoted);
    this.#concerns = this.#canonical.concerns;
    this.#seed = seed;
    this.#columnCount = shape.columns.length;
    const [first, ...others] = shape.key;
    const column = first === undefined || others.length > 0 ? undefined : shape.columns[first];
    const isPlain =
      column !== undefined &&
      (PLAIN_KEY_TYPES.has(column.type) || (column.type === 'text' && column.sqlType === 'text')) &&
      this.#concerns[first!] === CONCERNS.none;
    this.#plainKey = isPlain ? first! : -1;
  }

  /** @param at offset of the first field's length */
  read(bytes: Buffer, view: DataView, at: number): void {
    const concerns = this.#concerns;
    const count = this.#columnCount;
    const plainKey = this.#plainKey;
    let position = at;
    let keyAt = at;
    let keyEnd = at;
    let isPlain = this.#shape.key.length === 0 || plainKey >= 0;
    for (let column = 0; column < count; column++) {
      const length = view.getInt32(position);
      position += 4;
      if (length < 0) continue;
      const concern = concerns[column]!;
      if (concern !== CONCERNS.none && isConcerned(concern, view, position)) isPlain = false;
      if (column === plainKey) {
        keyAt = position;
        keyEnd = position + length;
      }
      position += length;
    }
    this.end = position;
    if (isPlain) {
      this.#mix(view, at, position, this.#seed.first, this.#seed.second);
      this.content1 = this.#hash1;
      this.content2 = this.#hash2;
      if (plainKey >= 0) this.#mix(view, keyAt, keyEnd, this.#seed.second, this.#seed.first);
      this.key1 = this.#hash1;
      this.key2 = this.#hash2;
      return;
    }
    this.#readFields(this.fields(bytes, view, at));
  }

  /** Makes the place of the record part of the content of the row read last. */
  mixPlace(byteOffset: number): void {
    const low = byteOffset >>> 0;
    const high = Math.floor(byteOffset / 2 ** 32);
    const mixed = finish(finish(low ^ this.content1) ^ high);
    this.content1 = mixed >>> 0;
    this.content2 = (finish(low ^ this.content2) ^ mixed) >>> 0;
  }

  /** The canonical fields of a row. */
  fields(bytes: Buffer, view: DataView, at: number): FieldBytes[] {
    const fields: FieldBytes[] = [];
    let position = at;
    for (let column = 0; column < this.#columnCount; column++) {
      const length = view.getInt32(position);
      position += 4;
      fields.push(length < 0 ? null : bytes.subarray(position, position + length));
      position += Math.max(0, length);
    }
    this.end = position;
    this.#canonical.apply(fields);
    return fields;
  }

  #readFields(fields: readonly FieldBytes[]): void {
    const { first, second } = this.#seed;
    this.#mixBytes(joinFields(fields), first, second);
    this.content1 = this.#hash1;
    this.content2 = this.#hash2;
    const { key, columns } = this.#shape;
    if (key.length > 0) {
      const [only] = key;
      if (this.#plainKey >= 0) this.#mixBytes(fields[only!]!, second, first);
      else {
        const loose = key.map((column) => looseField(columns[column]!, fields[column]!));
        this.#mixBytes(joinFields(loose), second, first);
      }
    }
    this.key1 = this.#hash1;
    this.key2 = this.#hash2;
  }

  #mixBytes(bytes: Buffer, seed1: number, seed2: number): void {
    this.#mix(viewOf(bytes), 0, bytes.length, seed1, seed2);
  }

  #mix(view: DataView, start: number, end: number, seed1: number, seed2: number): void {
    let h1 = seed1;
    let h2 = seed2;
    let position = start;
    for (const last = end - 8; position <= last; position += 8) {
      let k1 = Math.imul(view.getInt32(position, true), 0x239b961b);
      k1 = Math.imul((k1 << 15) | (k1 >>> 17), 0xab0e9789);
      h1 ^= k1;
      h1 = (((h1 << 19) | (h1 >>> 13)) + h2) | 0;
      h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
      let k2 = Math.imul(view.getInt32(position + 4, true), 0xab0e9789);
      k2 = Math.imul((k2 << 16) | (k2 >>> 16), 0x38b34ae5);
      h2 ^= k2;
      h2 = (((h2 << 17) | (h2 >>> 15)) + h1) | 0;
      h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    }
    let k1 = 0;
    let k2 = 0;
    for (let shift = 0; position < end; position++, shift += 8) {
      if (shift < 32) k1 |= view.getUint8(position) << shift;
      else k2 |= view.getUint8(position) << (shift - 32);
    }
    k1 = Math.imul(k1, 0x239b961b);
    h1 ^= Math.imul((k1 << 15) | (k1 >>> 17), 0xab0e9789);
    k2 = Math.imul(k2, 0xab0e9789);
    h2 ^= Math.imul((k2 << 16) | (k2 >>> 16), 0x38b34ae5);
    h1 ^= end - start;
    h2 ^= end - start;
    h1 = (h1 + h2) | 0;
    h2 = (h2 + h1) | 0;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 = (h1 + h2) | 0;
    h2 = (h2 + h1) | 0;
    this.#hash1 = h1 >>> 0;
    this.#hash2 = h2 >>> 0;
  }
}

function isConcerned(concern: number, view: DataView, position: number): boolean {
  switch (concern) {
    case CONCERNS.specialReal:
      return Number.isNaN(view.getFloat32(position));
    case CONCERNS.specialDouble:
      return Number.isNaN(view.getFloat64(position));
    case CONCERNS.specialNumeric:
      return view.getUint16(position + 4) >= NUMERIC_SPECIAL;
    default:
      return true;
  }
}

function finish(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
