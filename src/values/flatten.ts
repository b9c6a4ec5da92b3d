/**
 * A JSON field → the values of its declared metrics, and everything else that was in it.
 *
 * Nothing is dropped: undeclared metrics go to the extra column under their names, and what is
 * beside the path (`{"metrics": {…}, "source": "x"}`) goes there under {@link REST_KEY}. Numbers
 * keep all their digits. A key that occurs twice with two values is a fault: one of them would be
 * lost.
 */
import { isLosslessNumber, stringify } from 'lossless-json';
import { Fault } from '../model/reject-codes.js';
import { coerceNumeric, coerceText, encodeBytes, show } from './coerce.js';
import { parseOnce, RepeatedKey } from './repeated-key.js';

/** Key of the extra column under which the rest of the JSON value is kept. */
export const REST_KEY = '$rest';

/** A metric's value as the text of a field, `null` for none, or a fault. */
export type MetricText = string | null | Fault;

export interface Flattened {
  /** In the order of the declared metrics; byte strings. */
  readonly metrics: MetricText[];
  /** JSON of what is not declared, a byte string; `null` when there is nothing. */
  readonly extra: string | null;
  /** Names of the undeclared metrics. */
  readonly unknown: readonly string[];
}

export interface FlattenPlan {
  readonly path: readonly string[];
  /** JSON key of each declared metric. */
  readonly keys: readonly string[];
  /** Whether each metric's column holds JSON, so that its value may be an object or a list. */
  readonly isJson: readonly boolean[];
}

type JsonObject = Record<string, unknown>;

const NO_NAMES: readonly string[] = [];

function isObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

/**
 * @param text the JSON field, a byte string; `null` where the field is empty
 */
export function flatten(text: string | null, plan: FlattenPlan): Flattened | Fault {
  if (text === null || text === '') return empty(plan);
  const valid = coerceText(text);
  if (valid instanceof Fault) return valid;
  try {
    return flattenJson(text, plan);
  } catch (error) {
    if (error instanceof RepeatedKey) return new Fault('bad_json', error.reason);
    if (error instanceof SyntaxError) return new Fault('bad_json', `${show(text)} is not JSON`);
    // lossless-json, and the functions here, recurse once per level: the stack may overflow.
    if (error instanceof RangeError) {
      return new Fault('bad_json', `${show(text)} is nested too deep`);
    }
    throw error;
  }
}

function flattenJson(text: string, plan: FlattenPlan): Flattened | Fault {
  const root = parseOnce(text);
  if (root === null) return empty(plan);
  if (!isObject(root)) return new Fault('bad_json', `${show(text)} is not a JSON object`);
  // Plain objects keyed by metric names, used later, would lose this key.
  if (MAY_HOLD_PROTO.test(text) && hasProtoKey(root)) {
    return new Fault('bad_json', 'a key called "__proto__" cannot be kept');
  }
  return flattenObject(root, text, plan);
}

/** The key may be written with escapes. */
const MAY_HOLD_PROTO = /__proto__|\\u/;

function hasProtoKey(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasProtoKey);
  return (
    isObject(value) && (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProtoKey))
  );
}

function empty({ keys }: FlattenPlan): Flattened {
  return { metrics: keys.map(() => null), extra: null, unknown: NO_NAMES };
}

function flattenObject(root: JsonObject, text: string, plan: FlattenPlan): Flattened | Fault {
  // Walks down the path; everything beside it is the rest.
  let holder: unknown = root;
  let rest: JsonObject | undefined;
  let level = root;
  for (const [depth, key] of plan.path.entries()) {
    const others = Object.keys(level).filter((name) => name !== key);
    if (others.length > 0) rest = withoutPath(root, plan.path);
    holder = Object.hasOwn(level, key) ? level[key] : undefined;
    if (holder === undefined || holder === null) break;
    if (!isObject(holder)) {
      const where = plan.path.slice(0, depth + 1).join('.');
      return new Fault('bad_json', `"${where}" in ${show(text)} is not a JSON object`);
    }
    level = holder;
  }
  const metrics = isObject(holder) ? holder : {};

  const values = plan.keys.map((key, i) =>
    Object.hasOwn(metrics, key) ? metricText(key, metrics[key], plan.isJson[i] === true) : null,
  );
  const unknown = Object.keys(metrics).filter((key) => !plan.keys.includes(key));
  if (unknown.length === 0 && rest === undefined) {
    return { metrics: values, extra: null, unknown };
  }
  // An object without a prototype: a metric may be called __proto__.
  const extra: JsonObject = Object.create(null) as JsonObject;
  for (const key of unknown) extra[key] = metrics[key];
  if (rest !== undefined) {
    if (REST_KEY in extra) {
      return new Fault(
        'bad_json',
        `a metric called "${REST_KEY}" beside other keys cannot be kept`,
      );
    }
    extra[REST_KEY] = rest;
  }
  return { metrics: values, extra: encodeBytes(stringify(extra) ?? '{}'), unknown };
}

/** The value without the object at the end of the path. */
function withoutPath(root: JsonObject, path: readonly string[]): JsonObject {
  const [key, ...deeper] = path;
  const copy: JsonObject = Object.create(null) as JsonObject;
  for (const [name, value] of Object.entries(root)) {
    if (name !== key) copy[name] = value;
    else if (deeper.length > 0 && isObject(value)) copy[name] = withoutPath(value, deeper);
  }
  return copy;
}

function metricText(key: string, value: unknown, isJson: boolean): MetricText {
  if (value === null) return null;
  if (isJson) return encodeBytes(stringify(value) ?? 'null');
  if (isLosslessNumber(value)) return normalizeNumber(value.value);
  if (typeof value === 'string') {
    return value.isWellFormed()
      ? encodeBytes(value)
      : new Fault('bad_metric', `${key} has half of a surrogate pair`);
  }
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return new Fault(
    'bad_metric',
    `${key} is ${show(encodeBytes(stringify(value) ?? ''))}, not a single value`,
  );
}

/** No integer column holds as many digits. */
const MAX_INTEGER_DIGITS = 40;

/**
 * A JSON number with an exponent may be an integer, such as 1e3 or 1.50e1, but the rules for fields
 * accept digits only. Every other number stays as it is written.
 */
function normalizeNumber(digits: string): string {
  if (!/[eE]/.test(digits)) return digits;
  const value = coerceNumeric(digits);
  if (value instanceof Fault || typeof value === 'number') return digits;
  if (value.digits === '') return '0';
  const wholeDigits = value.digits.length + value.exponent;
  if (wholeDigits > MAX_INTEGER_DIGITS) return digits;
  const whole = value.digits.slice(0, Math.max(0, wholeDigits));
  if (/[1-9]/.test(value.digits.slice(whole.length))) return digits;
  return `${value.isNegative ? '-' : ''}${whole.padEnd(wholeDigits, '0')}`;
}
