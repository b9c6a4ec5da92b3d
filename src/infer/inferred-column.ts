/**
 * The values of a column, one by one → a summary, from which a type is inferred (infer-type.ts).
 * The summaries of stretches of a file can be merged, so that several workers can read a file.
 *
 * How it works: at first a column may be of every kind; a value that is not of a kind excludes that
 * kind. As long as values are like those before them, only the check for one kind is run; where
 * only text is left, values are only counted.
 */
import { Fault } from '../model/reject-codes.js';
import { coerceDouble, coerceJson, coerceNumeric } from '../values/coerce.js';
import { INT8_MAX, INT8_MIN, MAX_INT8_DIGITS } from '../values/integer-limits.js';
import {
  DATE_ONLY,
  found,
  isDecimal,
  isUuid,
  isWhole,
  MAX_SAFE_DIGITS,
  NO_TIME,
  readBooleanLetter,
  readBooleanWord,
  readTime,
  readWhole,
  WITH_ZONE,
} from './inferred-values.js';
import { JSON_NO, JSON_UNCLEAR, JSON_YES, repeatsKey, scanJson } from './json-scan.js';
import { JsonShape, mergeShapes, type ShapeData } from './json-shape.js';
import {
  addDecimal,
  addNotation,
  emptyNotations,
  mergeNotations,
  type NotationSummary,
  POINT_GROUPS,
} from './notations.js';

/** The kinds of values; each is a bit. */
export const KIND = {
  whole: 1,
  number: 2,
  boolean: 4,
  /** `t` and `f`. */
  letter: 8,
  /** Date or time. */
  time: 16,
  uuid: 32,
  json: 64,
} as const;

export type KindName = keyof typeof KIND;

export const KIND_NAMES = Object.keys(KIND) as KindName[];

const ALL_KINDS = 127;

/** Words that stand for NULL in the files of many programs. */
const NULL_WORDS = new Set([
  'NA',
  'N/A',
  'n/a',
  '#N/A',
  'NULL',
  'null',
  'Null',
  '\\N',
  'NaN',
  'nan',
  'None',
  'none',
  'nil',
  '-',
  '--',
  '?',
  '.',
]);
const MAX_WORD_BYTES = 4;
const STARTS_NULL_WORD = new Uint8Array(256);
for (const word of NULL_WORDS) STARTS_NULL_WORD[word.charCodeAt(0)] = 1;

/** The first value that was not of a kind. */
export interface Misfit {
  /** A byte string, shortened. */
  readonly value: string;
  /** Number of values before it; all of them were of the kind. */
  readonly after: number;
  /** Line, counted from 0 at the start of the stretch. */
  readonly line: number;
  /** The file it is in, where there are several. */
  readonly file?: string;
}

/** Plain data, so that it can be sent to a thread. */
export interface ColumnSummary {
  /** Number of fields that have a value, words for NULL not counted. */
  values: number;
  /** Number of unquoted empty fields. */
  nulls: number;
  /** Number of quoted empty fields. */
  emptyStrings: number;
  /** Words that may stand for NULL, each with its count. */
  nullTokens: Record<string, number>;
  /** Kinds that every value is of. */
  kinds: number;
  misfits: Partial<Record<KindName, Misfit>>;
  /** Of the whole numbers that are exact as doubles. */
  minimum: number;
  maximum: number;
  /**
   * Whether a whole number has too many digits for a double; whether one is too large for bigint.
   */
  hasLongWhole: boolean;
  isBeyondBigint: boolean;
  /** Most significant digits of a number. */
  digits: number;
  hasDecimals: boolean;
  hasPower: boolean;
  isPowerSure: boolean;
  /** Whether a double preserves the digits of each number. */
  isExactAsDouble: boolean;
  /** Booleans seen: 1 for true, 2 for false, 3 for both. */
  booleans: number;
  dates: number;
  zoned: number;
  zoneless: number;
  shape: ShapeData;
  /** Of the values that are not plain, or may not be. */
  notations: NotationSummary;
}

export function emptySummary(): ColumnSummary {
  return {
    values: 0,
    nulls: 0,
    emptyStrings: 0,
    nullTokens: {},
    kinds: ALL_KINDS,
    misfits: {},
    minimum: Number.POSITIVE_INFINITY,
    maximum: Number.NEGATIVE_INFINITY,
    hasLongWhole: false,
    isBeyondBigint: false,
    digits: 0,
    hasDecimals: false,
    hasPower: false,
    isPowerSure: false,
    isExactAsDouble: true,
    booleans: 0,
    dates: 0,
    zoned: 0,
    zoneless: 0,
    shape: { mayBeMetrics: true, hasRepeatedKey: false, keys: [] },
    notations: emptyNotations(),
  };
}

