/** How long a record may be. A test holds README.md and docs/csv.md to these numbers. */

/** A longer record is rejected; the buffer grows up to this, and no further. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Bytes that are kept of a longer one. */
export const KEPT_OF_LONG_RECORD = 64 * 1024;

/** Of the record that names the fields: enough for 1,600 columns with long names. */
export const MAX_HEADER_BYTES = 256 * 1024;
