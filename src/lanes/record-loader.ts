/**
 * Windows of a split → rows for the sink, rejects for the log. There are two lanes with one
 * meaning: the byte lane takes the records that it understands; it stops in front of any other, and
 * the csv lane takes that one, which reads lines of JSON as well.
 */

import { isUtf8 } from 'node:buffer';
import { failpoint } from '../base/failpoints.js';
import { openFormat, type RecordForm } from '../formats/open-format.js';
import { KEPT_OF_LONG_RECORD } from '../formats/text/limits.js';
import { LF } from '../formats/text/line-end.js';
import { type PassedOver, PassedOverTally } from '../formats/text/passed-over.js';
import type { RecordPlace } from '../formats/text/ranges.js';
import { RecordBatch } from '../formats/text/record-batch.js';
import type { RecordParser, RecordScanner } from '../formats/text/text-format.js';
import type { Window } from '../formats/text/windows.js';
import { MAX_PENDING_REJECT_BYTES, type RejectLog } from '../ledger/reject-log.js';
import {
  correctionKey,
  NO_REMARKS,
  type RemarkCounts,
  RemarkTally,
  type RowRemarks,
} from '../ledger/remarks.js';
import type { TablePlan } from '../mapping/table-plan.js';
import { Fault } from '../model/reject-codes.js';
import { RowWriter } from '../values/copy-binary.js';
import { ByteLane, STOPPED_AT_LIMIT, STOPPED_FULL, STOPPED_INCOMPLETE } from './byte-lane.js';
import type { LaneMemory } from './lane-memory.js';
import { RowEncoder } from './row-encoder.js';
import type { RowSink } from './row-sink.js';

/** Maximum size of a write, however many rows it may have. */
const MAX_WRITE_BYTES = 1024 * 1024;

/** Maximum number of records that the csv lane takes at once. */
const MAX_CSV_RUN = 1024;

interface LongRecord {
  readonly place: RecordPlace;
  readonly head: Buffer;
  length: number;
}

export interface LoaderOptions {
  readonly plan: TablePlan;
  readonly recordForm: RecordForm;
  readonly loadId: number;
  readonly writeBatchSize: number;
  /** Offset from which lines look like a footer, so that their faults can say so. */
  readonly footerStart?: number | undefined;
  /** Memory of the byte lane; without it, all records go to the other one. */
  readonly laneMemory: LaneMemory | undefined;
}

export class RecordLoader {
  readonly #options: LoaderOptions;
  readonly #sink: RowSink;
  readonly #rejects: RejectLog;
  readonly #lane: ByteLane | undefined;
  /** Whether the lane may take text that is not ASCII. */
  readonly #hasUtf8: boolean;
  readonly #scanner: RecordScanner;
  readonly #batch = new RecordBatch(MAX_CSV_RUN);
  readonly #parser: RecordParser;
  readonly #encoder: RowEncoder;
  readonly #writer = new RowWriter();
  readonly #tally = new RemarkTally();
  /** Rows of the byte lane that are already passed to the sink. */
  #noted = 0;
  /** Consecutive records for the csv lane; grows while the byte lane understands none of them. */
  #csvRun = 1;
  #line = 0;
  #records = 0;
  readonly #passedOver = new PassedOverTally();
  /** Bytes of the records that the scanner did not put into a batch. */
  #recordBytes = 0;
  /** A record that is too long to be kept, while its end is not reached. */
  #longRecord: LongRecord | undefined;

  constructor(options: LoaderOptions, sink: RowSink, rejects: RejectLog) {
    this.#options = options;
    this.#sink = sink;
    this.#rejects = rejects;
    const { plan, recordForm, loadId, laneMemory } = options;
    const format = openFormat(recordForm);
    this.#scanner = format.newScanner(this.#passedOver);
    this.#parser = format.newParser();
    this.#encoder = new RowEncoder(plan, loadId);
    const encoding =
      recordForm.format === 'csv' ? recordForm.dialect.encoding : recordForm.encoding;
    this.#hasUtf8 = encoding === 'utf-8';
    this.#lane =
      laneMemory === undefined
        ? undefined
        : ByteLane.compile(laneMemory, plan, recordForm, sink.references, {
            loadId,
            withOrdinals: sink.wantsOrdinals,
            maxRows: options.writeBatchSize,
            remarkTally: this.#tally,
          });
  }

