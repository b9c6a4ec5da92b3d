/**
 * Text of a field → a value in COPY format, by column type: joins the coercions with their
 * encodings.
 */

import { Fault } from '../model/reject-codes.js';
import type { ColumnType } from '../model/types.js';
import {
  coerceBigint,
  coerceBoolean,
  coerceDouble,
  coerceInteger,
  coerceJson,
  coerceNumeric,
  coerceReal,
  coerceText,
  coerceUuid,
  coerceWrittenJson,
} from './coerce.js';
import type { RowWriter } from './copy-binary.js';
import { coerceDate, coerceTimestamp } from './datetime.js';
import { INT2_MAX, INT2_MIN, INT4_MAX, INT4_MIN } from './integer-limits.js';

/** Writes the text of a field as a value of one type, or returns the fault. */
type ValueWriter = (text: string, writer: RowWriter) => Fault | undefined;

/** Joins a coercion with the encoding of its result. */
function write<T>(
  coerce: (text: string) => T | Fault,
  encode: (writer: RowWriter, value: T) => void,
): ValueWriter {
  return (text, writer) => {
    const value = coerce(text);
    if (value instanceof Fault) return value;
    encode(writer, value);
    return undefined;
  };
}

export const WRITERS: Readonly<Record<ColumnType, ValueWriter>> = {
  smallint: write(
    (text) => coerceInteger(text, INT2_MIN, INT2_MAX),
    (w, value) => w.int16(value),
  ),
  int: write(
    (text) => coerceInteger(text, INT4_MIN, INT4_MAX),
    (w, value) => w.int32(value),
  ),
  bigint: write(coerceBigint, (w, value) => w.int64(value)),
  real: write(coerceReal, (w, value) => w.float4(value)),
  double: write(coerceDouble, (w, value) => w.float8(value)),
  numeric: write(coerceNumeric, (w, value) => w.numeric(value)),
  text: write(coerceText, (w, value) => w.text(value)),
  boolean: write(coerceBoolean, (w, value) => w.boolean(value)),
  date: write(coerceDate, (w, value) => w.int32(value)),
  timestamp: write(coerceTimestamp, (w, value) => w.int64(value)),
  timestamptz: write(coerceTimestamp, (w, value) => w.int64(value)),
  uuid: write(coerceUuid, (w, value) => w.uuid(value)),
  json: write(
    (text) => coerceJson(text, false),
    (w, value) => w.text(value),
  ),
  jsonb: write(
    (text) => coerceJson(text, true),
    (w, value) => w.jsonb(value),
  ),
};

/** Writes a jsonb that a program has written as JSON. */
export const writeWrittenJson = write(coerceWrittenJson, (w, value) => w.jsonb(value));

/**
 * Writes a value, or NULL where there is none. The meaning of an empty field depends on the type.
 *
 * @param text null for an unquoted empty field
 */
export function writeValue(
  text: string | null,
  type: ColumnType,
  isNullable: boolean,
  writer: RowWriter,
): Fault | undefined {
  // A quoted empty field is the empty string of a text column, and NULL in all others.
  if (text === null || (text === '' && type !== 'text')) {
    if (!isNullable) return new Fault('null_value', 'no value where one is needed');
    writer.null();
    return undefined;
  }
  return WRITERS[type](text, writer);
}
