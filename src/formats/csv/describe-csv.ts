/** A file → its dialect, its header, and where its records are. */
import { EdpError } from '../../base/errors.js';
import type { CsvSettings } from '../../model/csv-settings.js';
import { knownFields } from '../../model/fields.js';
import type { Table } from '../../model/model.js';
import { Fault } from '../../model/reject-codes.js';
import type { FileIdentity } from '../../source/file-identity.js';
import {
  type DescribedText,
  type Footer,
  listTextOddities,
  textBytesOf,
  textHeadOf,
} from '../text/described-text.js';
import { findForeignText, foreign, isBinary } from '../text/foreign-file.js';
import { MAX_HEADER_BYTES } from '../text/limits.js';
import { type PassedOver, PassedOverTally } from '../text/passed-over.js';
import { findFooter, isDecoded } from '../text/read-text.js';
import { RecordBatch } from '../text/record-batch.js';
import { isFullSample, readBriefSample, readSample, type Sample } from '../text/sample.js';
import { fieldEncodingOf, toText } from '../text/transcode.js';
import { type CsvForm, csvFormat } from './csv-format.js';
import { type DetectInput, type Detection, detect, detectExpected } from './detect/detect.js';
import { describeDelimiter } from './detect/explain.js';
import { type SampledRecord, sampleRecords } from './detect/sampled-records.js';
import { type Dialect, fitsFieldCount } from './dialect.js';
import { CsvScanner } from './scan/csv-scanner.js';

const MEASURED_RECORDS = 250;

/** Share of NUL bytes in the sample above which a file is not taken for text. */
const BINARY_SHARE = 0.01;
/** The same for a few NUL bytes, which are damage in a small file, too. */
const FEW_ZEROS = 10;
const FEW_ZEROS_SHARE = 0.1;

/**
 * A footer is searched in this much of the end; a glance at less shows that most files have none.
 */
const FOOTER_BYTES = 16 * 1024;
const GLANCE_BYTES = 1024;
/** Lines at the end of a file that may be a footer. */
const MAX_FOOTER_LINES = 5;

export interface CsvDescription extends DescribedText {
  readonly format: 'csv';
  readonly recordForm: CsvForm;
  readonly detection: Detection;
}

/**
 * @param name for messages
 * @param table what is known of the file's fields; undefined for a file of unknown fields
 * @param settings what the user specified
 * @throws EdpError `not_csv`, `io`, and those of its source
 */
export async function describeCsv(
  file: FileIdentity,
  name: string,
  table: Table | undefined,
  settings: CsvSettings,
): Promise<CsvDescription> {
  if (table !== undefined) {
    const brief = await readBriefSample(file, name, settings);
    const input = inputOf(brief, table, settings);
    const expected = isUsualText(brief) ? detectExpected(input) : undefined;
    if (expected !== undefined) return describeDetected(brief, expected, name, input);
    if (isFullSample(brief)) return describeCsvSample(brief, name, table, settings);
  }
  const sample = await readSample(file, name, settings);
  return describeCsvSample(sample, name, table, settings);
}

/** Whether the sample is plain text in UTF-8. */
function isUsualText({ form, hasInvalid }: Sample): boolean {
  return !isDecoded(form) && form.encoding === 'utf-8' && !hasInvalid;
}

export function describeCsvSample(
  sample: Sample,
  name: string,
  table: Table | undefined,
  settings: CsvSettings,
): CsvDescription {
  const input = inputOf(sample, table, settings);
  return describeDetected(sample, detect(input), name, input);
}

function inputOf(
  { form, parts }: Sample,
  table: Table | undefined,
  settings: CsvSettings,
): DetectInput {
  const encoding = fieldEncodingOf(form.encoding);
  const known: ReadonlySet<string> = table === undefined ? new Set() : knownFields(table);
  return { parts, encoding, settings, known };
}

