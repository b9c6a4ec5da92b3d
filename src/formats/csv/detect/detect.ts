/**
 * A sample of a file → its dialect and where its records begin, with the reasons. Whatever the user said
 * is taken as said; the fields that a table is known to have decide before anything else.
 */
import type { CsvSettings } from '../../../model/csv-settings.js';
import { Fault } from '../../../model/reject-codes.js';
import { CR, measureLineEnd } from '../../text/line-end.js';
import { RecordBatch } from '../../text/record-batch.js';
import { type SampleParts, TOLD } from '../../text/sample.js';
import { type FieldEncoding, toText, toUtf8 } from '../../text/transcode.js';
import { type Dialect, PLAIN } from '../dialect.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { type Fields, readFields } from '../scan/read-fields.js';
import { listCandidates, toDialect } from './candidates.js';
import {
  BRIEF,
  COMMENT_PREFIXES,
  type Evaluation,
  evaluate,
  fits,
  MAX_PREAMBLE,
  type SampledRecord,
  SPREADSHEET_HINT,
  sampleRecords,
} from './evaluate-dialect.js';
import { judgeHeader, nameFields, placeName } from './header.js';

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
  /** Names as the file has them; of a file without a header none. */
  readonly header: readonly string[];
  /** A name for each field, no two alike. */
  readonly names: readonly string[];
  /** The header record, if there is one; empty for an empty file. */
  readonly headerRecord: SampledRecord | undefined;
  /** Where the first record starts, and its line from 0 in the sample. */
  readonly dataStart: number;
  readonly dataLine: number;
  /** Lines in front of the header, or of the first record. */
  readonly skippedLines: number;
  /** Whether the header has a name less than the records have fields. */
  readonly isHeaderShort: boolean;
  readonly why: Readonly<Record<DetectedPart, string>>;
  /** How the dialect was chosen, for those who look into it. */
  readonly evaluation: Evaluation | undefined;
}

const MAX_HINT_BYTES = 16;

/** Share of the records with quotes that must be at fault for quotes to be no quotes; and how many. */
const MIN_FAULTY_SHARE = 0.5;
const MIN_FAULTY = 3;
/** Share of all records that must have bare quotes, where they are fewer than that. */
const MIN_BARE_SHARE = 0.2;

/** Of the score of a dialect that takes the first lines for none of the records, at the least. */
const MIN_RIVAL_SCORE = 0.25;

/** Records of which a share this large has one field more than the header, for it to be one short. */
const SHORT_HEADER_SHARE = 0.9;

export interface DetectInput {
  readonly parts: SampleParts;
  /** Of the bytes in the sample. */
  readonly encoding: FieldEncoding;
  readonly settings: CsvSettings;
  /** Names of fields that the table is known to have; empty where none is known. */
  readonly known: ReadonlySet<string>;
}

/** What the file itself and the user say of its text, before anything is weighed. */
interface Told {
  readonly from: SampleParts;
  readonly text: { readonly delimiter?: string; readonly comment?: string };
  readonly hasHint: boolean;
}

export function detect(input: DetectInput): Detection {
  const told = readTold(input);
  const { settings, encoding } = input;
  const expected = evaluateExpected(input, told);
  if (expected !== undefined) return conclude([expected], input, told);
  const { from, text } = told;
  const candidates = listCandidates(from.head.subarray(from.start), settings, encoding, text);
  return conclude(
    candidates.map((candidate) => evaluate(candidate, from)),
    input,
    told,
  );
}

/** @returns undefined where a file is not in every way what its table expects */
export function detectExpected(input: DetectInput): Detection | undefined {
  const told = readTold(input);
  const expected = evaluateExpected(input, told);
  return expected === undefined ? undefined : conclude([expected], input, told);
}

function readTold({ parts, encoding, settings }: DetectInput): Told {
  const from = settings.skipLines === undefined ? parts : skipLines(parts, settings);
  const hint = settings.delimiter === undefined ? findHint(from) : undefined;
  const text = {
    delimiter: settings.delimiter === undefined ? hint : toBytes(settings.delimiter, encoding),
    comment: settings.comment === undefined ? undefined : toBytes(settings.comment, encoding),
  };
  return { from, text: withoutUndefined(text), hasHint: hint !== undefined };
}

