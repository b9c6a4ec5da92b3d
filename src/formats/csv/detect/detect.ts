/**
 * A sample of a file → its dialect and the start of its records, with the reasons. What the user
 * specified is not questioned; after that, the known fields of the table decide before all else.
 */
import type { CsvSettings } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import { CR, measureLineEnd } from '../../text/line-end.js';
import { RecordBatch } from '../../text/record-batch.js';
import { type SampleParts, SPECIFIED } from '../../text/sample.js';
import { type FieldEncoding, toUtf8 } from '../../text/transcode.js';
import { type Dialect, PLAIN_DIALECT } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import type { FieldTexts } from '../scan/read-fields.js';
import { listCandidates, toDialect } from './candidates.js';
import { type Chosen, choose, readHeader } from './choose.js';
import { findComments } from './comments.js';
import { BRIEF, type Evaluation, evaluateDialect } from './evaluate-dialect.js';
import { type DetectedPart, explain } from './explain.js';
import { guessHeader, type HeaderVerdict, nameFields, placeName } from './header.js';
import { fitHeader, isLastEmpty } from './header-fit.js';
import { SPREADSHEET_HINT } from './preamble.js';
import { listQuoted } from './quoted-cells.js';
import { dropUnlikelyQuotes, settleQuotes } from './quotes.js';
import { fits, repeats, type SampledRecord, sampleRecords } from './sampled-records.js';
import { readWideSample, type WideSample } from './wide-sample.js';

export interface Detection {
  readonly dialect: Dialect;
  /** Whether the file names its fields. */
  readonly hasHeader: boolean;
  /** Names as the file has them; none for a file without a header. */
  readonly header: readonly string[];
  /** A name for each field, all different. */
  readonly names: readonly string[];
  /** The header record, if the file has one. */
  readonly headerRecord: SampledRecord | undefined;
  /** Offset of the first record, and its line in the sample, from 0. */
  readonly dataStart: number;
  readonly dataLine: number;
  /** Number of lines before the header, or before the first record. */
  readonly skippedLines: number;
  /** Whether the header has one name fewer than the records have fields: that of the first. */
  readonly isHeaderShort: boolean;
  /** Whether the header has delimiters too many, with no names between them. */
  readonly hasSurplusDelimiters: boolean;
  /** Number of fields of most records, where the header has another number of names; else 0. */
  readonly recordFields: number;
  /** Whether the header has a quote that is never closed, and was read without it. */
  readonly isHeaderMended: boolean;
  /** Whether too little speaks for a header, or against it, to be sure. */
  readonly isHeaderGuessed: boolean;
  readonly why: Readonly<Record<DetectedPart, string>>;
  /** The evaluation of the chosen dialect; undefined where the sample holds no record. */
  readonly evaluation: Evaluation | undefined;
}

const MAX_HINT_BYTES = 16;

/** Records whose quotes are compared with those of the header. */
const MAX_COMPARED = 100;

export interface DetectInput {
  readonly parts: SampleParts;
  /** Encoding of the bytes in the sample. */
  readonly encoding: FieldEncoding;
  readonly settings: CsvSettings;
  /** Names of the table's fields; empty where no table is known. */
  readonly known: ReadonlySet<string>;
}

/** What the user and the file itself specify, before candidates are evaluated. */
interface Preset {
  readonly from: SampleParts;
  readonly text: { readonly delimiter?: string; readonly comment?: string };
  readonly hasHint: boolean;
}

export function detect(input: DetectInput): Detection {
  const preset = readPreset(input);
  const { settings, encoding } = input;
  const expected = evaluateExpected(input, preset);
  if (expected !== undefined) return chooseDetection([expected], input, preset, true);
  const { from, text } = preset;
  const candidates = listCandidates(from, settings, encoding, text);
  return chooseDetection(
    candidates.map((candidate) => evaluateDialect(candidate, from)),
    input,
    preset,
  );
}

/** @returns undefined where the file differs in any way from what its table expects */
export function detectExpected(input: DetectInput): Detection | undefined {
  const preset = readPreset(input);
  const expected = evaluateExpected(input, preset);
  return expected === undefined ? undefined : chooseDetection([expected], input, preset, true);
}