function describeDetected(
  sample: Sample,
  detection: Detection,
  name: string,
  { known, settings }: DetectInput,
): CsvDescription {
  const { form, parts } = sample;
  const { dialect, names, headerRecord, dataStart } = detection;
  const headerBytes =
    headerRecord === undefined
      ? Buffer.alloc(0)
      : Buffer.from(parts.head.subarray(headerRecord.start, headerRecord.end));
  if (!isFormNamed(settings) && !names.some((field) => known.has(field))) {
    assertText(parts.head, known.size > 0, name);
    assertNoForeignText(sample, name);
  }
  // A file that cannot be unpacked is reported when all of it is unpacked.
  const isEndless = !parts.isWhole && form.breakage === undefined && dataStart >= parts.head.length;
  if (headerRecord === undefined && isEndless) throw endlessLine(name);
  if (headerRecord !== undefined) {
    if (headerRecord.isDamaged && !detection.isHeaderMended && settings.columns === undefined) {
      throw new EdpError(
        'not_csv',
        `the header of ${name} cannot be read: ${headerRecord.raw.includes('"') ? 'a quoted field is never closed' : 'its quotes do not match'}`,
        {
          place: `${name}:${detection.skippedLines + 1}`,
          hint: 'name the fields with --columns a,b,c; or mend the quotes in the first line, or use --quote none if they are text',
        },
      );
    }
    if (headerRecord.end - headerRecord.start > MAX_HEADER_BYTES) {
      throw endlessLine(name);
    }
  }
  const hasHeader = headerBytes.length > 0;
  const recordForm: CsvForm = {
    format: 'csv',
    dialect,
    ...(hasHeader ? { header: headerBytes.toString('latin1') } : {}),
  };
  return {
    format: 'csv',
    recordForm,
    form,
    detection,
    fields: names,
    mayHaveMoreFields: false,
    headerBytes,
    head: countHead(parts.head.subarray(0, dataStart), headerBytes, recordForm),
    dataStart,
    dataLine: detection.dataLine + 1,
    dataEnd: findFooterStart(sample, dialect, dataStart, settings, name),
    skipFooter: settings.skipFooter ?? 0,
    footer: settings.skipFooter === undefined ? guessFooter(sample, detection) : undefined,
    recordBytes: meanRecordBytes(parts.head, dataStart, dialect),
    textHead: textHeadOf(sample),
    textBytes: textBytesOf(sample),
  };
}

function countHead(bytes: Buffer, header: Buffer, { dialect }: CsvForm): PassedOver {
  const tally = new PassedOverTally();
  csvFormat(dialect).walkHead(bytes, header, tally);
  return tally.counts;
}

function endlessLine(name: string): EdpError {
  return new EdpError('not_csv', `${name} does not look like a CSV: its first line does not end`, {
    hint: `a header is at most ${MAX_HEADER_BYTES} bytes long; if there is none, name the fields with --columns a,b,c`,
  });
}

/** @param isStrict whether a single NUL byte is one too many */
function assertText(head: Buffer, isStrict: boolean, name: string): void {
  let zeros = 0;
  for (let at = head.indexOf(0); at >= 0; at = head.indexOf(0, at + 1)) zeros++;
  const share = zeros > FEW_ZEROS ? BINARY_SHARE : FEW_ZEROS_SHARE;
  if (zeros === 0 || (!isStrict && zeros <= head.length * share)) return;
  throw new EdpError('not_csv', `${name} does not look like a CSV: it has NUL bytes`, {
    hint: 'name a text file with a header line; if it is one, --delimiter reads it, and rejects the records that have them',
  });
}

/** Whether the user says how fields or lines are written, and so that there are some. */
function isFormNamed({ columns, delimiter, skipLines }: CsvSettings): boolean {
  return columns !== undefined || delimiter !== undefined || skipLines !== undefined;
}

function assertNoForeignText({ parts: { head, start, isWhole } }: Sample, name: string): void {
  const found = findForeignText(head.subarray(start), isWhole);
  if (found !== undefined) throw foreign(name, found);
  if (isBinary(head)) {
    throw foreign(name, {
      what: 'binary data',
      hint: 'name a text file; --encoding helps if it is one in an unusual encoding',
    });
  }
}

/** Finds the start of the lines at the end that the user wants to pass over. */
function findFooterStart(
  { tail }: Sample,
  dialect: Dialect,
  dataStart: number,
  { skipFooter = 0 }: CsvSettings,
  name: string,
): number | undefined {
  if (skipFooter === 0 || tail === undefined) return undefined;
  const { bytes, start } = tail;
  const footer = findFooter(bytes, skipFooter, dialect.lineEnd);
  // A piece from the middle of a file begins in the middle of a line.
  if (start > 0 && (footer ?? 0) === 0) {
    throw new EdpError(
      'usage',
      `the last ${skipFooter} lines of ${name} are too long to be a footer`,
      { hint: 'specify a smaller number with --skip-footer' },
    );
  }
  return Math.max(dataStart, start + (footer ?? 0));
}

/** The form of a file as `--json` reports it. */
export function summarizeCsv({ form, recordForm: { dialect }, detection }: CsvDescription) {
  return {
    delimiter: toText(dialect.delimiter, dialect.encoding),
    quote: dialect.quote === '' ? null : dialect.quote,
    escape: dialect.escape,
    lineEnd: dialect.lineEnd,
    header: detection.hasHeader,
    linesBeforeHeader: detection.skippedLines,
    comment: dialect.comment === '' ? null : toText(dialect.comment, dialect.encoding),
    trailingDelimiter: dialect.hasTrailingDelimiter,
    headerOneFieldShort: detection.isHeaderShort,
    encoding: form.encoding,
    byteOrderMark: form.markBytes > 0,
    compression: form.compression,
  };
}

