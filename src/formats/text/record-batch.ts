/** Places of records in a buffer: a scanner fills a batch, and a parser reads it. */

export const DAMAGE_NONE = 0;
/** A closing quote is followed by neither a delimiter nor a line end. */
export const DAMAGE_BAD_QUOTE = 1;
export const DAMAGE_UNTERMINATED_QUOTE = 2;
/** The record is longer than any buffer; only its first bytes are there. */
export const DAMAGE_TOO_LONG = 3;

/**
 * The records found, in order. Offsets are those of the scanned buffer; all arrays have `capacity`.
 */
export class RecordBatch {
  readonly capacity: number;
  readonly start: Uint32Array;
  /** Behind the last byte, without the line end. */
  readonly end: Uint32Array;
  /** Line ends between the start of scanning and the start of the record. */
  readonly line: Uint32Array;
  readonly fieldCount: Uint32Array;
  readonly damage: Uint8Array;
  /** 1 where a comment or a repeated header stands between this record and the one before. */
  readonly isBehindComment: Uint8Array;
  /** 1 where blanks stand beside a quote, and do not count. */
  readonly isPadded: Uint8Array;
  count = 0;
  /** Scanning stops after this many records; at most the capacity. */
  limit: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.limit = capacity;
    this.start = new Uint32Array(capacity);
    this.end = new Uint32Array(capacity);
    this.line = new Uint32Array(capacity);
    this.fieldCount = new Uint32Array(capacity);
    this.damage = new Uint8Array(capacity);
    this.isBehindComment = new Uint8Array(capacity);
    this.isPadded = new Uint8Array(capacity);
  }
}
