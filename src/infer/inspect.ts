/** A file → what `edp inspect` reports about it. Loads nothing, and needs no database. */
import { EdpError } from '../base/errors.js';
import type { DetectedPart } from '../formats/csv/detect/explain.js';
import { type FileDescription, sampleFile } from '../formats/describe-file.js';
import { openFormat, type RecordForm } from '../formats/open-format.js';
import type { Footer } from '../formats/text/described-text.js';
import { CR, LF } from '../formats/text/line-end.js';
import {
  addPassedOver,
  NOTHING_PASSED_OVER,
  type PassedOver,
  PassedOverTally,
} from '../formats/text/passed-over.js';
import { RecordBatch } from '../formats/text/record-batch.js';
import type { Sample } from '../formats/text/sample.js';
import { toText } from '../formats/text/transcode.js';
import type { LineEnd } from '../model/csv-settings.js';
import type { FileSettings } from '../model/file-settings.js';
import { Fault, type RejectCode } from '../model/reject-codes.js';
import { type InputFile, totalBytes } from '../source/discover.js';
import { versionOf } from '../source/sources.js';
import { type InferenceProgress, inferTable, type TableInference } from './infer.js';
import { withInferencePool } from './infer-pool.js';
import { RecordReader, readWholeRecords } from './infer-records.js';
import { type ColumnInference, inferType } from './infer-type.js';
import { nameSeries } from './inferred-names.js';
import { FileFindings, toStretch } from './stretch.js';

/** Larger files are read completely only on request. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
/** Records in which examples are searched. */
const EXAMPLE_RECORDS = 1024;
const PREVIEW_RECORDS = 8;
const EXAMPLES = 3;

/** The line ends that occur in the sample, whatever line ends the dialect accepts. */
export type FoundLineEnd = Exclude<LineEnd, 'any'> | 'mixed';

export interface InspectedColumn extends ColumnInference {
  readonly name: string;
  /** Its name in the file; null where the file names none. */
  readonly header: string | null;
  /** The first different values. */
  readonly examples: readonly string[];
}

/** What is known of the records, all of them or those of a sample. */
interface Contents {
  readonly fields: readonly string[];
  readonly records: number;
  readonly bytes: number;
  readonly columns: readonly ColumnInference[];
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  /** The lines between the records. */
  readonly passedOver: PassedOver;
}

export interface Inspection {
  readonly path: string;
  readonly bytes: number;
  readonly description: FileDescription;
  readonly lineEnd: FoundLineEnd;
  readonly why: Readonly<Partial<Record<DetectedPart, string>>> &
    Readonly<Record<'format' | 'compression' | 'encoding', string>>;
  readonly sample: {
    readonly records: number;
    readonly bytes: number;
    /** Whether the sample is the whole file. */
    readonly isWhole: boolean;
  };
  /** Fields; undefined without a candidate, or where only the whole file would show it. */
  readonly key: string | undefined;
  readonly time: string | undefined;
  readonly columns: readonly InspectedColumn[];
  readonly nullTokens: Readonly<Record<string, number>>;
  /** Number of records that would be rejected for their form, by code; then lines passed over. */
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  /** Lines between the records. */
  readonly between: PassedOver;
  /** The same, and the lines before and behind the records. */
  readonly passedOver: PassedOver;
  readonly footer: Footer | undefined;
  readonly preview: readonly (readonly (string | null)[])[];
}

export interface InspectOptions {
  readonly settings: FileSettings;
  readonly processCount: number;
  /** Whether to read all of a large file. */
  readonly isWhole: boolean;
  readonly progress: InferenceProgress;
  readonly signal: AbortSignal;
}

/** @throws EdpError `io`, `not_csv`, `wrong_format`, `file_changed`, `interrupted` */
export async function inspectFile(file: InputFile, options: InspectOptions): Promise<Inspection> {
  const { settings } = options;
  const version = await versionOf(file);
  const { sample, description, choice } = await sampleFile(version, file.name, settings);
  const { head, isWhole } = sample.parts;
  const looksAtAll = options.isWhole || sample.size <= MAX_WHOLE_BYTES;
  const table = looksAtAll ? await inferUnlessBroken(file, description, options) : undefined;
  const contents = table === undefined ? readContents(sample, description) : toContents(table);
  const end = isWhole ? (description.dataEnd ?? head.length) : head.length;
  const { preview, examples } = readExamples(head.subarray(0, end), description, isWhole);
  const { fields } = contents;
  const columns = fields.map(
    (name, i): InspectedColumn => ({
      name,
      header: nameInFile(description, i, name),
      ...contents.columns[i]!,
      examples: [...(examples.get(name) ?? [])].map((text) => toText(text, 'utf-8')),
    }),
  );
  return {
    path: file.name,
    bytes: sample.size,
    description,
    lineEnd: findLineEnds(head, description.recordForm),
    why: {
      ...(description.format === 'csv' ? description.detection.why : {}),
      ...description.form.why,
      format: choice.why,
    },
    sample: { records: contents.records, bytes: contents.bytes, isWhole: table !== undefined },
    key: table?.key?.fields[0],
    time: table?.time,
    columns,
    nullTokens: sumTokens(columns),
    odd: contents.odd,
    between: contents.passedOver,
    passedOver: addPassedOver(
      description.head,
      contents.passedOver,
      countTail(sample, description),
    ),
    footer: description.footer,
    preview: preview.map((record) =>
      fields.map((_, i) => {
        const field = record[i] ?? null;
        return field === null ? null : toText(field, 'utf-8');
      }),
    ),
  };
}