function conclude(
  evaluations: readonly Evaluation[],
  { parts, encoding, settings, known }: DetectInput,
  { from, hasHint }: Told,
): Detection {
  const chosen = choose(dropUnlikelyQuotes(evaluations, settings), known, settings, encoding);
  const withComments = findComments(allowBareQuotes(chosen, from), from, settings);
  const detection = layOut(withComments, evaluations, parts, from, settings, known, encoding);
  if (!hasHint) return detection;
  return { ...detection, why: { ...detection.why, delimiter: 'the first line says so' } };
}

/** The delimiter that the first line names, for the use of a spreadsheet. */
function findHint({ head, start }: SampleParts): string | undefined {
  const line = head.toString('latin1', start, start + MAX_HINT_BYTES).split(/[\r\n]/, 1)[0]!;
  return SPREADSHEET_HINT.exec(line)?.[1];
}

/**
 * Most files are what their table expects, and then one dialect is enough: there is no better one than
 * that by which the header has names of the table alone, every record has as many fields, and nothing
 * in them looks like another quote or escape.
 */
function evaluateExpected(
  { known, settings, encoding }: DetectInput,
  { from: parts, text }: Told,
): Evaluation | undefined {
  const isUsual =
    (settings.quote ?? PLAIN.quote) === PLAIN.quote &&
    (settings.escape ?? PLAIN.escape) === PLAIN.escape &&
    (settings.lineEnd ?? 'lf') === 'lf' &&
    (settings.header ?? true);
  if (!isUsual || known.size === 0 || parts.head.includes(CR)) return undefined;
  for (const delimiter of text.delimiter === undefined ? [',', '\t'] : [text.delimiter]) {
    const dialect = toDialect({ delimiter, lineEnd: 'lf' }, settings, encoding, text);
    const [first] = sampleRecords(parts.head, parts.start, parts.isWhole, dialect, 1);
    const names = first === undefined ? [] : readHeader(first, dialect, encoding, known);
    if (names.length < 2 || !names.every((name) => known.has(name))) continue;
    const evaluation = evaluate({ dialect, weight: 1 }, parts, BRIEF);
    const { width, conforming, total } = evaluation;
    if (width !== names.length || conforming !== total || total < 2) return undefined;
    // Blanks behind it may be part of the delimiter.
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

/** Text as the bytes that stand for it in the file, one character each. */
function toBytes(text: string, encoding: FieldEncoding): string {
  if (encoding === 'utf-8') return Buffer.from(text).toString('latin1');
  // The sign whose UTF-8 it is, if the encoding has one.
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
 * A few stray quotes are damage; quotes that are astray more often than not are text. Only then is it
 * believed that nothing is quoted.
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
        other.dialect.quote === PLAIN.quote &&
        other.dialect.delimiter === dialect.delimiter &&
        other.dialect.lineEnd === dialect.lineEnd,
    );
    if (quoted === undefined) return true;
    const all = [...records, ...others].filter(({ raw }) => raw.includes(PLAIN.quote));
    const faulty = [...quoted.records, ...quoted.others].filter(
      ({ fields }) => fields instanceof Fault,
    );
    return faulty.length >= MIN_FAULTY && faulty.length >= all.length * MIN_FAULTY_SHARE;
  });
}

interface Chosen {
  readonly evaluation: Evaluation;
  /** Index of the header among the records, where the table's names say it. */
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
    // One line says nothing of which delimiter is meant, where none of its names is known.
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
  const every = best.filter(({ evaluation }) => leavesOutNothing(evaluation));
  if (first.evaluation.preamble === 0 || every.length === 0) return first;
  const rival = highest(every);
  return rival.evaluation.score > first.evaluation.score * MIN_RIVAL_SCORE ? rival : first;
}

function highest(matches: readonly Chosen[]): Chosen {
  return matches.reduce((a, b) => (b.evaluation.score > a.evaluation.score + 1e-9 ? b : a));
}

/** Whether every line is a record, from the first on: the names in the header have that delimiter, too. */
function leavesOutNothing({ preamble, width, conforming, total }: Evaluation): boolean {
  return preamble === 0 && width > 1 && conforming === total;
}

/**
 * Whether the header has known names alone, and every record a field for each. Times in a file of one
 * column look like three fields between colons; its header tells that they are one.
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

/** The first of the records that has the most of the known names. */
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
    // A value may be a name by chance; a line that has most of them is the header.
    if (count > matched && (i === 0 || count * 2 > names.length)) {
      matched = count;
      headerAt = i;
    }
  }
  return { matched, headerAt };
}

