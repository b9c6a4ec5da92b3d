/**
 * Decides where a damaged record ends whose quotes cannot be right.
 *
 * A record that spans lines and has a fault may be two things: one record of several lines with a
 * fault in it, or a record of one line with a stray quote, behind which the quoted field took in
 * other records. The bytes do not show which. So interpretations are compared: the record as it was
 * read, and the same record ended at each of its first line ends, with the following lines read
 * from there. Every faulty record counts against an interpretation, and so does every line that it
 * swallows though the line would be a record by itself. The cheapest interpretation is taken; of
 * equals, the one that loses the fewest lines.
 *
 * The decision depends only on the bytes from the start of the record up to a fixed distance behind
 * it, not on where windows or splits were cut.
 */

import { measureLineEnd } from '../../text/line-end.js';
import { type Dialect, fitsFieldCount } from '../dialect.js';

/** Costs of an interpretation, besides 1 for each faulty record. For a record that is swallowed: */
const SWALLOWED_RECORD = 0.5;
/** For a swallowed line that is faulty, but has as many delimiters as a record. */
const SWALLOWED_LOOKALIKE = 0.3;
/**
 * For a quote that cannot close a field, but stands where one opens: the quote before it is stray.
 */
const QUOTE_LOOKS_OPENING = 1;
/** For a quoted field that is never closed. */
const NEVER_CLOSED = 1;

/** Number of line ends that are tried as the end of the record. */
const MAX_INTERPRETATIONS = 16;
/** Number of records that are read behind each of them. */
const MAX_EXAMINED = 64;
/** A longer record counts as faulty, so that reading costs little even if every quote is wrong. */
export const EXAMINED_BYTES = 32 * 1024;
/** An interpretation with more faults is not considered. */
const MAX_FAULTS = 12;

/** A record scanner that reads single records. */
export interface Examiner {
  examine(bytes: Buffer, from: number, end: number, isLast: boolean): number;
  readonly examined: {
    readonly isComment: boolean;
    readonly isOpen: boolean;
    readonly isWhole: boolean;
    readonly lineEndBytes: number;
  };
}

export interface SuspectRecord {
  readonly bytes: Buffer;
  readonly start: number;
  /** Its end as it was read; the end of the bytes if it does not end. */
  readonly contentEnd: number;
  /** End of the available bytes. */
  readonly end: number;
  /** Whether the file ends there. */
  readonly isLast: boolean;
  /** Whether the record ends inside quotes. */
  readonly isOpen: boolean;
  /** First line end inside quotes. */
  readonly firstLineEnd: number;
  /** First quote that cannot close a field, or -1. */
  readonly badQuote: number;
  /** Start of its last quoted field, and the number of fields before it. */
  readonly openedAt: number;
  readonly fieldsBeforeOpened: number;
}

export interface Interpretation {
  /** Where the record ends, without its line end. */
  readonly end: number;
  readonly lineEndBytes: number;
  /** Whether records without fault follow. */
  readonly isFollowed: boolean;
}

interface Line {
  readonly start: number;
  readonly kind: 'record' | 'lookalike' | 'other';
}

/** @returns undefined where more bytes are needed to decide */
export function chooseInterpretation(
  dialect: Dialect,
  record: SuspectRecord,
  examiner: Examiner,
): Interpretation | undefined {
  const { bytes, contentEnd, firstLineEnd } = record;
  const second = behind(dialect, record, firstLineEnd);
  const first = readFrom(dialect, record, examiner, second, MAX_FAULTS);
  if (first === undefined) return undefined;
  const cut = toInterpretation(dialect, record, firstLineEnd, first);
  const cutCost = 1 + countFaults(first);
  if (cutCost === 1) return cut;

  const asReadCost =
    1 +
    costOfSwallowing(first, contentEnd + 1) +
    (looksLikeRecord(dialect, record) ? SWALLOWED_LOOKALIKE : 0) +
    (looksOpening(dialect, record) ? QUOTE_LOOKS_OPENING : 0) +
    (record.isOpen ? NEVER_CLOSED : 0);
  const asRead: Interpretation = { end: contentEnd, lineEndBytes: 0, isFollowed: false };
  let [best, bestCost] = cutCost <= asReadCost ? [cut, cutCost] : [asRead, asReadCost];
  let lineEnd = firstLineEnd;
  for (let i = 1; i < MAX_INTERPRETATIONS; i++) {
    lineEnd = findLineEnd(dialect, bytes, behind(dialect, record, lineEnd), contentEnd);
    if (lineEnd < 0) break;
    const next = behind(dialect, record, lineEnd);
    const swallowed = 1 + costOfSwallowing(first, next);
    if (swallowed > bestCost) break;
    const lines = readFrom(dialect, record, examiner, next, bestCost - swallowed);
    if (lines === undefined) return undefined;
    const cost = swallowed + countFaults(lines);
    // Of equals, the one that ends the record first; but any is better than the record as it was
    // read.
    if (cost > bestCost || (cost === bestCost && best !== asRead)) continue;
    best = toInterpretation(dialect, record, lineEnd, lines);
    bestCost = cost;
  }
  return best;
}

