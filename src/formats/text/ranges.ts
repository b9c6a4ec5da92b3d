/** Places in a file or its text, in bytes. Plain data. */

/** A byte range of the file: the records that start in [from, until). */
export interface SplitRange {
  readonly from: number;
  readonly until: number;
  /**
   * Whether a record is known to start at `from`; else the worker guesses, and the guess is
   * verified.
   */
  readonly isExact: boolean;
}

/** Where the records of a split really were. */
export interface ScannedRange {
  readonly start: number;
  /** Start of the first record after the split. */
  readonly end: number;
  readonly lineCount: number;
}

/** A range that no receipt covers yet; a record is known to start at both its ends. */
export interface Gap {
  readonly start: number;
  readonly end: number;
  /** Line, from 1, at `start`. */
  readonly firstLine: number;
}

export interface CommittedRange {
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lineCount: number;
}

/** The place of a record. */
export interface RecordPlace {
  readonly byteOffset: number;
  /** Without the line end. */
  readonly byteLength: number;
  /** From 0, counted from the start of the split. */
  readonly lineInSplit: number;
}
