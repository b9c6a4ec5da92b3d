/** Bytes in an encoding whose characters have several bytes → UTF-8, chunk by chunk. */
import { iconv } from '../../base/iconv.js';
import { type Encoding, libraryName } from '../../model/encodings.js';
import { escapeByte, REPLACEMENT } from './character-set.js';
import { MAX_RECORD_BYTES } from './limits.js';
import { LF } from './line-end.js';
import { Utf16Transcoder } from './utf16.js';

export interface Transcoder {
  /** @returns UTF-8; bytes that are no character become some that are not UTF-8 */
  transcode(chunk: Buffer): Buffer;
  /** @returns the bytes for an incomplete character at the end of the text */
  end(): Buffer;
}

export function newTranscoder(encoding: Encoding): Transcoder {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    return new Utf16Transcoder(encoding === 'utf-16le');
  }
  const name = libraryName(encoding);
  if (/^utf32/.test(name)) return new CharacterTranscoder(name, fullUnits, 4);
  if (!iconv().encodingExists(name)) {
    return new StatefulTranscoder(new TextDecoder(encoding));
  }
  if (/^(?:utf7|cesu)/.test(name)) return new LineTranscoder(name);
  return new CharacterTranscoder(name, endOfPlain);
}

/** Of the encodings of East Asia. */
const MAX_CHARACTER_BYTES = 4;
/** More bytes without one that may only be a character by itself are taken apart one by one. */
const MAX_HELD_BYTES = 64 * 1024;

/** @returns the last place at which no character is cut */
type FindCut = (bytes: Buffer) => number;

const fullUnits: FindCut = (bytes) => bytes.length & ~3;

/** The second and later bytes of a character are digits, letters, or from `@` on. */
const FIRST_OF_LATER_BYTES = 0x30;

const endOfPlain: FindCut = (bytes) => {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1]! >= FIRST_OF_LATER_BYTES) end--;
  return end;
};

/** Where each character is known by its own bytes. */
class CharacterTranscoder implements Transcoder {
  readonly #name: string;
  readonly #findCut: FindCut;
  readonly #minBytes: number;
  /** The start of a character whose end has not come yet. */
  #held: Buffer = Buffer.alloc(0);
  /** Characters of one or two bytes; undefined where the bytes are none. */
  readonly #known = new Map<number, string | undefined>();

  constructor(name: string, findCut: FindCut, minBytes = 1) {
    this.#name = name;
    this.#findCut = findCut;
    this.#minBytes = minBytes;
  }

  transcode(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const cut = this.#findCut(bytes);
    if (bytes.length - cut <= MAX_HELD_BYTES) {
      this.#held = Buffer.from(bytes.subarray(cut));
      return this.#decode(bytes.subarray(0, cut));
    }
    const { out, end } = this.#decodeEach(bytes, false);
    this.#held = Buffer.from(bytes.subarray(end));
    return out;
  }

  end(): Buffer {
    const rest = this.#decode(this.#held);
    this.#held = Buffer.alloc(0);
    return rest;
  }

  /** @param bytes characters that are not cut */
  #decode(bytes: Buffer): Buffer {
    const text = this.#read(bytes);
    if (!text.includes(REPLACEMENT) && text.isWellFormed()) return Buffer.from(text);
    const middle = this.#findCut(bytes.subarray(0, bytes.length >> 1));
    if (middle === 0) return this.#decodeEach(bytes, true).out;
    return Buffer.concat([
      this.#decode(bytes.subarray(0, middle)),
      this.#decode(bytes.subarray(middle)),
    ]);
  }

  /** Decodes character by character, so that each byte that is part of none is found. */
  #decodeEach(bytes: Buffer, isLast: boolean): { readonly out: Buffer; readonly end: number } {
    const parts: Buffer[] = [];
    let text = '';
    let at = 0;
    while (at < bytes.length && (isLast || bytes.length - at >= MAX_CHARACTER_BYTES)) {
      const character = this.#characterFrom(bytes, at);
      if (character !== undefined) {
        text += character.text;
        at += character.length;
        continue;
      }
      const end = Math.min(at + this.#minBytes, bytes.length);
      parts.push(Buffer.from(text), ...[...bytes.subarray(at, end)].map(escapeByte));
      text = '';
      at = end;
    }
    return { out: Buffer.concat([...parts, Buffer.from(text)]), end: at };
  }

  #characterFrom(
    bytes: Buffer,
    at: number,
  ): { readonly text: string; readonly length: number } | undefined {
    const most = Math.min(MAX_CHARACTER_BYTES, bytes.length - at);
    for (let length = this.#minBytes; length <= most; length++) {
      const text = this.#lookUp(bytes.subarray(at, at + length));
      if (text !== undefined) return { text, length };
    }
    return undefined;
  }

  #lookUp(bytes: Buffer): string | undefined {
    if (bytes.length > 2) return this.#findCharacter(bytes);
    const key = bytes.readUIntBE(0, bytes.length) + (bytes.length << 16);
    if (!this.#known.has(key)) this.#known.set(key, this.#findCharacter(bytes));
    return this.#known.get(key);
  }

  #findCharacter(bytes: Buffer): string | undefined {
    const text = this.#read(bytes);
    if (text === '' || !text.isWellFormed()) return undefined;
    if (!text.includes(REPLACEMENT)) return text;
    const isReal = text === REPLACEMENT && iconv().encode(text, this.#name).equals(bytes);
    return isReal ? text : undefined;
  }

  #read(bytes: Buffer): string {
    return iconv().decode(bytes, this.#name, { stripBOM: false });
  }
}

/** A byte that no text has, where it is not known which one it was. */
const UNKNOWN = escapeByte(0xff).toString('latin1');

/** Where a byte means what an earlier one said. What cannot be read is marked, and not kept. */
class StatefulTranscoder implements Transcoder {
  readonly #decoder: InstanceType<typeof TextDecoder>;

  constructor(decoder: InstanceType<typeof TextDecoder>) {
    this.#decoder = decoder;
  }

  transcode(chunk: Buffer): Buffer {
    return markUnreadable(this.#decoder.decode(chunk, { stream: true }));
  }

  end(): Buffer {
    return markUnreadable(this.#decoder.decode());
  }
}

/** Where that ends with the line: the library errs where a chunk ends elsewhere. */
class LineTranscoder implements Transcoder {
  readonly #name: string;
  #held: Buffer[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  transcode(chunk: Buffer): Buffer {
    const isLong = this.#held.reduce((sum, { length }) => sum + length, 0) > MAX_RECORD_BYTES;
    const end = isLong ? chunk.length : chunk.lastIndexOf(LF) + 1;
    const lines = Buffer.concat([...(end === 0 ? [] : this.#held), chunk.subarray(0, end)]);
    if (end > 0) this.#held = [];
    this.#held.push(Buffer.from(chunk.subarray(end)));
    return this.#read(lines);
  }

  end(): Buffer {
    return this.#read(Buffer.concat(this.#held));
  }

  #read(bytes: Buffer): Buffer {
    return markUnreadable(iconv().decode(bytes, this.#name, { stripBOM: false }));
  }
}

function markUnreadable(text: string): Buffer {
  const utf8 = Buffer.from(text);
  if (!text.includes(REPLACEMENT)) return utf8;
  const replaced = utf8.toString('latin1').replaceAll('\xef\xbf\xbd', UNKNOWN);
  return Buffer.from(replaced, 'latin1');
}
