/**
 * Encodings of the library, of two kinds. Where each byte is a character, and those of ASCII are as in
 * ASCII, records are found in the bytes of the file, and a table converts their fields. A file in any
 * other encoding is converted as a whole when it is read.
 */
import { iconv } from '../../base/iconv.js';
import { ENCODINGS, type Encoding, libraryName } from '../../model/encodings.js';

/** What the library puts in place of bytes that are no character. */
export const REPLACEMENT = '\ufffd';

/** UTF-8 bytes of each character from 0x80 on, as byte strings. */
export type ByteTable = readonly string[];

const tables = new Map<Encoding, ByteTable | undefined>();

/** @returns undefined where a character may have several bytes, or ASCII has others */
export function findByteTable(encoding: Encoding): ByteTable | undefined {
  if (!tables.has(encoding)) tables.set(encoding, readByteTable(encoding));
  return tables.get(encoding);
}

/** Whether a file in this encoding is converted to UTF-8 when it is read. */
export function isTranscoded(encoding: Encoding): boolean {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return true;
  if ((ENCODINGS as readonly string[]).includes(encoding)) return false;
  return findByteTable(encoding) === undefined;
}

/**
 * A byte that is no character, as bytes that are not UTF-8, so that its record is rejected; from them,
 * the byte is still known. (Half of a surrogate pair, as Python's surrogateescape has it.)
 */
export function escapeByte(byte: number): Buffer {
  return Buffer.of(0xed, 0xb0 | (byte >> 6), 0x80 | (byte & 0x3f));
}

/** Characters that the library lacks: those of Apple since 1998. */
const CORRECTED: Readonly<Record<Encoding, Readonly<Record<number, string>>>> = {
  'mac-roman': { 219: '€', 240: '\uf8ff' },
};

function readByteTable(encoding: Encoding): ByteTable | undefined {
  const name = libraryName(encoding);
  if (!iconv().encodingExists(name)) return undefined;
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const text = iconv().decode(bytes, name, { stripBOM: false });
  const isOfAscii = text.startsWith(bytes.toString('latin1', 0, 128));
  if (text.length !== bytes.length || !isOfAscii) return undefined;
  return Array.from({ length: 128 }, (_, i) => {
    const byte = 128 + i;
    const character = CORRECTED[encoding]?.[byte] ?? text[byte]!;
    const utf8 = character === REPLACEMENT ? escapeByte(byte) : Buffer.from(character);
    return utf8.toString('latin1');
  });
}
