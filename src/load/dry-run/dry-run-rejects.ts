/** The rejects of a dry run: it counts all of them and keeps the first ones. */
import type pg from 'pg';
import type { RecordPlace } from '../../formats/text/ranges.js';
import type { StoredReject } from '../../ledger/ledger-queries.js';
import { storable } from '../../ledger/receipts.js';
import { RejectLog } from '../../ledger/reject-log.js';
import type { Fault } from '../../model/reject-codes.js';

/** A reject, as the ledger would store it. */
export type TriedReject = Omit<StoredReject, 'loadId'>;

export class RejectSummary {
  readonly byCode: Record<string, number> = {};
  readonly first: TriedReject[] = [];
  readonly #limit: number;

  /** @param limit how many to keep */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many more are kept. */
  get room(): number {
    return this.#limit - this.first.length;
  }

  count(code: string, records: number): void {
    this.byCode[code] = (this.byCode[code] ?? 0) + records;
  }
}

interface Kept {
  readonly place: RecordPlace;
  readonly fault: Fault;
  readonly raw: Buffer;
}

/** The rejects of one split, which are not detected in the order of the file. */
export class TriedRejects extends RejectLog {
  readonly #summary: RejectSummary;
  #kept: Kept[] = [];
  #keptBytes = 0;
  #all = 0;

  constructor(client: pg.Client, summary: RejectSummary) {
    super(client, 0, 0);
    this.#summary = summary;
  }

  override get count(): number {
    return this.#all;
  }

  override get pendingBytes(): number {
    return this.#keptBytes;
  }

  override add(place: RecordPlace, fault: Fault, raw: Buffer): void {
    this.#all++;
    this.#summary.count(fault.code, 1);
    if (this.#summary.room === 0) return;
    this.#kept.push({ place, fault, raw });
    this.#keptBytes += raw.length;
  }

  /** Drops rejects that will not be among the first ones. */
  override async flush(): Promise<void> {
    this.#kept.sort((a, b) => a.place.byteOffset - b.place.byteOffset);
    this.#kept.length = Math.min(this.#kept.length, this.#summary.room);
    this.#keptBytes = 0;
  }

  /** @param firstLine line of the file, from 1, at the start of the split */
  async finish(path: string, firstLine: number): Promise<void> {
    await this.flush();
    for (const { place, fault, raw } of this.#kept) {
      this.#summary.first.push({
        path,
        line: firstLine + place.lineInSplit,
        byteOffset: place.byteOffset,
        column: fault.column === undefined ? null : storable(fault.column),
        code: fault.code,
        reason: storable(fault.reason),
        raw,
      });
    }
  }
}
