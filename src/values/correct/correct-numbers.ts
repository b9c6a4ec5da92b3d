/**
 * Numbers as people write them → numbers as the server reads them. The column's type decides the
 * code of a fault.
 */
import { escapePattern } from '../../base/escape-pattern.js';
import { Fault, type RejectCode } from '../../model/reject-codes.js';
import { show } from '../coerce.js';

/** Blanks between a number and its currency, including those that do not break (U+00A0, U+202F). */
const BLANKS = String.raw`(?:\s|\xc2\xa0|\xe2\x80\xaf)*`;

/**
 * Removes a currency sign or word before or after the number, also one behind its plus or minus.
 */
export function makeCurrency(signs: readonly string[]): (text: string) => string {
  // Longest first, so that `US$` is not read as `$` with `US` left over.
  const any = [...signs]
    .sort((a, b) => b.length - a.length)
    .map(escapePattern)
    .join('|');
  const before = new RegExp(`^([+-]?)(?:${any})${BLANKS}(?=[+\\-\\d.,])`);
  const after = new RegExp(`(\\d[.,]?)${BLANKS}(?:${any})$`);
  return (text) => {
    const stripped = text.replace(before, '$1');
    return stripped === text ? text.replace(after, '$1') : stripped;
  };
}

/** A blank stands for those that do not break, too, and an apostrophe for the one of typography. */
const ALIKE: Readonly<Record<string, RegExp>> = {
  ' ': /\xc2\xa0|\xe2\x80[\xaf\x89]/g,
  "'": /\xe2\x80\x99/g,
};

/** Removes separators from the whole part, where they stand between groups of digits. */
export function makeThousands(
  separator: string,
  decimal: string,
  code: RejectCode,
): (text: string) => string | Fault {
  const sep = escapePattern(separator);
  // The last group has three digits, those before it two or three (as in India).
  const grouped = new RegExp(`^[+-]?\\d{1,3}(?:${sep}\\d{2,3})*${sep}\\d{3}$`);
  const alike = ALIKE[separator];
  return (written) => {
    const text = alike === undefined ? written : written.replace(alike, separator);
    if (!text.includes(separator)) return text;
    const cut = text.indexOf(decimal);
    const whole = cut < 0 ? text : text.slice(0, cut);
    if (!grouped.test(whole) || text.indexOf(separator, whole.length) >= 0) {
      return new Fault(
        code,
        `${show(written)} has ${show(separator)} where no group of digits ends`,
      );
    }
    return whole.replaceAll(separator, '') + text.slice(whole.length);
  };
}

/** Replaces another decimal separator by a point. */
export function makeDecimal(decimal: string, code: RejectCode): (text: string) => string | Fault {
  return (text) => {
    if (text.includes('.') && decimal !== '.') {
      return new Fault(
        code,
        `${show(text)} has a point, but its decimal separator is ${show(decimal)}`,
      );
    }
    return text.replace(decimal, '.');
  };
}
