/**
 * Writes ASCII straight into a buffer that grows and is reused for the next chunk.
 *
 * The methods do not check for room: call {@link ByteWriter.ensureRoom} once per record. Without
 * room bytes are lost silently, because a typed array ignores writes past its end.
 */
export class ByteWriter {
  bytes: Buffer;
  /**
   * Bytes written so far, and the offset of the next one; may be set back to overwrite what was
   * written.
   */
  position = 0;

  constructor(capacityBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  ensureRoom(bytes: number): void {
    if (this.position + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((this.position + bytes) * 2);
    this.bytes.copy(larger, 0, 0, this.position);
    this.bytes = larger;
  }

  byte(byte: number): void {
    this.bytes[this.position++] = byte;
  }

  /** A loop, because for a few dozen bytes it is faster than the call of `Buffer.copy`. */
  ascii(source: Uint8Array, from = 0, to = source.length): void {
    const bytes = this.bytes;
    let position = this.position;
    for (let i = from; i < to; i++) bytes[position++] = source[i] as number;
    this.position = position;
  }

  text(text: string): void {
    this.position += this.bytes.write(text, this.position, 'latin1');
  }

  /** @param value a safe integer */
  integer(value: number): void {
    if (value < 0) {
      this.byte(0x2d);
      this.integer(-value);
    } else if (value < 1e9) {
      let width = 1;
      for (let limit = 10; limit <= value; limit *= 10) width++;
      this.digits(value, width);
    } else {
      // Beyond 32 bits division is slow and inexact, so the digits are written in two groups.
      const high = Math.floor(value / 1e9);
      this.integer(high);
      this.digits(value - high * 1e9, 9);
    }
  }

  /** @param value from 0 to 10^width - 1, below 10⁹; shorter values get leading zeros */
  digits(value: number, width: number): void {
    const bytes = this.bytes;
    let rest = value | 0;
    for (let at = this.position + width - 1; at >= this.position; at--) {
      const higher = (rest / 10) | 0;
      bytes[at] = 0x30 + rest - higher * 10;
      rest = higher;
    }
    this.position += width;
  }

  /** The bytes written, in a buffer of their own that may be transferred to another thread. */
  take(): Buffer<ArrayBuffer> {
    const taken = Buffer.allocUnsafeSlow(this.position);
    this.bytes.copy(taken, 0, 0, this.position);
    this.position = 0;
    return taken;
  }
}
