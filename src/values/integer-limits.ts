/**
 * What the integer types of PostgreSQL hold.
 * https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT
 */

export const INT2_MIN = -(2 ** 15);
export const INT2_MAX = 2 ** 15 - 1;
export const INT4_MIN = -(2 ** 31);
export const INT4_MAX = 2 ** 31 - 1;
export const INT8_MIN = -(2n ** 63n);
export const INT8_MAX = 2n ** 63n - 1n;
/** Digits of the longest, without zeros in front. */
export const MAX_INT8_DIGITS = 19;
