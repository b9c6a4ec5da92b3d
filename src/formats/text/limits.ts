/** How long a record may be. A test holds README.md and docs/csv.md to these numbers. */

/** A longer record is rejected; the buffer grows no further. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Bytes that are kept of a longer record. */
export const KEPT_OF_LONG_RECORD = 64 * 1024;

/** Longest header record: enough for 1,600 columns with long names. */
export const MAX_HEADER_BYTES = 256 * 1024;
