/** How long a record may be. */

/** A longer record is rejected; the buffer grows up to this, and no further. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Bytes that are kept of a longer one. */
export const KEPT_OF_LONG_RECORD = 64 * 1024;