/** Names, also where the header's quotes are not right. */
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
    // Blanks around a name are none of it, unless the table has it so.
    return known.has(name) ? name : name.trim();
  });
}

/**
 * Where no field is quoted, and quotes stand inside of fields in more than a stray record or two, they
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
  const again = evaluate({ dialect: { ...dialect, allowsBareQuotes: true }, weight: 1 }, parts);
  return again.width === width && again.conforming > evaluation.conforming
    ? { evaluation: again, headerAt: chosen.headerAt }
    : chosen;
}

/** Lines that begin alike and are no records are comments, if they stand among the records. */
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
    const again = evaluate({ dialect, weight: 1 }, parts);
    if (chosen.headerAt === undefined) return { evaluation: again, headerAt: undefined };
    const { start } = evaluation.records[chosen.headerAt]!;
    const headerAt = again.records.findIndex((record) => record.start === start);
    // A header that begins like a comment is none.
    if (headerAt < 0) continue;
    return { evaluation: again, headerAt };
  }
  return chosen;
}

function layOut(
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
  if (record === undefined) return nothing(evaluation, from, settings);
  const body = [...records.slice(first + 1), ...evaluation.others].filter(
    ({ fields }) => !(fields instanceof Fault),
  );
  const verdict = judge(record, body, headerAt, settings, width);
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
 * The sample holds no record: the file has none, or its first is longer than the sample. Such a one is no
 * header, and with the names of its fields told it is a record like others.
 */
function nothing(
  evaluation: Evaluation,
  { head, start, isWhole }: SampleParts,
  settings: CsvSettings,
): Detection {
  const { dialect } = evaluation;
  const isRecord = !isWhole && settings.columns !== undefined && settings.header !== true;
  const dataStart = isRecord ? start : head.length;
  const empty = isWhole ? 'the file is empty' : 'the first line is longer than what is looked at';
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

function judge(
  record: SampledRecord,
  body: readonly SampledRecord[],
  headerAt: number | undefined,
  { header }: CsvSettings,
  width: number,
): { isHeader: boolean; why: string } {
  if (header !== undefined) return { isHeader: header, why: TOLD };
  if (headerAt !== undefined) return { isHeader: true, why: 'it has names of the table’s fields' };
  if (record.fields instanceof Fault) return { isHeader: true, why: 'nothing speaks against it' };
  const short = record.fields.length === width - 1;
  const below = body
    .filter((other) => fits(other, width))
    .map(({ fields }) => (short ? (fields as Fields).slice(1) : (fields as Fields)));
  return judgeHeader(record.fields, below);
}

/**
 * A table that has no column for the field without a name is better told of records that are too long.
 * Names that the user gives are for all fields.
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
    fitting.length > 0 && fitting.every(({ fields }) => !((fields as Fields)[width - 1] ?? ''))
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
  // The name that is missing is that of the first field, which holds names of rows.
  return nameFields(isHeaderShort ? ['', ...header] : header, known);
}

/** The place behind a record and its line end. */
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
    delimiter: settings.delimiter === undefined ? byNames + share + next : TOLD,
    quote:
      settings.quote !== undefined
        ? TOLD
        : dialect.quote === ''
          ? 'quotes in the sample do not come in pairs around fields'
          : dialect.quote === PLAIN.quote
            ? 'the usual one, and nothing speaks against it'
            : 'fields stand in such quotes',
    escape:
      settings.escape !== undefined
        ? TOLD
        : dialect.escape === 'doubling'
          ? 'the usual way, and nothing speaks against it'
          : 'with a backslash before it more records can be read',
    lineEnd: settings.lineEnd !== undefined ? TOLD : 'the line ends in the sample',
    comment:
      settings.comment !== undefined
        ? TOLD
        : dialect.comment === ''
          ? 'no line among the records is one'
          : `lines among the records that begin with ${toText(dialect.comment, dialect.encoding)} are no records`,
    header,
    skipLines:
      settings.skipLines !== undefined
        ? TOLD
        : skipped === 0
          ? 'the first line is like those that follow'
          : 'these lines are unlike those that follow',
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

/** A word for the usual ones, else the characters themselves. */
export function describeDelimiter({
  delimiter,
  encoding,
}: Pick<Dialect, 'delimiter' | 'encoding'>): string {
  return nameDelimiter(toText(delimiter, encoding));
}

/** The same for one that is text already. */
export function nameDelimiter(delimiter: string): string {
  return DELIMITER_NAMES[delimiter] ?? JSON.stringify(delimiter);
}
