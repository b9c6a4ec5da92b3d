/**
 * A sample of a file → its dialect and the start of its records, with the reasons. What the user
 * specified is not questioned; after that, the known fields of the table decide before all else.
 */
import type { CsvSettings } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import { CR, measureLineEnd } from '../../text/line-end.js';
import { RecordBatch } from '../../text/record-batch.js';
import { type SampleParts, SPECIFIED } from '../../text/sample.js';
import { type FieldEncoding, toText, toUtf8 } from '../../text/transcode.js';
import { type Dialect, PLAIN_DIALECT } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { type FieldTexts, readFields } from '../scan/read-fields.js';
import { listCandidates, toDialect } from './candidates.js';
import {
  BRIEF,
  COMMENT_PREFIXES,
  type Evaluation,
  evaluateDialect,
  fits,
  MAX_PREAMBLE,
  type SampledRecord,
  SPREADSHEET_HINT,
  sampleRecords,
} from './evaluate-dialect.js';
import { guessHeader, nameFields, placeName } from './header.js';

export type DetectedPart =
  | 'delimiter'
  | 'quote'
  | 'escape'
  | 'lineEnd'
  | 'comment'
  | 'header'
  | 'skipLines';

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
  /** Whether the header has one name fewer than the records have fields. */
  readonly isHeaderShort: boolean;
  readonly why: Readonly<Record<DetectedPart, string>>;
  /** The evaluation of the chosen dialect; undefined where the sample holds no record. */
  readonly evaluation: Evaluation | undefined;
}

const MAX_HINT_BYTES = 16;

/**
 * Quotes are text where at least this share of the records with quotes, and this many, have faults.
 */
const MIN_FAULTY_SHARE = 0.5;
const MIN_FAULTY = 3;
/**
 * Share of all records that must have bare quotes, where fewer than {@link MIN_FAULTY} have them.
 */
const MIN_BARE_SHARE = 0.2;

/**
 * Share of the best score that a dialect without a preamble needs to be preferred to one with it.
 */
const MIN_RIVAL_SCORE = 0.25;

/** Share of the records that must have one field more than the header for it to be one short. */
const SHORT_HEADER_SHARE = 0.9;

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
  if (expected !== undefined) return chooseDetection([expected], input, preset);
  const { from, text } = preset;
  const candidates = listCandidates(from.head.subarray(from.start), settings, encoding, text);
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
  return expected === undefined ? undefined : chooseDetection([expected], input, preset);
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
): Detection {
  const chosen = choose(dropUnlikelyQuotes(evaluations, settings), known, settings, encoding);
  const withComments = findComments(allowBareQuotes(chosen, from), from, settings);
  const detection = toDetection(withComments, evaluations, parts, from, settings, known, encoding);
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
    return looksOtherwise ? undefined : evaluation;
  }
  return undefined;
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

/**
 * A few stray quotes are damage; if most quotes are stray, they are text. Only then are dialects
 * without quotes considered.
 */
function dropUnlikelyQuotes(
  evaluations: readonly Evaluation[],
  { quote }: CsvSettings,
): readonly Evaluation[] {
  if (quote !== undefined) return evaluations;
  return evaluations.filter(({ dialect, records, others }) => {
    if (dialect.quote !== '') return true;
    if (dialect.escape === 'backslash') return true;
    const quoted = evaluations.find(
      (other) =>
        other.dialect.quote === PLAIN_DIALECT.quote &&
        other.dialect.delimiter === dialect.delimiter &&
        other.dialect.lineEnd === dialect.lineEnd,
    );
    if (quoted === undefined) return true;
    const all = [...records, ...others].filter(({ raw }) => raw.includes(PLAIN_DIALECT.quote));
    const faulty = [...quoted.records, ...quoted.others].filter(
      ({ fields }) => fields instanceof Fault,
    );
    return faulty.length >= MIN_FAULTY && faulty.length >= all.length * MIN_FAULTY_SHARE;
  });
}