  get recordCount(): number {
    return this.#records;
  }

  /** Line ends seen so far. */
  get lineCount(): number {
    return this.#line;
  }

  /** Bytes of the records so far, line ends included. */
  get recordBytes(): number {
    return this.#recordBytes + this.#scanner.recordBytes;
  }

  /** The lines between those records. */
  get passedOver(): PassedOver {
    return this.#passedOver.counts;
  }

  /** Counts for the records that were taken, less those that were taken back. */
  get remarkCounts(): RemarkCounts {
    return this.#tally.counts;
  }

  /** Takes back the counts of a record that is not loaded after all. */
  uncount(remarks: RowRemarks): void {
    this.#tally.add(remarks, -1);
  }

  /**
   * Takes the records of a window that are complete and start before its limit.
   *
   * @returns start of the first record not taken
   */
  async take(window: Window): Promise<number> {
    const { bytes, filled, limit, isLast, base } = window;
    // A window that had to grow is outside the lane's memory.
    const lane = this.#lane?.canRead(bytes) ? this.#lane : undefined;
    // In another encoding, the lane takes only text that is ASCII.
    const isValid =
      lane?.needsUtf8 === true &&
      this.#hasUtf8 &&
      isUtf8(bytes.subarray(0, bytes.lastIndexOf(LF, filled - 1) + 1));
    let position = this.#longRecord === undefined ? 0 : this.#passLongRecord(window);
    while (!this.isInRecord && position < limit && position < filled) {
      if (lane !== undefined && this.#csvRun < MAX_CSV_RUN) {
        lane.line = this.#line;
        lane.nextOrdinal = this.#sink.nextOrdinal;
        const reason = lane.run(bytes, position, filled, limit, isValid);
        const hasTaken = lane.next > position;
        // The lane takes only records, one directly behind the other.
        this.#recordBytes += lane.next - position;
        position = lane.next;
        this.#line = lane.line;
        this.#noteLaneRows(lane, base);
        if (reason === STOPPED_FULL) {
          this.#takeLaneRows(lane);
          await failpoint('lane.full');
          await this.#sink.flush();
          continue;
        }
        if (reason === STOPPED_AT_LIMIT || (reason === STOPPED_INCOMPLETE && !isLast)) break;
        if (hasTaken) this.#csvRun = 1;
      }
      const next = this.#takeByCsv(window, position);
      if (next === position) break;
      position = next;
      this.#csvRun = this.#csvRun >= MAX_CSV_RUN ? 1 : this.#csvRun * 2;
    }
    await failpoint('lane.encoded');
    await this.#sink.flush();
    if (this.#rejects.pendingBytes > MAX_PENDING_REJECT_BYTES) {
      await this.#sink.pause();
      await this.#rejects.flush();
    }
    return position;
  }

