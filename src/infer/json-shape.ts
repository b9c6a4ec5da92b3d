/**
 * What the objects of a JSON column hold in their first two levels. Whole numbers under names are
 * metrics.
 */

/** If there are more names, they are data and not names of metrics. */
export const MAX_METRICS = 64;

/** What all objects so far hold under one key. Plain data, so that it can be sent to a thread. */
export interface KeyShape {
  readonly name: string;
  /** Number of objects that have the key. */
  count: number;
  /** Whether all values are whole numbers or null; whether all are objects or null. */
  isWhole: boolean;
  isObject: boolean;
  /** Number of whole numbers under the key. */
  wholes: number;
  minimum: number;
  maximum: number;
  keys: KeyShape[];
}

/** Plain data. */
export interface ShapeData {
  /** Whether the keys of the objects may still be names of metrics. */
  mayBeMetrics: boolean;
  /** Whether an object has a key twice. */
  hasRepeatedKey: boolean;
  readonly keys: KeyShape[];
}

interface KnownKey {
  readonly shape: KeyShape;
  readonly bytes: Uint8Array;
  readonly below: KnownKey[];
}

/**
 * The last object, as the texts between its whole numbers: most objects of a column differ from the
 * object before only in these numbers.
 */
interface Template {
  /** One text more than there are numbers. */
  readonly texts: readonly Uint8Array[];
  readonly numbers: readonly KeyShape[];
  readonly keys: readonly KeyShape[];
}

const ZERO = 0x30;
const MINUS = 0x2d;
/** Digits of a whole number that is exact as a double. */
const MAX_SAFE_DIGITS = 15;

export class JsonShape {
  readonly data: ShapeData = { mayBeMetrics: true, hasRepeatedKey: false, keys: [] };
  #template: Template | undefined;
  /** The keys and numbers of the current object, and whether it holds nothing else. */
  #seen: KeyShape[] = [];
  #numbers: { readonly shape: KeyShape; readonly from: number; readonly to: number }[] = [];
  #isPlain = false;
  /** Numbers of an object that is compared with the template. */
  readonly #values: number[] = [];
  readonly #root: KnownKey[] = [];
  /** The key that was reported last, by level. */
  readonly #current: (KnownKey | undefined)[] = [undefined, undefined];
  /** By level, the place where the next key is expected. */
  readonly #place = [0, 0];

  /** Begins the next object of the column. */
  begin(): void {
    this.#place[0] = 0;
    this.#seen = [];
    this.#numbers = [];
    this.#isPlain = true;
  }

  /** Notes that an object of the column, or an object in it, has a key twice. */
  noteRepeatedKey(): void {
    this.data.hasRepeatedKey = true;
  }

  /** Ends an object that is valid JSON, and keeps it as the template. */
  finish(bytes: Uint8Array, from: number, to: number): void {
    this.#template = undefined;
    if (!this.#isPlain || !this.data.mayBeMetrics || this.data.hasRepeatedKey) return;
    const texts: Uint8Array[] = [];
    let at = from;
    for (const number of this.#numbers) {
      texts.push(Uint8Array.from(bytes.subarray(at, number.from)));
      at = number.to;
    }
    texts.push(Uint8Array.from(bytes.subarray(at, to)));
    const numbers = this.#numbers.map(({ shape }) => shape);
    this.#template = { texts, numbers, keys: this.#seen };
  }

  /** Whether an object differs from the last one only in whole numbers; if so, they are added. */
  isLikeLast(bytes: Uint8Array, from: number, to: number): boolean {
    const template = this.#template;
    if (template === undefined || !this.data.mayBeMetrics) return false;
    const { texts, numbers, keys } = template;
    const values = this.#values;
    let at = from;
    for (let i = 0; ; i++) {
      const text = texts[i]!;
      if (to - at < text.length) return false;
      for (let j = 0; j < text.length; j++) if (bytes[at + j] !== text[j]) return false;
      at += text.length;
      if (i === numbers.length) break;
      const isNegative = bytes[at] === MINUS;
      if (isNegative) at++;
      const start = at;
      let value = 0;
      for (; at < to; at++) {
        const digit = bytes[at]! - ZERO;
        if (digit >>> 0 > 9) break;
        value = value * 10 + digit;
      }
      const digits = at - start;
      if (digits === 0 || digits > MAX_SAFE_DIGITS) return false;
      if (digits > 1 && bytes[start] === ZERO) return false;
      values[i] = isNegative ? -value : value;
    }
    if (at !== to) return false;
    for (let i = 0; i < keys.length; i++) keys[i]!.count++;
    for (let i = 0; i < numbers.length; i++) addWhole(numbers[i]!, values[i]!);
    return true;
  }

  /** The column does not hold objects of metrics. */
  ruleOut(): void {
    this.data.mayBeMetrics = false;
    this.#isPlain = false;
  }

  key(depth: number, bytes: Uint8Array, from: number, to: number): void {
    if (!this.data.mayBeMetrics) return;
    const parent = depth === 0 ? undefined : this.#current[0]!;
    const level = parent === undefined ? this.#root : parent.below;
    let place = this.#place[depth]!;
    let known = level[place];
    if (known === undefined || !isSame(known.bytes, bytes, from, to)) {
      place = level.findIndex((candidate) => isSame(candidate.bytes, bytes, from, to));
      known = level[place];
    }
    if (known === undefined) {
      if (level.length >= MAX_METRICS) {
        this.ruleOut();
        return;
      }
      place = level.length;
      known = this.#add(level, parent, bytes, from, to);
    }
    known.shape.count++;
    this.#seen.push(known.shape);
    this.#current[depth] = known;
    this.#place[depth] = place + 1;
  }

  #add(
    level: KnownKey[],
    parent: KnownKey | undefined,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): KnownKey {
    const name = Uint8Array.from(bytes.subarray(from, to));
    const shape = newKey(Buffer.from(name).toString('utf8'));
    (parent?.shape.keys ?? this.data.keys).push(shape);
    const known = { shape, bytes: name, below: [] };
    level.push(known);
    return known;
  }

