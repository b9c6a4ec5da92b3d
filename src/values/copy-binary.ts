/**
 * Values → the bytes of PostgreSQL's binary COPY format.
 *
 * A stream is a header, then rows, then a trailer. A row is an int16 number of fields, then each
 * field as an int32 length (-1 for NULL) and that many bytes, big-endian throughout.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
import type { Decimal } from './coerce.js';

/** Signature, flags (none), no header extension. */
export const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** A field count of -1 ends the stream. */
export const COPY_TRAILER = Buffer.from([0xff, 0xff]);

const INITIAL_BYTES = 64 * 1024;

/**
 * Rows under construction. The buffer grows as needed; a row in which a fault is found is taken
 * back.
 */
export class RowWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;
  #rowStart = 0;
  #rows = 0;

  get byteLength(): number {
    return this.#length;
  }

  get rowCount(): number {
    return this.#rows;
  }

  beginRow(fieldCount: number): void {
    this.#rowStart = this.#length;
    this.#rows++;
    this.#reserve(2);
    this.#length = this.#bytes.writeInt16BE(fieldCount, this.#length);
  }

  /** Drops the row that was begun last. */
  takeBackRow(): void {
    this.#length = this.#rowStart;
    this.#rows--;
  }

  /** Hands over the rows written so far, and continues in a new buffer. */
  takeRows(): Buffer {
    const rows = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, this.#length));
    this.#length = 0;
    this.#rows = 0;
    return rows;
  }

  /**
   * Returns a view of the rows written so far, and starts again in the same buffer: the next row
   * overwrites them.
   */
  lendRows(): Buffer {
    const rows = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#rows = 0;
    return rows;
  }

  null(): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeInt32BE(-1, this.#length);
  }

  int16(value: number): void {
    this.#field(2);
    this.#length = this.#bytes.writeInt16BE(value, this.#length);
  }

  int32(value: number): void {
    this.#field(4);
    this.#length = this.#bytes.writeInt32BE(value, this.#length);
  }

  int64(value: bigint): void {
    this.#field(8);
    this.#length = this.#bytes.writeBigInt64BE(value, this.#length);
  }

  float4(value: number): void {
    this.#field(4);
    this.#length = this.#bytes.writeFloatBE(value, this.#length);
  }

  float8(value: number): void {
    this.#field(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
  }

  boolean(value: boolean): void {
    this.#field(1);
    this.#bytes[this.#length++] = value ? 1 : 0;
  }

  /** @param text a byte string */
  text(text: string): void {
    this.#field(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  /** Writes jsonb, which is sent as text behind a version number. @param text a byte string */
  jsonb(text: string): void {
    this.#field(text.length + 1);
    this.#bytes[this.#length++] = 1;
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  /** @param hex 32 hexadecimal digits */
  uuid(hex: string): void {
    this.#field(16);
    this.#length += this.#bytes.write(hex, this.#length, 'hex');
  }

  /**
   * Writes numeric, which is sent in base 10000: number of digits, weight of the first, sign,
   * display scale, digits.
   * Source: numeric_send in src/backend/utils/adt/numeric.c.
   */
  numeric(value: Decimal | number): void {
    if (typeof value === 'number') {
      this.#field(8);
      const sign = Number.isNaN(value) ? 0xc000 : value > 0 ? 0xd000 : 0xf000;
      for (const part of [0, 0, sign, 0]) {
        this.#length = this.#bytes.writeUInt16BE(part, this.#length);
      }
      return;
    }
    // Digits go in groups of four, aligned to the decimal point.
    const padRight = ((value.exponent % 4) + 4) % 4;
    let digits = value.digits === '' ? '' : value.digits + '0'.repeat(padRight);
    const exponent = value.exponent - padRight;
    digits = '0'.repeat((4 - (digits.length % 4)) % 4) + digits;
    let groups = digits.length / 4;
    const weight = groups === 0 ? 0 : groups + exponent / 4 - 1;
    while (groups > 0 && digits.startsWith('0000', (groups - 1) * 4)) groups--;
    this.#field(8 + groups * 2);
    this.#length = this.#bytes.writeUInt16BE(groups, this.#length);
    this.#length = this.#bytes.writeInt16BE(weight, this.#length);
    this.#length = this.#bytes.writeUInt16BE(value.isNegative ? 0x4000 : 0, this.#length);
    this.#length = this.#bytes.writeUInt16BE(value.scale, this.#length);
    for (let i = 0; i < groups; i++) {
      const group = Number(digits.slice(i * 4, i * 4 + 4));
      this.#length = this.#bytes.writeInt16BE(group, this.#length);
    }
  }

  /** Writes the length of a field, and reserves room for its bytes. */
  #field(byteLength: number): void {
    this.#reserve(4 + byteLength);
    this.#length = this.#bytes.writeInt32BE(byteLength, this.#length);
  }

  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
