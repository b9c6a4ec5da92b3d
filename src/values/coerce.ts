/**
 * Text of a field → a value of a type, by the rules of docs/model.md. The reference is PostgreSQL:
 * what these functions accept, the server accepts too, and reads as the same value.
 *
 * Text is a byte string (one character per byte, latin1). Nothing is trimmed.
 */
import { isUtf8 } from 'node:buffer';
import { parse as parseLossless } from 'lossless-json';
import { Fault, type RejectCode } from '../model/reject-codes.js';
import { INT8_MAX, INT8_MIN, MAX_INT8_DIGITS } from './integer-limits.js';

const MAX_SHOWN = 60;

/** A value as messages show it: decoded, shortened, quoted. */
export function show(text: string): string {
  const decoded = Buffer.from(text.slice(0, MAX_SHOWN * 4), 'latin1').toString('utf8');
  return JSON.stringify(decoded.length > MAX_SHOWN ? `${decoded.slice(0, MAX_SHOWN)}…` : decoded);
}

function fault(code: RejectCode, text: string, what: string): Fault {
  return new Fault(code, `${show(text)} is ${what}`);
}

const INTEGER = /^[+-]?\d+(?:\.0+)?$/;

/** @returns an integer within [minimum, maximum] */
export function coerceInteger(text: string, minimum: number, maximum: number): number | Fault {
  if (!INTEGER.test(text)) return fault('bad_integer', text, 'not an integer');
  const value = Number(text);
  if (value < minimum || value > maximum) {
    return fault('out_of_range', text, `not between ${minimum} and ${maximum}`);
  }
  return value;
}

export function coerceBigint(text: string): bigint | Fault {
  if (!INTEGER.test(text)) return fault('bad_integer', text, 'not an integer');
  const match = /^([+-]?)0*(\d*)/.exec(text)!;
  const digits = match[2]!;
  // BigInt() would work through megabytes of digits.
  const value = digits.length > MAX_INT8_DIGITS ? undefined : BigInt(`0${digits}`);
  const signed = value === undefined ? undefined : match[1] === '-' ? -value : value;
  if (signed === undefined || signed < INT8_MIN || signed > INT8_MAX) {
    return fault('out_of_range', text, `not between ${INT8_MIN} and ${INT8_MAX}`);
  }
  return signed;
}

/** Matches each text in one way only: `\d+\.?\d*` would try every split of a long run of digits. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^(?:([+-]?)inf(?:inity)?|nan)$/i;

function coerceNotFinite(text: string): number | undefined {
  const match = NOT_FINITE.exec(text);
  if (match === null) return undefined;
  if (match[1] === undefined) return Number.NaN;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function hasNonZeroDigit(text: string): boolean {
  return /^[^eE]*[1-9]/.test(text);
}

export function coerceDouble(text: string): number | Fault {
  if (!DECIMAL.test(text)) {
    return coerceNotFinite(text) ?? fault('bad_number', text, 'not a number');
  }
  const value = Number(text);
  // The server refuses a number that would overflow or become zero, and so does edp.
  if (!Number.isFinite(value) || (value === 0 && hasNonZeroDigit(text))) {
    return fault('out_of_range', text, 'out of range for double precision');
  }
  return value;
}

export function coerceReal(text: string): number | Fault {
  if (!DECIMAL.test(text)) {
    return coerceNotFinite(text) ?? fault('bad_number', text, 'not a number');
  }
  const value = roundToReal(text);
  if (!Number.isFinite(value) || (value === 0 && hasNonZeroDigit(text))) {
    return fault('out_of_range', text, 'out of range for real');
  }
  return value;
}

/**
 * The float4 nearest to a decimal. Rounding first to double and then to single goes wrong when the
 * double lies exactly between two singles; then the exact decimal decides, as in strtof.
 */
function roundToReal(text: string): number {
  const double = Number(text);
  const single = Math.fround(double);
  if (single === double) return single;
  const other = neighbourTowards(single, double);
  // The largest single is followed by the power of two that would be next.
  const reach = Number.isFinite(single) ? single : Math.sign(single) * 2 ** 128;
  if (double !== (reach + other) / 2) return single;
  // The double lies between two singles, so only the decimal shows which is nearer.
  const side = compareDecimal(text, double);
  if (side === 0) return single;
  const [low, high] = single < other ? [single, other] : [other, single];
  return side < 0 ? low : high;
}

const SINGLE = new Float32Array(1);
const SINGLE_BITS = new Int32Array(SINGLE.buffer);

/** The float4 next to `single` in the direction of `target`. */
function neighbourTowards(single: number, target: number): number {
  SINGLE[0] = single;
  if (single === 0) {
    SINGLE_BITS[0] = target > 0 ? 1 : 0x80000001 | 0;
    return SINGLE[0];
  }
  SINGLE_BITS[0]! += target > single === single > 0 ? 1 : -1;
  return SINGLE[0];
}

/** Sign of (decimal text − double), computed exactly. */
function compareDecimal(text: string, double: number): number {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  let numerator = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n);
  let denominator = 1n;
  const power = Number(exponent) - fraction.length;
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator = 10n ** BigInt(-power);
  // A double is an integer times a power of two.
  let scale = 0;
  let mantissa = double;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    scale++;
  }
  const difference = numerator * 2n ** BigInt(scale) - BigInt(mantissa) * denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * An exact decimal: `digits` without leading zeros, times 10 to the `exponent`. NaN and ±Infinity
 * are numbers instead.
 */
export interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly exponent: number;
  /** Digits that the text had after the decimal point; the server keeps and shows as many. */
  readonly scale: number;
}

/** PostgreSQL holds up to 131072 digits before and 16383 after the decimal point. */
const MAX_WHOLE_DIGITS = 131_072;
const MAX_SCALE = 16_383;
/** It refuses longer exponents, too, even for zero (set_var_from_str in numeric.c). */
const MAX_POWER = 1_073_741_823;

export function coerceNumeric(text: string): Decimal | number | Fault {
  if (!DECIMAL.test(text)) {
    return coerceNotFinite(text) ?? fault('bad_number', text, 'not a number');
  }
  const match = /^([+-]?)0*(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const [, sign, whole = '', fraction = '', power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const scale = Math.max(0, -exponent);
  if (
    Math.abs(Number(power)) > MAX_POWER ||
    (digits !== '' && digits.length + exponent > MAX_WHOLE_DIGITS) ||
    scale > MAX_SCALE
  ) {
    return fault('out_of_range', text, 'out of range for numeric');
  }
  return { isNegative: sign === '-' && digits !== '', digits, exponent, scale };
}

const TRUE = /^(?:t|true|y|yes|on|1)$/i;
const FALSE = /^(?:f|false|n|no|off|0)$/i;

export function coerceBoolean(text: string): boolean | Fault {
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  return fault('bad_boolean', text, 'not a boolean');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for bytes above ASCII
const NOT_ASCII = /[^\x00-\x7f]/;

/** @returns the same byte string, checked to be text that PostgreSQL can hold */
export function coerceText(text: string): string | Fault {
  if (text.includes('\0')) return new Fault('nul_byte', 'the value contains a NUL byte');
  if (NOT_ASCII.test(text) && !isUtf8(Buffer.from(text, 'latin1'))) {
    return fault('invalid_utf8', text, 'not valid UTF-8');
  }
  return text;
}

const UUID = /^(?:[\da-f]{4}-?){8}$/i;

/** @returns 32 hexadecimal digits */
export function coerceUuid(text: string): string | Fault {
  // The server reads hyphens after any group of four, and braces around.
  const inner = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text;
  if (!UUID.test(inner) || inner.endsWith('-')) return fault('bad_uuid', text, 'not a uuid');
  return inner.replaceAll('-', '');
}

/**
 * @returns the same byte string, checked to be JSON; for jsonb also to have nothing that jsonb
 *   cannot hold
 */
export function coerceJson(text: string, isBinary: boolean): string | Fault {
  const valid = coerceText(text);
  if (valid instanceof Fault) return valid;
  try {
    JSON.parse(decodeBytes(text));
  } catch {
    return fault('bad_json', text, 'not JSON');
  }
  if (isBinary) return coerceWrittenJson(text);
  return isDeeperThan(MOST_LEVELS, text) ? fault('bad_json', text, 'nested too deep') : text;
}

/** Of JSON that a program has written, so that it need not be parsed, what a jsonb can hold. */
export function coerceWrittenJson(text: string): string | Fault {
  if (isStorableJson(text)) return text;
  return fault(
    'bad_json',
    text,
    'JSON that jsonb cannot hold (\\u0000, half a surrogate pair, a number out of range, or thousands of levels)',
  );
}

/** \u0000, or half of a surrogate pair. Escaped backslashes must be replaced before. */
const UNSTORABLE_ESCAPE = /\\u(?:0000|d[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..\\u)d[c-f])/i;
/**
 * Only a number with a long exponent, or with very many digits, can be out of range for numeric.
 */
const MAY_BE_OUT_OF_RANGE = /\d[eE][+-]?\d{4}|(?<!\d)\d{7500}/;

/**
 * The server's stack ends somewhere: with the default max_stack_depth of 2 MB, PostgreSQL 18 reads 12,000 levels of lists
 * and not 20,000. A value that ends it would fail the COPY of all others.
 */
const MOST_LEVELS = 4000;

/** @param text valid JSON */
function isDeeperThan(levels: number, text: string): boolean {
  if (text.length <= 2 * levels || !opensOftenerThan(levels, text)) return false;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isString) {
      if (character === '\\') at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{' || character === '[') {
      if (++depth > levels) return true;
    } else if (character === '}' || character === ']') depth--;
  }
  return false;
}

/** Whether a text has so many lists and objects at all: to search for a character is much faster than to look at each. */
function opensOftenerThan(times: number, text: string): boolean {
  let left = times;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (--left < 0) return true;
    }
  }
  return false;
}

/**
 * Whether jsonb can hold a valid JSON text. Reads the text and not the parsed value, since the
 * server also checks values that a later key of the same name replaces.
 */
function isStorableJson(text: string): boolean {
  if (isDeeperThan(MOST_LEVELS, text)) return false;
  if (text.includes('\\u') && UNSTORABLE_ESCAPE.test(text.replaceAll('\\\\', '--'))) return false;
  if (!MAY_BE_OUT_OF_RANGE.test(text)) return true;
  let isInRange = true;
  try {
    parseLossless(text, undefined, {
      parseNumber: (digits) => {
        isInRange &&= !(coerceNumeric(digits) instanceof Fault);
        return digits;
      },
      onDuplicateKey: () => undefined,
    });
  } catch (error) {
    // The parser recurses once per level, so the stack may overflow, as it would on the server.
    if (error instanceof RangeError) return false;
    throw error;
  }
  return isInRange;
}

/** Byte string → text. */
export function decodeBytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text;
}

/** Text → byte string. */
export function encodeBytes(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
