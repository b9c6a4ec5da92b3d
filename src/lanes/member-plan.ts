/** The members of a line of JSON, as the assembly looks for them in memory (assembly/layout.ts). */
import type { JsonlForm } from '../formats/jsonl/jsonl-form.js';
import type { RemarkTally } from '../ledger/remarks.js';
import type { TablePlan } from '../mapping/table-plan.js';
import {
  COMMENT_LENGTH,
  COUNTED,
  ENTRY_COUNT,
  FIELD_BYTES,
  FIELD_COUNTER,
  FIELD_KEEPS_QUOTES,
  FIELD_KEY,
  FIELDS,
  FIRST_ENTRY,
  HEADER_LENGTH,
  IS_JSONL,
  KEPT,
  MAX_FIELDS,
  STATE,
} from './assembly/layout.js';
import type { KeyWriter } from './key-writer.js';
import type { LaneMemory } from './lane-memory.js';

const entryOf = (field: number) => FIELDS + field * FIELD_BYTES;

/**
 * Writes the keys of the fields, and of members that are passed over. A key that JSON writes with
 * escapes, or in another encoding, is left out: records that have it are for the other lane.
 *
 * @returns false where the form has something that the lane does not handle, or there is no room
 */
export function placeMembers(
  { bytes, words }: LaneMemory,
  plan: TablePlan,
  form: JsonlForm,
  writer: KeyWriter,
): boolean {
  const { keys, asJson } = form;
  const { fieldCount } = plan;
  const passedOver = form.ignored.filter((key) => !keys.includes(key));
  const entryCount = fieldCount + passedOver.length;
  if (form.others === 'add' || fieldCount < 1 || entryCount > MAX_FIELDS) return false;
  if (hasJsonInStrings(plan, form)) return false;
  bytes.fill(0, FIELDS, entryOf(entryCount));
  const entries = [
    ...keys.entries(),
    ...passedOver.map((key, i) => [fieldCount + i, key] as const),
  ];
  for (const [field, key] of entries) {
    const entry = entryOf(field);
    bytes[entry + FIELD_KEEPS_QUOTES] = asJson.includes(key) ? 1 : 0;
    if (!writer.isPlain(key)) continue;
    const address = writer.writeField(key);
    if (address === undefined) return false;
    words[(entry + FIELD_KEY) / 4] = address;
  }
  const state = words.subarray(STATE / 4);
  state[IS_JSONL] = 1;
  state[ENTRY_COUNT] = entryCount;
  state[FIRST_ENTRY] = 0;
  state[HEADER_LENGTH] = 0;
  state[COMMENT_LENGTH] = 0;
  return true;
}

/** Whether a column of JSON takes what is in a string, as it does where another column reads it, too. */
function hasJsonInStrings({ columns }: TablePlan, { keys, asJson }: JsonlForm): boolean {
  return columns.some(
    (column) =>
      column.from === 'field' &&
      (column.type === 'json' || column.type === 'jsonb') &&
      column.field < keys.length &&
      !asJson.includes(keys[column.field]!) &&
      column.corrections === undefined,
  );
}

/**
 * Members under other keys, which are counted, and perhaps kept. Each name is counted under a key that
 * the other lane gives it when it meets it first; from then on, the byte lane knows the name, too.
 */
export class OtherMembers {
  readonly #memory: LaneMemory;
  readonly #writer: KeyWriter;
  readonly #operation: number;
  readonly #tally: RemarkTally;
  /** Names that were seen, whether or not the lane can take them. */
  #seen = 0;
  readonly #known: { readonly entry: number; readonly key: string }[] = [];

  constructor(memory: LaneMemory, writer: KeyWriter, fate: 'keep' | 'ignore', tally: RemarkTally) {
    this.#memory = memory;
    this.#writer = writer;
    this.#operation = fate === 'keep' ? KEPT : COUNTED;
    this.#tally = tally;
  }

  /** @param keys by name, in the order in which they were met */
  learn(keys: ReadonlyMap<string, string>): void {
    if (keys.size === this.#seen) return;
    for (const [name, key] of [...keys].slice(this.#seen)) this.#add(name, key);
    this.#seen = keys.size;
  }

  #add(name: string, key: string): void {
    const { bytes, words } = this.#memory;
    const count = words[STATE / 4 + ENTRY_COUNT]!;
    if (count >= MAX_FIELDS || !this.#writer.isPlain(name)) return;
    const address = this.#writer.writeField(name);
    if (address === undefined) return;
    const entry = entryOf(count);
    bytes.fill(0, entry, entry + FIELD_BYTES);
    bytes[entry] = this.#operation;
    words[(entry + FIELD_KEY) / 4] = address;
    words[STATE / 4 + ENTRY_COUNT] = count + 1;
    this.#known.push({ entry, key });
  }

  /** Counts the records taken since the last call. */
  count(): void {
    const { words } = this.#memory;
    for (const { entry, key } of this.#known) {
      const at = (entry + FIELD_COUNTER) / 4;
      if (words[at]! > 0) this.#tally.addCorrections([key], words[at]!);
      words[at] = 0;
    }
  }
}
