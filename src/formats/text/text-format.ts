/**
 * What differs between formats of text, for whoever reads records of one: where they end, and what is in them.
 * A format is opened from plain data, in whichever thread needs it.
 */
import type { LineEnd } from '../../model/csv-settings.js';
import type { Fault } from '../../model/reject-codes.js';
import type { RecordBatch } from './record-batch.js';

/**
 * A record's fields in the order of the file's header, or what is wrong with it. Fields are byte strings of
 * UTF-8: one character for each byte (latin1). `null` is no value; an empty string is an empty one.
 */
export type ParsedRecord = readonly (string | null)[] | Fault;

export interface TextFormat {
  readonly lineEnd: LineEnd;
  newScanner(): RecordScanner;
  newParser(): RecordParser;
  /**
   * Where a record likely starts, somewhere in the middle of a file. A wrong guess costs time, and nothing else.
   *
   * @param bytes part of the file
   * @param from offset, 1 or more, at or behind which the record shall start; `bytes[from - 1]` is looked at
   * @returns offset in `bytes`, or -1 where no line ends in `bytes` from there on
   */
  guessRecordStart(bytes: Buffer, from: number): number;
  /** What passes over plain records faster than a scanner; undefined where this format has nothing of the kind. */
  newPassOver(): Promise<PassOver | undefined>;
}

/** Finds records in bytes that come piece by piece. Its result does not depend on where the pieces were cut. */
export interface RecordScanner {
  /** Start of the first record that is not in a batch yet; all bytes before it are done with. */
  readonly nextRecord: number;
  /** Line ends before {@link nextRecord}. */
  readonly nextLine: number;
  /** What was found so far depends on no byte from here on. */
  readonly lookedAt: number;
  /** Whether it stands at {@link nextRecord}, and not in the middle of that record. */
  readonly isBetweenRecords: boolean;
  /** Bytes that {@link pass} has walked over; it goes on behind them. */
  readonly position: number;
  /** Goes on at the start of a later record; those before it have no fault, nor anything to be looked at. */
  jump(position: number, lines: number): void;
  /** Tells that the first `count` bytes of the buffer were dropped and the rest moved to its front. */
  shift(count: number): void;
  /** Begins anew at `position` of a buffer, as at the start of a record. */
  reset(position: number): void;
  /**
   * Walks on through `bytes` up to `end`, until the batch is full, or until a record starts at or behind
   * `limit` (which then is {@link nextRecord} and not in the batch).
   *
   * @param isLast whether the file ends at `end`
   */
  scan(bytes: Buffer, end: number, limit: number, isLast: boolean, batch: RecordBatch): void;
  /**
   * Looks for the end of a record that fills the largest buffer, from the state that {@link scan} left.
   *
   * @returns whether it ends at one of its lines; if not, {@link pass} follows it to its end
   */
  cutLongRecord(bytes: Buffer, end: number, batch: RecordBatch): boolean;
  /**
   * Walks on in a record that is too long to be kept, without keeping it.
   *
   * @returns whether it ended; {@link nextRecord} is behind it then
   */
  pass(bytes: Buffer, end: number, isLast: boolean): boolean;
}

/** Reads what is in records. */
export interface RecordParser {
  /** Names of the fields, where records name theirs; there may be more after each record. */
  readonly fields?: readonly string[];
  /**
   * @param bytes those that were scanned
   * @param take called for each record of the batch, in order
   */
  parse(
    bytes: Buffer,
    batch: RecordBatch,
    take: (index: number, record: ParsedRecord) => void,
  ): void;
}

export interface PassOver {
  /**
   * Moves a scanner on over plain records, unless it is in the middle of one.
   *
   * @param target the first record start here or behind is where it stops
   * @returns the next record start here or behind is where the scanner stops when it walks on by itself
   */
  moveOn(scanner: RecordScanner, bytes: Buffer, end: number, target: number): number;
}