  /**
   * Handles a record that fills the largest window. If its quotes are never closed, it is cut at
   * one of its first lines; otherwise the bytes up to its end are passed over.
   *
   * @returns start of the next record, or how far this one is read
   */
  cutLongRecord({ bytes, filled, limit, base }: Window): number {
    const scanner = this.#scanner;
    this.#batch.count = 0;
    scanner.reset(0);
    scanner.scan(bytes, filled, limit, false, this.#batch);
    if (scanner.cutLongRecord(bytes, filled, this.#batch)) {
      this.#parseBatch(bytes, base);
      return scanner.nextRecord;
    }
    const start = scanner.nextRecord;
    const head = Buffer.from(bytes.subarray(start, start + KEPT_OF_LONG_RECORD));
    const lineInSplit = this.#line + scanner.nextLine;
    const place = { byteOffset: base + start, byteLength: head.length, lineInSplit };
    this.#longRecord = { place, head, length: scanner.position - start };
    return this.#leaveWindow();
  }

  /** Whether the window ended inside a record that is too long to be kept. */
  get isInRecord(): boolean {
    return this.#longRecord !== undefined;
  }

  /** @returns start of the next record, or how far the long one is read */
  #passLongRecord({ bytes, filled, isLast }: Window): number {
    const record = this.#longRecord!;
    const hasEnded = this.#scanner.pass(bytes, filled, isLast);
    record.length += this.#scanner.position;
    if (!hasEnded) return this.#leaveWindow();
    this.#longRecord = undefined;
    this.rejectLongRecord(record.place, record.length, record.head, this.#scanner.nextLine);
    return this.#scanner.nextRecord;
  }

  /**
   * Rejects a record that is too long to be kept.
   *
   * @param head its first bytes, which are kept
   * @param lines line ends from the loader's position to the next record
   */
  rejectLongRecord(place: RecordPlace, length: number, head: Buffer, lines: number): void {
    this.#records++;
    this.#recordBytes += length;
    this.#line += lines;
    const reason = `the record is about ${length} bytes long, more than edp can hold; its first ${head.length} are kept`;
    this.#rejects.add(place, new Fault('record_too_long', reason), head);
  }

  /** The scanner stays inside its record, while the bytes that it has scanned are dropped. */
  #leaveWindow(): number {
    const taken = this.#scanner.position;
    this.#scanner.shift(taken);
    return taken;
  }

  /** Hands over the last rows. */
  async finish(): Promise<void> {
    if (this.#lane !== undefined) this.#takeLaneRows(this.#lane);
    this.#sink.take(this.#writer);
    await this.#sink.flush();
  }

  #noteLaneRows(lane: ByteLane, base: number): void {
    this.#records += lane.places.count - this.#noted;
    this.#sink.addedByLane(lane.places, this.#noted, base);
    this.#noted = lane.places.count;
  }

  #takeLaneRows(lane: ByteLane): void {
    const rows = lane.takeRows();
    if (rows.length > 0) this.#sink.takeFromLane(rows, (sent) => lane.recycle(sent));
    this.#noted = 0;
  }

  /** Takes a run of records from `position` on. @returns start of the first record not taken */
  #takeByCsv({ bytes, filled, limit, isLast, base }: Window, position: number): number {
    const scanner = this.#scanner;
    this.#batch.count = 0;
    this.#batch.limit = this.#lane === undefined ? MAX_CSV_RUN : this.#csvRun;
    scanner.reset(position);
    scanner.scan(bytes, filled, limit, isLast, this.#batch);
    this.#parseBatch(bytes, base);
    this.#lane?.learn(this.#encoder.otherKeys);
    return scanner.nextRecord;
  }

  #explain(fault: Fault, byteOffset: number): Fault {
    const { footerStart } = this.#options;
    if (footerStart === undefined || byteOffset < footerStart) return fault;
    if (fault.code !== 'wrong_field_count') return fault;
    return new Fault(
      fault.code,
      `${fault.reason}; at the end of the file this looks like a footer, which --skip-footer passes over`,
    );
  }

  #remarksOfRecord(): RowRemarks {
    const { remarks } = this.#encoder;
    const { corrected } = this.#parser;
    if (corrected === undefined || corrected.length === 0) return remarks;
    const keys = corrected.map(({ column, correction }) => correctionKey(column, correction));
    return { ...remarks, corrections: [...remarks.corrections, ...keys] };
  }

  #parseBatch(bytes: Buffer, base: number): void {
    const batch = this.#batch;
    this.#parser.parse(bytes, batch, (index, record) => {
      this.#records++;
      const start = batch.start[index]!;
      const end = batch.end[index]!;
      const place: RecordPlace = {
        byteOffset: base + start,
        byteLength: end - start,
        lineInSplit: this.#line + batch.line[index]!,
      };
      const ordinal = this.#sink.wantsOrdinals ? this.#sink.nextOrdinal : undefined;
      const fault =
        record instanceof Fault ? record : this.#encoder.encode(record, this.#writer, ordinal);
      if (fault !== undefined) {
        const explained = this.#explain(fault, place.byteOffset);
        this.#rejects.add(place, explained, Buffer.from(bytes.subarray(start, end)));
        return;
      }
      const { texts } = this.#encoder;
      const remarks = this.#remarksOfRecord();
      if (remarks !== NO_REMARKS) this.#tally.add(remarks, 1);
      this.#sink.added(texts, place, remarks, this.#writer.byteLength);
      if (
        this.#writer.rowCount >= this.#options.writeBatchSize ||
        this.#writer.byteLength >= MAX_WRITE_BYTES
      ) {
        this.#sink.take(this.#writer);
      }
    });
    this.#line += this.#scanner.nextLine;
  }
}