  /** Adds a whole number and its place. */
  whole(depth: number, value: number, from: number, to: number): void {
    if (!this.data.mayBeMetrics) return;
    const { shape } = this.#current[depth]!;
    shape.isObject = false;
    addWhole(shape, value);
    this.#numbers.push({ shape, from, to });
  }

  /** Adds an object under the last key of the first level. */
  object(): void {
    if (!this.data.mayBeMetrics) return;
    this.#current[0]!.shape.isWhole = false;
    this.#place[1] = 0;
  }

  /** Adds a text, a list or a decimal: a value that cannot be a metric. */
  other(depth: number): void {
    if (!this.data.mayBeMetrics) return;
    const { shape } = this.#current[depth]!;
    shape.isWhole = false;
    shape.isObject = false;
    this.#isPlain = false;
  }
}

function newKey(name: string): KeyShape {
  return {
    name,
    count: 0,
    isWhole: true,
    isObject: true,
    wholes: 0,
    minimum: Number.POSITIVE_INFINITY,
    maximum: Number.NEGATIVE_INFINITY,
    keys: [],
  };
}

function addWhole(shape: KeyShape, value: number): void {
  shape.wholes++;
  // The sum has no -0, which is the same number.
  if (value < shape.minimum) shape.minimum = value + 0;
  if (value > shape.maximum) shape.maximum = value + 0;
}

function isSame(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}

export function mergeShapes(into: ShapeData, other: ShapeData): void {
  into.mayBeMetrics &&= other.mayBeMetrics && mergeKeys(into.keys, other.keys);
  into.hasRepeatedKey ||= other.hasRepeatedKey;
}

/** @returns false where there are too many */
function mergeKeys(into: KeyShape[], others: readonly KeyShape[]): boolean {
  for (const other of others) {
    let own = into.find(({ name }) => name === other.name);
    if (own === undefined) {
      own = newKey(other.name);
      into.push(own);
    }
    own.count += other.count;
    own.isWhole &&= other.isWhole;
    own.isObject &&= other.isObject;
    own.wholes += other.wholes;
    own.minimum = Math.min(own.minimum, other.minimum);
    own.maximum = Math.max(own.maximum, other.maximum);
    if (!mergeKeys(own.keys, other.keys)) return false;
  }
  return into.length <= MAX_METRICS;
}

export interface ProposedMetrics {
  /** Keys from the root to the object that holds them. */
  readonly path: readonly string[];
  readonly keys: readonly KeyShape[];
}

/** Finds the metrics of a column whose objects hold whole numbers under names, and nothing else. */
export function findMetrics({
  mayBeMetrics,
  hasRepeatedKey,
  keys,
}: ShapeData): ProposedMetrics | undefined {
  if (!mayBeMetrics || hasRepeatedKey || keys.length === 0) return undefined;
  if (keys.every(isMetric)) return { path: [], keys };
  const [only, another] = keys;
  if (another !== undefined || !only!.isObject || only!.isWhole) return undefined;
  if (only!.name.includes('.') || only!.name === '') return undefined;
  return only!.keys.length > 0 && only!.keys.every(isMetric)
    ? { path: [only!.name], keys: only!.keys }
    : undefined;
}

/** Names that flatten reserves, or cannot store. */
const TAKEN_NAMES = new Set(['$rest', '__proto__', '']);

function isMetric({ name, isWhole, wholes }: KeyShape): boolean {
  return isWhole && wholes > 0 && !TAKEN_NAMES.has(name);
}
