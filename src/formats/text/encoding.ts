/** Bytes → their likely encoding. */
import { isAscii } from 'node:buffer';
import type { Encoding } from '../../model/csv-settings.js';

export interface EncodingGuess {
  readonly encoding: Encoding;
  /** Bytes of the byte order mark at the start. */
  readonly markBytes: number;
  readonly why: string;
  /** Whether the sample has bytes that are not UTF-8. */
  readonly hasInvalid?: boolean;
}

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** Shares of zero bytes on either side of the byte pairs, for UTF-16 without a mark. */
const MIN_ZERO_SHARE = 0.3;
const MAX_STRAY_ZERO_SHARE = 0.02;
const UTF16_PROBE_BYTES = 4096;

/** Letters of western European languages in both one-byte encodings. */
const LETTERS = new Set([
  0xc0, 0xc1, 0xc2, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf, 0xd1, 0xd3,
  0xd4, 0xd5, 0xd6, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6,
  0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8,
  0xf9, 0xfa, 0xfb, 0xfc, 0x8a, 0x8c, 0x8e, 0x9a, 0x9c, 0x9e, 0x9f,
]);
/** Signs of real text: € ‚ „ … ‘ ’ “ ” • – — ™ no-break space ¡ £ § © « ® ° ± ² ³ µ · º » ½ ¿. */
const SIGNS = new Set([
  0x80, 0x82, 0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xa0, 0xa1, 0xa3, 0xa7,
  0xa9, 0xab, 0xae, 0xb0, 0xb1, 0xb2, 0xb3, 0xb5, 0xb7, 0xba, 0xbb, 0xbd, 0xbf,
]);

/** @param parts the head of the file, and pieces from behind it */
export function guessEncoding(parts: readonly Buffer[]): EncodingGuess {
  const head = parts[0] ?? Buffer.alloc(0);
  for (const [encoding, mark] of MARKS) {
    if (mark.every((byte, i) => head[i] === byte)) {
      return { encoding, markBytes: mark.length, why: 'the file begins with its byte order mark' };
    }
  }
  const utf16 = guessUtf16(head);
  if (utf16 !== undefined) {
    return { encoding: utf16, markBytes: 0, why: 'every other byte of the text is zero' };
  }
  if (parts.every((part) => isAscii(part))) {
    return { encoding: 'utf-8', markBytes: 0, why: 'the sample is ASCII' };
  }
  const counts = countHighBytes(parts);
  // A few stray bytes in ASCII or UTF-8 are damage; text that is never UTF-8 has another encoding.
  if (counts.invalid === 0) {
    return { encoding: 'utf-8', markBytes: 0, why: 'all bytes above ASCII are valid UTF-8' };
  }
  const isUsual = counts.lines >= MIN_LINE_SHARE * countLines(parts);
  if (counts.valid === 0 && counts.letters > 0 && counts.implausible === 0 && isUsual) {
    return {
      encoding: 'windows-1252',
      markBytes: 0,
      hasInvalid: true,
      why: `no byte above ASCII is UTF-8, and as Windows-1252 all ${counts.invalid} are letters and signs of text`,
    };
  }
  return {
    encoding: 'utf-8',
    markBytes: 0,
    hasInvalid: true,
    why: `${counts.valid} characters above ASCII are valid UTF-8, ${counts.invalid} bytes are not`,
  };
}

function guessUtf16(head: Buffer): Encoding | undefined {
  const length = Math.min(UTF16_PROBE_BYTES, head.length) & ~1;
  if (length < 4) return undefined;
  let evenZeros = 0;
  let oddZeros = 0;
  for (let i = 0; i < length; i += 2) {
    if (head[i] === 0) evenZeros++;
    if (head[i + 1] === 0) oddZeros++;
  }
  const many = (length / 2) * MIN_ZERO_SHARE;
  const few = (length / 2) * MAX_STRAY_ZERO_SHARE;
  if (oddZeros >= many && evenZeros <= few) return 'utf-16le';
  if (evenZeros >= many && oddZeros <= few) return 'utf-16be';
  return undefined;
}

/** Share of lines with a byte above ASCII in Windows-1252; fewer may as well be damage. */
const MIN_LINE_SHARE = 0.05;

function countLines(parts: readonly Buffer[]): number {
  let lines = 0;
  for (const part of parts) for (const byte of part) if (byte === 0x0a) lines++;
  return lines;
}

interface HighBytes {
  /** Lines with bytes that are not UTF-8. */
  lines: number;
  /** Sequences of valid UTF-8. */
  valid: number;
  /** Bytes that are not UTF-8. */
  invalid: number;
  /** Of those bytes: letters next to an ASCII letter, and bytes that no text has. */
  letters: number;
  implausible: number;
}

function countHighBytes(parts: readonly Buffer[]): HighBytes {
  const counts: HighBytes = { lines: 0, valid: 0, invalid: 0, letters: 0, implausible: 0 };
  for (const [index, part] of parts.entries()) {
    // A piece may begin in the middle of a character; every part may end in one.
    let at = 0;
    let isLineCounted = false;
    if (index > 0) while (at < 3 && at < part.length && (part[at]! & 0xc0) === 0x80) at++;
    while (at < part.length) {
      const byte = part[at]!;
      if (byte < 0x80) {
        if (byte === 0x0a) isLineCounted = false;
        at++;
        continue;
      }
      const length = measureUtf8(part, at);
      if (length < 0) break;
      if (length > 0) {
        counts.valid++;
        at += length;
        continue;
      }
      counts.invalid++;
      if (!isLineCounted) counts.lines++;
      isLineCounted = true;
      if (LETTERS.has(byte)) {
        if (isLetter(part[at - 1]) || isLetter(part[at + 1])) counts.letters++;
      } else if (!SIGNS.has(byte)) {
        counts.implausible++;
      }
      at++;
    }
  }
  return counts;
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/**
 * @returns bytes of the UTF-8 character at `at`, 0 where there is none, -1 where the part ends in
 *   it
 */
function measureUtf8(part: Buffer, at: number): number {
  const first = part[at]!;
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || first >= 0xf5) return 0;
  for (let i = 1; i < length; i++) {
    const next = part[at + i];
    if (next === undefined) return -1;
    if ((next & 0xc0) !== 0x80) return 0;
  }
  const second = part[at + 1]!;
  // Overlong forms, surrogates, and code points beyond the last.
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}
