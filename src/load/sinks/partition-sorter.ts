/**
 * Rows for a table that edp divides → those that have a partition, or will have one, and those for the rest partition.
 *
 * To attach a partition, the server locks the rest partition against everybody. So a split writes nothing there before it may
 * commit: the rows wait here meanwhile.
 */

import type { ColumnType } from '../../model/types.js';
import {
  type Day,
  daysAround,
  type TablePartitions,
  type WantedPartition,
} from '../../postgres/partitions.js';

/** Microseconds. */
const DAY = 86_400_000_000;

export interface SortedRows {
  /** The rows that are not for the rest partition. */
  readonly rows: Buffer;
  /** The others; empty where `rows` is what was given. */
  readonly rest: Buffer;
  /** Partitions that `rows` need and nobody has made, as far as this thread knows. */
  readonly missing: readonly WantedPartition[];
}

const NO_ROWS = Buffer.alloc(0);

/** Oid of a table → what this thread knows of its partitions. Those that others drop are found by the server. */
const knownTables = new Map<number, Map<string, Set<Day>>>();

export class PartitionSorter {
  readonly #partitions: TablePartitions;
  /** Index of each column in a row; -1 where rows do not have it. */
  readonly #listAt: number;
  readonly #timeAt: number;
  /** Value of the list → days that have a partition. */
  readonly #known: Map<string, Set<Day>>;

  /** @param columns of the rows, in their order */
  constructor(
    oid: number,
    partitions: TablePartitions,
    columns: readonly { readonly name: string }[],
  ) {
    const indexOf = (name: string | undefined) =>
      columns.findIndex((column) => column.name === name);
    this.#partitions = partitions;
    this.#listAt = indexOf(partitions.list?.column);
    this.#timeAt = indexOf(partitions.time?.column);
    this.#known = knownTables.get(oid) ?? new Map();
    knownTables.set(oid, this.#known);
    for (const [value, ranges] of partitions.known) {
      const days = this.#daysOf(value) ?? new Set();
      this.#known.set(value, days);
      for (const [from, until] of ranges) this.#addDays(days, from, until);
    }
  }

  #daysOf(value: string): Set<Day> | undefined {
    return this.#known.get(value);
  }

  #addDays(days: Set<Day>, from: Day, until: Day): void {
    const [first, behind] = this.#partitions.time?.within ?? [0, 0];
    for (let day = Math.max(from, first); day < Math.min(until, behind); day++) days.add(day);
  }

  /** Notes partitions that were made. */
  add(made: readonly WantedPartition[]): void {
    const { time } = this.#partitions;
    for (const { value = '', day } of made) {
      const days = this.#daysOf(value) ?? new Set();
      this.#known.set(value, days);
      if (day !== undefined && time !== undefined) {
        this.#addDays(days, ...daysAround(day, time.every));
      }
    }
  }

  /** @param rows in COPY's binary form, without its header */
  sort(rows: Buffer): SortedRows {
    const { list, time } = this.#partitions;
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    const [first, behind] = time?.within ?? [0, 0];
    const missing: WantedPartition[] = [];
    const rest: number[] = [];
    const isDivided =
      (list === undefined || this.#listAt >= 0) &&
      (time === undefined || this.#timeAt >= 0 || list !== undefined);
    let days: Set<Day> | undefined =
      list === undefined ? (this.#known.get('') ?? new Set()) : undefined;
    let value = '';
    let lastDay = Number.NaN;
    let at = 0;
    while (at < rows.length) {
      const start = at;
      const count = view.getInt16(at);
      at += 2;
      let listField = -1;
      let timeField = -1;
      for (let index = 0; index < count; index++) {
        if (index === this.#listAt) listField = at;
        else if (index === this.#timeAt) timeField = at;
        const length = view.getInt32(at);
        at += 4 + (length > 0 ? length : 0);
      }
      if (!isDivided || (list !== undefined && view.getInt32(listField) < 0)) {
        rest.push(start, at);
        continue;
      }
      if (list !== undefined) {
        const own = readValue(rows, view, listField, list.type);
        if (own !== value || days === undefined) {
          value = own;
          lastDay = Number.NaN;
          days = this.#known.get(own);
          if (days === undefined) {
            days = new Set();
            this.#known.set(own, days);
            missing.push({ value: own, day: undefined });
          }
        }
      }
      if (time === undefined) continue;
      const day = timeField < 0 ? Number.NaN : readDay(view, timeField);
      if (day === lastDay) continue;
      if (!(day >= first && day < behind)) {
        rest.push(start, at);
        continue;
      }
      lastDay = day;
      if (days!.has(day)) continue;
      missing.push({ value: list === undefined ? undefined : value, day });
      this.#addDays(days!, ...daysAround(day, time.every));
    }
    return { ...takeOut(rows, rest), missing };
  }

  /** Forgets partitions that could not be made. */
  forget(wanted: readonly WantedPartition[]): void {
    for (const { value = '' } of wanted) this.#known.delete(value);
  }
}

/** @returns NaN for NULL; infinite days are far outside of every range */
function readDay(view: DataView, field: number): Day {
  switch (view.getInt32(field)) {
    case 4:
      return view.getInt32(field + 4);
    case 8:
      // Exact for all times that have partitions of their own.
      return Math.floor((view.getInt32(field + 4) * 2 ** 32 + view.getUint32(field + 8)) / DAY);
    default:
      return Number.NaN;
  }
}

/** The value as the server writes it. */
function readValue(rows: Buffer, view: DataView, field: number, type: ColumnType): string {
  const length = view.getInt32(field);
  const at = field + 4;
  switch (type) {
    case 'smallint':
      return String(view.getInt16(at));
    case 'int':
      return String(view.getInt32(at));
    case 'bigint':
      return String(view.getBigInt64(at));
    case 'boolean':
      return String(view.getUint8(at) === 1);
    case 'uuid':
      return rows
        .toString('hex', at, at + length)
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    default:
      return rows.toString('utf8', at, at + length);
  }
}

/** @param places start and end of each row to take out, in order */
function takeOut(rows: Buffer, places: readonly number[]): { rows: Buffer; rest: Buffer } {
  if (places.length === 0) return { rows, rest: NO_ROWS };
  const kept: Buffer[] = [];
  const rest: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < places.length; i += 2) {
    kept.push(rows.subarray(at, places[i]));
    rest.push(rows.subarray(places[i], places[i + 1]));
    at = places[i + 1]!;
  }
  kept.push(rows.subarray(at));
  return { rows: Buffer.concat(kept), rest: Buffer.concat(rest) };
}