function readPreset({ parts, encoding, settings }: DetectInput): Preset {
  const from = settings.skipLines === undefined ? parts : skipLines(parts, settings);
  const hint = settings.delimiter === undefined ? findHint(from) : undefined;
  const text = {
    delimiter: settings.delimiter === undefined ? hint : toBytes(settings.delimiter, encoding),
    comment: settings.comment === undefined ? undefined : toBytes(settings.comment, encoding),
  };
  return { from, text: withoutUndefined(text), hasHint: hint !== undefined };
}

function chooseDetection(
  evaluations: readonly Evaluation[],
  { parts, encoding, settings, known }: DetectInput,
  { from, hasHint }: Preset,
  isExpected = false,
): Detection {
  const wide = new Map<Evaluation, WideSample>();
  const readWide = (evaluation: Evaluation) => {
    const { dialect, width } = evaluation;
    const sample = wide.get(evaluation) ?? readWideSample(from, dialect, width);
    wide.set(evaluation, sample);
    return sample;
  };
  let chosen = choose(dropUnlikelyQuotes(evaluations, settings), known, settings, encoding);
  if (!isExpected) {
    chosen = settleQuotes(chosen, evaluations, from, settings, readWide);
    chosen = findComments(chosen, from, settings, readWide);
  }
  const detection = toDetection(chosen, evaluations, parts, from, settings, known, encoding);
  if (!hasHint) return detection;
  return { ...detection, why: { ...detection.why, delimiter: 'the first line specifies it' } };
}

/** Finds the delimiter that a first line such as `sep=;` names for spreadsheets. */
function findHint({ head, start }: SampleParts): string | undefined {
  const line = head.toString('latin1', start, start + MAX_HINT_BYTES).split(/[\r\n]/, 1)[0]!;
  return SPREADSHEET_HINT.exec(line)?.[1];
}

/**
 * Most files are as their table expects, and then one dialect suffices. No other dialect is better
 * if the header has only names of the table, every record has a field for each name, and no field
 * looks as if it had another quote or escape.
 */
function evaluateExpected(
  { known, settings, encoding }: DetectInput,
  { from: parts, text }: Preset,
): Evaluation | undefined {
  const isUsual =
    (settings.quote ?? PLAIN_DIALECT.quote) === PLAIN_DIALECT.quote &&
    (settings.escape ?? PLAIN_DIALECT.escape) === PLAIN_DIALECT.escape &&
    (settings.lineEnd ?? 'lf') === 'lf' &&
    (settings.header ?? true);
  if (!isUsual || known.size === 0 || parts.head.includes(CR)) return undefined;
  for (const delimiter of text.delimiter === undefined ? [',', '\t'] : [text.delimiter]) {
    const dialect = toDialect({ delimiter, lineEnd: 'lf' }, settings, encoding, text);
    const [first] = sampleRecords(parts.head, parts.start, parts.isWhole, dialect, 1);
    const names = first === undefined ? [] : readHeader(first, dialect, encoding, known);
    if (names.length < 2 || !names.every((name) => known.has(name))) continue;
    const evaluation = evaluateDialect({ dialect, weight: 1 }, parts, BRIEF);
    const { width, conforming, total } = evaluation;
    if (width !== names.length || conforming !== total || total < 2) return undefined;
    // A blank behind the delimiter may be part of it.
    if (first!.raw.includes(`${delimiter} `)) return undefined;
    const signs = ['\\"', `${delimiter}'`, "\n'"];
    const looksOtherwise = [parts.head, ...parts.pieces].some((bytes) =>
      signs.some((sign) => bytes.includes(sign, 0, 'latin1')),
    );
    if (looksOtherwise) return undefined;
    if (!mayHaveRarities(parts.head, delimiter)) return evaluation;
    const { quoted, faulty, marked } = readWideSample(parts, dialect, width);
    const isUnlike = faulty > 0 && faulty * 2 >= quoted;
    return isUnlike || marked.some((line) => !line.fits) ? undefined : evaluation;
  }
  return undefined;
}

