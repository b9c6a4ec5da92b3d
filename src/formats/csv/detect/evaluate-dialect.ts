/**
 * Scores how well a dialect explains a sample: whether the records have the same number of fields,
 * and whether the fields look like values. The measure is that of CleverCSV (van den Burg, Nazábal
 * and Sutton, "Wrangling messy CSV files by detecting row and type patterns", 2019), simplified:
 * consistency times type score. If one of them is near zero, the other cannot compensate.
 */

import { Fault } from '../../../model/reject-codes.js';
import { DAMAGE_NONE, RecordBatch } from '../../text/record-batch.js';
import type { SampleParts } from '../../text/sample.js';
import type { Dialect } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { type FieldTexts, readFields } from '../scan/read-fields.js';
import type { Candidate } from './candidates.js';
import { type CellKind, isTyped, kindOf, likeness } from './cells.js';

/** Number of records that are evaluated, of the head and of each piece. */
interface RecordLimits {
  readonly head: number;
  readonly piece: number;
}

const FULL: RecordLimits = { head: 300, piece: 60 };
/** Enough to see that a file is as expected. */
export const BRIEF: RecordLimits = { head: 40, piece: 8 };
/** Most records before the header. */
export const MAX_PREAMBLE = 60;

/** Characters that are kept of a record. */
const MAX_RAW = 4096;

/** Fields of a record that are evaluated. */
const MAX_CELLS = 64;

/** Low, since with one column all records always have the same number of fields. */
const ONE_COLUMN_SCORE = 0.02;
/** High, since the signs inside dates, times, addresses and the like are no delimiters. */
const ONE_COLUMN_OF_VALUES_SCORE = 0.9;
/** Share of the lines that must be such values. */
const MIN_VALUE_SHARE = 0.9;
/** Delimiters with a lower weight also occur as signs in texts. */
const MIN_SURE_WEIGHT = 0.9;

export interface SampledRecord {
  readonly start: number;
  /** Without the line end. */
  readonly end: number;
  /** Number of line ends before it in the sample. */
  readonly line: number;
  /** Its bytes; only the first of a long record. */
  readonly raw: string;
  /** Whether its quotes are damaged, so that its end may be wrong, too. */
  readonly isDamaged: boolean;
  /** Its fields, or what is wrong with it; the number of fields is not checked. */
  readonly fields: FieldTexts | Fault;
}

export interface Evaluation {
  readonly dialect: Dialect;
  readonly score: number;
  /** The most frequent number of fields. */
  readonly width: number;
  /** Of the records behind the preamble: those of that width, and all. */
  readonly conforming: number;
  readonly total: number;
  /** Records of the head, from the first on. */
  readonly records: readonly SampledRecord[];
  /** Records of the pieces. */
  readonly others: readonly SampledRecord[];
  /** Number of records before the header, at the start of `records`. */
  readonly preamble: number;
}

/** Reads the records of a sample. A `dialect.fieldCount` of 0 allows any number of fields. */
export function sampleRecords(
  bytes: Buffer,
  start: number,
  isAll: boolean,
  dialect: Dialect,
  limit: number,
): SampledRecord[] {
  const batch = new RecordBatch(limit);
  const scanner = new CsvScanner(dialect);
  scanner.reset(start);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const isCutOff = !isAll && scanner.nextRecord >= bytes.length;
  const records: SampledRecord[] = [];
  for (let i = 0; i < (isCutOff ? batch.count - 1 : batch.count); i++) {
    const [from, to] = [batch.start[i]!, batch.end[i]!];
    const isDamaged = batch.damage[i] !== DAMAGE_NONE;
    const text = bytes.toString('latin1', from, to);
    records.push({
      start: from,
      end: to,
      line: batch.line[i]!,
      raw: text.slice(0, MAX_RAW),
      isDamaged,
      fields: isDamaged
        ? new Fault('bad_quote', 'its quotes do not match')
        : readFields(text, dialect),
    });
  }
  return records;
}

