/**
 * Databases that are not in UTF-8. The server converts what edp sends, and refuses a whole statement
 * for one character that its encoding does not have.
 *
 * A value that is meant for a table is then a reject of its record. But the ledger must hold names
 * and reasons as they are: there such a character is written `<U+2192>`, and read back as it was.
 */

/** PostgreSQL's names of one-byte encodings → the name of their table, and its first byte that counts. */
const ONE_BYTE: Readonly<Record<string, readonly [label: string, first: number]>> = {
  // The web's latin1 is Windows-1252, which agrees from here on.
  LATIN1: ['windows-1252', 0xa0],
  LATIN2: ['iso-8859-2', 0xa0],
  LATIN3: ['iso-8859-3', 0xa0],
  LATIN4: ['iso-8859-4', 0xa0],
  LATIN5: ['windows-1254', 0xa0],
  LATIN6: ['iso-8859-10', 0xa0],
  LATIN7: ['iso-8859-13', 0xa0],
  LATIN8: ['iso-8859-14', 0xa0],
  LATIN9: ['iso-8859-15', 0xa0],
  LATIN10: ['iso-8859-16', 0xa0],
  ISO_8859_5: ['iso-8859-5', 0xa0],
  ISO_8859_6: ['iso-8859-6', 0xa0],
  ISO_8859_7: ['iso-8859-7', 0xa0],
  ISO_8859_8: ['iso-8859-8', 0xa0],
  WIN866: ['ibm866', 0x80],
  WIN874: ['windows-874', 0x80],
  WIN1250: ['windows-1250', 0x80],
  WIN1251: ['windows-1251', 0x80],
  WIN1252: ['windows-1252', 0x80],
  WIN1253: ['windows-1253', 0x80],
  WIN1254: ['windows-1254', 0x80],
  WIN1255: ['windows-1255', 0x80],
  WIN1256: ['windows-1256', 0x80],
  WIN1257: ['windows-1257', 0x80],
  WIN1258: ['windows-1258', 0x80],
  KOI8R: ['koi8-r', 0x80],
  KOI8U: ['koi8-u', 0x80],
};

/** Encodings with pairs of bytes from 0xA1 on. */
const TWO_BYTES: Readonly<Record<string, string>> = {
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  EUC_CN: 'gbk',
};

/** Characters for which the tables of the web and of PostgreSQL differ, and those of private use. */
const DISPUTED =
  /[\u0080-\u009f\ufffd\u20ac\u20af\u037a\u040e\u045e\u301c\uff5e\u2016\u2225\u2212\uff0d\u00a2\u00a3\u00ac\uffe0-\uffe6\u2014\u2015\u00b7\u30fb\ue000-\uf8ff]/u;
/** The same, where the encoding is of one byte. */
const DISPUTED_ONE_BYTE = /[\u0080-\u009f\ufffd\ue000-\uf8ff]/u;
/** Newer signs of iso-8859-7 and of the web's koi8-u. */
const DISPUTED_IN: Readonly<Record<string, RegExp>> = {
  ISO_8859_7: /[\u20ac\u20af\u037a]/u,
  KOI8U: /[\u040e\u045e]/u,
};

const charactersOf = new Map<string, ReadonlySet<string> | undefined>();

/** What is beyond ASCII in an encoding; undefined where it has everything, or is not known. */
function listCharacters(encoding: string): ReadonlySet<string> | undefined {
  const one = ONE_BYTE[encoding];
  const two = TWO_BYTES[encoding];
  if (one === undefined && two === undefined) return undefined;
  const bytes: number[] = [];
  if (one !== undefined) {
    for (let byte = one[1]; byte <= 0xff; byte++) bytes.push(byte);
  } else {
    for (let lead = 0xa1; lead < 0xff; lead++) {
      for (let trail = 0xa1; trail < 0xff; trail++) bytes.push(lead, trail);
    }
  }
  const text = new TextDecoder(one?.[0] ?? two).decode(Uint8Array.from(bytes));
  const isDisputed = one === undefined ? DISPUTED : DISPUTED_ONE_BYTE;
  return new Set(
    [...text].filter((sign) => !isDisputed.test(sign) && !DISPUTED_IN[encoding]?.test(sign)),
  );
}

const BEYOND_ASCII = /[^\0-\x7f]/gu;
const WRITTEN = /<U\+([\dA-F]{4,6})>/g;

/** How a session writes and reads texts that its database may lack characters for. */
export interface TextForm {
  write(text: string): string;
  read(text: string): string;
}

/** @returns undefined for a database that has all characters */
export function textFormOf(encoding: string): TextForm | undefined {
  if (!charactersOf.has(encoding)) charactersOf.set(encoding, listCharacters(encoding));
  const characters = charactersOf.get(encoding);
  if (characters === undefined) return undefined;
  const spell = (sign: string) =>
    characters.has(sign)
      ? sign
      : `<U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
  return {
    write: (text) => text.replace(BEYOND_ASCII, spell),
    // Only what `write` spells: what is ASCII would change JSON.
    read: (text) =>
      text.replace(WRITTEN, (spelt, hex: string) => {
        const code = Number.parseInt(hex, 16);
        return code < 0x80 || code > 0x10ffff ? spelt : String.fromCodePoint(code);
      }),
  };
}

/** The values of a statement, each text of them written in that form. */
export function writeValues(values: readonly unknown[], form: TextForm): unknown[] {
  return values.map((value) => {
    if (typeof value === 'string') return form.write(value);
    return Array.isArray(value) ? writeValues(value, form) : value;
  });
}
