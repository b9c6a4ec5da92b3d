/** Keys of JSON objects, and plans of metrics, as the assembly reads them (assembly/layout.ts). */
import type { RecordForm } from '../formats/open-format.js';
import type { FieldEncoding } from '../formats/text/transcode.js';
import type { SourcePlan } from '../mapping/table-plan.js';
import {
  KEY_LENGTH,
  KEY_NEXT,
  KEY_OPERATION,
  KEY_TEXT,
  KEYS,
  LEFT,
  METRICS_BARE_KEYS,
  METRICS_COUNT,
  METRICS_EXTRA,
  METRICS_PATH_COUNT,
  METRICS_QUOTED_KEYS,
  METRICS_WORDS,
  PLAN_END,
  SLACK,
} from './assembly/layout.js';
import type { LaneMemory } from './lane-memory.js';

/**
 * Whether a key is written in JSON without escapes, and in other encodings with the same bytes as
 * in UTF-8. `__proto__` is a fault there.
 */
function isPlainKey(key: string, encoding: FieldEncoding): boolean {
  const hasSameBytes = encoding === 'utf-8' || Buffer.byteLength(key) === key.length;
  return hasSameBytes && JSON.stringify(key) === `"${key}"` && key !== '__proto__';
}

/** Writes keys of fields, plans of metrics and their keys, one after the other. */
export class KeyWriter {
  readonly #memory: LaneMemory;
  readonly #encoding: FieldEncoding;
  /** How JSON in quotes writes a quote. */
  readonly #innerQuote: string;
  #address = KEYS;

  constructor(memory: LaneMemory, form: RecordForm) {
    this.#memory = memory;
    this.#encoding = form.format === 'csv' ? form.dialect.encoding : form.encoding;
    this.#innerQuote = form.format === 'csv' ? '""' : '\\"';
  }

  isPlain(key: string): boolean {
    return isPlainKey(key, this.#encoding);
  }

  /** @returns the address of the key; undefined where there is no room for it */
  writeField(key: string): number | undefined {
    if (!this.#hasRoom([key])) return undefined;
    return this.#writeKeys([key], [LEFT], '"');
  }

  /** Whether there is room for these keys in both forms, and for a plan of them. */
  #hasRoom(keys: readonly string[]): boolean {
    const byteLength = keys.reduce((sum, key) => sum + 2 * (Buffer.byteLength(key) + 64), 64);
    return this.#address + byteLength + SLACK <= PLAN_END;
  }

  /** @returns the address of the plan; undefined where there is no room for it */
  writeMetrics(
    { path, keys }: SourcePlan,
    operations: readonly number[],
    hasExtra: boolean,
  ): number | undefined {
    const address = this.#address;
    const all = [...path, ...keys];
    if (!this.#hasRoom(all)) return undefined;
    this.#address += align(4 * METRICS_WORDS);
    const plan = this.#memory.words.subarray(address / 4);
    plan[METRICS_PATH_COUNT] = path.length;
    plan[METRICS_COUNT] = keys.length;
    plan[METRICS_EXTRA] = hasExtra ? 1 : 0;
    const allOperations = [...path.map(() => LEFT), ...operations];
    plan[METRICS_QUOTED_KEYS] = this.#writeKeys(all, allOperations, this.#innerQuote);
    plan[METRICS_BARE_KEYS] = this.#writeKeys(all, allOperations, '"');
    return address;
  }

  #writeKeys(keys: readonly string[], operations: readonly number[], quote: string): number {
    const first = this.#address;
    const { bytes } = this.#memory;
    for (const [i, key] of keys.entries()) {
      const address = this.#address;
      const length = bytes.write(`${quote}${key}${quote}`, address + KEY_TEXT);
      this.#address = address + KEY_TEXT + align(length);
      bytes.writeUInt32LE(length, address + KEY_LENGTH);
      bytes.writeUInt32LE(operations[i]!, address + KEY_OPERATION);
      bytes.writeUInt32LE(this.#address, address + KEY_NEXT);
    }
    return first;
  }
}

function align(byteLength: number): number {
  return Math.ceil(byteLength / 16) * 16;
}
