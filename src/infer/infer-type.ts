/**
 * What is known of the values of a column → the narrowest type that holds all of them without loss,
 * and why.
 *
 * values/ accepts every value that was seen for the inferred type, so all of them load. In doubt
 * the type is text: `0123` is no number, `1` and `0` are no booleans, `03/04/2024` is no date.
 * Words such as NA count as values, since a load takes them as values; the type without them is
 * reported as well.
 */

import type { ColumnType } from '../model/types.js';
import { decodeBytes } from '../values/coerce.js';
import { INT4_MAX, INT4_MIN } from '../values/integer-limits.js';
import {
  type ColumnSummary,
  KIND,
  KIND_NAMES,
  type KindName,
  type Misfit,
} from './inferred-column.js';
import { MAX_SAFE_DIGITS } from './inferred-values.js';
import { findMetrics, type ProposedMetrics } from './json-shape.js';
import { findNotation } from './notations.js';

export interface ColumnInference {
  readonly type: ColumnType;
  readonly why: string;
  /** What edp.yaml declares of the column, so that values in another notation are of that type. */
  readonly corrections?: Readonly<Record<string, string | string[]>> | undefined;
  /** The type if the words in `nullTokens` stood for NULL; undefined where it is the same. */
  readonly typeWithoutTokens: ColumnType | undefined;
  /**
   * What a person should check: that there are no values, or that a few values prevent a number.
   */
  readonly doubt: string | undefined;
  /** Number of fields that have a value, words for NULL not counted. */
  readonly values: number;
  /** Number of unquoted empty fields. */
  readonly nulls: number;
  /** Number of quoted empty fields; they are NULL as well, unless the type is text. */
  readonly emptyStrings: number;
  /** Words that may stand for NULL, each with its count. */
  readonly nullTokens: Readonly<Record<string, number>>;
  /** The metrics in the objects of the column: names with whole numbers. */
  readonly metrics: ProposedMetrics | undefined;
}

const KIND_WORDS: Readonly<Record<KindName, string>> = {
  whole: 'whole number',
  number: 'number',
  boolean: 'true or false',
  letter: 't or f',
  time: 'date or time as ISO 8601 has them',
  uuid: 'uuid',
  json: 'JSON object or list',
};

interface Decision {
  readonly type: ColumnType;
  readonly why: string;
  readonly corrections?: ColumnInference['corrections'];
  /** Whether a person has to say how the values are read. */
  readonly isAmbiguous?: boolean;
}

export function inferType(summary: ColumnSummary): ColumnInference {
  const { values, nulls, emptyStrings, nullTokens } = summary;
  const pure = decide(summary);
  const { type, why, corrections, ...rest } = withTokens(summary, pure);
  const tokens = { type, why, ...rest };
  return {
    type,
    why,
    ...(corrections === undefined ? {} : { corrections }),
    typeWithoutTokens: tokens.type === 'text' && pure.type !== 'text' ? pure.type : undefined,
    doubt: findDoubt(summary, tokens, pure),
    values,
    nulls,
    emptyStrings,
    nullTokens,
    metrics: tokens.type === 'jsonb' ? findMetrics(summary.shape) : undefined,
  };
}

/** Share of the values that must be of a kind for the exception to be reported. */
const MOST = 0.9;
const MIN_ALIKE = 10;

function findDoubt(summary: ColumnSummary, tokens: Decision, pure: Decision): string | undefined {
  if (summary.values === 0) return pure.why;
  if (tokens.type !== 'text') return undefined;
  if (pure.isAmbiguous === true) return pure.why;
  if (pure.type !== 'text') return `${listTokens(summary)}; else ${declare(pure, summary)}`;
  const longest = findLongest(summary);
  const isSurprising =
    longest !== undefined &&
    longest.misfit.after >= MIN_ALIKE &&
    longest.misfit.after >= summary.values * MOST;
  return isSurprising ? pure.why : undefined;
}

