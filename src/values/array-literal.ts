/**
 * A JSON list → the text of an array, as PostgreSQL reads it: `["a",null,[1]]` → `{"a",NULL,{1}}`.
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
import { isLosslessNumber, parse, stringify } from 'lossless-json';
import type { ArrayForm } from '../model/other-type.js';
import { decodeBytes, encodeBytes } from './coerce.js';

/** Bounds in front of an array, `[0:2]={…}`, also begin with a bracket. */
const JSON_LIST = /^\s*\[(?!\s*[+-]?\d+\s*(?::\s*[+-]?\d+\s*)?\](?:\s*\[[\d\s:+-]*\])*\s*=)/;

/**
 * @param text a byte string
 * @returns the same text where it is no JSON list: then the server judges it
 */
export function toArrayLiteral(text: string, form: ArrayForm): string {
  if (!JSON_LIST.test(text)) return text;
  try {
    const literal = listLiteral(parse(decodeBytes(text)) as unknown[], form);
    // Half of a surrogate pair cannot be encoded.
    return literal.isWellFormed() ? encodeBytes(literal) : text;
  } catch (error) {
    // Not JSON, or nested deeper than the stack.
    if (error instanceof SyntaxError || error instanceof RangeError) return text;
    throw error;
  }
}

function listLiteral(list: readonly unknown[], form: ArrayForm): string {
  return `{${list.map((element) => elementLiteral(element, form)).join(form.delimiter)}}`;
}

function elementLiteral(element: unknown, form: ArrayForm): string {
  if (element === null) return 'NULL';
  if (form.hasJson) return quoteElement(stringify(element)!);
  if (Array.isArray(element)) return listLiteral(element, form);
  if (typeof element === 'string') return quoteElement(element);
  if (typeof element === 'boolean' || isLosslessNumber(element)) return String(element);
  return quoteElement(stringify(element)!);
}

function quoteElement(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