/** Whether quotes in a text may stand inside of fields, or lines begin as comments do. */
function mayHaveRarities(head: Buffer, delimiter: string): boolean {
  const text = head.toString('latin1');
  const edge = `"\\r\\n${delimiter.replace(/[\\\]^-]/g, '\\$&')}`;
  return new RegExp(`[^${edge}]"[^${edge}]|[\\r\\n](?:[#%!;*]|//|--)`).test(text);
}

function withoutUndefined(text: { delimiter?: string; comment?: string }): {
  delimiter?: string;
  comment?: string;
} {
  return {
    ...(text.delimiter === undefined ? {} : { delimiter: text.delimiter }),
    ...(text.comment === undefined ? {} : { comment: text.comment }),
  };
}

/** Encodes text as in the file; a byte string. */
function toBytes(text: string, encoding: FieldEncoding): string {
  if (encoding === 'utf-8') return Buffer.from(text).toString('latin1');
  // Finds the byte that stands for the character, if the encoding has one.
  return [...text]
    .map((character) => {
      const utf8 = Buffer.from(character).toString('latin1');
      for (let byte = 0; byte < 256; byte++) {
        const sign = String.fromCharCode(byte);
        if (toUtf8(sign, encoding) === utf8) return sign;
      }
      return utf8;
    })
    .join('');
}

function skipLines(
  parts: SampleParts,
  { skipLines = 0, lineEnd = 'any' }: CsvSettings,
): SampleParts {
  const { head } = parts;
  let at = parts.start;
  for (let lines = 0; lines < skipLines && at < head.length; ) {
    const length = measureLineEnd(head, at, head.length, true, lineEnd);
    if (length > 0) lines++;
    at += Math.max(1, length);
  }
  return { ...parts, start: at };
}

function toDetection(
  { evaluation, headerAt }: Chosen,
  all: readonly Evaluation[],
  parts: SampleParts,
  from: SampleParts,
  settings: CsvSettings,
  known: ReadonlySet<string>,
  encoding: FieldEncoding,
): Detection {
  const { records, width } = evaluation;
  const first = headerAt ?? (settings.skipLines === undefined ? evaluation.preamble : 0);
  const record = records[first];
  if (record === undefined) return withoutRecords(evaluation, from, settings);
  const body = [...records.slice(first + 1), ...evaluation.others].filter(
    (other) => !(other.fields instanceof Fault) && !repeats(other, record),
  );
  const verdict = decideHeader(record, body, headerAt, settings, evaluation);
  const skipped = countLines(parts.head, parts.start, record.start, evaluation.dialect);

  let header: readonly string[] = [];
  let isHeaderShort = false;
  let hasSurplusDelimiters = false;
  let hasTrailingDelimiter = false;
  let fieldCount = settings.columns?.length ?? width;
  if (verdict.isHeader) {
    const names = readHeader(record, evaluation.dialect, encoding, known);
    const fit = fitHeader(names, body, width, known, settings);
    ({ header, hasTrailingDelimiter, hasSurplusDelimiters, isShort: isHeaderShort } = fit);
    fieldCount = settings.columns?.length ?? header.length + (isHeaderShort ? 1 : 0);
  } else if (settings.columns !== undefined && width === fieldCount + 1) {
    hasTrailingDelimiter = isLastEmpty([record, ...body], width);
  }
  const dialect: Dialect = { ...evaluation.dialect, fieldCount, hasTrailingDelimiter };
  const dataStart = verdict.isHeader ? behindRecord(from, record, dialect) : record.start;
  return {
    dialect,
    hasHeader: verdict.isHeader,
    header,
    names: nameAll(settings, header, isHeaderShort, fieldCount, known),
    headerRecord: verdict.isHeader ? record : undefined,
    dataStart,
    dataLine: countLines(parts.head, 0, dataStart, dialect),
    skippedLines: skipped,
    isHeaderShort,
    hasSurplusDelimiters,
    recordFields: verdict.isHeader && body.length > 0 && width !== fieldCount ? width : 0,
    isHeaderMended:
      verdict.isHeader &&
      record.isDamaged &&
      settings.header === undefined &&
      (known.size === 0 || (header.length === width && header.every((name) => known.has(name)))),
    isHeaderGuessed: verdict.isGuess,
    why: explain(evaluation, all, settings, known, headerAt, verdict.why, skipped),
    evaluation,
  };
}