interface Chosen {
  readonly evaluation: Evaluation;
  /** Index of the header among the records, where it is known by the names of the table. */
  readonly headerAt: number | undefined;
}

function choose(
  evaluations: readonly Evaluation[],
  known: ReadonlySet<string>,
  settings: CsvSettings,
  encoding: FieldEncoding,
): Chosen {
  const matches = evaluations.map((evaluation) => ({
    evaluation,
    ...(known.size === 0 || settings.header === false
      ? { matched: 0, headerAt: undefined }
      : matchHeader(evaluation, known, settings, encoding)),
  }));
  const most = Math.max(...matches.map(({ matched }) => matched));
  let best = matches.filter(({ matched }) => matched === most);
  if (most === 0) {
    const [first] = matches;
    // A single line without known names does not show which delimiter is meant.
    const isHeader = settings.header !== false;
    if (known.size > 0 && isHeader && first!.evaluation.total <= 1) best = [first!];
    const fitting = matches.filter(
      ({ evaluation: { width, conforming, total } }) =>
        width === settings.columns?.length && conforming * 2 >= total,
    );
    if (fitting.length > 0) best = fitting;
  }
  const whole = best.filter((match) => explainsAll(match, known, encoding));
  if (whole.length > 0) best = whole;
  const first = highest(best);
  const every = best.filter(({ evaluation }) => hasOnlyRecords(evaluation));
  if (first.evaluation.preamble === 0 || every.length === 0) return first;
  const rival = highest(every);
  return rival.evaluation.score > first.evaluation.score * MIN_RIVAL_SCORE ? rival : first;
}

function highest(matches: readonly Chosen[]): Chosen {
  return matches.reduce((a, b) => (b.evaluation.score > a.evaluation.score + 1e-9 ? b : a));
}

/** Whether every line is a record, including the header. */
function hasOnlyRecords({ preamble, width, conforming, total }: Evaluation): boolean {
  return preamble === 0 && width > 1 && conforming === total;
}

/**
 * Whether the header has only known names, and every record has a field for each. Times in a file
 * of one column look like three fields between colons; its header shows that they are one.
 */
function explainsAll(
  { evaluation, headerAt }: Chosen,
  known: ReadonlySet<string>,
  encoding: FieldEncoding,
): boolean {
  const { records, dialect, width, conforming, total } = evaluation;
  if (headerAt === undefined || conforming !== total) return false;
  const names = readHeader(records[headerAt]!, dialect, encoding, known);
  return names.length === width && names.every((name) => known.has(name));
}

/** Finds the first record that has the most known names. */
function matchHeader(
  { records, dialect }: Evaluation,
  known: ReadonlySet<string>,
  { skipLines }: CsvSettings,
  encoding: FieldEncoding,
): { matched: number; headerAt: number | undefined } {
  let matched = 0;
  let headerAt: number | undefined;
  const limit = skipLines === undefined ? MAX_PREAMBLE : 1;
  for (const [i, record] of records.slice(0, limit).entries()) {
    const names = readHeader(record, dialect, encoding, known);
    const count = names.filter((name) => known.has(name)).length;
    // A value may equal a name by chance; a line that is mostly known names is the header.
    if (count > matched && (i === 0 || count * 2 > names.length)) {
      matched = count;
      headerAt = i;
    }
  }
  return { matched, headerAt };
}

/** Reads the names of a header, even if its quotes are damaged. */
export function readHeader(
  { fields, raw }: SampledRecord,
  dialect: Dialect,
  encoding: FieldEncoding,
  known: ReadonlySet<string>,
): string[] {
  let found = fields;
  if (found instanceof Fault) found = readFields(raw, { ...dialect, allowsBareQuotes: true });
  if (found instanceof Fault) {
    found = raw.split(dialect.delimiter).map((name) => name.replaceAll(dialect.quote || '"', ''));
  }
  return found.map((bytes) => {
    const name = toText(bytes ?? '', encoding);
    // Blanks around a name do not belong to it, unless the table has the name so.
    return known.has(name) ? name : name.trim();
  });
}

