/**
 * Where a damaged record ends whose quotes cannot be right.
 *
 * A record that spans lines and has a fault may be two things: one record over several lines with a
 * fault in it, or a record of one line with a stray quote, behind which the quoted field took in
 * records that are none of its own. The bytes do not say which. So the readings are held against each
 * other: the record as it was read, and the same record ended at each of its first line ends, with
 * what follows read anew from there. Every record at fault speaks against a reading, as does every line
 * that it swallows though it would be a record by itself. The cheapest reading is taken; of equals the
 * one that loses the fewest lines.
 *
 * It depends on nothing but the bytes from the record's start on, up to a fixed distance behind it: not on
 * where windows or splits were cut.
 */

import { measureLineEnd } from '../../text/line-end.js';
import { type Dialect, fitsFieldCount } from '../dialect.js';

/** What a reading costs, beside one for each record at fault. */
const SWALLOWED_RECORD = 0.5;
/** A line that is at fault, but has as many delimiters as a record. */
const SWALLOWED_LOOKALIKE = 0.3;
/** The quote that cannot close a field stands where one opens: so the one before it was astray. */
const QUOTE_LOOKS_OPENING = 1;
/** A quoted field that is never closed. */
const NEVER_CLOSED = 1;

/** Line ends at which the record may end. */
const MAX_INTERPRETATIONS = 16;
/** Records looked at behind each. */
const MAX_EXAMINED = 64;
/** A longer one counts as one at fault, so that looking costs little even where every quote is wrong. */
export const EXAMINED_BYTES = 32 * 1024;
/** A reading with more faults than this is out. */
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
  /** Where it ends, as it was read; or where the bytes end, if it does not. */
  readonly contentEnd: number;
  /** End of the bytes that are there. */
  readonly end: number;
  /** Whether there are no more. */
  readonly isLast: boolean;
  /** Whether it ends inside quotes. */
  readonly isOpen: boolean;
  /** First line end inside quotes. */
  readonly firstLineEnd: number;
  /** First quote that cannot be one, or -1. */
  readonly badQuote: number;
  /** Start of its last quoted field, and the fields before it. */
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

/** @returns undefined where more bytes are needed to tell */
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
    // Of equals, the one that ends the record first; but any rather than the record as it was read.
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
 * The records that start from `from` on and not behind the end of the suspect one, until there are more
 * at fault than `maxFaults`.
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
    // Whatever it is, it costs one line, and what follows is looked at for itself.
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
 * Whether the record's first line has as many fields as a record, if its last quote were none. In the
 * last field a text of several lines looks so, too.
 */
function looksLikeRecord(dialect: Dialect, record: SuspectRecord): boolean {
  const { bytes, firstLineEnd, openedAt, fieldsBeforeOpened } = record;
  if (openedAt > firstLineEnd || fieldsBeforeOpened + 1 === dialect.fieldCount) return false;
  const behindIt = countDelimiters(dialect, bytes, openedAt, firstLineEnd);
  return fitsFieldCount(fieldsBeforeOpened + 1 + behindIt, dialect);
}

/** Whether a delimiter or line end stands before the quote that cannot be a closing one. */
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
