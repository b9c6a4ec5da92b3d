/**
 * Ranges of a file → the rows that a load makes of them, by the same lanes, and the outcome of the
 * records that are rejects.
 */
import type { IHasher } from 'hash-wasm';
import { openFormat, type RecordForm } from '../../formats/open-format.js';
import type { PassedOver } from '../../formats/text/passed-over.js';
import type { RecordPlace } from '../../formats/text/ranges.js';
import { readSplit } from '../../formats/text/read-split.js';
import { RecordBatch } from '../../formats/text/record-batch.js';
import type { TextFormat } from '../../formats/text/text-format.js';
import type { Window } from '../../formats/text/windows.js';
import { WINDOW_BYTES } from '../../lanes/assembly/layout.js';
import type { RowPlaces } from '../../lanes/byte-lane.js';
import type { LaneMemory } from '../../lanes/lane-memory.js';
import { LenientEncoder } from '../../lanes/lenient-encoder.js';
import { RecordLoader } from '../../lanes/record-loader.js';
import type { ReferenceValues } from '../../lanes/reference-values.js';
import type { RowSink } from '../../lanes/row-sink.js';
import { RejectLog } from '../../ledger/reject-log.js';
import type { RowRemarks } from '../../ledger/remarks.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { Fault } from '../../model/reject-codes.js';
import type { FileIdentity } from '../../source/file-identity.js';
import type { ByteSource } from '../../source/open-file.js';
import type { RowWriter } from '../../values/copy-binary.js';
import { joinFields } from '../../values/copy-fields.js';
import { viewOf } from './row-reader.js';

/** A record of the file, and its row; valid until the next one. */
export interface FileRow {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Offset of the first field's length in `bytes`, which are reused after the call. */
  readonly at: number;
  readonly byteOffset: number;
  /** Counts from 0 where reading began. */
  readonly line: number;
}

/** The ledger's rejects of the records being read. */
export interface KnownRejects {
  /** Reads the rejects in front of `byteOffset`. */
  upTo(byteOffset: number): Promise<void>;
  /**
   * Takes the reject of the record that starts there and has these bytes. @returns the bytes in the
   * ledger
   */
  take(byteOffset: number, raw: Buffer): Buffer | undefined;
  /** Drops the rejects in front of `byteOffset` that were not taken. @returns their places */
  dropBefore(byteOffset: number): readonly number[];
}

/** A record that is no row, as found in the file. */
export interface FoundReject {
  readonly byteOffset: number;
  readonly line: number;
  /** The fault of the record in the lanes; undefined where only the server refused it. */
  readonly fault: Fault | undefined;
  readonly raw: Buffer;
  /** The bytes of it in the ledger; undefined where it has none. */
  readonly kept: Buffer | undefined;
}

export interface FileVisitor {
  row(row: FileRow): void;
  reject(reject: FoundReject): void;
  /** Called for a reject of the ledger at a place where no record begins. */
  strayReject(byteOffset: number): void;
  /** Called between batches of rows. */
  pause(): Promise<void>;
}

export interface FileSource {
  readonly file: FileIdentity;
  readonly recordForm: RecordForm;
  readonly plan: TablePlan;
  readonly loadId: number;
}

const WRITE_BATCH_ROWS = 10_000;

/** Reads ranges of one file, one after the other. */
export class FileReader {
  readonly #source: FileSource;
  readonly #handle: ByteSource;
  readonly #window: Buffer;
  readonly #known: KnownRejects | undefined;
  readonly #visitor: FileVisitor;
  readonly #loader: RecordLoader;
  readonly #sink: VisitedRows;

  /** @param known undefined where the ledger has no rejects of these records */
  constructor(
    handle: ByteSource,
    source: FileSource,
    known: KnownRejects | undefined,
    visitor: FileVisitor,
    laneMemory: LaneMemory | undefined,
  ) {
    this.#handle = handle;
    this.#window = laneMemory?.window ?? Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
    this.#source = source;
    this.#known = known;
    this.#visitor = visitor;
    this.#sink = new VisitedRows(known, visitor, source.plan);
    this.#loader = new RecordLoader(
      { ...source, writeBatchSize: WRITE_BATCH_ROWS, laneMemory },
      this.#sink,
      new VisitedRejects(this.#sink, source),
    );
  }

  /** Line ends so far. */
  get lineCount(): number {
    return this.#loader.lineCount;
  }

  get recordCount(): number {
    return this.#loader.recordCount;
  }

  /** Bytes of the records so far. */
  get recordBytes(): number {
    return this.#loader.recordBytes;
  }

  /** The lines between them. */
  get passedOver(): PassedOver {
    return this.#loader.passedOver;
  }

