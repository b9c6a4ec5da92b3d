/** A file → what `edp inspect` says about it. Loads nothing, and needs no database. */
import { EdpError } from '../base/errors.js';
import { describeSample, type FileDescription, type Footer } from '../formats/csv/describe.js';
import { type DetectedPart, toText } from '../formats/csv/detect/detect.js';
import { readSample, type Sample } from '../formats/csv/detect/sample.js';
import type { Dialect } from '../formats/csv/dialect.js';
import { CsvParser } from '../formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../formats/csv/scan/csv-scanner.js';
import { CR, LF } from '../formats/text/line-end.js';
import { RecordBatch } from '../formats/text/record-batch.js';
import type { CsvSettings, LineEnd } from '../model/csv-settings.js';
import { Fault, type RejectCode } from '../model/reject-codes.js';
import { type InputFile, totalBytes } from '../source/discover.js';
import { versionOf } from '../source/sources.js';
import { type ColumnInference, conclude } from './conclude.js';
import { type InferenceProgress, inferTable, type TableInference } from './infer.js';
import { withInferencePool } from './infer-pool.js';
import { RecordReader, readAll } from './infer-records.js';
import { type ColumnSummary, emptySummary, mergeSummaries } from './inferred-column.js';
import { nameSeries } from './inferred-names.js';

/** Larger files are looked at as a whole only if that is asked for. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
/** Records in which examples are looked for. */
const EXAMPLE_RECORDS = 1024;
const PREVIEW_RECORDS = 8;
const EXAMPLES = 3;

/** How the lines of the sample end: what is there, and not only what is looked for. */
export type FoundLineEnd = Exclude<LineEnd, 'any'> | 'mixed';

export interface InspectedColumn extends ColumnInference {
  readonly name: string;
  /** Its name in the file; null where the file names none. */
  readonly header: string | null;
  /** The first values that differ. */
  readonly examples: readonly string[];
}

/** What is known of the records, from all of them or from a sample. */
interface Contents {
  readonly records: number;
  readonly bytes: number;
  readonly columns: readonly ColumnInference[];
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  readonly blankLines: number;
  readonly commentLines: number;
}

export interface Inspection {
  readonly path: string;
  readonly bytes: number;
  readonly description: FileDescription;
  readonly lineEnd: FoundLineEnd;
  readonly why: Readonly<Record<DetectedPart | 'compression' | 'encoding', string>>;
  readonly sample: {
    readonly records: number;
    readonly bytes: number;
    /** Whether the sample is the whole file. */
    readonly isWhole: boolean;
  };
  /** Fields; undefined where none offers itself, or where it takes the whole file to tell. */
  readonly key: string | undefined;
  readonly time: string | undefined;
  readonly columns: readonly InspectedColumn[];
  readonly nullTokens: Readonly<Record<string, number>>;
  /** Records that would be rejected for their form, by code; and lines passed over. */
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  readonly blankLines: number;
  readonly commentLines: number;
  readonly footer: Footer | undefined;
  readonly preview: readonly (readonly (string | null)[])[];
}

export interface InspectOptions {
  readonly settings: CsvSettings;
  readonly processCount: number;
  /** Whether to look at all of a large file, too. */
  readonly isWhole: boolean;
  readonly progress: InferenceProgress;
  readonly signal: AbortSignal;
}

/** @throws EdpError `io`, `not_csv`, `file_changed`, `interrupted` */
export async function inspectFile(file: InputFile, options: InspectOptions): Promise<Inspection> {
  const { settings } = options;
  const sample = await readSample(await versionOf(file), file.name, settings);
  const description = describeSample(sample, file.name, undefined, settings);
  const { dialect, detection, header } = description;
  const { head, isWhole } = sample.parts;
  const looksAtAll = options.isWhole || sample.size <= MAX_WHOLE_BYTES;
  const table = looksAtAll ? await inferUnlessBroken(file, description, options) : undefined;
  const contents = table === undefined ? readContents(sample, description) : toContents(table);
  const end = isWhole ? (description.dataEnd ?? head.length) : head.length;
  const { preview, examples } = readExamples(head.subarray(0, end), description, isWhole);
  const columns = header.map((column, i): InspectedColumn => {
    const original = detection.isHeaderShort ? detection.header[i - 1] : detection.header[i];
    return {
      name: column,
      header: detection.hasHeader ? (original ?? null) : null,
      ...contents.columns[i]!,
      examples: [...examples[i]!].map((text) => toText(text, 'utf-8')),
    };
  });
  return {
    path: file.name,
    bytes: sample.size,
    description,
    lineEnd: findLineEnds(head, dialect),
    why: { ...detection.why, ...description.form.why },
    sample: { records: contents.records, bytes: contents.bytes, isWhole: table !== undefined },
    key: table?.key,
    time: table?.time,
    columns,
    nullTokens: sumTokens(columns),
    odd: contents.odd,
    blankLines: contents.blankLines,
    commentLines: contents.commentLines,
    footer: description.footer,
    preview: preview.map((fields) =>
      fields.map((field) => (field === null ? null : toText(field, 'utf-8'))),
    ),
  };
}

