/** Collects the rejects of a split until its transaction can write them. */

import type pg from 'pg';
import type { RecordPlace } from '../formats/text/ranges.js';
import type { Fault } from '../model/reject-codes.js';
import { insertRejects, type RejectRecord } from './receipts.js';

/** With more bytes of rejects than this, the COPY pauses so that they can be written. */
export const MAX_PENDING_REJECT_BYTES = 4 * 1024 * 1024;

export class RejectLog {
  readonly #client: pg.Client | undefined;
  readonly #loadId: number;
  readonly #startByte: number;
  #pending: RejectRecord[] = [];
  #pendingBytes = 0;
  #count = 0;
  readonly #codes: Record<string, number> = {};

  /** @param client undefined where the caller takes the rejects and writes them */
  constructor(client: pg.Client | undefined, loadId: number, startByte: number) {
    this.#client = client;
    this.#loadId = loadId;
    this.#startByte = startByte;
  }

  get count(): number {
    return this.#count;
  }

  /** How many have each code. */
  get codes(): Readonly<Record<string, number>> {
    return this.#codes;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @param raw the record's bytes; they are kept, so the buffer must not be reused */
  add(place: RecordPlace, fault: Fault, raw: Buffer): void {
    this.#count++;
    this.#codes[fault.code] = (this.#codes[fault.code] ?? 0) + 1;
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

  /** Returns the collected rejects, and forgets them. */
  take(): RejectRecord[] {
    const rejects = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    return rejects;
  }

  /** Writes them into the ledger; no COPY may be running. */
  async flush(): Promise<void> {
    if (this.#client === undefined) return;
    await insertRejects(this.#client, this.#loadId, this.#startByte, this.take());
  }
}
