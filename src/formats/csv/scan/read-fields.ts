/**
 * One record → its fields, in any dialect. csv-parse reads the records that are loaded, where it
 * supports their dialect. This reads records with backslash escapes or with blanks beside quotes, and
 * the sampled records by which a dialect is detected; those are many, and their faults need not be exact. Tests compare
 * the two.
 */

import { Fault } from '../../../model/reject-codes.js';
import { type Dialect, mayPadQuotes } from '../dialect.js';

/** Fields as byte strings; `null` is an unquoted empty field. */
export type FieldTexts = (string | null)[];

/** @param text the record without its line end, a character for each byte */
export function readFields(text: string, dialect: Dialect): FieldTexts | Fault {
  const { delimiter, quote } = dialect;
  const hasBackslash = dialect.escape === 'backslash';
  const mayPad = mayPadQuotes(dialect);
  const fields: FieldTexts = [];
  for (let at = 0; ; ) {
    if (mayPad && text[at] === ' ') {
      const behind = skipBlanks(text, at);
      if (text[behind] === quote) at = behind;
    }
    if (quote !== '' && text[at] === quote) {
      const closing = findClosing(text, at + 1, quote, hasBackslash);
      if (closing < 0) return new Fault('unterminated_quote', 'a quoted field is never closed');
      fields.push(unescapeQuoted(text.slice(at + 1, closing), quote, hasBackslash));
      at = closing + 1;
      if (mayPad && text[at] === ' ' && !text.startsWith(delimiter, at)) at = skipBlanks(text, at);
      if (at === text.length) return fields;
      if (!text.startsWith(delimiter, at)) {
        return new Fault(
          'bad_quote',
          'a closing quote is followed by neither delimiter nor line end',
        );
      }
    } else {
      const end =
        quote === '' && hasBackslash
          ? findDelimiter(text, at, delimiter)
          : indexOrEnd(text, delimiter, at);
      const value = text.slice(at, end);
      if (quote !== '' && !dialect.allowsBareQuotes && value.includes(quote)) {
        return new Fault('bad_quote', 'a quote inside an unquoted field');
      }
      const isEscaped = quote === '' && hasBackslash && value.includes('\\');
      fields.push(value === '' ? null : isEscaped ? unescapeBare(value, delimiter) : value);
      at = end;
      if (at === text.length) return fields;
    }
    at += delimiter.length;
    if (at === text.length) {
      fields.push(null);
      return fields;
    }
  }
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ') at++;
  return at;
}

function indexOrEnd(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index < 0 ? text.length : index;
}

export function findClosing(
  text: string,
  from: number,
  quote: string,
  hasBackslash: boolean,
): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === quote) {
      if (text[at + 1] !== quote) return at;
      at++;
    } else if (
      hasBackslash &&
      character === '\\' &&
      (text[at + 1] === quote || text[at + 1] === '\\')
    ) {
      at++;
    }
  }
  return -1;
}

function unescapeQuoted(text: string, quote: string, hasBackslash: boolean): string {
  if (!hasBackslash) return text.includes(quote) ? text.replaceAll(quote + quote, quote) : text;
  if (!text.includes('\\') && !text.includes(quote)) return text;
  let value = '';
  for (let at = 0; at < text.length; at++) {
    const next = text[at + 1];
    // A quote inside the field is doubled, or has a backslash before it.
    if (text[at] === quote || (text[at] === '\\' && (next === quote || next === '\\'))) at++;
    value += text[at];
  }
  return value;
}

function findDelimiter(text: string, from: number, delimiter: string): number {
  for (let at = from; at < text.length; ) {
    if (text[at] === '\\') at += 1 + lengthOfEscaped(text, at + 1, delimiter);
    else if (text.startsWith(delimiter, at)) return at;
    else at++;
  }
  return text.length;
}

function unescapeBare(text: string, delimiter: string): string {
  let value = '';
  for (let at = 0; at < text.length; ) {
    const length = text[at] === '\\' ? lengthOfEscaped(text, at + 1, delimiter) : 0;
    if (length > 0) at++;
    value += text.slice(at, at + Math.max(1, length));
    at += Math.max(1, length);
  }
  return value;
}

/** @returns length of what the backslash before it escapes; 0 for nothing */
function lengthOfEscaped(text: string, at: number, delimiter: string): number {
  const character = text[at];
  if (character === '\\' || character === '\n' || character === '\r') return 1;
  return text.startsWith(delimiter, at) ? delimiter.length : 0;
}