/** @returns undefined where the file cannot be unpacked to its end, so that there is but the sample */
async function inferUnlessBroken(
  file: InputFile,
  { form }: FileDescription,
  { settings, processCount, progress, signal }: InspectOptions,
): Promise<TableInference | undefined> {
  if (form.breakage !== undefined) return undefined;
  const bytes = await totalBytes([file]);
  try {
    return await withInferencePool(processCount, bytes, (pool) =>
      inferTable(nameSeries(file.path), [file], settings, pool, progress, signal),
    );
  } catch (error) {
    if (error instanceof EdpError && error.code === 'corrupt_file') return undefined;
    throw error;
  }
}

function toContents({ files, records, odd, columns }: TableInference): Contents {
  const { bytes, findings } = files[0]!;
  const { blankLines, commentLines } = findings;
  return { records, bytes, columns, odd, blankLines, commentLines };
}

/** Reads the sample alone. */
function readContents({ parts }: Sample, description: FileDescription): Contents {
  const { dialect, header, dataStart, dataLine } = description;
  const summaries = header.map((): ColumnSummary => emptySummary());
  const odd: Partial<Record<RejectCode, number>> = {};
  let [records, blankLines, commentLines, bytes] = [0, 0, 0, 0];
  const read = (part: Buffer, start: number, line: number) => {
    const reader = new RecordReader(dialect, header.length, []);
    readAll(reader, part, start);
    records += reader.records;
    blankLines += reader.blankLines;
    commentLines += reader.commentLines;
    bytes += part.length;
    for (const [code, count] of Object.entries(reader.odd) as [RejectCode, number][]) {
      odd[code] = (odd[code] ?? 0) + count;
    }
    for (const [i, { summary }] of reader.columns.entries()) {
      mergeSummaries(summaries[i]!, summary, line);
    }
  };
  read(parts.head, dataStart, dataLine);
  for (const piece of parts.pieces) {
    const start = findSecondRecord(piece, dialect);
    if (start !== undefined) read(piece, start, Number.NaN);
  }
  return { records, bytes, columns: summaries.map(conclude), odd, blankLines, commentLines };
}

/** Of a piece from somewhere in a file, nobody knows what its first lines belong to. */
function findSecondRecord(piece: Buffer, dialect: Dialect): number | undefined {
  const lineEnd = piece.findIndex((byte) => byte === LF || byte === CR);
  if (lineEnd < 0) return undefined;
  const scanner = new CsvScanner(dialect);
  scanner.reset(lineEnd + 1);
  scanner.scan(piece, piece.length, Number.POSITIVE_INFINITY, false, new RecordBatch(1));
  return scanner.nextRecord;
}

interface Examples {
  readonly preview: readonly (readonly (string | null)[])[];
  /** Of each column, the first values that differ. */
  readonly examples: readonly ReadonlySet<string>[];
}

/** @param isAll whether the file ends with these bytes */
function readExamples(
  bytes: Buffer,
  { dialect, header, dataStart }: FileDescription,
  isAll: boolean,
): Examples {
  const preview: (readonly (string | null)[])[] = [];
  const examples = header.map(() => new Set<string>());
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(EXAMPLE_RECORDS);
  scanner.reset(dataStart);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, isAll, batch);
  new CsvParser(dialect).parse(bytes, batch, (_, record) => {
    if (record instanceof Fault) return;
    if (preview.length < PREVIEW_RECORDS) preview.push(record);
    for (const [i, found] of examples.entries()) {
      const field = record[i] ?? null;
      if (field !== null && found.size < EXAMPLES) found.add(field.slice(0, 100));
    }
  });
  return { preview, examples };
}

function findLineEnds(head: Buffer, { lineEnd, quote }: Dialect): FoundLineEnd {
  if (lineEnd === 'cr' || lineEnd === 'crlf') return lineEnd;
  if (lineEnd === 'any') return 'mixed';
  const quoteByte = quote === '' ? -1 : quote.charCodeAt(0);
  let isQuoted = false;
  let withCr = 0;
  let without = 0;
  for (let at = 0; at < head.length; at++) {
    if (head[at] === quoteByte) isQuoted = !isQuoted;
    if (isQuoted || head[at] !== LF) continue;
    if (head[at - 1] === CR) withCr++;
    else without++;
  }
  if (withCr === 0) return 'lf';
  return without === 0 ? 'crlf' : 'mixed';
}

function sumTokens(columns: readonly InspectedColumn[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { nullTokens } of columns) {
    for (const [word, count] of Object.entries(nullTokens)) sum[word] = (sum[word] ?? 0) + count;
  }
  return sum;
}