/**
 * The result where the sample holds no record: the file has none, or its first record is longer
 * than the sample. Such a record is no header; if the names of the fields are specified, it is a
 * record.
 */
function withoutRecords(
  evaluation: Evaluation,
  { head, start, isWhole }: SampleParts,
  settings: CsvSettings,
): Detection {
  const { dialect } = evaluation;
  const isRecord = !isWhole && settings.columns !== undefined && settings.header !== true;
  const dataStart = isRecord ? start : head.length;
  const empty = isWhole ? 'the file is empty' : 'the first line is longer than the sample';
  return {
    dialect: { ...dialect, fieldCount: settings.columns?.length ?? 0 },
    hasHeader: false,
    header: [],
    names: settings.columns ?? [],
    headerRecord: undefined,
    dataStart,
    dataLine: isRecord ? countLines(head, 0, dataStart, dialect) : 0,
    skippedLines: isRecord ? (settings.skipLines ?? 0) : 0,
    isHeaderShort: false,
    hasSurplusDelimiters: false,
    recordFields: 0,
    isHeaderMended: false,
    isHeaderGuessed: false,
    why: {
      delimiter: empty,
      quote: empty,
      escape: empty,
      lineEnd: empty,
      comment: empty,
      header: empty,
      skipLines: empty,
    },
    evaluation: undefined,
  };
}

function decideHeader(
  record: SampledRecord,
  body: readonly SampledRecord[],
  headerAt: number | undefined,
  { header }: CsvSettings,
  { width, dialect }: Evaluation,
): HeaderVerdict {
  const sure = (isHeader: boolean, why: string) => ({ isHeader, why, isGuess: false });
  if (header !== undefined) return sure(header, SPECIFIED);
  if (headerAt !== undefined) return sure(true, 'it has names of the table’s fields');
  if (record.fields instanceof Fault) return sure(true, 'nothing speaks against it');
  const short = record.fields.length === width - 1;
  const below = body.filter((other) => fits(other, width));
  const quoted = listQuoted(record, dialect);
  const quotedBelow = below.slice(0, MAX_COMPARED).map((other) => listQuoted(other, dialect));
  return guessHeader(
    record.fields,
    below.map(({ fields }) => (short ? (fields as FieldTexts).slice(1) : (fields as FieldTexts))),
    (field) => !short && quoted[field] === true && quotedBelow.every((cells) => !cells[field]),
  );
}

function nameAll(
  { columns }: CsvSettings,
  header: readonly string[],
  isHeaderShort: boolean,
  fieldCount: number,
  known: ReadonlySet<string>,
): string[] {
  if (columns !== undefined) return [...columns];
  if (header.length === 0) return Array.from({ length: fieldCount }, (_, i) => placeName(i));
  // The missing name is that of the first field, which holds the names of rows.
  return nameFields(isHeaderShort ? ['', ...header] : header, known);
}

/** @returns the offset behind a record and its line end */
function behindRecord({ head }: SampleParts, record: SampledRecord, dialect: Dialect): number {
  const scanner = new CsvScanner({ ...dialect, fieldCount: 0 });
  scanner.reset(record.start);
  scanner.scan(head, head.length, Number.POSITIVE_INFINITY, true, new RecordBatch(1));
  return scanner.nextRecord;
}

function countLines(bytes: Buffer, from: number, to: number, { lineEnd }: Dialect): number {
  let lines = 0;
  for (let at = from; at < to; ) {
    const length = measureLineEnd(bytes, at, bytes.length, true, lineEnd);
    if (length > 0) lines++;
    at += Math.max(1, length);
  }
  return lines;
}