export function evaluateDialect(
  { dialect, weight }: Candidate,
  { head, start, isWhole, pieces }: SampleParts,
  limits = FULL,
): Evaluation {
  const records = sampleRecords(head, start, isWhole, dialect, limits.head);
  const others = pieces.flatMap((piece) => samplePiece(piece, dialect, limits.piece));
  const width = commonestWidth([...records, ...others]);
  const preamble = findPreamble(records, width);
  const body = [...records.slice(preamble), ...others];
  const conforming = body.filter((record) => fits(record, width));
  const isSign = weight < MIN_SURE_WEIGHT;
  let score: number | undefined;
  const measure = () =>
    weight *
    (isNameOverTexts(records, preamble, body, width, dialect, isSign) ? UNLIKELY : 1) *
    (isSign && dialect.delimiter.length === 1 && preamble > 0 ? WEIGHT_BEHIND_PREAMBLE : 1) *
    (width <= 1
      ? scoreOneColumn(records, others)
      : ((width - 1) / width) * shareOfUsedColumns(body, width)) *
    (body.length === 0 ? 0 : conforming.length / body.length) ** 2 *
    typeScore(conforming, dialect) ** 2 *
    0.97 ** preamble;
  return {
    dialect,
    // Measured only when it is compared with another.
    get score() {
      score ??= measure();
      return score;
    },
    width,
    conforming: conforming.length,
    total: body.length,
    records,
    others,
    preamble,
  };
}

