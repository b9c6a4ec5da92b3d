/**
 * The fast way: rows are copied directly into the table. Any error of the server rolls back the
 * whole split, which is then loaded the careful way.
 */
import type pg from 'pg';
import type { RecordPlace } from '../../formats/text/ranges.js';
import type { ReferenceValues } from '../../lanes/reference-values.js';
import type { RowSink } from '../../lanes/row-sink.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { CopyStream } from '../../postgres/copy-stream.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';
import type { RowWriter } from '../../values/copy-binary.js';
import { collectReferences, type ReferenceCollector } from './foreign-keys.js';

export class DirectSink implements RowSink {
  readonly wantsOrdinals = false;
  readonly nextOrdinal = 0;
  readonly references: ReadonlyMap<string, ReferenceValues>;
  readonly #client: pg.Client;
  readonly #target: TableInCatalog;
  readonly #columns: readonly string[];
  readonly #collector: ReferenceCollector | undefined;
  #copy: CopyStream | undefined;
  #portions: Buffer[] = [];
  #recycle: ((rows: Buffer) => void) | undefined;

  constructor(client: pg.Client, target: TableInCatalog, plan: TablePlan) {
    this.#client = client;
    this.#target = target;
    this.#columns = plan.columns.map(({ name }) => name);
    this.#collector = target.checksForeignKeys ? collectReferences(target, plan) : undefined;
    this.references = this.#collector?.values ?? new Map();
  }

  async begin(): Promise<void> {
    // Skips the per-row foreign-key triggers; `pause` does their work once per distinct value.
    if (this.#collector !== undefined) {
      await this.#client.query("SET LOCAL session_replication_role = 'replica'");
    }
  }

  added(texts: readonly (string | null)[]): void {
    this.#collector?.add(texts);
  }

  addedByLane(): void {}

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
      this.#copy ??= new CopyStream(this.#client, this.#target.table, this.#columns);
      if (await this.#copy.write(rows)) this.#recycle?.(rows);
    }
    if (this.#collector?.isFull === true) await this.pause();
  }

  async pause(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    await copy?.finish();
    await this.#collector?.lock(this.#client);
  }

  async settle(_readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number> {
    return 0;
  }
}
