/**
 * Rows for a table that edp divides → a group for each of its partitions.
 *
 * A row that is put into its partition by name costs the server two thirds of one that the server finds the partition for.
 * To attach a partition, the server locks the rest partition against everybody. So a split writes nothing there before it
 * may commit: those rows wait here meanwhile.
 */
import type { ColumnType } from '../../model/types.js';
import {
  type Day,
  daysAround,
  type KnownPartition,
  type TablePartitions,
  type WantedPartition,
} from '../../postgres/partitions-in-catalog.js';

const MICROS_PER_DAY = 86_400_000_000;
const FIRST_BYTES = 2 * 1024;

/** Rows of one partition, one after the other. */
export class RowGroup {
  /** Of its partition; undefined while that is missing. */
  name: string | undefined;
  /** What it is for; undefined for the rest partition. */
  readonly place: WantedPartition | undefined;
  /** Where the rows that are being sorted go: bytes, and where the next one begins. */
  incoming = 0;
  next = 0;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  constructor(name?: string, place?: WantedPartition) {
    this.name = name;
    this.place = place;
  }

  get byteLength(): number {
    return this.#length;
  }

  add(rows: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    rows.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** Hands the rows over. The next ones overwrite them. */
  take(): Buffer {
    const rows = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return rows;
  }

  /** Gives the rows away with their buffer, which another thread may get. */
  giveAway(): Uint8Array<ArrayBuffer> {
    const rows = this.take() as Uint8Array<ArrayBuffer>;
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length);
    return rows;
  }

  clear(): void {
    this.#length = 0;
  }
}

const routers = new Map<string, PartitionRouter>();

/** What a thread knows of a table: value of its list → day → partition. Those that others drop, the server misses. */
const knownTables = new Map<number, Map<string, Map<Day, string>>>();

export class PartitionRouter {
  readonly rest = new RowGroup();
  readonly #partitions: TablePartitions;
  /** Index of each column in a row; -1 where rows do not have it. */
  readonly #listAt: number;
  readonly #timeAt: number;
  readonly #known: Map<string, Map<Day, string>>;
  readonly #groups = new Map<string, RowGroup>();
  #missing: WantedPartition[] = [];
  #scratch = Buffer.alloc(0);
  /** By value and day of the partition, so that all its rows are one group. */
  readonly #unnamed = new Map<string, RowGroup>();
  /** Value of the list → day, from the first one → group, as far as rows had them. */
  readonly #placed = new Map<string, (RowGroup | undefined)[]>();
  readonly #plain: (RowGroup | undefined)[] = [];
  /** Of the rows that are being sorted. */
  readonly #runStarts: number[] = [];
  readonly #runGroups: RowGroup[] = [];

  /**
   * A router without rows. A thread has one for a table, so that its memory serves all splits.
   *
   * @param columns of the rows, in their order
   * @param makesNone whether another thread makes the partitions, so that those that were missing before still are
   */
  static open(
    oid: number,
    partitions: TablePartitions,
    columns: readonly { readonly name: string }[],
    makesNone = false,
  ): PartitionRouter {
    const key = JSON.stringify([oid, partitions.time?.within, columns.map(({ name }) => name)]);
    const router = routers.get(key) ?? new PartitionRouter(oid, partitions, columns);
    routers.set(key, router);
    router.#clear(makesNone);
    return router;
  }

  private constructor(
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
    for (const known of partitions.known) this.#learn(known);
  }

  #clear(keepsMissing: boolean): void {
    for (const group of [this.rest, ...this.#groups.values(), ...this.#unnamed.values()]) {
      group.clear();
    }
    if (!keepsMissing && this.#missing.length > 0) this.forget();
  }

  #learn({ name, value, days: [from, until] }: KnownPartition): void {
    const days = this.#known.get(value) ?? new Map<Day, string>();
    this.#known.set(value, days);
    const [first, behind] = this.#within;
    for (let day = Math.max(from, first); day < Math.min(until, behind); day++) days.set(day, name);
  }