/** What makes a column of the type, with its words for NULL: as edp.yaml has it. */
function declare({ type, corrections = {} }: Decision, { nullTokens }: ColumnSummary): string {
  const quote = (text: string) =>
    /^[a-z]+$/i.test(text) && !/^null$/i.test(text) ? text : JSON.stringify(text);
  const list = (texts: string | string[]) =>
    typeof texts === 'string' ? quote(texts) : `[${texts.map(quote).join(', ')}]`;
  const parts = Object.entries({ type, nulls: Object.keys(nullTokens), ...corrections });
  return `{ ${parts.map(([name, value]) => `${name}: ${list(value)}`).join(', ')} }`;
}

function listTokens({ nullTokens }: ColumnSummary): string {
  return Object.entries(nullTokens)
    .map(([word, count]) => `${count} × ${word}`)
    .join(', ');
}

/** Whether a word for NULL is a valid value of a type. */
function takesToken(type: ColumnType, word: string): boolean {
  if (type === 'double' || type === 'numeric') return /^nan$/i.test(word);
  if (type === 'jsonb' || type === 'json') return word === 'null';
  return type === 'text';
}

function withTokens(summary: ColumnSummary, pure: Decision): Decision {
  const words = Object.keys(summary.nullTokens);
  if (words.length === 0 || pure.type === 'text') return pure;
  const list = listTokens(summary);
  // A column of whole numbers with NaN is a column of numbers.
  const isInteger = pure.type === 'int' || pure.type === 'bigint';
  const type = !isInteger ? pure.type : summary.hasLongWhole ? 'numeric' : 'double';
  if (pure.corrections === undefined && words.every((word) => takesToken(type, word))) {
    return { type, why: `${pure.why}, and ${list}` };
  }
  return { type: 'text', why: `${list}; ${pure.type} without: ${pure.why}` };
}

function decide(summary: ColumnSummary): Decision {
  const { values: count, kinds } = summary;
  if (count === 0) {
    const isEmpty = Object.keys(summary.nullTokens).length === 0;
    return { type: 'text', why: isEmpty ? 'no values' : 'only words that may stand for NULL' };
  }
  const all = count === 1 ? 'the one value is' : `all ${count} values are`;
  const some = (one: string, many: string) => `${all} ${count === 1 ? one : many}`;
  if ((kinds & KIND.boolean) !== 0) return { type: 'boolean', why: `${all} true or false` };
  if ((kinds & KIND.letter) !== 0 && summary.booleans === 3) {
    return { type: 'boolean', why: `${all} t or f, as PostgreSQL writes booleans` };
  }
  if ((kinds & KIND.whole) !== 0) return decideWhole(summary, some);
  if ((kinds & KIND.number) !== 0) return decideNumber(summary, some);
  if ((kinds & KIND.time) !== 0) return decideTime(summary, some);
  if ((kinds & KIND.uuid) !== 0) return { type: 'uuid', why: some('a uuid', 'uuids') };
  if ((kinds & KIND.json) !== 0) {
    const why = some('a JSON object or list', 'JSON objects or lists');
    return summary.shape.hasRepeatedKey
      ? { type: 'json', why: `${why}; some have a key twice, of which jsonb would keep one` }
      : { type: 'jsonb', why };
  }
  return decideNotation(summary, some) ?? { type: 'text', why: explainText(summary) };
}

/** Values that are plain in no way may be numbers or dates in the notation of a country. */
function decideNotation(summary: ColumnSummary, some: Some): Decision | undefined {
  if (summary.kinds !== 0 || summary.hasPower) return undefined;
  const { minimum, maximum, hasLongWhole } = summary;
  const largest = Math.max(Math.abs(minimum), Math.abs(maximum));
  const wholeDigits = Number.isFinite(largest) ? String(largest).length : 0;
  const notation = findNotation(
    summary.notations,
    hasLongWhole ? Number.POSITIVE_INFINITY : wholeDigits,
  );
  if (notation === undefined) return undefined;
  if (typeof notation === 'string') return { type: 'text', why: notation, isAmbiguous: true };
  const isTime = notation.type === 'date' || notation.type === 'timestamp';
  const declared = Object.entries(notation.corrections)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ');
  const what = isTime ? some('a date or time', 'dates or times') : some('a number', 'numbers');
  return { ...notation, why: `${what}, with ${declared}` };
}

