/**
 * State of the current record, shared by all code that works on it, and state of the whole window.
 * rows.ts sets it at the start of a run and of each record.
 */
import { CR, LEAVE, LF, QUOTE } from './bytes';
import { FIELD_NULLABLE } from './layout';

export class Record {
  /** Address of its first byte. */
  static start: usize = 0;
  /** Address of the line feed behind it, where that is looked for first. */
  static end: usize = 0;
  /** Address of the next byte of its row. */
  static out: usize = 0;
  /** Line ends inside its quotes. */
  static lines: u32 = 0;
  /** Whether a quoted field continues beyond the window. */
  static isCut: bool = false;
}

export class Window {
  /** Address behind its last byte, where a line feed is. */
  static end: usize = 0;
  static delimiter: u32 = 0;
  static allowsBareQuotes: bool = false;
  /** The two bytes by which a quote is written inside quotes. */
  static innerQuote: u32 = 0;
  /** Whether the window is known to be valid UTF-8. */
  static isUtf8: bool = false;
}

/**
 * Whether an unquoted field may end with this byte. A CR need not end one; the check for the end of
 * the record decides.
 */
export function endsField(byte: u32): bool {
  return byte === Window.delimiter || byte === LF || byte === CR;
}

/** @returns the address behind an empty field, quoted or not; LEAVE where it is not empty */
export function skipEmpty(at: usize): usize {
  const isQuoted = load<u8>(at) === QUOTE;
  if (isQuoted && load<u8>(at, 1) !== QUOTE) return LEAVE;
  const behind = isQuoted ? at + 2 : at;
  return endsField(load<u8>(behind)) ? behind : LEAVE;
}

export function writeNull(): void {
  store<u32>(Record.out, 0xffffffff);
  Record.out += 4;
}

/** Writes NULL for an empty field. @param field address of its entry in the plan */
export function encodeNull(at: usize, field: usize): usize {
  if (load<u8>(field, FIELD_NULLABLE) === 0) return LEAVE;
  const behind = skipEmpty(at);
  if (behind !== LEAVE) writeNull();
  return behind;
}
