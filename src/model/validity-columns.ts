/** Columns of tables that keep each version of a key. */

/** The moment from which a version is valid, and the one from which it is not; NULL: valid now. */
export const VALID_FROM = 'valid_from';
export const VALID_TO = 'valid_to';
export const IS_CURRENT = 'is_current';
