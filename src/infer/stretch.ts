/**
 * A stretch of a file → what is known of its columns. Tasks and results are plain data for threads.
 */

import { openFormat, type RecordForm } from '../formats/open-format.js';
import type { Segment } from '../formats/text/cut-text.js';
import { type PassedOver, PassedOverTally } from '../formats/text/passed-over.js';
import type { ScannedRange, SplitRange } from '../formats/text/ranges.js';
import { type OpenSplit, openSegment, openSplit, readSplit } from '../formats/text/read-split.js';
import type { RejectCode } from '../model/reject-codes.js';
import type { FileIdentity } from '../source/file-identity.js';
import { withFile } from '../source/open-file.js';
import { RecordReader, sumCounts } from './infer-records.js';
import { type ColumnSummary, emptySummary, mergeSummaries } from './inferred-column.js';
import type { KeyHashes } from './key-candidate.js';
import type { FoundRecord, KeyTask, TupleFindings } from './key-tuple.js';

export interface StretchTask {
  readonly file: FileIdentity;
  readonly recordForm: RecordForm;
  readonly range: SplitRange;
  /** The bytes of the range, where they are not bytes of the file. */
  readonly segment?: Segment;
  /** Number of fields that are known so far; where records name their fields, there may be more. */
  readonly columnCount: number;
  /** Columns that may be unique. */
  readonly keyFields: readonly number[];
  /** The key that the user specified. */
  readonly key?: KeyTask;
}

export interface Stretch extends ScannedRange {
  readonly records: number;
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  readonly passedOver: PassedOver;
  /** Names of the fields, where each record names its own. */
  readonly fields: readonly string[] | undefined;
  readonly columns: readonly ColumnSummary[];
  readonly keys: readonly KeyHashes[];
  /** Of the key that the user specified. */
  readonly tuples: TupleFindings | undefined;
}

const WINDOW_BYTES = 1024 * 1024;
let buffer: Buffer | undefined;

export async function readStretch(task: StretchTask): Promise<Stretch> {
  const { file: identity, recordForm, columnCount, keyFields, key, range, segment } = task;
  // One byte more, as for the windows of a load.
  buffer ??= Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
  const window = buffer;
  const reader = new RecordReader(recordForm, columnCount, keyFields, key);
  if (segment !== undefined) return readInto(reader, openSegment(segment, identity), window);
  return withFile(identity, async (file) => {
    const split = await openSplit(file, identity, openFormat(recordForm), { range }, window);
    return readInto(reader, split, window);
  });
}

async function readInto(reader: RecordReader, split: OpenSplit, window: Buffer): Promise<Stretch> {
  const end = await readSplit(split, window, reader);
  return toStretch(reader, split.start, end);
}

/** @returns what a reader found between two offsets */
export function toStretch(reader: RecordReader, start: number, end: number): Stretch {
  return {
    start,
    end,
    lineCount: reader.lineCount,
    records: reader.records,
    odd: reader.odd,
    passedOver: reader.passedOver,
    fields: reader.fields,
    columns: reader.columns.map(({ summary }) => summary),
    keys: reader.keys.map((key) => key.take()),
    tuples: reader.tuple?.take(),
  };
}

/** What is known of the part of a file that was read so far. */
export class FileFindings {
  readonly fields: string[];
  readonly columns: ColumnSummary[];
  readonly keys: KeyHashes[] = [];
  readonly odd: Partial<Record<RejectCode, number>> = {};
  /** Of the key that the user specified, by stretch. */
  readonly tuples: TupleFindings[] = [];
  records = 0;
  readonly #passedOver = new PassedOverTally();

  /** @param fields the fields that are known so far */
  constructor(fields: readonly string[]) {
    this.fields = [...fields];
    this.columns = fields.map(emptySummary);
  }

  /** The lines between the records. */
  get passedOver(): PassedOver {
    return this.#passedOver.counts;
  }

  /** Adds the next stretch of the file. @param line line, from 1, at its start */
  add(stretch: Stretch, line: number): void {
    const places = this.#placesIn(stretch);
    this.records += stretch.records;
    this.#passedOver.addAll(stretch.passedOver);
    for (const [code, count] of Object.entries(stretch.odd) as [RejectCode, number][]) {
      this.odd[code] = (this.odd[code] ?? 0) + count;
    }
    for (const [i, column] of this.columns.entries()) {
      const place = places === undefined ? i : places.get(this.fields[i]!);
      if (place !== undefined) mergeSummaries(column, stretch.columns[place]!, line);
      else column.nulls += stretch.records - sumCounts(stretch.odd);
    }
    this.keys.push(...stretch.keys);
    if (stretch.tuples === undefined) return;
    const inFile = (record: FoundRecord) => ({ ...record, line: record.line + line });
    this.tuples.push({ ...stretch.tuples, found: stretch.tuples.found.map(inFile) });
  }

  /**
   * Places of the fields of a stretch that names its own; fields that no record had so far are added.
   *
   * @returns undefined where they are the known fields in their order
   */
  #placesIn({ fields }: Stretch): ReadonlyMap<string, number> | undefined {
    if (fields === undefined) return undefined;
    const known = new Set(this.fields);
    for (const field of fields.filter((name) => !known.has(name))) {
      this.fields.push(field);
      const column = emptySummary();
      column.nulls = this.records - sumCounts(this.odd);
      this.columns.push(column);
    }
    return new Map(fields.map((field, i) => [field, i]));
  }
}
