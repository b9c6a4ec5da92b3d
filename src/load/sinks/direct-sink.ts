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
import { PartitionSorter, type SortedRows } from './partition-sorter.js';
import type { PartitionMaker } from './staged-rows.js';

/** More rows for the rest partition than this go the careful way. */
const MAX_REST_BYTES = 4 * 1024 * 1024;

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
  readonly #sorter: PartitionSorter | undefined;
  readonly #makePartitions: PartitionMaker;
  /** Rows for the rest partition. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(
    client: pg.Client,
    target: TableInCatalog,
    plan: TablePlan,
    makePartitions: PartitionMaker,
  ) {
    const { oid, partitions } = target;
    this.#makePartitions = makePartitions;
    this.#sorter = partitions && new PartitionSorter(oid, partitions, plan.columns);
    this.#client = client;
    this.#target = target;
    this.#columns = toCopyColumns(target, plan.columns);
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
    for (const rows of portions) {
      const sorted = this.#sorter?.sort(rows);
      if (sorted !== undefined) await this.#makePlaces(sorted);
      const ready = sorted?.rows ?? rows;
      if (ready !== rows) this.#recycle?.(rows);
      if (ready.length === 0) continue;
      this.#copy ??= await this.#beginCopy();
      if ((await this.#copy.write(ready)) && ready === rows) this.#recycle?.(rows);
    }
    if (this.#collector?.isFull === true) await this.pause();
  }

  async #makePlaces({ rest, missing }: SortedRows): Promise<void> {
    if (rest.length > 0) {
      this.#rest.push(rest);
      this.#restBytes += rest.length;
      if (this.#restBytes > MAX_REST_BYTES) throw new RowsLeftOut();
    }
    if (missing.length === 0) return;
    // A COPY under way does not see partitions that are attached meanwhile.
    await this.pause();
    try {
      await this.#makePartitions(missing);
    } catch (error) {
      this.#sorter?.forget(missing);
      throw error;
    }
  }

  async #beginCopy(): Promise<CopyStream> {
    // Skips the per-row foreign-key triggers; `pause` does their work once per distinct value.
    if (this.#collector !== undefined) await skipTriggers(this.#client);
    return new CopyStream(this.#client, this.#target.table, this.#columns);
  }

  async pause(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    if (copy === undefined) return;
    this.#copied += await copy.finish();
    if (this.#collector === undefined) return;
    await runTriggers(this.#client);
    await this.#collector.lock(this.#client);
  }

  /** @throws RowsLeftOut; what the server would object to at the commit */
  async settle(_readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number> {
    if (this.#rest.length > 0) {
      this.#copy = await this.#beginCopy();
      for (const rows of this.#rest) await this.#copy.write(rows);
      await this.pause();
    }
    // Rows have locked the partitions that they are in, so what somebody added to one is seen now.
    if (this.#sorter !== undefined && this.#collector !== undefined) {
      if (!(await this.#mayReplaceChecks())) throw new RowsLeftOut();
    }
    if (this.#copied !== this.#sent && !(await this.#areBelow())) throw new RowsLeftOut();
    // A check that somebody adds meanwhile objects at the commit.
    if (this.#target.mayDefer) await this.#client.query('SET CONSTRAINTS ALL IMMEDIATE');
    return 0;
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
