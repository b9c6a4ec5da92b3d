/**
 * The fast way: rows are copied directly into the table. Any error of the server rolls back the
 * whole split, which is then loaded the careful way.
 */
import type pg from 'pg';
import type { RecordPlace } from '../../formats/text/ranges.js';
import type { RowPlaces } from '../../lanes/byte-lane.js';
import type { ReferenceValues } from '../../lanes/reference-values.js';
import type { RowSink } from '../../lanes/row-sink.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { type CopyColumn, CopyStream } from '../../postgres/copy-stream.js';
import { areAttached } from '../../postgres/partitions-in-catalog.js';
import {
  INSERTS,
  lockAgainstChecks,
  mayReplaceChecks,
  runTriggers,
  skipTriggers,
} from '../../postgres/replaced-checks.js';
import { lockable, type TableInCatalog, toCopyColumns } from '../../postgres/table-in-catalog.js';
import type { RowWriter } from '../../values/copy-binary.js';
import { collectReferences, type ReferenceCollector } from './foreign-keys.js';
import { countOwnRows, inspectTriggers, RowsLeftOut } from './left-out.js';
import { PartitionRouter, type RowGroup } from './partition-router.js';
import { RowExtender } from './row-extender.js';
import { type PartitionMaker, stagedColumns } from './staged-rows.js';

/** A socket has finished with larger writes when they are done; see postgres/copy-stream.ts. */
const MAX_HELD_BYTES = 128 * 1024;
/** More rows for the rest partition than this go the careful way. */
const MAX_REST_BYTES = 4 * 1024 * 1024;
/** Rows of one partition that are worth a COPY of their own: it costs as much as some thousand rows. */
const GROUP_BYTES = 1024 * 1024;
/** Rows that wait for more of their partitions. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Fewer rows than this go through the whole table, together with others. */
const SMALL_GROUP_BYTES = 96 * 1024;

export class DirectSink implements RowSink {
  readonly wantsOrdinals = false;
  readonly nextOrdinal = 0;
  readonly #client: pg.Client;
  readonly #target: TableInCatalog;
  readonly #columns: readonly CopyColumn[];
  /** Undefined where the server's triggers check the foreign keys, if there are any. */
  #collector: ReferenceCollector | undefined;
  #copy: CopyStream | undefined;
  #portions: Buffer[] = [];
  #recycle: ((rows: Buffer) => void) | undefined;
  #sent = 0;
  #copied = 0;
  /** Rows that this session had put into the table before, as the server counts them. */
  #countBefore = 0;
  readonly #router: PartitionRouter | undefined;
  readonly #makePartitions: PartitionMaker;
  readonly #extender: RowExtender | undefined;
  /** Partitions that rows were put into by name. */
  readonly #named = new Set<string>();

  constructor(
    client: pg.Client,
    target: TableInCatalog,
    plan: TablePlan,
    makePartitions: PartitionMaker,
  ) {
    const { oid, partitions } = target;
    this.#makePartitions = makePartitions;
    this.#router = partitions && PartitionRouter.open(oid, partitions, stagedColumns(plan));
    this.#client = client;
    this.#target = target;
    this.#columns = toCopyColumns(target, stagedColumns(plan));
    this.#extender = RowExtender.for(plan, target);
    this.#collector = target.checksForeignKeys ? collectReferences(target, plan) : undefined;
  }

  get references(): ReadonlyMap<string, ReferenceValues> {
    return this.#collector?.values ?? new Map();
  }

