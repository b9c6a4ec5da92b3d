/**
 * UTF-16 → UTF-8. Invalid UTF-16 (half of a surrogate pair, half of a unit) becomes bytes that are
 * not valid UTF-8, so that its record is rejected and nothing is replaced silently.
 */

/** UTF-8 needs at most three bytes for two; a surrogate pair needs four for four. */
const GROWTH = 1.5;

export class Utf16Transcoder {
  readonly #high: number;
  readonly #low: number;
  /** First byte of a unit that is cut by the end of the last chunk; -1 for none. */
  #half = -1;
  /** First half of a surrogate pair whose second half has not come yet; -1 for none. */
  #lead = -1;

  constructor(isLittleEndian: boolean) {
    this.#high = isLittleEndian ? 1 : 0;
    this.#low = isLittleEndian ? 0 : 1;
  }

  transcode(chunk: Buffer): Buffer {
    let bytes = chunk;
    if (this.#half >= 0) {
      bytes = Buffer.concat([Buffer.of(this.#half), chunk]);
      this.#half = -1;
    }
    const length = bytes.length & ~1;
    if (length < bytes.length) this.#half = bytes[length]!;
    const out = Buffer.allocUnsafe(Math.ceil(length * GROWTH) + 3);
    const [high, low] = [this.#high, this.#low];
    let lead = this.#lead;
    let at = 0;
    for (let i = 0; i < length; i += 2) {
      const unit = (bytes[i + high]! << 8) | bytes[i + low]!;
      if (lead >= 0) {
        if (unit >= 0xdc00 && unit < 0xe000) {
          const point = 0x10000 + ((lead - 0xd800) << 10) + (unit - 0xdc00);
          out[at++] = 0xf0 | (point >> 18);
          out[at++] = 0x80 | ((point >> 12) & 0x3f);
          out[at++] = 0x80 | ((point >> 6) & 0x3f);
          out[at++] = 0x80 | (point & 0x3f);
          lead = -1;
          continue;
        }
        at = putThree(out, at, lead);
        lead = -1;
      }
      if (unit < 0x80) {
        out[at++] = unit;
      } else if (unit < 0x800) {
        out[at++] = 0xc0 | (unit >> 6);
        out[at++] = 0x80 | (unit & 0x3f);
      } else if (unit >= 0xd800 && unit < 0xdc00) {
        lead = unit;
      } else {
        at = putThree(out, at, unit);
      }
    }
    this.#lead = lead;
    return out.subarray(0, at);
  }

  /** @returns the bytes for an incomplete character at the end of the text */
  end(): Buffer {
    const rest = Buffer.alloc(4);
    let at = 0;
    if (this.#lead >= 0) at = putThree(rest, at, this.#lead);
    if (this.#half >= 0) rest[at++] = 0xff;
    return rest.subarray(0, at);
  }
}

/** Writes three bytes, for a surrogate as well, which no valid UTF-8 contains. */
function putThree(out: Buffer, at: number, unit: number): number {
  out[at] = 0xe0 | (unit >> 12);
  out[at + 1] = 0x80 | ((unit >> 6) & 0x3f);
  out[at + 2] = 0x80 | (unit & 0x3f);
  return at + 3;
}
