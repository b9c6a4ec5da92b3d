/**
 * A JSON value → the text of a field. All texts are byte strings of UTF-8 (one character for each
 * byte), so that nothing is lost or replaced before the rules of the column's type apply.
 */
import { decodeBytes, encodeBytes } from '../../values/coerce.js';

/** The result for something that is not a JSON value. */
export const NO_JSON = Symbol('no JSON');

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a JSON string must not have them
const CONTROL = /[\x00-\x1f]/;

/**
 * @returns the text of a string, the digits of a number, the words true and false, a nested value
 *   as it is written; null for null
 *
 * @param json the value as it stands in the record
 */
export function readValue(json: string): string | null | typeof NO_JSON {
  switch (json[0]) {
    case '"':
      return readString(json);
    case '{':
    case '[':
      return isJson(json) ? json : NO_JSON;
    case 'n':
      return json === 'null' ? null : NO_JSON;
    case 't':
      return json === 'true' ? json : NO_JSON;
    case 'f':
      return json === 'false' ? json : NO_JSON;
    default:
      return NUMBER.test(json) ? json : NO_JSON;
  }
}

/** @param json a string with its quotes */
export function readString(json: string): string | typeof NO_JSON {
  if (!json.includes('\\')) return CONTROL.test(json) ? NO_JSON : json.slice(1, -1);
  try {
    return encodeHalves(JSON.parse(decodeBytes(json)) as string);
  } catch {
    return NO_JSON;
  }
}

export function isJson(json: string): boolean {
  try {
    JSON.parse(decodeBytes(json));
    return true;
  } catch {
    return false;
  }
}

const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Encodes text as a byte string. Half of a surrogate pair, which an escape may produce, becomes
 * bytes that are not UTF-8, as in files of UTF-16. So the value is rejected where a column needs
 * it, and never replaced silently.
 */
function encodeHalves(text: string): string {
  if (text.isWellFormed()) return encodeBytes(text);
  let bytes = '';
  let from = 0;
  for (const { index, 0: half } of text.matchAll(HALF)) {
    const unit = half.charCodeAt(0);
    const three = [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
    bytes += encodeBytes(text.slice(from, index)) + String.fromCharCode(...three);
    from = index + 1;
  }
  return bytes + encodeBytes(text.slice(from));
}
