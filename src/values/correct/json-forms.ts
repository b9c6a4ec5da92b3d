/** JSON stored in another form → JSON. Takes and returns text, not byte strings. */
import { parse as parseArray } from 'postgres-array';
import type { JsonForm } from '../../model/corrections.js';
import { Fault } from '../../model/reject-codes.js';
import { show } from '../coerce.js';

/** @param separator between the elements of a list */
export function makeJsonForm(form: JsonForm, separator: string): (text: string) => string | Fault {
  switch (form) {
    case 'json-string':
      return unwrapString;
    case 'python':
      return fromPython;
    case 'postgres-array':
      return fromArray;
    case 'list':
      return (text) => JSON.stringify(text.split(separator).map((member) => member.trim()));
  }
}

/** Unwraps JSON inside a JSON string; other text stays as it is. */
function unwrapString(text: string): string {
  if (!text.trimStart().startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

function fromArray(text: string): string | Fault {
  // Braces are also JSON: in an array of PostgreSQL no name with a colon follows the brace.
  if (!/^(?:\[[\d:-]+(?:\]\[[\d:-]+)*\]=)?\{.*\}$/s.test(text)) {
    return new Fault('bad_json', `${show(text)} is not a PostgreSQL array`);
  }
  try {
    return JSON.stringify(parseArray(text));
  } catch {
    return new Fault('bad_json', `${show(text)} is not a PostgreSQL array`);
  }
}

/** A string with its quotes, a word or number, or one other character. */
const TOKEN =
  /\s+|(?<prefix>[uUbBrR]{0,2})(?:'(?<single>(?:[^'\\]|\\.)*)'|"(?<double>(?:[^"\\]|\\.)*)")|(?<word>[\w.+-]+)|(?<sign>[{}[\](),:])|(?<other>.)/gs;

const WORDS: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false' };

/**
 * Reads a Python literal (dict, list, tuple, str, numbers, None, True, False), as `repr` writes it.
 */
function fromPython(text: string): string | Fault {
  const fault = () => new Fault('bad_json', `${show(text)} is not a Python literal`);
  let json = '';
  for (const { groups = {}, 0: whole } of text.matchAll(TOKEN)) {
    const string = groups.single ?? groups.double;
    if (string !== undefined) {
      const value = /[rR]/.test(groups.prefix ?? '') ? string : unescapePython(string);
      if (value === undefined) return fault();
      json += JSON.stringify(value);
    } else if (groups.word !== undefined) json += WORDS[groups.word] ?? groups.word;
    else if (groups.sign !== undefined) json = appendSign(json, groups.sign);
    else if (groups.other !== undefined) return fault();
    else json += whole;
  }
  try {
    JSON.parse(json);
    return json;
  } catch {
    return fault();
  }
}

/** A tuple becomes an array, without the comma at the end of a tuple of one. */
function appendSign(json: string, sign: string): string {
  switch (sign) {
    case '(':
      return `${json}[`;
    case ')':
      return `${json.replace(/,\s*$/, '')}]`;
    case ']':
    case '}':
      return `${json.replace(/,\s*$/, '')}${sign}`;
    default:
      return json + sign;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};

/** @returns undefined for an escape that Python does not have */
function unescapePython(text: string): string | undefined {
  let isKnown = true;
  const value = text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{1,3})|(.))/gis,
    (_, x?: string, u?: string, long?: string, octal?: string, character?: string) => {
      const code = x ?? u ?? long;
      if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const found = ESCAPES[character!];
      isKnown &&= found !== undefined;
      return found ?? '';
    },
  );
  return isKnown ? value : undefined;
}
