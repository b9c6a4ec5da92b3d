/** The rows of a bulk load by partition, until there are enough of one for a COPY. */
import type pg from 'pg';
import {
  type KnownPartition,
  makePartitions,
  type WantedPartition,
} from '../postgres/partitions-in-catalog.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { RoutedRows } from './messages.js';
import { RowsLeftOut } from './sinks/left-out.js';

/**
 * Rows of one partition that are worth a COPY of their own while the server has nothing else to do. More gather
 * while it has.
 */
const LEAST_BYTES = 256 * 1024;
const MOST_WAITING_BYTES = 96 * 1024 * 1024;

interface Waiting {
  /** Of the partition, or of the whole table for its rest partition. */
  readonly name: string;
  portions: Uint8Array[];
  bytes: number;
}

export interface PartitionRows {
  readonly name: string;
  readonly portions: readonly Uint8Array[];
}

export class BulkPartitions {
  readonly #client: pg.Client;
  readonly #target: TableInCatalog;
  /** By value and day that rows name their partition by. */
  readonly #byPlace = new Map<string, Waiting>();
  readonly #byName = new Map<string, Waiting>();
  readonly #made: KnownPartition[] = [];
  #waitingBytes = 0;

  constructor(client: pg.Client, target: TableInCatalog) {
    this.#client = client;
    this.#target = target;
  }

  /** Whether rows need partitions that are not known yet. */
  lacks(rows: RoutedRows): boolean {
    return placesOf(rows).some((wanted) => this.#find(wanted) === undefined);
  }

  /** Whether no more rows should come before some are copied. */
  get isFull(): boolean {
    return this.#waitingBytes >= MOST_WAITING_BYTES;
  }

  /** @throws RowsLeftOut where their partition is not to be had */
  add({ rows, name, place }: RoutedRows): void {
    const { table } = this.#target;
    const waiting =
      name !== undefined
        ? this.#named(name)
        : place === undefined
          ? this.#named(table)
          : this.#find(place);
    if (waiting === undefined) throw new RowsLeftOut();
    waiting.portions.push(rows);
    waiting.bytes += rows.length;
    this.#waitingBytes += rows.length;
  }

  /** Makes the partitions that rows need, all at once, in the transaction of the load. */
  async make(rows: RoutedRows): Promise<void> {
    const missing = placesOf(rows).filter((place) => this.#find(place) === undefined);
    if (missing.length === 0) return;
    const { partitions, table } = this.#target;
    this.#made.push(...(await makePartitions(this.#client, this.#target, partitions!, missing)));
    for (const place of missing) {
      // The rest partition of a value is found by the server.
      const isRest = partitions?.time !== undefined && place.day === undefined;
      if (isRest) this.#byPlace.set(keyOf(place), this.#named(table));
    }
  }

  /** Rows name their partition by any of its days. */
  #find(place: WantedPartition): Waiting | undefined {
    const key = keyOf(place);
    const known = this.#byPlace.get(key);
    const { value = '', day } = place;
    const isRest = this.#target.partitions?.time !== undefined && day === undefined;
    if (known !== undefined || isRest) return known;
    const found = this.#made.find(
      ({ value: own, days: [from, until] }) =>
        own === value && (day === undefined || (from <= day && day < until)),
    );
    if (found === undefined) return undefined;
    const waiting = this.#named(found.name);
    this.#byPlace.set(key, waiting);
    return waiting;
  }

  #named(name: string): Waiting {
    const waiting = this.#byName.get(name) ?? { name, portions: [], bytes: 0 };
    this.#byName.set(name, waiting);
    return waiting;
  }

  #take(waiting: Waiting): PartitionRows {
    const { name, portions, bytes } = waiting;
    this.#waitingBytes -= bytes;
    waiting.portions = [];
    waiting.bytes = 0;
    return { name, portions };
  }

  /** @returns the most rows of one partition, if they are worth a COPY */
  takeMost(): PartitionRows | undefined {
    let most: Waiting | undefined;
    for (const waiting of this.#byName.values()) {
      if (most === undefined || waiting.bytes > most.bytes) most = waiting;
    }
    const isWorth = most !== undefined && (this.isFull || most.bytes >= LEAST_BYTES);
    return isWorth ? this.#take(most!) : undefined;
  }

  takeAll(): PartitionRows[] {
    return [...this.#byName.values()]
      .filter(({ bytes }) => bytes > 0)
      .map((waiting) => this.#take(waiting));
  }
}

/** Those that other rows of its split need are told with the first ones. */
function placesOf({ name, place, wanted }: RoutedRows): readonly WantedPartition[] {
  return name !== undefined || place === undefined ? wanted : [place, ...wanted];
}

function keyOf({ value = '', day }: WantedPartition): string {
  return `${day ?? ''} ${value}`;
}