function toInterpretation(
  dialect: Dialect,
  { bytes, end, isLast }: SuspectRecord,
  lineEnd: number,
  lines: readonly Line[],
): Interpretation {
  return {
    end: lineEnd,
    lineEndBytes: measureLineEnd(bytes, lineEnd, end, isLast, dialect.lineEnd),
    isFollowed: lines.some(({ kind }) => kind === 'record'),
  };
}

/**
 * Reads the records that start between `from` and the end of the suspect record, until more than
 * `maxFaults` of them are faulty.
 */
function readFrom(
  dialect: Dialect,
  { bytes, contentEnd, end, isLast }: SuspectRecord,
  examiner: Examiner,
  from: number,
  maxFaults: number,
): Line[] | undefined {
  const lines: Line[] = [];
  let faults = 0;
  for (let start = from; start <= contentEnd && start < end && lines.length < MAX_EXAMINED; ) {
    if (faults > maxFaults) break;
    const lookEnd = Math.min(end, start + EXAMINED_BYTES);
    const recordEnd = examiner.examine(bytes, start, lookEnd, isLast && lookEnd === end);
    if (recordEnd < 0 && lookEnd === end && !isLast) return undefined;
    const { isComment, isWhole, lineEndBytes } = examiner.examined;
    if (recordEnd >= 0 && (isComment || isWhole)) {
      const isBlank = isBlankLine(dialect, bytes, start, recordEnd);
      if (!isComment && !isBlank) lines.push({ start, kind: 'record' });
      start = recordEnd + lineEndBytes;
      if (lineEndBytes === 0) break;
      continue;
    }
    faults++;
    // A faulty record costs one line; the lines behind it are read by themselves.
    const lineEnd = findLineEnd(dialect, bytes, start, lookEnd);
    const fields = countDelimiters(dialect, bytes, start, lineEnd < 0 ? lookEnd : lineEnd) + 1;
    if (!isBlankLine(dialect, bytes, start, lineEnd < 0 ? lookEnd : lineEnd)) {
      lines.push({ start, kind: fitsFieldCount(fields, dialect) ? 'lookalike' : 'other' });
    }
    if (lineEnd < 0) break;
    start = lineEnd + measureLineEnd(bytes, lineEnd, lookEnd, true, dialect.lineEnd);
  }
  return lines;
}

function isBlankLine(dialect: Dialect, bytes: Buffer, start: number, end: number): boolean {
  if (dialect.fieldCount === 1) return false;
  return end === start || (end === start + 1 && bytes[start] === 0x0d);
}

function countFaults(lines: readonly Line[]): number {
  return lines.filter(({ kind }) => kind !== 'record').length;
}

function costOfSwallowing(lines: readonly Line[], until: number): number {
  let cost = 0;
  for (const { start, kind } of lines) {
    if (start >= until) break;
    if (kind === 'record') cost += SWALLOWED_RECORD;
    else if (kind === 'lookalike') cost += SWALLOWED_LOOKALIKE;
  }
  return cost;
}

/**
 * Whether the first line of the record would have as many fields as a record if its last quote were
 * text. A text of several lines in the last field does not count, since it looks the same.
 */
function looksLikeRecord(dialect: Dialect, record: SuspectRecord): boolean {
  const { bytes, firstLineEnd, openedAt, fieldsBeforeOpened } = record;
  if (openedAt > firstLineEnd || fieldsBeforeOpened + 1 === dialect.fieldCount) return false;
  const behindIt = countDelimiters(dialect, bytes, openedAt, firstLineEnd);
  return fitsFieldCount(fieldsBeforeOpened + 1 + behindIt, dialect);
}

/** Whether a delimiter or line end precedes the quote that cannot close a field. */
function looksOpening(dialect: Dialect, { bytes, badQuote, start }: SuspectRecord): boolean {
  if (badQuote <= start) return false;
  const { delimiter } = dialect;
  const before = bytes[badQuote - 1];
  if (before === 0x0a || before === 0x0d) return true;
  return (
    badQuote - delimiter.length >= start &&
    bytes.toString('latin1', badQuote - delimiter.length, badQuote) === delimiter
  );
}

function countDelimiters(dialect: Dialect, bytes: Buffer, from: number, to: number): number {
  const text = bytes.subarray(from, to);
  const { delimiter } = dialect;
  let count = 0;
  for (let at = text.indexOf(delimiter, 0, 'latin1'); at >= 0; count++) {
    at = text.indexOf(delimiter, at + delimiter.length, 'latin1');
  }
  return count;
}

/** @returns the first line end at or behind `from` and before `end`, or -1 */
function findLineEnd(dialect: Dialect, bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    if (measureLineEnd(bytes, at, end, true, dialect.lineEnd) > 0) return at;
  }
  return -1;
}

function behind(dialect: Dialect, { bytes, end, isLast }: SuspectRecord, lineEnd: number): number {
  return lineEnd + Math.max(1, measureLineEnd(bytes, lineEnd, end, isLast, dialect.lineEnd));
}
