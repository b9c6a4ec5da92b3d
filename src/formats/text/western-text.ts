/** Bytes above ASCII → whether they make sense as text of western Europe in a one-byte encoding. */
import type { Encoding } from '../../model/encodings.js';
import { toText } from './transcode.js';

const UPPER = new Set('ÀÁÂÄÅÆÇÈÉÊËÌÍÎÏÑÓÔÕÖØÙÚÛÜŠŒŽŸ');
/** Of those: what begins a word, or is in a word of capitals; in Mac Roman, they are ä, é, ü. */
const RARE_UPPER = new Set('ŠŒŽŸ');
const LOWER = new Set('ßàáâãäåæçèéêëìíîïñòóôõöøùúûüšœž');
const SIGNS = new Set('€‚„…‘’“”•–—™\u00a0¡£§©ª«®°±²³´µ·¹º»¼½¾¿×‹›¢¥');
/** Of those signs: what stands between two letters in text, or between two fields. */
const WITHIN_WORDS = new Set('‘’…–—·•\u00a0´×§');
/** No language writes as many letters with accents one behind the other. */
const MAX_RUN = 2;

export interface Plausibility {
  /** Bytes above ASCII. */
  readonly bytes: number;
  /** Of those: letters and signs beside a letter or a digit, as text has them. */
  readonly supporting: number;
  /** Of those: what no text has. */
  readonly implausible: number;
}

/** @param parts text in an encoding with one byte for each character */
export function judgeWestern(parts: readonly Buffer[], encoding: Encoding): Plausibility {
  const table = Array.from({ length: 256 }, (_, byte) =>
    toText(String.fromCharCode(byte), encoding),
  );
  let [bytes, supporting, implausible] = [0, 0, 0];
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      if (part[at]! < 0x80) continue;
      bytes++;
      const before = at === 0 ? '' : table[part[at - 1]!]!;
      const after = at + 1 === part.length ? '' : table[part[at + 1]!]!;
      if (!isPlausible(table[part[at]!]!, before, after) || measureRun(part, at, table) > MAX_RUN) {
        implausible++;
      } else if (/[\dA-Za-z]/.test(before + after)) {
        supporting++;
      }
    }
  }
  return { bytes, supporting, implausible };
}

function isPlausible(character: string, before: string, after: string): boolean {
  if (RARE_UPPER.has(character) && isLetter(before) && isLower(after)) return false;
  if (UPPER.has(character)) return !isLower(before);
  if (LOWER.has(character)) return true;
  const isWithin = isLetter(before) && isLetter(after);
  return SIGNS.has(character) && (!isWithin || WITHIN_WORDS.has(character));
}

/** Length of the run of letters above ASCII that a byte stands in. */
function measureRun(part: Buffer, at: number, table: readonly string[]): number {
  const isInRun = (i: number) => {
    const character = table[part[i] ?? 0]!;
    return UPPER.has(character) || LOWER.has(character);
  };
  if (!isInRun(at)) return 0;
  let [from, to] = [at, at];
  while (isInRun(from - 1) && at - from <= MAX_RUN) from--;
  while (isInRun(to + 1) && to - at <= MAX_RUN) to++;
  return to - from + 1;
}

function isLower(character: string): boolean {
  return /^[a-z]$/.test(character) || LOWER.has(character);
}

function isLetter(character: string): boolean {
  return /^[A-Za-z]$/.test(character) || UPPER.has(character) || LOWER.has(character);
}