/**
 * Where no field is quoted, and quotes occur inside fields of more than one or two records, they
 * are part of the text: inches, and minutes of arc.
 */
function allowBareQuotes(chosen: Chosen, parts: SampleParts): Chosen {
  const { evaluation } = chosen;
  const { dialect, records, others, width } = evaluation;
  if (dialect.quote === '' || dialect.allowsBareQuotes) return chosen;
  const all = [...records, ...others];
  const withQuotes = all.filter(({ raw }) => raw.includes(dialect.quote));
  const isBare = withQuotes.every(({ fields, isDamaged }) => fields instanceof Fault && !isDamaged);
  const isStray = withQuotes.length < MIN_FAULTY && withQuotes.length < all.length * MIN_BARE_SHARE;
  if (withQuotes.length === 0 || !isBare || isStray) return chosen;
  const again = evaluateDialect(
    { dialect: { ...dialect, allowsBareQuotes: true }, weight: 1 },
    parts,
  );
  return again.width === width && again.conforming > evaluation.conforming
    ? { evaluation: again, headerAt: chosen.headerAt }
    : chosen;
}

/** Lines between records are comments if they have a common prefix and are not records. */
function findComments(chosen: Chosen, parts: SampleParts, { comment }: CsvSettings): Chosen {
  const { evaluation } = chosen;
  if (comment !== undefined || evaluation.width < 2) return chosen;
  const first = chosen.headerAt ?? evaluation.preamble;
  const body = [...evaluation.records.slice(first + 1), ...evaluation.others];
  for (const prefix of COMMENT_PREFIXES) {
    if (evaluation.dialect.delimiter.startsWith(prefix)) continue;
    const begun = body.filter(({ raw }) => raw.startsWith(prefix));
    if (begun.length === 0 || begun.some((record) => fits(record, evaluation.width))) continue;
    const dialect = { ...evaluation.dialect, comment: prefix };
    const again = evaluateDialect({ dialect, weight: 1 }, parts);
    if (chosen.headerAt === undefined) return { evaluation: again, headerAt: undefined };
    const { start } = evaluation.records[chosen.headerAt]!;
    const headerAt = again.records.findIndex((record) => record.start === start);
    // A prefix that would make the header a comment is not taken.
    if (headerAt < 0) continue;
    return { evaluation: again, headerAt };
  }
  return chosen;
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
    ({ fields }) => !(fields instanceof Fault),
  );
  const verdict = decideHeader(record, body, headerAt, settings, width);
  const skipped = countLines(parts.head, parts.start, record.start, evaluation.dialect);

  let header: string[] = [];
  let isHeaderShort = false;
  let hasTrailingDelimiter = false;
  let fieldCount = settings.columns?.length ?? width;
  if (verdict.isHeader) {
    header = readHeader(record, evaluation.dialect, encoding, known);
    const more = body.filter((other) => fits(other, header.length + 1));
    const isShort = more.length >= 2 && more.length >= body.length * SHORT_HEADER_SHARE;
    if (header.length > 1 && header.at(-1) === '' && isLastEmpty(body, header.length)) {
      hasTrailingDelimiter = true;
      header.pop();
    } else if (isShort && isLastEmpty(body, header.length + 1)) {
      hasTrailingDelimiter = true;
    } else if (isShort && header.length > 0 && mayLackName(known, header, settings)) {
      isHeaderShort = true;
    }
    fieldCount = settings.columns?.length ?? header.length + (isHeaderShort ? 1 : 0);
  } else if (
    settings.columns === undefined &&
    width > 2 &&
    body.length > 0 &&
    isLastEmpty([record, ...body], width)
  ) {
    hasTrailingDelimiter = true;
    fieldCount = width - 1;
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
  width: number,
): { isHeader: boolean; why: string } {
  if (header !== undefined) return { isHeader: header, why: SPECIFIED };
  if (headerAt !== undefined) return { isHeader: true, why: 'it has names of the table’s fields' };
  if (record.fields instanceof Fault) return { isHeader: true, why: 'nothing speaks against it' };
  const short = record.fields.length === width - 1;
  const below = body
    .filter((other) => fits(other, width))
    .map(({ fields }) => (short ? (fields as FieldTexts).slice(1) : (fields as FieldTexts)));
  return guessHeader(record.fields, below);
}

