/** A file → what `edp inspect` says about it. Loads nothing, and needs no database. */
import { type ColumnInference, ColumnTypes } from '../infer/infer.js';
import { type DetectedPart, toText } from '../ingest/detect/detect.js';
import { readSample } from '../ingest/detect/sample.js';
import { CR, type Dialect, LF } from '../ingest/dialect.js';
import { describeSample, type FileDescription, type Footer } from '../ingest/plan/describe.js';
import { Fault, type RejectCode } from '../ingest/reject.js';
import { CsvParser, type ParsedRecord } from '../ingest/scan/parse.js';
import { RecordBatch, RecordScanner } from '../ingest/scan/records.js';
import { coerceText } from '../ingest/transform/coerce.js';
import type { CsvSettings } from '../model/csv.js';

const BATCH_RECORDS = 1024;
const PREVIEW_RECORDS = 8;
const EXAMPLES = 3;

/** How the lines of the sample end: what is there, and not only what is looked for. */
export type FoundLineEnd = 'lf' | 'crlf' | 'cr' | 'mixed';

export interface InspectedColumn extends ColumnInference {
  readonly name: string;
  /** Its name in the file; null where the file names none. */
  readonly header: string | null;
  /** The first values that differ. */
  readonly examples: readonly string[];
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
  readonly columns: readonly InspectedColumn[];
  readonly nullTokens: Readonly<Record<string, number>>;
  /** Records of the sample that would be rejected for their form, by code; and lines passed over. */
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  readonly blankLines: number;
  readonly commentLines: number;
  readonly footer: Footer | undefined;
  readonly preview: readonly (readonly (string | null)[])[];
}

/** @throws EdpError `io`, `not_csv` */
export async function inspectFile(
  file: string,
  name: string,
  settings: CsvSettings,
): Promise<Inspection> {
  const sample = await readSample(file, name, settings);
  const description = describeSample(sample, name, undefined, settings);
  const { dialect, detection, header } = description;
  const { head, isWhole, pieces } = sample.parts;
  const reader = new SampleReader(dialect, header.length);
  const end = isWhole ? (description.dataEnd ?? head.length) : head.length;
  reader.read(head.subarray(0, end), description.dataStart, isWhole);
  for (const piece of pieces) reader.readPiece(piece);
  const sampledBytes = head.length + pieces.reduce((sum, piece) => sum + piece.length, 0);
  const columns = header.map((column, i): InspectedColumn => {
    const { examples, types } = reader.columns[i]!;
    const original = detection.isHeaderShort ? detection.header[i - 1] : detection.header[i];
    return {
      name: column,
      header: detection.hasHeader ? (original ?? null) : null,
      ...types.conclude(),
      examples: [...examples].map((text) => toText(text, 'utf-8')),
    };
  });
  return {
    path: name,
    bytes: sample.size,
    description,
    lineEnd: findLineEnds(head, dialect),
    why: { ...detection.why, ...description.form.why },
    sample: { records: reader.records, bytes: sampledBytes, isWhole },
    columns,
    nullTokens: sumTokens(columns),
    odd: Object.fromEntries(reader.odd),
    blankLines: reader.blankLines,
    commentLines: reader.commentLines,
    footer: description.footer,
    preview: reader.preview.map((fields) =>
      fields.map((field) => (field === null ? null : toText(field, 'utf-8'))),
    ),
  };
}

interface SampledColumn {
  readonly types: ColumnTypes;
  readonly examples: Set<string>;
}

/** Reads records as a load would, up to where values get their types. */
class SampleReader {
  readonly columns: readonly SampledColumn[];
  readonly odd = new Map<RejectCode, number>();
  readonly preview: (readonly (string | null)[])[] = [];
  records = 0;
  blankLines = 0;
  commentLines = 0;
  readonly #dialect: Dialect;
  readonly #parser: CsvParser;

  constructor(dialect: Dialect, columnCount: number) {
    this.#dialect = dialect;
    this.#parser = new CsvParser(dialect);
    this.columns = Array.from({ length: columnCount }, () => ({
      types: new ColumnTypes(),
      examples: new Set(),
    }));
  }

  /** @param isAll whether the file ends with these bytes */
  read(bytes: Buffer, start: number, isAll: boolean): void {
    const scanner = new RecordScanner(this.#dialect);
    const batch = new RecordBatch(BATCH_RECORDS);
    scanner.reset(start);
    // Behind a record comes its own line end first; at the start there is none.
    let gapFrom = start;
    let ownLineEnds = 0;
    for (;;) {
      batch.count = 0;
      scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, isAll, batch);
      for (let i = 0; i < batch.count; i++) {
        this.#countLines(bytes, gapFrom, batch.start[i]!, ownLineEnds);
        gapFrom = batch.end[i]!;
        ownLineEnds = 1;
      }
      this.#parser.parse(bytes, batch, (_, record) => this.#take(record));
      if (batch.count < batch.capacity) break;
    }
    if (isAll) this.#countLines(bytes, gapFrom, bytes.length, ownLineEnds);
  }

  /** Reads a piece from somewhere in a file: what its first lines belong to is not known. */
  readPiece(bytes: Buffer): void {
    const lineEnd = bytes.findIndex((byte) => byte === LF || byte === CR);
    if (lineEnd < 0) return;
    const scanner = new RecordScanner(this.#dialect);
    scanner.reset(lineEnd + 1);
    scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, false, new RecordBatch(1));
    this.read(bytes, scanner.nextRecord, false);
  }

  #take(record: ParsedRecord): void {
    this.records++;
    const fault =
      record instanceof Fault
        ? record
        : record
            .map((field) => (field === null ? undefined : coerceText(field)))
            .find((found) => found instanceof Fault);
    if (fault instanceof Fault) {
      this.odd.set(fault.code, (this.odd.get(fault.code) ?? 0) + 1);
    }
    if (record instanceof Fault) return;
    if (this.preview.length < PREVIEW_RECORDS) this.preview.push(record);
    for (const [i, { types, examples }] of this.columns.entries()) {
      const field = record[i] ?? null;
      types.add(field);
      if (field !== null && examples.size < EXAMPLES) examples.add(field.slice(0, 100));
    }
  }

  /** Counts the lines between two records, which are blank or comments. */
  #countLines(bytes: Buffer, from: number, to: number, ownLineEnds: number): void {
    if (to - from <= ownLineEnds) return;
    const { comment, fieldCount } = this.#dialect;
    const lines = bytes.toString('latin1', from, to).split(/\r\n|\n|\r/);
    // What stands behind the last line end is no line, unless the file ends with it.
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines.slice(ownLineEnds)) {
      if (comment !== '' && line.startsWith(comment)) this.commentLines++;
      else if (line === '' && fieldCount !== 1) this.blankLines++;
    }
  }
}

function findLineEnds(head: Buffer, { recordEnd, quote }: Dialect): FoundLineEnd {
  if (recordEnd === 'cr' || recordEnd === 'crlf') return recordEnd;
  if (recordEnd === 'any') return 'mixed';
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
