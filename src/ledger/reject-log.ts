/** The rejects of a split, held back until its transaction can take them. */

import type pg from 'pg';
import type { RecordPlace } from '../formats/text/ranges.js';
import type { Fault } from '../model/reject-codes.js';
import { insertRejects, type RejectRecord } from './receipts.js';

/** Rejects held back before the COPY pauses to let them into the ledger. */
export const MAX_PENDING_REJECT_BYTES = 4 * 1024 * 1024;

export class RejectLog {
  readonly #client: pg.Client | undefined;
  readonly #loadId: number;
  readonly #startByte: number;
  #pending: RejectRecord[] = [];
  #pendingBytes = 0;
  #count = 0;

  /** @param client undefined where the rejects are taken, and written by somebody else */
  constructor(client: pg.Client | undefined, loadId: number, startByte: number) {
    this.#client = client;
    this.#loadId = loadId;
    this.#startByte = startByte;
  }

  get count(): number {
    return this.#count;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @param raw the record's bytes; kept, so they must not be reused */
  add(place: RecordPlace, fault: Fault, raw: Buffer): void {
    this.#count++;
    this.#pendingBytes += raw.length + fault.reason.length + 200;
    this.#pending.push({
      byteOffset: place.byteOffset,
      lineInSplit: place.lineInSplit,
      column: fault.column,
      code: fault.code,
      reason: fault.reason,
      raw,
    });
  }

  /** Takes those held back. */
  take(): RejectRecord[] {
    const rejects = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return rejects;
  }

  /** Lets them into the ledger; no COPY may be going on. */
  async flush(): Promise<void> {
    if (this.#client === undefined) return;
    await insertRejects(this.#client, this.#loadId, this.#startByte, this.take());
  }
}
