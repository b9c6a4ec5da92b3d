/**
 * A value of JSON → what a field's columns get. What the value is decides how its text is found: a
 * string without its quotes and escapes, anything else as it is written. The rest is as for the
 * fields of CSV.
 */
import { writeBoolean } from './booleans';
import {
  BRACE,
  DIGIT_0,
  FALS,
  isDigit,
  LEAVE,
  MINUS,
  NULL,
  QUOTE,
  SMALL_E,
  storeInt32,
  TRUE,
} from './bytes';
import { NULL_LENGTH, writeCorrected } from './corrected';
import { Integer } from './integers';
import { skipDocument, skipValue } from './json';
import {
  BOOLEAN,
  CORRECTED,
  FIELD_KEEPS_QUOTES,
  FIELD_NULLABLE,
  FIELD_REFERENCE,
  INT16,
  INT64,
  JSON_TEXT,
  JSONB,
  METRICS,
  OTHERS,
  SKIP,
  TEXT,
  UUID,
} from './layout';
import { flatten, writeNoMetrics } from './metrics';
import { writeOthers } from './other-members';
import { Record, writeNull } from './record';
import { refersToInteger, refersToText } from './references';
import { Scalar } from './scalars';
import { copyString } from './strings';
import { Text } from './text';

/** @param field address of its entry in the plan @returns the address behind the value */
export function encodeValue(at: usize, field: usize): usize {
  const operation: i32 = load<u8>(field);
  if (operation >= INT16 && operation <= UUID) return encodeScalar(at, field, operation);
  switch (operation) {
    case METRICS:
      return encodeMetricsValue(at, field);
    case TEXT:
      return encodeTextValue(at, field);
    case JSON_TEXT:
    case JSONB:
      return encodeJsonValue(at, field, operation === JSONB);
    case SKIP:
      return skipValue(at, false);
    case CORRECTED:
      return encodeCorrectedValue(at, field);
    default:
      return LEAVE;
  }
}

/** Writes what the columns of a field get from a record that has no such key. */
export function encodeMissing(field: usize): bool {
  switch (<i32>load<u8>(field)) {
    case SKIP:
      return true;
    case METRICS:
      writeNoMetrics(field);
      return true;
    case CORRECTED:
      return writeCorrected(NULL_LENGTH, field);
    case OTHERS:
      writeOthers();
      return true;
    default:
      if (load<u8>(field, FIELD_NULLABLE) === 0) return false;
      writeNull();
      return true;
  }
}

function isNull(at: usize): bool {
  return load<u32>(at) === NULL;
}

/** @returns `behind`; LEAVE where the column needs a value */
function encodeNothing(field: usize, behind: usize): usize {
  if (load<u8>(field, FIELD_NULLABLE) === 0) return LEAVE;
  writeNull();
  return behind;
}

function encodeScalar(at: usize, field: usize, operation: i32): usize {
  const first: u32 = load<u8>(at);
  let behind: usize;
  if (first === QUOTE) {
    behind = Scalar.encode(at + 1, operation);
    if (behind === LEAVE) {
      return load<u8>(at, 1) === QUOTE ? encodeNothing(field, at + 2) : LEAVE;
    }
    if (load<u8>(behind++) !== QUOTE) return LEAVE;
  } else if (first === MINUS || isDigit(first)) {
    behind = encodeNumber(at, operation);
    if (behind === LEAVE) return LEAVE;
  } else {
    if (isNull(at)) return encodeNothing(field, at + 4);
    return operation === BOOLEAN ? encodeWord(at) : LEAVE;
  }
  const reference: u32 = load<u8>(field, FIELD_REFERENCE);
  if (reference !== 0) refersToInteger(reference, Integer.value);
  return behind;
}

/** Reads a number by the rules of the column's type, if it is a JSON number. */
function encodeNumber(at: usize, operation: i32): usize {
  if (operation <= INT64) {
    const whole = load<u8>(at) === MINUS ? at + 1 : at;
    if (load<u8>(whole) === DIGIT_0 && isDigit(load<u8>(whole, 1))) return LEAVE;
    return Integer.encode(at, operation);
  }
  const end = skipDocument(at, false);
  return end !== LEAVE && encodeOtherScalar(at, operation) === end ? end : LEAVE;
}

function encodeOtherScalar(at: usize, operation: i32): usize {
  return Scalar.encode(at, operation);
}

function encodeWord(at: usize): usize {
  const word = load<u32>(at);
  if (word === TRUE) return writeBoolean(true, at + 4);
  return word === FALS && load<u8>(at, 4) === SMALL_E ? writeBoolean(false, at + 5) : LEAVE;
}

function encodeTextValue(at: usize, field: usize): usize {
  if (isNull(at)) return encodeNothing(field, at + 4);
  const text = Record.out + 4;
  const behind = copyText(at, text);
  if (behind === LEAVE) return LEAVE;
  const length = <u32>(Text.end - text);
  const reference: u32 = load<u8>(field, FIELD_REFERENCE);
  if (reference !== 0 && !refersToText(reference, text, length)) return LEAVE;
  storeInt32(Record.out, length);
  Record.out = Text.end;
  return behind;
}

/** Copies the text of a string, or any other value as it is written. */
function copyText(at: usize, to: usize): usize {
  return load<u8>(at) === QUOTE ? copyString(at + 1, to) : copyWritten(at, to, false);
}

function copyWritten(from: usize, to: usize, isBinary: bool): usize {
  const behind = skipValue(from, isBinary);
  if (behind === LEAVE) return LEAVE;
  const length = behind - from;
  memory.copy(to, from, length);
  Text.end = to + length;
  return behind;
}

function encodeJsonValue(at: usize, field: usize, isBinary: bool): usize {
  if (isNull(at)) return encodeNothing(field, at + 4);
  const behind = copyWritten(at, Record.out + (isBinary ? 5 : 4), isBinary);
  if (behind === LEAVE) return LEAVE;
  storeInt32(Record.out, <u32>(Text.end - Record.out) - 4);
  // jsonb is sent as text behind a version number.
  if (isBinary) store<u8>(Record.out, 1, 4);
  Record.out = Text.end;
  return behind;
}

/** Metrics are an object, or the text of one in a string. */
function encodeMetricsValue(at: usize, field: usize): usize {
  const isQuoted = load<u8>(at) === QUOTE;
  const brace = isQuoted ? at + 1 : at;
  if (load<u8>(brace) === BRACE) return flatten(brace, field, isQuoted);
  const isEmpty = isQuoted ? load<u8>(brace) === QUOTE : isNull(at);
  if (!isEmpty) return LEAVE;
  writeNoMetrics(field);
  return isQuoted ? at + 2 : at + 4;
}

function encodeCorrectedValue(at: usize, field: usize): usize {
  if (isNull(at)) return writeCorrected(NULL_LENGTH, field) ? at + 4 : LEAVE;
  const text = Record.out;
  const behind =
    load<u8>(field, FIELD_KEEPS_QUOTES) === 0 ? copyText(at, text) : copyWritten(at, text, false);
  if (behind === LEAVE) return LEAVE;
  return writeCorrected(<i32>(Text.end - text), field) ? behind : LEAVE;
}
