/**
 * What a format of text must provide: where records end, and what is in them. Each thread that
 * needs a format opens it from plain data.
 */
import type { LineEnd } from '../../model/csv-settings.js';
import type { Fault } from '../../model/reject-codes.js';
import type { LineWatch } from './passed-over.js';
import type { RecordBatch } from './record-batch.js';

/**
 * The fields of a record in the order of the header, or what is wrong with it. Fields are byte
 * strings of UTF-8: one character for each byte (latin1). `null` is a missing value; an empty
 * string is an empty value.
 */
export type ParsedRecord = readonly (string | null)[] | Fault;

export interface TextFormat {
  readonly lineEnd: LineEnd;
  /** A record that was taken out of a file, with what ends it, so that it can be read or stored alone. */
  endRecord(raw: Buffer): Buffer;
  /** @param watch receives the lines that the scanner passes over */
  newScanner(watch?: LineWatch): RecordScanner;
  newParser(): RecordParser;
  /**
   * Reports the lines before the first record.
   *
   * @param bytes the text up to there
   * @param header byte for byte, without its line end; empty where there is none
   */
  walkHead(bytes: Buffer, header: Buffer, watch: LineWatch): void;
  /** Reports the lines behind the last record. @param bytes the text from there on */
  walkTail(bytes: Buffer, watch: LineWatch): void;
  /**
   * Guesses where a record starts in the middle of a file. A wrong guess costs time and nothing
   * else.
   *
   * @param bytes part of the file
   * @param from offset, 1 or more, at or behind which the record must start; `bytes[from - 1]` is
   *   read as well
   * @returns offset in `bytes`, or -1 where no line ends in `bytes` from there on
   */
  guessRecordStart(bytes: Buffer, from: number): number;
  /** A faster way over plain records than the scanner; undefined where the format has none. */
  newRecordSkipper(): Promise<RecordSkipper | undefined>;
}

/**
 * Finds records in bytes that come in pieces. The result does not depend on where they were cut.
 */
export interface RecordScanner {
  /** Start of the first record that is not in a batch yet; all bytes before it are finished. */
  readonly nextRecord: number;
  /** Line ends before {@link nextRecord}. */
  readonly nextLine: number;
  /** The result so far depends on no byte from here on. */
  readonly lookedAt: number;
  /** Whether the scanner stands at {@link nextRecord}, and not in the middle of that record. */
  readonly isBetweenRecords: boolean;
  /** Bytes that {@link pass} has scanned; it continues behind them. */
  readonly position: number;
  /** Bytes of all records that {@link scan} has put into batches, line ends included. */
  readonly recordBytes: number;
  /**
   * Continues at the start of a later record; the records before it are plain and without fault.
   */
  jump(position: number, lines: number): void;
  /** The caller dropped the first `count` bytes of the buffer, and moved the rest to its front. */
  shift(count: number): void;
  /** Starts again at `position` of a buffer, which is the start of a record. */
  reset(position: number): void;
  /**
   * Scans `bytes` up to `end`, until the batch is full, or until a record starts at or behind
   * `limit` (that one is then {@link nextRecord}, and not in the batch).
   *
   * @param isLast whether the file ends at `end`
   */
  scan(bytes: Buffer, end: number, limit: number, isLast: boolean, batch: RecordBatch): void;
  /**
   * Looks for the end of a record that fills the largest buffer, in the state that {@link scan}
   * left.
   *
   * @returns whether the record ends at one of its lines; if not, {@link pass} follows it to its
   *   end
   */
  cutLongRecord(bytes: Buffer, end: number, batch: RecordBatch): boolean;
  /**
   * Scans a record that is too long to be kept, without keeping it.
   *
   * @returns whether the record ended; then {@link nextRecord} is behind it
   */
  pass(bytes: Buffer, end: number, isLast: boolean): boolean;
}

/** A correction that changed a value of a record. */
export interface ActedCorrection {
  readonly column: string;
  readonly correction: string;
}

/** Reads the fields of records. */
export interface RecordParser {
  /** Names of the fields, where each record names its own; each record may add some. */
  readonly fields?: readonly string[];
  /** The corrections that acted on the record that was parsed last, where the parser itself corrects. */
  readonly corrected?: readonly ActedCorrection[];
  /** Whether it writes the JSON of all its fields itself, so that nobody need parse it. */
  readonly writesJson?: true;
  /**
   * @param bytes the scanned buffer
   * @param take called for each record of the batch, in order
   */
  parse(
    bytes: Buffer,
    batch: RecordBatch,
    take: (index: number, record: ParsedRecord) => void,
  ): void;
}

/** Moves a scanner quickly over plain records. */
export interface RecordSkipper {
  /**
   * Moves a scanner on over plain records, unless it is in the middle of one.
   *
   * @param target stops at the first record start at or behind this offset
   * @returns the limit for the scanner's own scan: it stops at the next record start at or behind
   *   it
   */
  moveOn(scanner: RecordScanner, bytes: Buffer, end: number, target: number): number;
}
