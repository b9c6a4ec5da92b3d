/** JSON whose long integers stay texts, and whose other numbers keep their digits: JavaScript would round them. */
import { LosslessNumber, parse } from 'lossless-json';

/** Characters that end a number in JSON. */
export const ENDS_NUMBER = String.raw`,}\]\s`;

/**
 * A pattern of numbers that JavaScript may write in another way: with many digits, with zeros at the end, with an exponent.
 *
 * @param ends characters of which one is behind the number, so that times in strings are none
 */
export function lossyNumber(ends: string): string {
  return String.raw`-?(?:\d[\d.]{15,}|\d+\.\d*0(?=[${ends}])|\d[\d.]*[eE])`;
}

const MAY_LOSE_DIGITS = new RegExp(String.raw`[:,[\s]${lossyNumber(ENDS_NUMBER)}`);

export function mayLoseDigits(line: string): boolean {
  return MAY_LOSE_DIGITS.test(line);
}

/** @param value of {@link readExact} @param isExact whether it is wanted as it is written */
export function toPlain(value: unknown, isExact: boolean): unknown {
  if (!(value instanceof LosslessNumber)) return value;
  return isExact ? value.value : Number(value.value);
}

export function readExact(line: string): Readonly<Record<string, unknown>> {
  return parse(line, undefined, {
    parseNumber: (digits) => {
      const number = Number(digits);
      if (Number.isInteger(number) && !Number.isSafeInteger(number)) return digits;
      return String(number) === digits ? number : new LosslessNumber(digits);
    },
    onDuplicateKey: ({ newValue }) => newValue,
  }) as Record<string, unknown>;
}
