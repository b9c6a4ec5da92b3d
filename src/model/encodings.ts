/** Names of character encodings: those that edp reads by itself, and those of a library. */
import { iconv } from '../base/iconv.js';
import { type Choices, wordsOf } from './choices.js';

export const ENCODING_CHOICES = {
  'utf-8': 'UTF-8, with or without a byte order mark',
  'utf-16le': 'UTF-16, little-endian',
  'utf-16be': 'UTF-16, big-endian',
  latin1: 'ISO 8859-1',
  'windows-1252': 'Windows-1252, which includes the characters of latin1',
} as const satisfies Choices;

/** A word of {@link ENCODING_CHOICES}, or the name that {@link findEncoding} gives another one. */
export type Encoding = string;

export const ENCODINGS = wordsOf(ENCODING_CHOICES);

/** Encodings by usual names, where the library has another name for them. */
const NAMES: Readonly<Record<string, string>> = {
  'mac-roman': 'macintosh',
  'mac-cyrillic': 'maccyrillic',
  shift_jis: 'shiftjis',
  'euc-jp': 'eucjp',
  'iso-2022-jp': 'iso-2022-jp',
  gbk: 'gbk',
  gb18030: 'gb18030',
  big5: 'big5hkscs',
  'euc-kr': 'cp949',
  'koi8-r': 'koi8r',
  'koi8-u': 'koi8u',
  'utf-32le': 'utf32le',
  'utf-32be': 'utf32be',
  'utf-7': 'utf7',
};

/** Examples for messages and help. */
export const OTHER_ENCODINGS = [
  'windows-1251',
  'iso-8859-2',
  'koi8-r',
  'mac-roman',
  'shift_jis',
  'gb18030',
  'big5',
  'euc-kr',
] as const;

const SYNONYMS: Readonly<Record<string, Encoding>> = {
  utf8: 'utf-8',
  ascii: 'utf-8',
  'us-ascii': 'utf-8',
  'utf-16': 'utf-16le',
  utf16: 'utf-16le',
  utf16le: 'utf-16le',
  utf16be: 'utf-16be',
  ucs2: 'utf-16le',
  'ucs-2': 'utf-16le',
  binary: 'latin1',
  'latin-1': 'latin1',
  'iso-8859-1': 'latin1',
  iso8859_1: 'latin1',
  cp1252: 'windows-1252',
  win1252: 'windows-1252',
  mac: 'mac-roman',
  macroman: 'mac-roman',
  'x-mac-roman': 'mac-roman',
  'utf-32': 'utf-32le',
  utf32: 'utf-32le',
  gb2312: 'gbk',
};

/** What the library calls encodings, and is none of characters. */
const NO_ENCODINGS = new Set(['hex', 'base64']);

/** @returns the one name of the encoding with that name; undefined where none has it */
export function findEncoding(label: string): Encoding | undefined {
  const word = label.trim().toLowerCase();
  if ((ENCODINGS as readonly string[]).includes(word)) return word;
  if (Object.hasOwn(SYNONYMS, word)) return SYNONYMS[word];
  if (Object.hasOwn(NAMES, word)) return word;
  const name = findInLibrary(word) ?? findInLibrary(whatwgName(word) ?? '');
  if (name !== undefined) return usualName(name);
  return whatwgName(word);
}

/** The name by which the library knows an encoding. */
export function libraryName(encoding: Encoding): string {
  return NAMES[encoding] ?? encoding;
}

/** Follows the aliases of the library. */
function findInLibrary(label: string): string | undefined {
  const library = iconv();
  if (label === '' || !library.encodingExists(label)) return undefined;
  let name = label.replace(/:\d{4}$|[^0-9a-z]/g, '');
  for (;;) {
    const target: unknown = library.encodings?.[name];
    if (typeof target !== 'string') break;
    name = target;
  }
  return NO_ENCODINGS.has(name) || name.startsWith('_') ? undefined : name;
}

function usualName(name: string): Encoding {
  const given = Object.keys(NAMES).find((word) => NAMES[word] === name);
  const spelled = name.replace(/^windows(?=\d)/, 'windows-').replace(/^iso8859(?=\d)/, 'iso-8859-');
  return given ?? SYNONYMS[spelled] ?? SYNONYMS[name] ?? spelled;
}

/** The name of an encoding in browsers, whose standard has more labels. */
function whatwgName(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding.replace(/^x-(?=mac)/, '').replace(/-i$/, '');
  } catch {
    return undefined;
  }
}
