/** Fields of a record that no column is declared for → as what they are counted, each once for each record. */
import { storable } from '../ledger/receipts.js';
import { correctionKey, OTHER_FIELDS } from '../ledger/remarks.js';
import type { OtherFields } from '../mapping/table-plan.js';
import { decodeBytes } from '../values/coerce.js';

/** Names that are counted each for itself. Where there are more, names are data. */
const MAX_NAMES = 100;
const ALL_OTHERS = '…';

export class OtherFieldCounts {
  readonly #field: number;
  readonly #fate: OtherFields['fate'];
  readonly #keys = new Map<string, string>();

  constructor({ field, fate }: OtherFields) {
    this.#field = field;
    this.#fate = fate;
  }

  /** Name → key, of those that are counted each for itself, in the order in which they came. */
  get keys(): ReadonlyMap<string, string> {
    return this.#keys;
  }

  /** @returns the keys to be counted for a record */
  count(fields: readonly (string | null)[]): string[] {
    const json = fields[this.#field] ?? null;
    if (json === null) return [];
    const members: unknown = JSON.parse(decodeBytes(json));
    const names = Array.isArray(members) ? (members as string[]) : Object.keys(members as object);
    return [...new Set(names.map((name) => this.#keyOf(name)))];
  }

  #keyOf(name: string): string {
    let key = this.#keys.get(name);
    if (key === undefined) {
      const counted = this.#keys.size < MAX_NAMES ? storable(name) : ALL_OTHERS;
      key = correctionKey(counted, OTHER_FIELDS[this.#fate]);
      if (counted !== ALL_OTHERS) this.#keys.set(name, key);
    }
    return key;
  }
}
