/**
 * How well a dialect explains a sample: whether its records have the same number of fields, and whether
 * what stands in them looks like values. The measure is that of CleverCSV (van den Burg, Nazábal and
 * Sutton, "Wrangling messy CSV files by detecting row and type patterns", 2019), simplified: consistency
 * times type score, where one is near zero the other cannot make up for it.
 */

import { Fault } from '../../../model/reject-codes.js';
import { DAMAGE_NONE, RecordBatch } from '../../text/record-batch.js';
import type { SampleParts } from '../../text/sample.js';
import type { Dialect } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { type Fields, readFields } from '../scan/read-fields.js';
import type { Candidate } from './candidates.js';
import { type CellKind, isTyped, kindOf, likeness } from './cells.js';

/** Records that are looked at: of the head, and of each further piece. */
interface RecordLimits {
  readonly head: number;
  readonly piece: number;
}

const FULL: RecordLimits = { head: 300, piece: 60 };
/** Enough to see that a file is what is expected of it. */
export const BRIEF: RecordLimits = { head: 40, piece: 8 };
/** Records in front of the header, at the most. */
export const MAX_PREAMBLE = 60;

/** Characters kept of a record. */
const MAX_RAW = 4096;

/** Fields looked at, of one record. */
const MAX_CELLS = 64;

/** A file of one column always has records of the same number of fields. */
const ONE_COLUMN_SCORE = 0.02;
/** Where its lines are dates, times, addresses and the like, what stands inside of those is no delimiter. */
const ONE_COLUMN_OF_VALUES_SCORE = 0.9;
/** Share of the lines that must be such. */
const MIN_VALUE_SHARE = 0.9;
/** Characters that are less likely to be a delimiter are signs of texts, too. */
const MIN_SURE_WEIGHT = 0.9;

export interface SampledRecord {
  readonly start: number;
  /** Without the line end. */
  readonly end: number;
  /** Line ends of the sample before it. */
  readonly line: number;
  /** Its bytes, of a long one the first. */
  readonly raw: string;
  /** Whether its quotes are at fault, so that its end may be, too. */
  readonly isDamaged: boolean;
  /** What is wrong with it, whatever the number of its fields; or its fields. */
  readonly fields: Fields | Fault;
}

export interface Evaluation {
  readonly dialect: Dialect;
  readonly score: number;
  /** The commonest number of fields. */
  readonly width: number;
  /** Of the records behind the preamble. */
  readonly conforming: number;
  readonly total: number;
  /** Records of the head, from its first. */
  readonly records: readonly SampledRecord[];
  /** Records of the pieces. */
  readonly others: readonly SampledRecord[];
  /** Records in front of the header, in `records`. */
  readonly preamble: number;
}

/** Reads the sample's records. `dialect.fieldCount` 0 takes any number of fields. */
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
        ? new Fault('bad_quote', 'its quotes do not fit')
        : readFields(text, dialect),
    });
  }
  return records;
}

export function evaluate(
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
    // Of use only where there is another to compare it to.
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

/** A name that needs no quotes in any dialect, of three words at most. */
const NAME = /^["']?[A-Za-z_\x80-\xff][\w\x80-\xff.()%-]*(?: [\w\x80-\xff.()%-]+){0,2}["']?$/;
/** What an address is made of that no delimiter stands in. */
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

/** Of signs of texts: a header may have none of them. */
const WEIGHT_BEHIND_PREAMBLE = 0.3;
/** With fewer records of the same number of fields, they have none in common. */
const MIN_CONFORMING_SHARE = 0.8;
/** Of a reading by which the header of a file of one column is a line before the records. */
const UNLIKELY = 1e-6;

/**
 * Whether the first line is one name, and what follows is no header: then the delimiter is rather part of
 * the texts that are called by the name, as the blanks of sentences are, or the comma of decimals.
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
  const cells = first!.fields as Fields;
  return !cells.some((cell, i) => !isTyped(kindOf(cell)) && isColumnTyped(fitting.slice(1), i));
}

/** A number with a decimal comma, or words with a comma and a blank between them. */
function isOneText({ raw, fields }: SampledRecord, delimiter: string): boolean {
  const hasBlank = (fields as Fields)[1]?.startsWith(' ') === true || delimiter.endsWith(' ');
  return hasBlank || kindOf(raw) === 'number';
}

function isColumnTyped(records: readonly SampledRecord[], index: number): boolean {
  return (
    records.length > 1 &&
    records.every(({ fields }) => isTyped(kindOf((fields as Fields)[index] ?? null)))
  );
}

/** The first line of a piece is cut; where records of several lines are, the next may be none. */
function samplePiece(piece: Buffer, dialect: Dialect, limit: number): SampledRecord[] {
  const lineEnd = piece.findIndex((byte) => byte === 0x0a || byte === 0x0d);
  if (lineEnd < 0) return [];
  return sampleRecords(piece, lineEnd + 1, false, dialect, limit).slice(1);
}

export function fits(record: SampledRecord, width: number): boolean {
  return !(record.fields instanceof Fault) && record.fields.length === width;
}

/** Of widths that are equally common, the largest. */
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

/** Records before the first that the others are like; its header may be one field short. */
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

/** A first line that tells a spreadsheet, and us, what stands between fields. */
export const SPREADSHEET_HINT = /^sep=([^"'\\\r\n])$/i;

export const COMMENT_PREFIXES = ['#', '//', '--', '%', '!', ';', '*'];

/** A line like the one before it, above names: it has as many fields as they are only by chance. */
function isRemark(records: readonly SampledRecord[], index: number, width: number): boolean {
  const [before, record, next] = [records[index - 1]!, records[index]!, records[index + 1]];
  const prefix = COMMENT_PREFIXES.find((start) => record.raw.startsWith(start));
  if (prefix === undefined || !before.raw.startsWith(prefix)) return false;
  if (next === undefined || !fits(next, width) || next.raw.startsWith(prefix)) return false;
  return !(next.fields as Fields).some((cell) => isTyped(kindOf(cell)));
}

/** Columns that are empty in every record speak for a delimiter that is only part of one. */
function shareOfUsedColumns(body: readonly SampledRecord[], width: number): number {
  const isUsed = new Uint8Array(width);
  for (const { fields } of body) {
    if (fields instanceof Fault || fields.length !== width) continue;
    for (let i = 0; i < width; i++) if (fields[i] !== null && fields[i] !== '') isUsed[i] = 1;
  }
  const used = isUsed.reduce((sum, one) => sum + one, 0);
  // The last one may be empty because every record ends in a delimiter.
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
