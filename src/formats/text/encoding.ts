/** Bytes → their likely encoding. */
import { isAscii } from 'node:buffer';
import type { Encoding } from '../../model/encodings.js';
import { guessScript } from './other-scripts.js';
import { judgeWestern } from './western-text.js';

export interface EncodingGuess {
  readonly encoding: Encoding;
  /** Bytes of the byte order mark at the start. */
  readonly markBytes: number;
  readonly why: string;
  /** Whether the sample has bytes that are not UTF-8. */
  readonly hasInvalid?: boolean;
  /** Whether other encodings are possible. */
  readonly isGuess?: boolean;
}

const MARKS: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
  ['gb18030', [0x84, 0x31, 0x95, 0x33]],
];

/** Shares of zero bytes on either side of the byte pairs, for UTF-16 without a mark. */
const MIN_ZERO_SHARE = 0.3;
const MAX_STRAY_ZERO_SHARE = 0.02;
const UTF16_PROBE_BYTES = 4096;

/**
 * @param parts the head of the file, and pieces from behind it
 * @param isWhole whether the head is all of it, so that no character is cut
 */
export function guessEncoding(parts: readonly Buffer[], isWhole = false): EncodingGuess {
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
  const counts = countHighBytes(parts, isWhole);
  if (counts.invalid === 0) {
    return { encoding: 'utf-8', markBytes: 0, why: 'all bytes above ASCII are valid UTF-8' };
  }
  // A few stray bytes in UTF-8 are damage; text that is never UTF-8 has another encoding.
  const isHardlyUtf8 = counts.valid * MIN_TIMES_INVALID < counts.invalid;
  const guess = isHardlyUtf8 ? (guessWestern(parts, counts) ?? guessScript(parts)) : undefined;
  if (guess !== undefined) return { ...guess, markBytes: 0, hasInvalid: true, isGuess: true };
  return {
    encoding: 'utf-8',
    markBytes: 0,
    hasInvalid: true,
    isGuess: isHardlyUtf8,
    why: `${counts.valid} characters above ASCII are valid UTF-8, ${counts.invalid} bytes are not`,
  };
}

/** Bytes that are not UTF-8 for each character that is, in text of which some looks so by chance. */
const MIN_TIMES_INVALID = 4;

/** Share of bytes that may make no sense: those of damaged text. */
const MAX_IMPLAUSIBLE_SHARE = 0.02;
/** A byte by itself may as well be damage. */
const MIN_MAC_BYTES = 2;

function guessWestern(
  parts: readonly Buffer[],
  { valid }: HighBytes,
): Pick<EncodingGuess, 'encoding' | 'why'> | undefined {
  const makesSense = (encoding: Encoding, least: number) => {
    const { bytes, supporting, implausible } = judgeWestern(parts, encoding);
    return supporting >= least && implausible <= bytes * MAX_IMPLAUSIBLE_SHARE;
  };
  if (valid === 0 && makesSense('windows-1252', 1)) {
    const why =
      'no byte above ASCII is UTF-8, and as Windows-1252 they are letters and signs of text';
    return { encoding: 'windows-1252', why };
  }
  if (makesSense('mac-roman', MIN_MAC_BYTES)) {
    const why = 'its bytes above ASCII are text in Mac Roman, and not in Windows-1252';
    return { encoding: 'mac-roman', why };
  }
  return undefined;
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

interface HighBytes {
  /** Sequences of valid UTF-8. */
  valid: number;
  /** Bytes that are not UTF-8. */
  invalid: number;
}

function countHighBytes(parts: readonly Buffer[], isWhole: boolean): HighBytes {
  const counts: HighBytes = { valid: 0, invalid: 0 };
  for (const [index, part] of parts.entries()) {
    // A piece may begin in the middle of a character; every part may end in one.
    let at = 0;
    if (index > 0) while (at < 3 && at < part.length && (part[at]! & 0xc0) === 0x80) at++;
    while (at < part.length) {
      const length = part[at]! < 0x80 ? 1 : measureUtf8(part, at);
      if (length < 0 && !isWhole) break;
      if (length <= 0) counts.invalid++;
      else if (length > 1) counts.valid++;
      at += Math.max(1, length);
    }
  }
  return counts;
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