  /** @returns start of the first record behind the range */
  async read(
    start: number,
    until: number,
    hasher: IHasher | undefined,
    check: () => void,
  ): Promise<number> {
    const { path, size } = this.#source.file;
    const split = { source: this.#handle, size, path, start, until, longRecord: undefined };
    return readSplit(split, this.#window, this.#loader, {
      hasher,
      before: async (window) => {
        check();
        await this.#known?.upTo(window.base + window.filled);
        this.#sink.window = window;
      },
      after: (window, taken) => {
        // The reject of a record that is too long is taken at its end.
        if (this.#loader.isInRecord) return;
        for (const place of this.#known?.dropBefore(window.base + taken) ?? []) {
          this.#visitor.strayReject(place);
        }
      },
    });
  }

  /** Hands over the last rows. */
  async finish(): Promise<void> {
    await this.#loader.finish();
  }
}

/** Positions of rows that are written but not handed over yet. */
interface RowPositions {
  offsets: number[];
  lines: number[];
  ends: number[];
  /** 1 for a record that is among the ledger's rejects. */
  rejected: number[];
}

const newPositions = (): RowPositions => ({ offsets: [], lines: [], ends: [], rejected: [] });

class VisitedRows implements RowSink {
  readonly wantsOrdinals = false;
  readonly nextOrdinal = 0;
  readonly references: ReadonlyMap<string, ReferenceValues> = new Map();
  window: Window | undefined;
  readonly #known: KnownRejects | undefined;
  readonly #visitor: FileVisitor;
  readonly #hasRows: boolean;
  #lane = newPositions();
  #csv = newPositions();

  constructor(known: KnownRejects | undefined, visitor: FileVisitor, plan: TablePlan) {
    this.#known = known;
    this.#visitor = visitor;
    this.#hasRows = plan.columns.length > 0;
  }

  addedByLane(places: RowPlaces, from: number, base: number): void {
    const notes = this.#lane;
    for (let index = from; index < places.count; index++) {
      const start = places.recordStart[index]!;
      const isRejected = this.#isRejected(
        base + start,
        places.recordEnd[index]! - start,
        places.line[index]!,
      );
      notes.offsets.push(base + start);
      notes.lines.push(places.line[index]!);
      notes.ends.push(places.rowEnd[index]!);
      notes.rejected.push(isRejected ? 1 : 0);
    }
  }

  added(
    _texts: readonly (string | null)[],
    { byteOffset, byteLength, lineInSplit }: RecordPlace,
    _notes: RowRemarks,
    rowEnd: number,
  ): void {
    this.#csv.offsets.push(byteOffset);
    this.#csv.lines.push(lineInSplit);
    this.#csv.ends.push(rowEnd);
    this.#csv.rejected.push(this.#isRejected(byteOffset, byteLength, lineInSplit) ? 1 : 0);
  }

  #isRejected(byteOffset: number, byteLength: number, line: number): boolean {
    if (this.#known === undefined) return false;
    const { bytes, base } = this.window!;
    const start = byteOffset - base;
    const raw = bytes.subarray(start, start + byteLength);
    const kept = this.#known.take(byteOffset, raw);
    if (kept === undefined) return false;
    this.#visitor.reject({ byteOffset, line, fault: undefined, raw, kept });
    return true;
  }

  /**
   * Called for a record that the lanes refuse. @param row the row of the lenient encoder, if it
   * makes one
   */
  refused(place: RecordPlace, fault: Fault, raw: Buffer, row: () => Buffer | undefined): void {
    const { byteOffset, lineInSplit: line } = place;
    const kept = this.#known?.take(byteOffset, raw);
    const bytes = kept === undefined ? row() : undefined;
    if (bytes === undefined) this.#visitor.reject({ byteOffset, line, fault, raw, kept });
    else this.#visitor.row({ bytes, view: viewOf(bytes), at: 0, byteOffset, line });
  }

  takeFromLane(rows: Buffer, recycle: (rows: Buffer) => void): void {
    this.#visit(rows, this.#lane);
    this.#lane = newPositions();
    recycle(rows);
  }

  take(writer: RowWriter): void {
    if (writer.rowCount === 0) return;
    this.#visit(writer.lendRows(), this.#csv);
    this.#csv = newPositions();
  }

  #visit(bytes: Buffer, { offsets, lines, ends, rejected }: RowPositions): void {
    if (!this.#hasRows) return;
    // One object for all rows: there are millions.
    const row = { bytes, view: viewOf(bytes), at: 0, byteOffset: 0, line: 0 };
    let start = 0;
    for (let i = 0; i < ends.length; i++) {
      if (rejected[i] === 0) {
        // Behind the field count.
        row.at = start + 2;
        row.byteOffset = offsets[i]!;
        row.line = lines[i]!;
        this.#visitor.row(row);
      }
      start = ends[i]!;
    }
  }

  flush(): Promise<void> {
    return this.#visitor.pause();
  }

  async pause(): Promise<void> {}

  async settle(): Promise<number> {
    return 0;
  }
}

class VisitedRejects extends RejectLog {
  readonly #sink: VisitedRows;
  readonly #lenient: LenientEncoder;
  readonly #format: TextFormat;

  constructor(sink: VisitedRows, { plan, recordForm, loadId }: FileSource) {
    super(undefined, loadId, 0);
    this.#sink = sink;
    this.#lenient = new LenientEncoder(plan, loadId);
    this.#format = openFormat(recordForm);
  }

  override add(place: RecordPlace, fault: Fault, raw: Buffer): void {
    // Only the first bytes of a record that is too long are there; they make no row.
    const isWhole = fault.code !== 'record_too_long';
    this.#sink.refused(place, fault, raw, () => (isWhole ? this.#toRow(raw) : undefined));
  }

  #toRow(raw: Buffer): Buffer | undefined {
    const batch = new RecordBatch(1);
    this.#format.newScanner().scan(raw, raw.length, raw.length || 1, true, batch);
    let row: Buffer | undefined;
    this.#format.newParser().parse(raw, batch, (_, fields) => {
      if (fields instanceof Fault) return;
      const lenient = this.#lenient.encode(fields);
      if (!(lenient instanceof Fault)) row = joinFields(lenient.fields);
    });
    return row;
  }
}
