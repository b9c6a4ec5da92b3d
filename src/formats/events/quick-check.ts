/**
 * Whether the schema of an event surely takes its `data`. Most events pass here, so that a schema is compiled only for a
 * table with an event that does not: to compile one takes longer than to check a thousand events, and there may be
 * hundreds of tables in each thread. It is made of the same schemas of values; a test holds it against the whole.
 */
import { isObject } from '../../base/is-object.js';
import type { EventTable } from '../../events/event-table.js';
import { valueSchema } from '../../events/value-schema.js';
import type { ColumnType } from '../../model/types.js';

type Values = Readonly<Record<string, unknown>>;
type IsValue = (value: unknown) => boolean;

const KNOWN = new Set(['op', 'key', 'after', 'before', 'partial', 'transaction', 'errors']);

/** By type, for all tables: few functions, called often. */
const predicates = new Map<ColumnType, IsValue>();

function predicateOf(type: ColumnType): IsValue {
  let known = predicates.get(type);
  if (known === undefined) {
    known = makePredicate(type);
    predicates.set(type, known);
  }
  return known;
}

function makePredicate(type: ColumnType): IsValue {
  const { type: json, pattern, minimum, maximum } = valueSchema(type, false);
  if (typeof pattern === 'string') {
    const expression = new RegExp(pattern, 'u');
    return (value) => typeof value === 'string' && expression.test(value);
  }
  if (json === 'integer') {
    const [least, most] = [Number(minimum), Number(maximum)];
    return (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  }
  if (json === 'string' || json === 'boolean') return (value) => typeof value === json;
  if (type === 'json' || type === 'jsonb') return () => true;
  return (value) => typeof value === 'number' && Number.isFinite(value);
}

export class QuickCheck {
  readonly #isValue: ReadonlyMap<string, IsValue>;
  readonly #key: readonly string[];
  readonly #keySet: ReadonlySet<string>;
  /** Whether a create must carry more than its key. */
  readonly #isDemanding: boolean;

  constructor({ columns, key, knowsCalculated }: EventTable) {
    this.#isValue = new Map(columns.map(({ name, type }) => [name, predicateOf(type)]));
    this.#key = key;
    this.#keySet = new Set(key);
    this.#isDemanding = knowsCalculated === true;
  }

  accepts(data: Values): boolean {
    const { op, key, after, before, partial, transaction, errors } = data;
    for (const name in data) if (!KNOWN.has(name)) return false;
    if (partial !== undefined && typeof partial !== 'boolean') return false;
    if (transaction !== undefined && typeof transaction !== 'string') return false;
    if (errors !== undefined && !areTexts(errors)) return false;
    switch (op) {
      case 'create':
      case 'read':
        if (this.#isDemanding || before !== undefined) return false;
        return this.#isKey(key) && this.#areAttributes(after) && this.#hasKey(after as Values);
      case 'update':
        return (
          this.#isKey(key) &&
          this.#areAttributes(after) &&
          (before === undefined || this.#areAttributes(before))
        );
      case 'delete':
        if (after !== undefined) return false;
        return this.#isKey(key) && (before === undefined || this.#areAttributes(before));
      default:
        return false;
    }
  }

  #isKey(key: unknown): boolean {
    if (!isObject(key)) return false;
    let count = 0;
    for (const name in key) {
      if (!this.#keySet.has(name) || !this.#isValue.get(name)!(key[name])) return false;
      count++;
    }
    return count === this.#key.length;
  }

  #hasKey(after: Values): boolean {
    for (const name of this.#key) if (!Object.hasOwn(after, name)) return false;
    return true;
  }

  #areAttributes(attributes: unknown): boolean {
    if (!isObject(attributes)) return false;
    for (const name in attributes) {
      const isValue = this.#isValue.get(name);
      if (isValue === undefined) return false;
      const value = attributes[name];
      if (value === null ? this.#keySet.has(name) : !isValue(value)) return false;
    }
    return true;
  }
}

function areTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'string');
}