/** Adds the summary of the next stretch. @param line number of lines that `into` covers */
export function mergeSummaries(
  into: ColumnSummary,
  behind: ColumnSummary,
  line: number,
  file?: string,
): void {
  for (const name of KIND_NAMES) {
    const misfit = behind.misfits[name];
    if (misfit === undefined || (into.kinds & KIND[name]) === 0) continue;
    into.misfits[name] = {
      value: misfit.value,
      after: misfit.after + into.values,
      line: misfit.line + line,
      ...(file === undefined ? {} : { file }),
    };
  }
  into.values += behind.values;
  into.nulls += behind.nulls;
  into.emptyStrings += behind.emptyStrings;
  for (const [word, count] of Object.entries(behind.nullTokens)) {
    into.nullTokens[word] = (into.nullTokens[word] ?? 0) + count;
  }
  into.kinds &= behind.kinds;
  into.minimum = Math.min(into.minimum, behind.minimum);
  into.maximum = Math.max(into.maximum, behind.maximum);
  into.hasLongWhole ||= behind.hasLongWhole;
  into.isBeyondBigint ||= behind.isBeyondBigint;
  into.digits = Math.max(into.digits, behind.digits);
  into.hasDecimals ||= behind.hasDecimals;
  into.hasPower ||= behind.hasPower;
  into.isPowerSure ||= behind.isPowerSure;
  into.isExactAsDouble &&= behind.isExactAsDouble;
  into.booleans |= behind.booleans;
  into.dates += behind.dates;
  into.zoned += behind.zoned;
  into.zoneless += behind.zoneless;
  mergeShapes(into.shape, behind.shape);
  mergeNotations(into.notations, behind.notations);
}

/** Bytes that are kept of a value to be shown. */
const MAX_SHOWN_BYTES = 200;
/** Longer numbers are checked against the limits of the server. */
const MAX_PLAIN_NUMBER = 300;
/** A double preserves every decimal of this many digits, unless its exponent is extreme. */
const MAX_EXACT_DIGITS = 15;

export class ColumnReader {
  readonly summary: ColumnSummary = emptySummary();
  readonly #shape = new JsonShape();
  /** The only kind that is checked first; 0 for none, -1 where only text is left. */
  #short = 0;

  constructor() {
    this.summary.shape = this.#shape.data;
  }

  addNull(): void {
    this.summary.nulls++;
  }

  addNulls(count: number): void {
    this.summary.nulls += count;
  }

  addEmptyString(): void {
    this.summary.emptyStrings++;
  }

  /** @param text byte string; `null` is an unquoted empty field */
  addText(text: string | null, line: number): void {
    if (text === null) this.addNull();
    else if (text === '') this.addEmptyString();
    else this.add(Buffer.from(text, 'latin1'), 0, text.length, line);
  }

