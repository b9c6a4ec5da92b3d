/** Distinct values of a column that refers to another table, as text that the server reads. */
import { Fault } from '../model/reject-codes.js';
import { coerceBigint, decodeBytes } from '../values/coerce.js';

export class ReferenceValues {
  /**
   * Whether the column is text. If not, it is an integer, and its values are in their shortest
   * form.
   */
  readonly isText: boolean;
  /** A bit for each integer from 0 on. */
  #small = new Uint32Array(0);
  readonly #others = new Set<string>();

  constructor(isText: boolean) {
    this.isText = isText;
  }

  /** Number of values collected so far, not counting small integers. */
  get size(): number {
    return this.#others.size;
  }

  add(value: string): void {
    this.#others.add(value);
  }

  /** @param bits a bit for each integer from 0 on; the same number of words in each call */
  addSmall(bits: Uint32Array): void {
    if (this.#small.length === 0) this.#small = new Uint32Array(bits.length);
    for (let i = 0; i < bits.length; i++) this.#small[i]! |= bits[i]!;
  }

  /** Returns the values collected so far, and forgets them. */
  take(): string[] {
    const values = new Set(this.#others);
    this.#others.clear();
    this.#small.forEach((word, i) => {
      for (let bits = word; bits !== 0; bits &= bits - 1) {
        values.add(String(i * 32 + 31 - Math.clz32(bits & -bits)));
      }
    });
    this.#small.fill(0);
    return [...values];
  }
}

/** @param text a byte string, a valid value of the column */
export function addReference(values: ReferenceValues, text: string): void {
  values.add(values.isText ? decodeBytes(text) : canonicalInteger(text));
}

/** `+7`, `007` and `7.0` refer to the same row. */
function canonicalInteger(text: string): string {
  const value = coerceBigint(text);
  return value instanceof Fault ? text : value.toString();
}