  /** Without time, all rows are of one day. */
  get #within(): readonly [Day, Day] {
    return this.#partitions.time?.within ?? [0, 1];
  }

  /** Partitions that rows were added for and nobody has made, as far as this thread knows. */
  get missing(): readonly WantedPartition[] {
    return this.#missing;
  }

  /** Those of partitions that are there. */
  get groups(): Iterable<RowGroup> {
    return this.#groups.values();
  }

  /** Those of partitions that are missing. */
  get unnamed(): Iterable<RowGroup> {
    return this.#unnamed.values();
  }

  /**
   * Notes partitions that were made since.
   *
   * @returns whether all are there now that rows were added for
   */
  settle(made: readonly KnownPartition[]): boolean {
    for (const known of made) this.#learn(known);
    for (const { value = '', day = this.#partitions.time === undefined ? 0 : undefined } of this
      .#missing) {
      if (day === undefined) continue;
      // A partition need not have a whole unit: somebody made another one, or the range begins within it.
      const name = this.#known.get(value)?.get(day);
      const key = this.#keyOf(value, day);
      const group = this.#unnamed.get(key);
      if (group === undefined) continue;
      if (name === undefined) return false;
      group.name = name;
      this.#groups.set(name, group);
      this.#unnamed.delete(key);
    }
    this.#missing = [];
    return true;
  }

  #keyOf(value: string, day: Day): string {
    const { time } = this.#partitions;
    return `${time === undefined ? 0 : daysAround(day, time.every)[0]} ${value}`;
  }

  /** @param rows in COPY's binary form, without its header; they are copied */
  add(rows: Buffer): void {
    const count = this.#findRuns(rows);
    const starts = this.#runStarts;
    const groups = this.#runGroups;
    if (count === 1) {
      groups[0]!.add(rows, 0, rows.length);
      return;
    }
    // Copies within one buffer cost a fraction of those between two. So the rows are brought into the order of their
    // groups beside themselves, and each group takes its part as a whole.
    if (this.#scratch.length < 2 * rows.length) {
      this.#scratch = Buffer.allocUnsafeSlow(2 * rows.length);
    }
    const scratch = this.#scratch;
    rows.copy(scratch, 0);
    for (let i = 0; i < count; i++) groups[i]!.incoming += starts[i + 1]! - starts[i]!;
    let at = rows.length;
    const touched: RowGroup[] = [];
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      if (group.incoming === 0) continue;
      touched.push(group);
      group.next = at;
      at += group.incoming;
      group.incoming = 0;
    }
    for (let i = 0; i < count; i++) {
      const group = groups[i]!;
      const start = starts[i]!;
      const end = starts[i + 1]!;
      scratch.copyWithin(group.next, start, end);
      group.next += end - start;
    }
    let from = rows.length;
    for (const group of touched) {
      group.add(scratch, from, group.next);
      from = group.next;
    }
  }

  /** Rows of one group, one behind the other, are a run. @returns how many there are */
  #findRuns(rows: Buffer): number {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    const end = rows.length;
    const listAt = this.#listAt;
    const timeAt = this.#timeAt;
    const starts = this.#runStarts;
    const groups = this.#runGroups;
    let last: RowGroup | undefined;
    let count = 0;
    let at = 0;
    while (at < end) {
      const start = at;
      const fields = view.getInt16(at);
      at += 2;
      let listField = -1;
      let timeField = -1;
      for (let index = 0; index < fields; index++) {
        if (index === timeAt) timeField = at;
        else if (index === listAt) listField = at;
        const length = view.getInt32(at);
        at += length > 0 ? 4 + length : 4;
      }
      const group = this.#groupOf(rows, view, listField, timeField);
      if (group === last) continue;
      last = group;
      starts[count] = start;
      groups[count] = group;
      count++;
    }
    starts[count] = end;
    return count;
  }

  #groupOf(rows: Buffer, view: DataView, listField: number, timeField: number): RowGroup {
    const { list, time } = this.#partitions;
    let value = '';
    let placed = this.#plain;
    if (list !== undefined) {
      if (listField < 0 || view.getInt32(listField) < 0) return this.rest;
      value = readValue(rows, view, listField, list.type);
      placed = this.#placedOf(value);
    }
    if (time === undefined) return placed[0] ?? this.#place(placed, value, 0);
    const day = timeField < 0 ? Number.NaN : readDay(view, timeField);
    const [first, behind] = time.within;
    if (day >= first && day < behind) {
      return placed[day - first] ?? this.#place(placed, value, day - first);
    }
    if (list !== undefined) this.#wantValue(value);
    return this.rest;
  }

  #placedOf(value: string): (RowGroup | undefined)[] {
    const placed = this.#placed.get(value) ?? [];
    this.#placed.set(value, placed);
    return placed;
  }

  #place(placed: (RowGroup | undefined)[], value: string, index: number): RowGroup {
    const group = this.#find(value, this.#within[0] + index);
    placed[index] = group;
    return group;
  }

  /** Each value of the list has a rest partition of its own, if time divides it. */
  #wantValue(value: string): void {
    if (this.#known.has(value)) return;
    this.#known.set(value, new Map());
    this.#missing.push({ value, day: undefined });
  }

  /** Forgets the partitions that are missing: they were not made. */
  forget(): void {
    for (const { value = '', day } of this.#missing)
      if (day === undefined) this.#known.delete(value);
    this.#missing = [];
    this.#unnamed.clear();
    this.#placed.clear();
    this.#plain.length = 0;
  }

  #find(value: string, day: Day): RowGroup {
    const name = this.#known.get(value)?.get(day);
    const found = name === undefined ? undefined : this.#groups.get(name);
    if (found !== undefined) return found;
    const key = this.#keyOf(value, day);
    const waiting = this.#unnamed.get(key);
    if (name === undefined && waiting !== undefined) return waiting;
    const { list, time } = this.#partitions;
    const group = new RowGroup(name, {
      value: list === undefined ? undefined : value,
      day: time === undefined ? undefined : day,
    });
    if (name !== undefined) this.#groups.set(name, group);
    else {
      this.#unnamed.set(key, group);
      this.#missing.push(group.place!);
    }
    return group;
  }
}

/** @returns NaN for NULL; infinite days are far outside of every range */
function readDay(view: DataView, field: number): Day {
  switch (view.getInt32(field)) {
    case 4:
      return view.getInt32(field + 4);
    case 8:
      // Exact for all times that have partitions of their own.
      return Math.floor(
        (view.getInt32(field + 4) * 2 ** 32 + view.getUint32(field + 8)) / MICROS_PER_DAY,
      );
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