/** A name of three words at most that needs no quotes in any dialect. */
const NAME = /^["']?[A-Za-z_\x80-\xff][\w\x80-\xff.()%-]*(?: [\w\x80-\xff.()%-]+){0,2}["']?$/;
/** Characters of a value that contains no delimiter. */
const PLAIN_VALUE = /^(?!.*::)[\w\x80-\xff .:/@?=&%+#-]+$/;
const VALUE_KINDS: ReadonlySet<CellKind> = new Set([
  'date',
  'time',
  'timestamp',
  'uuid',
  'address',
]);

function scoreOneColumn(
  records: readonly SampledRecord[],
  others: readonly SampledRecord[],
): number {
  const lines = [...records, ...others].map(({ raw }) => raw.replace(/^(["'])(.*)\1$/, '$2'));
  if (lines.length > 0 && NAME.test(lines[0]!)) lines.shift();
  const values = lines.filter((line) => PLAIN_VALUE.test(line) && VALUE_KINDS.has(kindOf(line)));
  return values.length > 0 && values.length >= lines.length * MIN_VALUE_SHARE
    ? ONE_COLUMN_OF_VALUES_SCORE
    : ONE_COLUMN_SCORE;
}

/** The weight of a sign of texts behind a preamble, since the header need not have the sign. */
const WEIGHT_BEHIND_PREAMBLE = 0.3;
/** With a smaller share of conforming records, the records are ragged. */
const MIN_CONFORMING_SHARE = 0.8;
/** The weight where the header of a file of one column would be a preamble. */
const UNLIKELY = 1e-6;

/**
 * Whether the first line is one name, and no header follows. Then the delimiter is more likely part
 * of the texts below that name, as the blanks in sentences are, or decimal commas.
 */
function isNameOverTexts(
  records: readonly SampledRecord[],
  preamble: number,
  body: readonly SampledRecord[],
  width: number,
  { delimiter }: Dialect,
  isSign: boolean,
): boolean {
  const [name, first] = records;
  const isName = preamble === 1 && name!.line === 0 && first!.line === 1 && NAME.test(name!.raw);
  if (!isName) return false;
  const fitting = body.filter((record) => fits(record, width));
  const isRagged = fitting.length < body.length * MIN_CONFORMING_SHARE;
  const isText = width === 2 && fitting.every((record) => isOneText(record, delimiter));
  if (!isSign && !isRagged && !isText) return false;
  const cells = first!.fields as FieldTexts;
  return !cells.some((cell, i) => !isTyped(kindOf(cell)) && isColumnTyped(fitting.slice(1), i));
}

/**
 * Whether a record is a number with a decimal comma, or words with a comma and a blank between
 * them.
 */
function isOneText({ raw, fields }: SampledRecord, delimiter: string): boolean {
  const hasBlank = (fields as FieldTexts)[1]?.startsWith(' ') === true || delimiter.endsWith(' ');
  return hasBlank || kindOf(raw) === 'number';
}

function isColumnTyped(records: readonly SampledRecord[], index: number): boolean {
  return (
    records.length > 1 &&
    records.every(({ fields }) => isTyped(kindOf((fields as FieldTexts)[index] ?? null)))
  );
}

/**
 * The first line of a piece is cut off; with records of several lines, the next may be no record.
 */
function samplePiece(piece: Buffer, dialect: Dialect, limit: number): SampledRecord[] {
  const lineEnd = piece.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  if (lineEnd < 0) return [];
  return sampleRecords(piece, lineEnd + 1, false, dialect, limit).slice(1);
}

export function fits(record: SampledRecord, width: number): boolean {
  return !(record.fields instanceof Fault) && record.fields.length === width;
}

/** @returns the most frequent number of fields; of several, the largest */
function commonestWidth(records: readonly SampledRecord[]): number {
  const counts = new Map<number, number>();
  for (const { fields } of records) {
    if (fields instanceof Fault) continue;
    counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  }
  let width = 1;
  let most = 0;
  for (const [candidate, count] of counts) {
    if (count > most || (count === most && candidate > width)) {
      width = candidate;
      most = count;
    }
  }
  return width;
}

/**
 * Counts the records before the first that has the common width; a header may be one field short.
 */
function findPreamble(records: readonly SampledRecord[], width: number): number {
  const limit = Math.min(records.length, MAX_PREAMBLE);
  for (let i = 0; i < limit; i++) {
    if (i === 0 && SPREADSHEET_HINT.test(records[0]!.raw)) continue;
    if (i > 0 && isRemark(records, i, width)) continue;
    if (fits(records[i]!, width)) return i;
    const next = records[i + 1];
    const isShort = width > 2 && fits(records[i]!, width - 1);
    if (isShort && next !== undefined && fits(next, width)) return i;
  }
  return 0;
}

/** A first line that specifies the delimiter, for spreadsheets. */
export const SPREADSHEET_HINT = /^sep=([^"'\\\r\n])$/i;

export const COMMENT_PREFIXES = ['#', '//', '--', '%', '!', ';', '*'];

/** Whether a line is a comment above the header that has the common width by chance. */
function isRemark(records: readonly SampledRecord[], index: number, width: number): boolean {
  const [before, record, next] = [records[index - 1]!, records[index]!, records[index + 1]];
  const prefix = COMMENT_PREFIXES.find((start) => record.raw.startsWith(start));
  if (prefix === undefined || !before.raw.startsWith(prefix)) return false;
  if (next === undefined || !fits(next, width) || next.raw.startsWith(prefix)) return false;
  return !(next.fields as FieldTexts).some((cell) => isTyped(kindOf(cell)));
}

/** Columns that are empty in every record suggest that the delimiter is part of a longer one. */
function shareOfUsedColumns(body: readonly SampledRecord[], width: number): number {
  const isUsed = new Uint8Array(width);
  for (const { fields } of body) {
    if (fields instanceof Fault || fields.length !== width) continue;
    for (let i = 0; i < width; i++) if (fields[i] !== null && fields[i] !== '') isUsed[i] = 1;
  }
  const used = isUsed.reduce((sum, one) => sum + one, 0);
  // The last column may be empty because every record ends in a delimiter.
  return Math.min(1, (used + (isUsed[width - 1] === 0 ? 1 : 0)) / width);
}

function typeScore(conforming: readonly SampledRecord[], { quote }: Dialect): number {
  let sum = 0;
  let count = 0;
  for (const { fields, raw } of conforming) {
    if (fields instanceof Fault) continue;
    for (const cell of fields.length > MAX_CELLS ? fields.slice(0, MAX_CELLS) : fields) {
      if (cell === null || cell === '') continue;
      const kind = kindOf(cell);
      const isQuoted =
        quote !== '' &&
        (kind === 'odd' || kind === 'text') &&
        raw.includes(quote + cell.slice(0, 8).split(quote)[0]);
      sum += likeness(cell, kind, isQuoted);
      count++;
    }
  }
  return count === 0 ? 0.5 : sum / count;
}