/**
 * Whether the header may be one name short. If the table has no column for a field without a name,
 * it is better to reject the records as too long. Names that the user specified are for all fields.
 */
function mayLackName(
  known: ReadonlySet<string>,
  header: readonly string[],
  { columns }: CsvSettings,
): boolean {
  if (columns !== undefined) return columns.length === header.length + 1;
  return known.size === 0 || known.has(placeName(0));
}

function isLastEmpty(records: readonly SampledRecord[], width: number): boolean {
  const fitting = records.filter((record) => fits(record, width));
  return (
    fitting.length > 0 && fitting.every(({ fields }) => !((fields as FieldTexts)[width - 1] ?? ''))
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

function explain(
  chosen: Evaluation,
  all: readonly Evaluation[],
  settings: CsvSettings,
  known: ReadonlySet<string>,
  headerAt: number | undefined,
  header: string,
  skipped: number,
): Record<DetectedPart, string> {
  const { dialect, width, conforming, total } = chosen;
  const share = `${conforming} of ${total} sampled records have ${width} ${width === 1 ? 'field' : 'fields'}`;
  const rival = all
    .filter((other) => other.dialect.delimiter !== dialect.delimiter && other.width > 1)
    .sort((a, b) => b.score - a.score)[0];
  const next =
    rival === undefined
      ? ''
      : `; next best is ${describeDelimiter(rival.dialect)}, with ${rival.width} fields in ${rival.conforming} of ${rival.total}`;
  const byNames =
    headerAt === undefined || known.size === 0
      ? ''
      : 'the header has names of the table’s fields; ';
  return {
    delimiter: settings.delimiter === undefined ? byNames + share + next : SPECIFIED,
    quote:
      settings.quote !== undefined
        ? SPECIFIED
        : dialect.quote === ''
          ? 'quotes in the sample do not come in pairs around fields'
          : dialect.quote === PLAIN_DIALECT.quote
            ? 'the usual one, and nothing speaks against it'
            : 'fields are quoted with it',
    escape:
      settings.escape !== undefined
        ? SPECIFIED
        : dialect.escape === 'doubling'
          ? 'the usual way, and nothing speaks against it'
          : 'more records can be read with backslash escapes',
    lineEnd: settings.lineEnd !== undefined ? SPECIFIED : 'the line ends in the sample',
    comment:
      settings.comment !== undefined
        ? SPECIFIED
        : dialect.comment === ''
          ? 'no line between the records is a comment'
          : `lines between the records that begin with ${toText(dialect.comment, dialect.encoding)} are not records`,
    header,
    skipLines:
      settings.skipLines !== undefined
        ? SPECIFIED
        : skipped === 0
          ? 'the first line is like the following lines'
          : 'these lines are unlike the following lines',
  };
}

const DELIMITER_NAMES: Readonly<Record<string, string>> = {
  ',': 'comma',
  '\t': 'tab',
  ';': 'semicolon',
  '|': 'pipe',
  ':': 'colon',
  ' ': 'space',
  '^': 'caret',
  '~': 'tilde',
  '\x01': 'ctrl-a',
  '\x1f': 'unit-separator',
  '\x1e': 'record-separator',
};

/** A word for a usual delimiter, else the characters themselves. */
export function describeDelimiter({
  delimiter,
  encoding,
}: Pick<Dialect, 'delimiter' | 'encoding'>): string {
  return nameDelimiter(toText(delimiter, encoding));
}

/** The same for a delimiter that is already decoded. */
export function nameDelimiter(delimiter: string): string {
  return DELIMITER_NAMES[delimiter] ?? JSON.stringify(delimiter);
}
