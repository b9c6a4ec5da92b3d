/** A key that an object has twice with different values: of the two, whoever keeps one loses the other. */
import { LosslessNumber, parse, stringify } from 'lossless-json';
import { decodeBytes } from './coerce.js';

/** Thrown by {@link parseOnce}. */
export class RepeatedKey extends Error {
  readonly key: string;
  constructor(key: string) {
    super('repeated key');
    this.key = key;
  }

  /** As a reason for a reject. */
  get reason(): string {
    return `${JSON.stringify(this.key)} occurs twice with different values`;
  }
}

/**
 * Parses JSON with the digits of its numbers.
 *
 * @param text a byte string
 * @throws RepeatedKey, SyntaxError, RangeError where it is nested too deep
 */
export function parseOnce(text: string): unknown {
  return parse(decodeBytes(text), undefined, {
    parseNumber: (digits) => new LosslessNumber(digits),
    onDuplicateKey: ({ key, oldValue, newValue }) => {
      if (stringify(oldValue) === stringify(newValue)) return newValue;
      throw new RepeatedKey(key);
    },
  });
}

/**
 * @param json valid JSON, a byte string
 * @returns what is wrong with it, where one of its objects has a key twice with different values
 */
export function findRepeatedKey(json: string): string | undefined {
  try {
    parseOnce(json);
    return undefined;
  } catch (error) {
    if (error instanceof RepeatedKey) return error.reason;
    // lossless-json calls itself for every level: the stack may end.
    if (error instanceof RangeError) return 'the value is nested too deep';
    throw error;
  }
}