  /** Adds a value that is not empty. @param line lines from the start of the stretch */
  add(bytes: Buffer, from: number, to: number, line: number): void {
    const { summary } = this;
    switch (this.#short) {
      case -1:
        if (to - from <= MAX_WORD_BYTES && STARTS_NULL_WORD[bytes[from]!] === 1) break;
        summary.values++;
        return;
      case KIND.whole:
        if (!readWhole(bytes, from, to)) break;
        summary.values++;
        if (found.whole < summary.minimum) summary.minimum = found.whole;
        if (found.whole > summary.maximum) summary.maximum = found.whole;
        return;
      case KIND.number:
        if (to - from > MAX_SAFE_DIGITS || !isDecimal(bytes, from, to) || found.hasPower) break;
        summary.values++;
        if (found.digits > summary.digits) summary.digits = found.digits;
        if ((summary.notations.possible & POINT_GROUPS) !== 0) {
          addDecimal(summary.notations, bytes, from, to);
        }
        return;
      case KIND.time: {
        const time = readTime(bytes, from, to);
        if (time === NO_TIME) break;
        summary.values++;
        this.#countTime(time);
        return;
      }
      case KIND.uuid:
        if (!isUuid(bytes, from, to)) break;
        summary.values++;
        return;
      case KIND.json:
        if (scanJson(bytes, from, to, this.#shape) !== JSON_YES) break;
        summary.values++;
        return;
    }
    this.#addSlowly(bytes, from, to, line);
  }

  #countTime(time: number): void {
    if (time === DATE_ONLY) this.summary.dates++;
    else if (time === WITH_ZONE) this.summary.zoned++;
    else this.summary.zoneless++;
  }

  #addSlowly(bytes: Buffer, from: number, to: number, line: number): void {
    const { summary } = this;
    if (to - from <= MAX_WORD_BYTES && STARTS_NULL_WORD[bytes[from]!] === 1) {
      const word = bytes.toString('latin1', from, to);
      if (NULL_WORDS.has(word)) {
        summary.nullTokens[word] = (summary.nullTokens[word] ?? 0) + 1;
        return;
      }
    }
    for (const name of KIND_NAMES) {
      const kind = KIND[name];
      if ((summary.kinds & kind) === 0 || this.#fits(kind, bytes, from, to)) continue;
      summary.kinds &= ~kind;
      summary.misfits[name] = {
        value: bytes.toString('latin1', from, Math.min(to, from + MAX_SHOWN_BYTES)),
        after: summary.values,
        line,
      };
    }
    summary.values++;
    if (summary.notations.possible !== 0) {
      addNotation(summary.notations, bytes.toString('latin1', from, to));
    }
    this.#short = chooseShort(summary.kinds, summary.notations.possible !== 0);
  }

  /** Whether a value is of a kind; if so, its properties are added to the summary. */
  #fits(kind: number, bytes: Buffer, from: number, to: number): boolean {
    const { summary } = this;
    switch (kind) {
      case KIND.whole:
        return this.#fitsWhole(bytes, from, to);
      case KIND.number:
        return this.#fitsNumber(bytes, from, to);
      case KIND.boolean: {
        const word = readBooleanWord(bytes, from, to);
        summary.booleans |= word;
        return word !== 0;
      }
      case KIND.letter: {
        const letter = readBooleanLetter(bytes, from, to);
        summary.booleans |= letter;
        return letter !== 0;
      }
      case KIND.time: {
        const time = readTime(bytes, from, to);
        if (time !== NO_TIME) this.#countTime(time);
        return time !== NO_TIME;
      }
      case KIND.uuid:
        return isUuid(bytes, from, to);
      default: {
        const answer = scanJson(bytes, from, to, this.#shape);
        if (answer !== JSON_UNCLEAR) return answer !== JSON_NO;
        this.#shape.ruleOut();
        const text = bytes.toString('latin1', from, to);
        if (coerceJson(text, true) instanceof Fault) return false;
        if (!summary.shape.hasRepeatedKey && repeatsKey(text)) this.#shape.noteRepeatedKey();
        return true;
      }
    }
  }

  #fitsWhole(bytes: Buffer, from: number, to: number): boolean {
    const { summary } = this;
    if (readWhole(bytes, from, to)) {
      if (found.whole < summary.minimum) summary.minimum = found.whole;
      if (found.whole > summary.maximum) summary.maximum = found.whole;
      return true;
    }
    if (!isWhole(bytes, from, to)) return false;
    if (to - from > MAX_PLAIN_NUMBER) {
      if (coerceNumeric(bytes.toString('latin1', from, to)) instanceof Fault) return false;
    }
    summary.hasLongWhole = true;
    if (summary.isBeyondBigint) return true;
    const text = bytes.toString('latin1', from, Math.min(to, from + MAX_INT8_DIGITS + 2));
    const digits = text.startsWith('-') ? text.length - 1 : text.length;
    const value = digits > MAX_INT8_DIGITS ? INT8_MAX + 1n : BigInt(text);
    summary.isBeyondBigint = value < INT8_MIN || value > INT8_MAX;
    return true;
  }

  #fitsNumber(bytes: Buffer, from: number, to: number): boolean {
    const { summary } = this;
    if (!isDecimal(bytes, from, to)) return false;
    const { digits, hasPower, isPowerSure } = found;
    if (hasPower || to - from > MAX_PLAIN_NUMBER) {
      if (coerceNumeric(bytes.toString('latin1', from, to)) instanceof Fault) return false;
    }
    summary.hasPower ||= hasPower;
    summary.isPowerSure ||= isPowerSure;
    if (!isWhole(bytes, from, to)) summary.hasDecimals = true;
    if (digits > summary.digits) summary.digits = digits;
    if (summary.isExactAsDouble && (hasPower || digits > MAX_EXACT_DIGITS)) {
      summary.isExactAsDouble = isExactAsDouble(bytes.toString('latin1', from, to));
    }
    return true;
  }
}

function chooseShort(kinds: number, mayHaveNotation: boolean): number {
  if (kinds === 0) return mayHaveNotation ? 0 : -1;
  for (const kind of [KIND.whole, KIND.number, KIND.time, KIND.uuid, KIND.json]) {
    // Where a value may be of several kinds, each of them has to be checked.
    if ((kinds & kind) !== 0) {
      return kind === KIND.whole || kinds === kind ? kind : 0;
    }
  }
  return 0;
}

/** Whether the shortest text of the double nearest to a number has the digits of the number. */
function isExactAsDouble(text: string): boolean {
  const value = coerceDouble(text);
  if (value instanceof Fault || !Number.isFinite(value)) return false;
  return normalize(text) === normalize(value.toExponential());
}

/** @returns the digits without zeros at either end, and the power of ten of the last digit */
function normalize(text: string): string {
  const match = /^(-?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text)!;
  const [, sign, whole = '', fraction = '', power = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign}${kept}e${Number(power) - fraction.length + digits.length - kept.length}`;
}
