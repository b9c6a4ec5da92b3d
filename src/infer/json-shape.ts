/**
 * What the objects of a JSON column hold in their first two levels: whether they are whole numbers under
 * names, which is what metrics are.
 */

/** More names than this are data and no names. */
export const MAX_METRICS = 64;

/** What stands under one key, in all objects so far. Plain data, so that it can be handed to a thread. */
export interface KeyShape {
  readonly name: string;
  /** Objects that have it. */
  count: number;
  /** Whether whatever is under it is a whole number, or null; an object, or null. */
  isWhole: boolean;
  isObject: boolean;
  /** Whole numbers under it. */
  wholes: number;
  minimum: number;
  maximum: number;
  keys: KeyShape[];
}

/** Plain data. */
export interface ShapeData {
  /** Whether these are objects whose keys are names of metrics, as far as is known. */
  isAlive: boolean;
  /** Whether an object has a key twice. */
  hasTwice: boolean;
  readonly keys: KeyShape[];
}

interface Known {
  readonly shape: KeyShape;
  readonly bytes: Uint8Array;
  /** The object in which it was seen last. */
  seenIn: number;
  readonly below: Known[];
}

export class JsonShape {
  readonly data: ShapeData = { isAlive: true, hasTwice: false, keys: [] };
  readonly #root: Known[] = [];
  /** The key that was told last, by level. */
  readonly #current: (Known | undefined)[] = [undefined, undefined];
  /** Where its place in the level was: the next key is likely the next one there. */
  readonly #place = [0, 0];
  #objects = 0;

  /** Another object of the column begins. */
  begin(): void {
    this.#objects++;
    this.#place[0] = 0;
  }

  /** These are no objects of metrics. */
  end(): void {
    this.data.isAlive = false;
  }

  key(depth: number, bytes: Uint8Array, from: number, to: number): void {
    if (!this.data.isAlive) return;
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
        this.end();
        return;
      }
      place = level.length;
      known = this.#add(level, parent, bytes, from, to);
    }
    if (known.seenIn === this.#objects) this.data.hasTwice = true;
    known.seenIn = this.#objects;
    known.shape.count++;
    this.#current[depth] = known;
    this.#place[depth] = place + 1;
  }

  #add(
    level: Known[],
    parent: Known | undefined,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): Known {
    const name = Uint8Array.from(bytes.subarray(from, to));
    const shape = newKey(Buffer.from(name).toString('utf8'));
    (parent?.shape.keys ?? this.data.keys).push(shape);
    const known = { shape, bytes: name, seenIn: 0, below: [] };
    level.push(known);
    return known;
  }

  whole(depth: number, value: number): void {
    if (!this.data.isAlive) return;
    const { shape } = this.#current[depth]!;
    shape.isObject = false;
    shape.wholes++;
    if (value < shape.minimum) shape.minimum = value;
    if (value > shape.maximum) shape.maximum = value;
  }

  /** An object under the last key of the first level. */
  object(): void {
    if (!this.data.isAlive) return;
    this.#current[0]!.shape.isWhole = false;
    this.#place[1] = 0;
  }

  /** Text, a list, a decimal: nothing that could be a metric. */
  other(depth: number): void {
    if (!this.data.isAlive) return;
    const { shape } = this.#current[depth]!;
    shape.isWhole = false;
    shape.isObject = false;
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

function isSame(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}

export function mergeShapes(into: ShapeData, other: ShapeData): void {
  into.isAlive &&= other.isAlive && mergeKeys(into.keys, other.keys);
  into.hasTwice ||= other.hasTwice;
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

/** The metrics that a column's objects hold: whole numbers under names, and nothing beside. */
export function findMetrics({ isAlive, hasTwice, keys }: ShapeData): ProposedMetrics | undefined {
  if (!isAlive || hasTwice || keys.length === 0) return undefined;
  if (keys.every(isMetric)) return { path: [], keys };
  const [only, another] = keys;
  if (another !== undefined || !only!.isObject || only!.isWhole) return undefined;
  if (only!.name.includes('.') || only!.name === '') return undefined;
  return only!.keys.length > 0 && only!.keys.every(isMetric)
    ? { path: [only!.name], keys: only!.keys }
    : undefined;
}

/** Names that flatten keeps for itself, or cannot keep. */
const TAKEN_NAMES = new Set(['$rest', '__proto__', '']);

function isMetric({ name, isWhole, wholes }: KeyShape): boolean {
  return isWhole && wholes > 0 && !TAKEN_NAMES.has(name);
}