/**
 * @returns undefined where the file cannot be unpacked to its end, so that only the sample is known
 */
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

/** The name of a field in the file; null where the file has none. */
function nameInFile(description: FileDescription, index: number, name: string): string | null {
  if (description.format !== 'csv') return name;
  const { hasHeader, header, isHeaderShort } = description.detection;
  return hasHeader ? (header[isHeaderShort ? index - 1 : index] ?? null) : null;
}

function toContents({ files, records, odd, columns }: TableInference): Contents {
  const { bytes, findings } = files[0]!;
  const { fields, passedOver } = findings;
  return { fields, records, bytes, columns, odd, passedOver };
}

/** Reads the records of the sample only. */
function readContents({ parts }: Sample, description: FileDescription): Contents {
  const { recordForm, fields, dataStart, dataLine } = description;
  const findings = new FileFindings(fields);
  let bytes = 0;
  const read = (part: Buffer, start: number, line: number) => {
    const reader = new RecordReader(recordForm, fields.length, []);
    readWholeRecords(reader, part, start);
    findings.add(toStretch(reader, start, part.length), line);
    bytes += part.length;
  };
  read(parts.head, dataStart, dataLine);
  for (const piece of parts.pieces) {
    const start = findSecondRecord(piece, recordForm);
    if (start !== undefined) read(piece, start, Number.NaN);
  }
  const { records, odd, passedOver } = findings;
  const columns = findings.columns.map(inferType);
  return { fields: findings.fields, records, bytes, columns, odd, passedOver };
}

/** Counts the lines of a footer that the user specified. */
function countTail({ tail }: Sample, { recordForm, dataEnd }: FileDescription): PassedOver {
  if (dataEnd === undefined || tail === undefined) return NOTHING_PASSED_OVER;
  const tally = new PassedOverTally();
  openFormat(recordForm).walkTail(tail.bytes.subarray(Math.max(0, dataEnd - tail.start)), tally);
  return tally.counts;
}

/** The first lines of a piece may belong to a record that began before it, so they are skipped. */
function findSecondRecord(piece: Buffer, recordForm: RecordForm): number | undefined {
  const lineEnd = piece.findIndex((byte) => byte === LF || byte === CR);
  if (lineEnd < 0) return undefined;
  const scanner = openFormat(recordForm).newScanner();
  scanner.reset(lineEnd + 1);
  scanner.scan(piece, piece.length, Number.POSITIVE_INFINITY, false, new RecordBatch(1));
  return scanner.nextRecord;
}

interface Examples {
  readonly preview: readonly (readonly (string | null)[])[];
  /** By field, the first different values. */
  readonly examples: ReadonlyMap<string, ReadonlySet<string>>;
}

/** @param isAll whether the file ends with these bytes */
function readExamples(
  bytes: Buffer,
  { recordForm, fields, dataStart }: FileDescription,
  isAll: boolean,
): Examples {
  const preview: (readonly (string | null)[])[] = [];
  const examples = new Map<string, Set<string>>();
  const format = openFormat(recordForm);
  const scanner = format.newScanner();
  const parser = format.newParser();
  const batch = new RecordBatch(EXAMPLE_RECORDS);
  scanner.reset(dataStart);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, isAll, batch);
  parser.parse(bytes, batch, (_, record) => {
    if (record instanceof Fault) return;
    if (preview.length < PREVIEW_RECORDS) preview.push(record);
    for (const [i, name] of (parser.fields ?? fields).entries()) {
      const found = examples.get(name) ?? new Set();
      examples.set(name, found);
      const field = record[i] ?? null;
      if (field !== null && found.size < EXAMPLES) found.add(field.slice(0, 100));
    }
  });
  return { preview, examples };
}

function findLineEnds(head: Buffer, form: RecordForm): FoundLineEnd {
  const { lineEnd, quote } =
    form.format === 'csv' ? form.dialect : { lineEnd: openFormat(form).lineEnd, quote: '' };
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
