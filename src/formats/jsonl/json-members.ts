/**
 * A JSON object → the places of its members in the bytes.
 *
 * A parser does not suffice: JSON.parse turns numbers into doubles, lossless-json loses the
 * spelling of nested values, and a record must keep both. So this finds only the members of the
 * outermost object, by quotes and brackets; JSON.parse decides whether strings and nested values
 * are JSON (json-value.ts).
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The place where an object is not JSON. */
export interface Broken {
  /** Offset of the unexpected byte; the end of the object where a byte is missing. */
  readonly at: number;
  readonly expected: string;
}

/** Takes the places of a key, with its quotes, and of its value. @returns a result to stop with */
type MemberTaker<T> = (
  keyFrom: number,
  keyTo: number,
  valueFrom: number,
  valueTo: number,
) => T | undefined;

/**
 * Calls `take` for each member of the object in [from, to), in order.
 *
 * @returns the result that `take` stopped with, or what is wrong with the object; else undefined
 */
export function readMembers<T>(
  bytes: Uint8Array,
  from: number,
  to: number,
  take: MemberTaker<T>,
): T | Broken | undefined {
  const broken = (at: number, expected: string): Broken => ({ at: Math.min(at, to), expected });
  let at = skipSpace(bytes, from, to);
  if (at >= to || bytes[at] !== OPEN_OBJECT) return broken(at, '{');
  at = skipSpace(bytes, at + 1, to);
  if (at < to && bytes[at] === CLOSE_OBJECT) return endObject(bytes, at + 1, to);
  for (;;) {
    const keyFrom = at;
    if (at >= to || bytes[at] !== QUOTE) return broken(at, 'a key in double quotes');
    const keyTo = findStringEnd(bytes, at, to);
    if (keyTo < 0) return broken(to, 'a double quote behind the key');
    at = skipSpace(bytes, keyTo, to);
    if (at >= to || bytes[at] !== COLON) return broken(at, 'a colon behind the key');
    const valueFrom = skipSpace(bytes, at + 1, to);
    const valueTo = findValueEnd(bytes, valueFrom, to);
    if (valueTo < 0) return broken(to, 'the end of a value');
    if (valueTo === valueFrom) return broken(valueFrom, 'a value');
    const stop = take(keyFrom, keyTo, valueFrom, valueTo);
    if (stop !== undefined) return stop;
    at = skipSpace(bytes, valueTo, to);
    if (at < to && bytes[at] === CLOSE_OBJECT) return endObject(bytes, at + 1, to);
    if (at >= to || bytes[at] !== COMMA) return broken(at, 'a comma or }');
    at = skipSpace(bytes, at + 1, to);
  }
}

function endObject(bytes: Uint8Array, from: number, to: number): Broken | undefined {
  const at = skipSpace(bytes, from, to);
  return at < to ? { at, expected: 'nothing behind the object' } : undefined;
}

function skipSpace(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) break;
  }
  return at;
}

/** @returns offset behind the closing quote; -1 where there is none */
function findStringEnd(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from + 1; at < to; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  return -1;
}

/**
 * @returns offset behind the value, or behind what stands in its place; -1 where it does not end
 */
function findValueEnd(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from];
  if (from >= to) return from;
  if (first === QUOTE) return findStringEnd(bytes, from, to);
  let at = from;
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
    while (at < to && !endsScalar(bytes[at]!)) at++;
    return at;
  }
  let depth = 0;
  while (at < to) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = findStringEnd(bytes, at, to);
      if (at < 0) return -1;
      continue;
    }
    at++;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) return at;
  }
  return -1;
}

function endsScalar(byte: number): boolean {
  return (
    byte === COMMA ||
    byte === CLOSE_OBJECT ||
    byte === CLOSE_LIST ||
    byte === COLON ||
    byte === QUOTE ||
    byte === 0x20 ||
    byte === 0x09 ||
    byte === 0x0d
  );
}
