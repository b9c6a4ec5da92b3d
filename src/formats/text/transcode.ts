/** Fields in one-byte encodings → UTF-8, as byte strings. ASCII stays as it is. */
import type { Encoding } from '../../model/encodings.js';
import { type ByteTable, findByteTable, isTranscoded } from './character-set.js';

/**
 * UTF-8, or an encoding with one byte for each character. A file in any other, such as UTF-16, is
 * converted to UTF-8 when it is read.
 */
export type FieldEncoding = Encoding;

/** The encoding of the fields of a file with this encoding. */
export function fieldEncodingOf(encoding: Encoding): FieldEncoding {
  return isTranscoded(encoding) ? 'utf-8' : encoding;
}

const HIGH = /[\x80-\xff]/;
const EVERY_HIGH = /[\x80-\xff]/g;

/**
 * Characters of Windows-1252 from 0x80 to 0x9F; the five that it does not define are control
 * characters, as in browsers. The TextDecoder of Node 20 takes the name for Latin-1, so it is of no
 * use.
 */
const FROM_0X80 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** UTF-8 bytes of each character from 0x80 on, as byte strings. */
const LATIN1: ByteTable = Array.from({ length: 128 }, (_, i) =>
  utf8Bytes(String.fromCharCode(128 + i)),
);
const WINDOWS_1252: ByteTable = LATIN1.map((bytes, i) =>
  i < 32 ? utf8Bytes(FROM_0X80[i]!) : bytes,
);

function utf8Bytes(character: string): string {
  return Buffer.from(character).toString('latin1');
}

export function toUtf8(text: string, encoding: FieldEncoding): string {
  if (encoding === 'utf-8' || !HIGH.test(text)) return text;
  const table = tableOf(encoding);
  return text.replace(EVERY_HIGH, (character) => table[character.charCodeAt(0) - 128]!);
}

function tableOf(encoding: FieldEncoding): ByteTable {
  if (encoding === 'latin1') return LATIN1;
  if (encoding === 'windows-1252') return WINDOWS_1252;
  const table = findByteTable(encoding);
  if (table === undefined) throw new Error(`${encoding} has characters of several bytes`);
  return table;
}

/** Decodes a byte string. */
export function toText(bytes: string, encoding: FieldEncoding): string {
  return Buffer.from(toUtf8(bytes, encoding), 'latin1').toString('utf8');
}