type Some = (one: string, many: string) => string;

function decideWhole(summary: ColumnSummary, some: Some): Decision {
  const { minimum, maximum, hasLongWhole, isBeyondBigint } = summary;
  const whole = some('a whole number', 'whole numbers');
  if (isBeyondBigint) return { type: 'numeric', why: `${whole}, some too large for bigint` };
  if (hasLongWhole) {
    return { type: 'bigint', why: `${whole}, some of more than ${MAX_SAFE_DIGITS} digits` };
  }
  const range = minimum === maximum ? `${minimum}` : `from ${minimum} to ${maximum}`;
  const isInt = minimum >= INT4_MIN && maximum <= INT4_MAX;
  return { type: isInt ? 'int' : 'bigint', why: `${whole}, ${range}` };
}

function decideNumber(summary: ColumnSummary, some: Some): Decision {
  const { minimum, maximum, hasPower, isPowerSure, isExactAsDouble, hasLongWhole } = summary;
  const numbers = some('a number', 'numbers');
  const largest = Math.max(Math.abs(minimum), Math.abs(maximum));
  const wholeDigits = Number.isFinite(largest) ? String(largest).length : 0;
  const digits = Math.max(summary.digits, wholeDigits);
  const upTo = `of up to ${digits} digits`;
  if (!hasPower) return { type: 'numeric', why: `${numbers} ${upTo}, all of which are kept` };
  if (!isPowerSure) {
    const why = `${numbers}, but some like 12e3, which may be codes: for numbers, declare type numeric`;
    return { type: 'text', why, isAmbiguous: true };
  }
  if (isExactAsDouble && !hasLongWhole) {
    return { type: 'double', why: `${numbers} ${upTo}, some with an exponent` };
  }
  return { type: 'numeric', why: `${numbers} ${upTo}, more than a double keeps` };
}

function decideTime({ dates, zoned, zoneless }: ColumnSummary, some: Some): Decision {
  if (zoned === 0 && zoneless === 0) return { type: 'date', why: some('a date', 'dates') };
  if (zoned === 0) {
    const apart = dates === 0 ? '' : `, ${dates} of them a date alone`;
    return { type: 'timestamp', why: `${some('a time', 'times')} without a zone${apart}` };
  }
  if (zoneless === 0 && dates === 0) {
    return { type: 'timestamptz', why: `${some('a time', 'times')} with a zone` };
  }
  return { type: 'text', why: 'times, of which some have a zone and some have none' };
}

const MAX_SHOWN = 40;

/** Finds the kind that most values fit before the first exception, and that exception. */
function findLongest({
  misfits,
}: ColumnSummary): { readonly misfit: Misfit; readonly kind: KindName } | undefined {
  let longest: { misfit: Misfit; kind: KindName } | undefined;
  for (const kind of KIND_NAMES) {
    const misfit = misfits[kind];
    if (misfit !== undefined && misfit.after > (longest?.misfit.after ?? 0)) {
      longest = { misfit, kind };
    }
  }
  return longest;
}

function explainText(summary: ColumnSummary): string {
  const { booleans, kinds } = summary;
  if ((kinds & KIND.letter) !== 0) {
    return `only ${booleans === 1 ? 't' : 'f'}, which may be an ordinary letter`;
  }
  const longest = findLongest(summary);
  if (longest === undefined) return 'the values are text';
  const { value, after, line, file } = longest.misfit;
  const text = decodeBytes(value);
  const shown = JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
  // In a piece of a sample, the lines are not known.
  const lineWord = Number.isNaN(line) ? '' : `line ${line}`;
  const where = [file, lineWord].filter(Boolean).join(', ');
  const place = where === '' ? '' : ` (${where})`;
  const before = after === 1 ? 'as is the value before it' : `as are the ${after} values before it`;
  return `${shown}${place} is no ${KIND_WORDS[longest.kind]}, ${before}`;
}
