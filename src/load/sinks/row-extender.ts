/**
 * Appends to rows what they copy from rows of other tables. The values come from memory; before the split commits, the
 * rows that they are from are held and compared, and where one has changed meanwhile, the split is done again.
 */
import type pg from 'pg';
import type { CopyPlan, TablePlan } from '../../mapping/table-plan.js';
import type { ColumnType } from '../../model/types.js';
import {
  type CopiedValue,
  holdCopied,
  NULL_FIELD,
  type SharedValues,
  toField,
} from '../../postgres/copied-values.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';

/** A row that was copied from has changed since; the values in memory are those of now. */
export class StaleCopy extends Error {
  override readonly name = 'StaleCopy';
}

/** Keys that are not in memory, by column that copies. */
export type UnknownKeys = ReadonlyMap<CopyPlan, ReadonlySet<string>>;

interface Entry {
  readonly key: string;
  /** The field in binary form, with its length before it. */
  field: Buffer;
  isUsed: boolean;
}

const MAX_SMALL = 1_000_000;

/** The values of a column in the memory of a thread. */
class Values {
  readonly #entries = new Map<string | number, Entry>();
  /** Those of small integers once more, by their key. */
  readonly #small: (Entry | undefined)[] = [];
  readonly #isText: boolean;

  constructor({ bytes }: SharedValues, byType: ColumnType) {
    this.#isText = byType === 'text';
    const all = Buffer.from(bytes);
    let at = 0;
    const take = () => {
      const length = all.readInt32BE(at);
      at += 4;
      if (length < 0) return null;
      at += length;
      return all.subarray(at - length, at);
    };
    while (at < all.length) {
      const key = take()!.toString();
      this.set(key, take());
    }
  }

  #indexOf(key: string): string | number {
    if (this.#isText) return key;
    const number = Number(key);
    return Number.isSafeInteger(number) ? number : key;
  }

  find(index: string | number): Entry | undefined {
    return typeof index === 'number' && index >= 0 && index < MAX_SMALL
      ? this.#small[index]
      : this.#entries.get(index);
  }

  set(key: string, value: Uint8Array | null): void {
    const index = this.#indexOf(key);
    const entry = this.#entries.get(index);
    const field = toField(value);
    if (entry !== undefined) {
      entry.field = field;
      return;
    }
    const added = { key, field, isUsed: false };
    this.#entries.set(index, added);
    if (typeof index === 'number' && index >= 0 && index < MAX_SMALL) this.#small[index] = added;
  }

  takeUsed(): Entry[] {
    const used = [...this.#entries.values()].filter(({ isUsed }) => isUsed);
    for (const entry of used) entry.isUsed = false;
    return used;
  }
}

/** Of a row that refers to none. */
const NO_ENTRY: Entry = { key: '', field: NULL_FIELD, isUsed: false };

/** One for each column and each state of the other table that this thread has seen. */
const known = new Map<number, Values>();

interface Source {
  readonly copy: CopyPlan;
  /** Index of the column with the key in a row. */
  readonly at: number;
  readonly type: ColumnType;
  readonly values: Values;
}

export class RowExtender {
  readonly #sources: readonly Source[];
  #scratch = Buffer.alloc(0);
  /** Where each field of the current row begins. */
  readonly #places: number[] = [];

  /** @returns undefined where nothing is copied */
  static for(
    { columns, copies }: TablePlan,
    { copied }: Pick<TableInCatalog, 'copied'>,
  ): RowExtender | undefined {
    return copies === undefined || copied === undefined
      ? undefined
      : new RowExtender(copies, columns, copied);
  }