  async begin(): Promise<void> {
    if (this.#collector !== undefined) {
      await lockAgainstChecks(this.#client, this.#target);
      if (!(await this.#mayReplaceChecks())) this.#collector = undefined;
    }
    // Nobody takes a partition out of the table until the transaction has ended.
    else if (this.#isOpen) await lockAgainstChecks(this.#client, this.#target);
    this.#countBefore = await this.#countOwn();
  }

  #mayReplaceChecks(): Promise<boolean> {
    const { oid, foreignKeys } = this.#target;
    return mayReplaceChecks(this.#client, oid, {
      events: INSERTS,
      foreignKeys: lockable(foreignKeys),
      columns: this.#columns.map(({ name }) => name),
    });
  }

  added(texts: readonly (string | null)[]): void {
    this.#sent++;
    this.#collector?.add(texts);
  }

  addedByLane({ count }: RowPlaces, from: number): void {
    this.#sent += count - from;
  }

  takeFromLane(rows: Buffer, recycle: (rows: Buffer) => void): void {
    this.#portions.push(rows);
    this.#recycle = recycle;
  }

  take(writer: RowWriter): void {
    if (writer.rowCount > 0) this.#portions.push(writer.takeRows());
  }

  async flush(): Promise<void> {
    const portions = this.#portions;
    this.#portions = [];
    for (const encoded of portions) {
      const rows = this.#extender === undefined ? encoded : await this.#extend(encoded);
      if (this.#router !== undefined) {
        this.#router.add(rows);
        this.#recycle?.(encoded);
        continue;
      }
      this.#copy ??= await this.#beginCopy();
      // What is extended is written over by the next portion.
      const isDone = await this.#copy.write(rows);
      if (isDone || rows !== encoded) this.#recycle?.(encoded);
    }
    if (portions.length > 0 && this.#router !== undefined) await this.#flushGroups(this.#router);
    if (this.#collector?.isFull === true) await this.pause();
  }

  /** Appends what the rows copy from other tables. */
  async #extend(rows: Buffer): Promise<Buffer> {
    const extender = this.#extender!;
    for (;;) {
      const extended = extender.extend(rows);
      // The socket may still hold a small write when the next one comes.
      if (Buffer.isBuffer(extended)) {
        return extended.length > MAX_HELD_BYTES ? extended : Buffer.from(extended);
      }
      await this.#endCopy();
      await extender.learn(this.#client, extended);
    }
  }

  async #flushGroups(router: PartitionRouter): Promise<void> {
    if (router.rest.byteLength > MAX_REST_BYTES) throw new RowsLeftOut();
    await this.#makeMissing(router);
    if (!this.#isOpen) {
      for (const group of router.groups) await this.#copyThroughTable(group);
      return;
    }
    let waiting = 0;
    for (const group of router.groups) {
      if (group.byteLength >= GROUP_BYTES) await this.#copyGroup(group);
      waiting += group.byteLength;
    }
    if (waiting >= MAX_WAITING_BYTES) await this.#emptyGroups(router);
  }

  /** Whether rows are put into partitions by name. */
  get #isOpen(): boolean {
    return this.#target.partitions?.isOpen === true && this.#target.mayLock;
  }

  /** Makes the partitions that rows were added for. */
  async #makeMissing(router: PartitionRouter): Promise<void> {
    if (router.missing.length === 0) return;
    // A COPY under way does not see partitions that are attached meanwhile.
    await this.#endCopy();
    try {
      const made = await this.#makePartitions(router.missing);
      if (!router.settle(made)) throw new RowsLeftOut();
    } catch (error) {
      router.forget();
      throw error;
    }
  }

  async #copyGroup(group: RowGroup): Promise<void> {
    if (group.byteLength === 0) return;
    if (this.#collector !== undefined) await skipTriggers(this.#client);
    const copy = new CopyStream(this.#client, group.name!, this.#columns);
    this.#named.add(group.name!);
    await copy.write(group.take());
    this.#copied += await copy.finish();
  }

  async #copyThroughTable(group: RowGroup): Promise<void> {
    if (group.byteLength === 0) return;
    this.#copy ??= await this.#beginCopy();
    // The bytes are written over when the next rows come.
    await this.#copy.write(Buffer.from(group.take()));
  }

  async #beginCopy(): Promise<CopyStream> {
    // Skips the per-row foreign-key triggers; `pause` does their work once per distinct value.
    if (this.#collector !== undefined) await skipTriggers(this.#client);
    return new CopyStream(this.#client, this.#target.table, this.#columns);
  }

  async pause(): Promise<void> {
    if (this.#router !== undefined) await this.#emptyGroups(this.#router);
    else if (this.#copy === undefined && this.#extender === undefined) return;
    await this.#endCopy();
    if (this.#collector !== undefined) {
      await runTriggers(this.#client);
      await this.#collector.lock(this.#client);
    }
    await this.#extender?.hold(this.#client);
  }

  async #emptyGroups(router: PartitionRouter): Promise<void> {
    await this.#makeMissing(router);
    for (const group of router.groups) {
      if (this.#isOpen && group.byteLength > SMALL_GROUP_BYTES) await this.#copyGroup(group);
    }
    for (const group of router.groups) await this.#copyThroughTable(group);
  }

  async #endCopy(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    this.#copied += (await copy?.finish()) ?? 0;
  }

  /** @throws RowsLeftOut; what the server would object to at the commit */
  async settle(_readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number> {
    if (this.#router !== undefined) await this.#finishPartitions(this.#router);
    if (this.#copied !== this.#sent && !(await this.#areBelow())) throw new RowsLeftOut();
    // A check that somebody adds meanwhile objects at the commit.
    if (this.#target.mayDefer) await this.#client.query('SET CONSTRAINTS ALL IMMEDIATE');
    return 0;
  }

  /** @throws RowsLeftOut where the partitions are not what they were taken for */
  async #finishPartitions({ rest }: PartitionRouter): Promise<void> {
    await this.#copyThroughTable(rest);
    await this.#endCopy();
    if (this.#collector !== undefined) await runTriggers(this.#client);
    // Rows have locked the partitions that they are in, so what somebody did to them before is seen now.
    if (this.#collector !== undefined && !(await this.#mayReplaceChecks())) throw new RowsLeftOut();
    const named = [...this.#named];
    if (named.length > 0 && !(await areAttached(this.#client, this.#target.oid, named)))
      throw new RowsLeftOut();
  }

  /** Whether triggers have put all rows into children of the table. */
  async #areBelow(): Promise<boolean> {
    if (!this.#target.hasTriggers) return false;
    // What cannot be told from the counters, the careful way finds out.
    const { counting } = await inspectTriggers(this.#client, this.#target);
    if (counting !== 'counters') return false;
    return (await this.#countOwn()) - this.#countBefore === this.#sent;
  }

  #countOwn(): Promise<number> {
    const counting = this.#target.hasTriggers ? 'counters' : 'none';
    return countOwnRows(this.#client, this.#target, counting, false);
  }
}
