/** Sends the rows of a split to another thread, which copies them into the table. */
import type { MessagePort } from 'node:worker_threads';
import type { ReferenceValues } from '../../lanes/reference-values.js';
import type { RowSink } from '../../lanes/row-sink.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';
import type { RowWriter } from '../../values/copy-binary.js';
import type { RoutedRows, ScannedSplit } from '../messages.js';
import { collectReferences, type ReferenceCollector } from './foreign-keys.js';
import { PartitionRouter } from './partition-router.js';
import { RowExtender } from './row-extender.js';
import { stagedColumns } from './staged-rows.js';

/** Rows of one partition that are sent together. */
const GROUP_BYTES = 64 * 1024;

/** Portions that are sent before the other thread has confirmed the earlier ones. */
const MAX_AHEAD = 2;

export class PortSink implements RowSink {
  readonly wantsOrdinals = false;
  readonly nextOrdinal = 0;
  readonly references: ReadonlyMap<string, ReferenceValues>;
  readonly #port: MessagePort;
  readonly #collector: ReferenceCollector | undefined;
  #portions: { rows: Buffer; recycle?: (rows: Buffer) => void }[] = [];
  #ahead = 0;
  /** How many of the partitions that are missing the other thread knows of. */
  #told = 0;
  #onWritten: (() => void) | undefined;
  readonly #router: PartitionRouter | undefined;
  readonly #extender: RowExtender | undefined;

  /** @param port receives a message for every portion that was written */
  constructor(port: MessagePort, target: TableInCatalog, plan: TablePlan) {
    this.#port = port;
    this.#collector = target.checksForeignKeys ? collectReferences(target, plan) : undefined;
    this.references = this.#collector?.values ?? new Map();
    const { oid, partitions } = target;
    this.#router = partitions && PartitionRouter.open(oid, partitions, stagedColumns(plan), true);
    this.#extender = RowExtender.for(plan, target);
    port.on('message', () => {
      this.#ahead--;
      this.#onWritten?.();
    });
  }

  added(texts: readonly (string | null)[]): void {
    this.#collector?.add(texts);
  }

  addedByLane(): void {}

  takeFromLane(rows: Buffer, recycle: (rows: Buffer) => void): void {
    this.#portions.push({ rows, recycle });
  }

  take(writer: RowWriter): void {
    if (writer.rowCount > 0) this.#portions.push({ rows: writer.takeRows() });
  }

  async flush(): Promise<void> {
    const portions = this.#portions;
    this.#portions = [];
    for (const { rows: encoded, recycle } of portions) {
      const rows = this.#extend(encoded);
      if (this.#router === undefined) {
        // The lane's memory cannot be transferred.
        const copy = new Uint8Array(rows);
        await this.#send(copy, copy.buffer);
      } else this.#router.add(rows);
      recycle?.(encoded);
    }
    if (this.#router !== undefined) await this.#sendGroups(this.#router, GROUP_BYTES);
  }

  /** A key that is not in memory has no row, which the other thread verifies as it does with values. */
  #extend(rows: Buffer): Buffer {
    const extender = this.#extender;
    if (extender === undefined) return rows;
    const extended = extender.extend(rows);
    if (Buffer.isBuffer(extended)) return extended;
    extender.assumeNone(extended);
    return this.#extend(rows);
  }

  async #sendGroups(router: PartitionRouter, fromBytes: number): Promise<void> {
    for (const group of [...router.groups, ...router.unnamed, router.rest]) {
      if (group.byteLength < fromBytes || group.byteLength === 0) continue;
      const rows = group.giveAway();
      const { name, place } = group;
      // All that are missing are told at once, so that they are made at once.
      const wanted = name === undefined ? router.missing.slice(this.#told) : [];
      this.#told += wanted.length;
      await this.#send({ rows, name, place, wanted }, rows.buffer);
    }
  }

  async #send(rows: Uint8Array | RoutedRows, buffer: ArrayBuffer): Promise<void> {
    await this.#waitUntil(MAX_AHEAD - 1);
    this.#ahead++;
    this.#port.postMessage(rows, [buffer]);
  }

  async pause(): Promise<void> {}

  /** Waits until all rows are written: messages in a port are lost when it closes. */
  async settle(): Promise<number> {
    if (this.#router !== undefined) await this.#sendGroups(this.#router, 0);
    await this.#waitUntil(0);
    return 0;
  }

  async #waitUntil(ahead: number): Promise<void> {
    while (this.#ahead > ahead) {
      await new Promise<void>((resolve) => {
        this.#onWritten = resolve;
      });
    }
  }

  /** What the rows copied from other tables. */
  takeCopied(): ScannedSplit['copied'] {
    return this.#extender?.takeUsed() ?? [];
  }

  /** Referred values of the rows, by column. */
  takeReferences(): [column: string, values: string[]][] {
    return [...this.references].map(([column, values]) => [column, values.take()]);
  }
}