/** Describes in words what is unusual in the form of a file; empty for most files. */
export function listCsvOddities({
  form,
  recordForm: { dialect },
  detection,
  headerBytes,
}: CsvDescription): string[] {
  const lines = (count: number) => (count === 1 ? '1 line' : `${count} lines`);
  return [
    ...listTextOddities(form),
    /^[,\t]$/.test(dialect.delimiter) ? '' : `${describeDelimiter(dialect)} between fields`,
    dialect.quote === '"' ? '' : dialect.quote === '' ? 'no quotes' : 'single quotes',
    dialect.escape === 'backslash' ? 'backslash escapes' : '',
    dialect.allowsBareQuotes && dialect.delimiter !== '\t' ? 'quotes inside of fields' : '',
    dialect.lineEnd === 'any' ? 'line ends of several kinds' : '',
    dialect.comment === ''
      ? ''
      : `comments that begin with ${toText(dialect.comment, dialect.encoding)}`,
    dialect.hasTrailingDelimiter ? 'a delimiter behind the last field' : '',
    detection.isHeaderShort ? 'a header one field short' : '',
    detection.hasSurplusDelimiters ? 'a header with delimiters too many' : '',
    detection.isHeaderMended ? 'a header with a quote that is never closed (--columns)' : '',
    describeMismatch(detection),
    detection.skippedLines === 0 ? '' : `${lines(detection.skippedLines)} before the header`,
    detection.isHeaderGuessed && detection.hasHeader
      ? 'a first line taken for names (--no-header if it is a record)'
      : '',
    !detection.hasHeader && headerBytes.length === 0 && dialect.fieldCount > 0
      ? `no header${detection.isHeaderGuessed ? ' (--header if the first line has names)' : ''}`
      : '',
  ].filter(Boolean);
}

/** Names and fields of different number, so that the records are rejected. */
function describeMismatch({ names, recordFields, dialect }: Detection): string {
  const isUsual = recordFields === 0 || dialect.ragged === 'pad';
  if (isUsual || fitsFieldCount(recordFields, dialect)) return '';
  return `${names.length} names for records of ${recordFields} fields (--columns names them)`;
}

/**
 * Finds lines at the end with fewer fields than records have, behind a record that has all of them.
 */
function guessFooter(
  { tail }: Sample,
  { dialect, evaluation, dataStart }: Detection,
): Footer | undefined {
  if (tail === undefined || evaluation === undefined || evaluation.width < 2) return undefined;
  const readEnd = (length: number) => {
    const offset = Math.max(0, tail.bytes.length - length);
    const bytes = tail.bytes.subarray(offset);
    const start = tail.start + offset;
    const lineStart = start === 0 ? 0 : bytes.indexOf('\n') + 1;
    const from = Math.max(lineStart, dataStart - start);
    const records = sampleRecords(bytes, from, true, { ...dialect, fieldCount: 0 }, length / 2);
    return { start, records };
  };
  const isFooter = (record: SampledRecord) => isFooterLike(record, evaluation.width);
  const last = readEnd(GLANCE_BYTES).records.at(-1);
  if (last !== undefined && hasAllFields(last, evaluation.width)) return undefined;
  const { start, records } = readEnd(FOOTER_BYTES);
  let lines = 0;
  while (lines < records.length && isFooter(records.at(-1 - lines)!)) lines++;
  if (lines === 0 || lines > MAX_FOOTER_LINES || lines === records.length) return undefined;
  const first = records.at(-lines)!;
  return { start: start + first.start, lines, text: first.raw };
}

/** Texts that programs write below a table. */
const FOOTER_TEXT =
  /^\W*(?:\d+ (?:rows?|records?)|(?:grand )?total|sum\b|rows?\b|records?\b|count\b|end\b|eof\b|source|notes?\b|generated|copyright)/i;

function hasAllFields({ fields, isDamaged }: SampledRecord, width: number): boolean {
  return !isDamaged && !(fields instanceof Fault) && fields.length >= width;
}

function isFooterLike({ fields, raw, isDamaged }: SampledRecord, width: number): boolean {
  if (isDamaged || fields instanceof Fault || fields.length >= width) return false;
  return fields.length === 1 || FOOTER_TEXT.test(raw);
}

function meanRecordBytes(head: Buffer, dataStart: number, dialect: Dialect): number {
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(MEASURED_RECORDS);
  scanner.reset(dataStart);
  scanner.scan(head, head.length, Number.POSITIVE_INFINITY, false, batch);
  return batch.count === 0
    ? Math.max(1, head.length)
    : (scanner.nextRecord - dataStart) / batch.count;
}
