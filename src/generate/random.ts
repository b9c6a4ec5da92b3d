/**
 * Seeded random numbers for bulk data: sfc32 (Chris Doty-Humphrey, PractRand, public domain).
 *
 * It passes PractRand, holds its state in four 32-bit words, and takes a few nanoseconds per
 * number, where faker takes hundreds. The numbers are part of the promise "same seed, same bytes":
 * a change here changes every file that is generated afterwards.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Three integers that name the stream; each different triple gives an unrelated one. */
  constructor(seed: number, number = 0, purpose = 0) {
    this.#a = seed | 0;
    this.#b = number | 0;
    this.#c = purpose | 0;
    // The reference seeding: after this many rounds similar seeds have nothing in common.
    for (let round = 0; round < 15; round++) this.next();
  }

  /** A whole number from 0 to 2³² - 1. */
  next(): number {
    const mixed = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return mixed >>> 0;
  }

  /** From 0 (inclusive) to 1 (exclusive). */
  share(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number from 0 to `limit` - 1, each as likely as the other. */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  /** One of the elements, of which there must be at least one. */
  pick<T>(elements: readonly T[]): T {
    return elements[this.below(elements.length)] as T;
  }

  /** The elements in random order; the given array stays as it is. */
  shuffle<T>(elements: readonly T[]): T[] {
    const shuffled = [...elements];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }
}
