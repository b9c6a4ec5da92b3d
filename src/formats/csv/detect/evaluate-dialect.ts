/**
 * Scores how well a dialect explains a sample: whether the records have the same number of fields,
 * and whether the fields look like values. The measure is that of CleverCSV (van den Burg, Nazábal
 * and Sutton, "Wrangling messy CSV files by detecting row and type patterns", 2019), simplified:
 * consistency times type score. If one of them is near zero, the other cannot compensate.
 */

import { Fault } from '../../../model/reject-codes.js';
import type { SampleParts } from '../../text/sample.js';
import type { Dialect } from '../dialect.js';
import type { FieldTexts } from '../scan/read-fields.js';
import type { Candidate } from './candidates.js';
import { type CellKind, isTyped, kindOf, likeness } from './cells.js';
import { findPreamble } from './preamble.js';
import { fits, type SampledRecord, samplePieces, sampleRecords } from './sampled-records.js';

/** Number of records that are evaluated, of the head and of each piece. */
interface RecordLimits {
  readonly head: number;
  readonly piece: number;
}

const FULL: RecordLimits = { head: 300, piece: 60 };
/** Enough to see that a file is as expected. */
export const BRIEF: RecordLimits = { head: 40, piece: 8 };
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

export function evaluateDialect(
  { dialect, weight }: Candidate,
  { head, start, isWhole, pieces }: SampleParts,
  limits = FULL,
): Evaluation {
  const records = sampleRecords(head, start, isWhole, dialect, limits.head);
  const others = samplePieces(pieces, dialect, commonestWidth(records), limits.piece);
  const width = commonestWidth([...records, ...others]);
  const preamble = findPreamble(records, width, dialect.delimiter);
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
