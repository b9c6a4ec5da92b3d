/** The ledger's rejects of a file, a few at a time: there may be more than memory holds. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { KnownRejects } from './file-rows.js';

const REJECTS_PER_FETCH = 500;

/** Finds rejects by the place of the record, in the file that was loaded. */
export class RejectsByPlace implements KnownRejects {
  readonly #client: pg.Client;
  readonly #loadId: number;
  readonly #end: number;
  readonly #known = new Map<number, Buffer>();
  /** Offset up to which the rejects are read. */
  #reached: number;

  /** @param start,end part of the file that is read */
  constructor(client: pg.Client, loadId: number, start: number, end: number) {
    this.#client = client;
    this.#loadId = loadId;
    this.#reached = start;
    this.#end = end;
  }

  async upTo(byteOffset: number): Promise<void> {
    while (this.#reached < Math.min(byteOffset, this.#end)) {
      const { rows } = await this.#client.query<{ byte_offset: number; raw: Buffer }>(
        `SELECT byte_offset, raw FROM edp.rejects
         WHERE load_id = $1 AND byte_offset >= $2 AND byte_offset < $3
         ORDER BY byte_offset LIMIT $4`,
        [this.#loadId, this.#reached, this.#end, REJECTS_PER_FETCH],
      );
      for (const { byte_offset, raw } of rows) this.#known.set(byte_offset, raw);
      this.#reached = rows.length < REJECTS_PER_FETCH ? this.#end : rows.at(-1)!.byte_offset + 1;
    }
  }

  take(byteOffset: number): Buffer | undefined {
    if (this.#known.size === 0) return undefined;
    const raw = this.#known.get(byteOffset);
    if (raw !== undefined) this.#known.delete(byteOffset);
    return raw;
  }

  dropBefore(byteOffset: number): number[] {
    const dropped: number[] = [];
    for (const place of this.#known.keys()) {
      if (place >= byteOffset) break;
      dropped.push(place);
    }
    for (const place of dropped) this.#known.delete(place);
    return dropped;
  }
}

/** Finds rejects by their bytes, in a file in which they are at other places. */
export class RejectsByContent implements KnownRejects {
  readonly #hashes: Float64Array;

  /** @param hashes from {@link listRejectHashes} */
  constructor(hashes: Float64Array) {
    this.#hashes = hashes;
  }

  async upTo(): Promise<void> {}

  dropBefore(): readonly number[] {
    return [];
  }

  take(_byteOffset: number, raw: Buffer): Buffer | undefined {
    const wanted = hashOf(raw);
    let low = 0;
    let high = this.#hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#hashes[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return this.#hashes[low] === wanted ? raw : undefined;
  }
}

/** A double holds the bits of this many hexadecimal digits of a hash exactly. */
const HASH_DIGITS = 13;

function hashOf(raw: Buffer): number {
  return Number.parseInt(createHash('sha256').update(raw).digest('hex').slice(0, HASH_DIGITS), 16);
}

/** @returns hashes in ascending order */
export async function listRejectHashes(client: pg.Client, loadId: number): Promise<Float64Array> {
  const { rows } = await client.query<{ hash: number }>(
    `SELECT ('x' || left(encode(sha256(raw), 'hex'), ${HASH_DIGITS}))::bit(52)::bigint AS hash
     FROM edp.rejects WHERE load_id = $1`,
    [loadId],
  );
  const shared = new Float64Array(new SharedArrayBuffer(rows.length * 8));
  rows.forEach(({ hash }, i) => {
    shared[i] = hash;
  });
  return shared.sort();
}