  /**
   * @param columns of the rows, in their order
   * @param shared by name of the column that copies
   */
  private constructor(
    copies: readonly CopyPlan[],
    columns: readonly { readonly name: string }[],
    shared: ReadonlyMap<string, SharedValues>,
  ) {
    this.#sources = copies.map((copy) => {
      const own = shared.get(copy.name)!;
      const values = known.get(own.id) ?? new Values(own, copy.byType);
      known.set(own.id, values);
      for (const entry of values.takeUsed()) entry.isUsed = false;
      return {
        copy,
        values,
        type: copy.byType,
        at: columns.findIndex(({ name }) => name === copy.by),
      };
    });
  }

  /**
   * @param rows in COPY's binary form, without its header
   * @returns the same with their values, which the next call overwrites; or keys without a value in memory
   */
  extend(rows: Buffer): Buffer | UnknownKeys {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    const sources = this.#sources;
    const places = this.#places;
    const unknown = new Map<CopyPlan, Set<string>>();
    const end = rows.length;
    this.#reserve(3 * end);
    // Copies within one buffer cost a fraction of those between two.
    rows.copy(this.#scratch, 0);
    let out = end;
    let at = 0;
    while (at < end) {
      const start = at;
      const count = view.getInt16(at);
      at += 2;
      for (let index = 0; index < count; index++) {
        places[index] = at;
        const length = view.getInt32(at);
        at += length > 0 ? 4 + length : 4;
      }
      if (out + at - start > this.#scratch.length) this.#reserve(2 * (out + at - start));
      this.#scratch.copyWithin(out, start, at);
      this.#scratch[out] = (count + sources.length) >> 8;
      this.#scratch[out + 1] = (count + sources.length) & 0xff;
      out += at - start;
      for (const source of sources) {
        const index = readKey(rows, view, places[source.at]!, source.type);
        const entry = index === null ? NO_ENTRY : source.values.find(index);
        if (entry === undefined) {
          const keys = unknown.get(source.copy) ?? new Set();
          unknown.set(source.copy, keys.add(String(index)));
          continue;
        }
        entry.isUsed = true;
        out = this.#appendField(entry.field, out);
      }
    }
    return unknown.size > 0 ? unknown : this.#scratch.subarray(end, out);
  }

  #appendField(field: Buffer, out: number): number {
    const length = field.length;
    if (out + length > this.#scratch.length) this.#reserve(2 * (out + length));
    const scratch = this.#scratch;
    // A call costs more than the few bytes of most values.
    if (length > 48) scratch.set(field, out);
    else for (let i = 0; i < length; i++) scratch[out + i] = field[i]!;
    return out + length;
  }

  #reserve(length: number): void {
    if (length <= this.#scratch.length) return;
    const grown = Buffer.allocUnsafeSlow(length);
    this.#scratch.copy(grown);
    this.#scratch = grown;
  }

  /** Reads values that are not in memory. Rows that are not there have none. */
  async learn(client: pg.Client, unknown: UnknownKeys): Promise<void> {
    for (const [copy, keys] of unknown) {
      const { values } = this.#sources.find((source) => source.copy === copy)!;
      const found = await holdCopied(client, copy, [...keys]);
      for (const key of keys) values.set(key, found.get(key) ?? null);
    }
  }

  /** Takes keys that are not in memory for those of no row, until {@link findChanged} says otherwise. */
  assumeNone(unknown: UnknownKeys): void {
    for (const [copy, keys] of unknown) {
      const { values } = this.#sources.find((source) => source.copy === copy)!;
      for (const key of keys) values.set(key, null);
    }
  }

  /**
   * Holds the rows whose values were given out since the last call.
   *
   * @throws StaleCopy where one has another value now
   */
  async hold(client: pg.Client): Promise<void> {
    let isStale = false;
    for (const [copy, used] of this.takeUsed()) {
      const { values } = this.#sources.find((source) => source.copy === copy)!;
      const changed = await findChanged(client, copy, used);
      for (const [key, value] of changed) values.set(key, value);
      isStale ||= changed.length > 0;
    }
    if (isStale) throw new StaleCopy('a row that was copied from has changed');
  }

  /** The values that were given out since the last call: key and field. */
  takeUsed(): [CopyPlan, [key: string, field: Buffer][]][] {
    return this.#sources.map(({ copy, values }) => [
      copy,
      values.takeUsed().map(({ key, field }) => [key, field]),
    ]);
  }
}

/** @returns the keys that have another value now, with it */
export async function findChanged(
  client: pg.Client,
  copy: CopyPlan,
  used: readonly (readonly [key: string, field: Uint8Array])[],
): Promise<CopiedValue[]> {
  const now = await holdCopied(
    client,
    copy,
    used.map(([key]) => key),
  );
  return used.flatMap(([key, field]): CopiedValue[] => {
    const value = now.get(key) ?? null;
    return toField(value).equals(field) ? [] : [[key, value]];
  });
}

/** @returns null for NULL */
function readKey(
  rows: Buffer,
  view: DataView,
  field: number,
  type: ColumnType,
): string | number | null {
  const length = view.getInt32(field);
  if (length < 0) return null;
  switch (type) {
    case 'smallint':
      return view.getInt16(field + 4);
    case 'int':
      return view.getInt32(field + 4);
    case 'bigint': {
      const value = view.getBigInt64(field + 4);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    }
    default:
      return rows.toString('utf8', field + 4, field + 4 + length);
  }
}
