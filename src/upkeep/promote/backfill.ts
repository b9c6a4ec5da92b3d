/**
 * Moves a metric out of the column that kept it, a range of blocks at a time, each in a transaction
 * of its own, while loads may go on.
 *
 * A step locks the rows that it moves, and reads them under the lock, so that it gets the newest
 * version of each. The value in the extra column is newer than the value in the metric's own
 * column, since only a run with the earlier model can have written it there. The progress commits
 * with each step.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { tell } from '../../base/happenings.js';
import { retry } from '../../base/retry.js';
import { recordChanges } from '../../ledger/changes.js';
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { formatTableName, type TablePlace } from '../../model/table-name.js';
import { SQL_TYPE } from '../../model/types.js';
import { withTransaction } from '../../postgres/connection.js';
import { isConnectionError, isTransient } from '../../postgres/sqlstate.js';
import { MetricConverter } from './convert.js';
import type { PromoteSubject } from './subject.js';

/** A range of this many blocks holds some thousand rows. */
const FIRST_STEP_BLOCKS = 64;
const MAX_STEP_BLOCKS = 8192;
/** Maximum number of rows locked at once. */
const MAX_STEP_ROWS = 10_000;
/**
 * Target time of a step: short for sessions that wait for its locks, long compared with its commit.
 */
const STEP_MS = 200;
const LOCK_TIMEOUT_MS = 1000;
/** It goes on until it is stopped: loads may keep what it wants for long. */
const RETRY = { retries: Number.POSITIVE_INFINITY, maxDelayMs: 2000 };

interface StepOutcome {
  readonly moved: number;
  /** Rows that changed while they were moved. */
  readonly passedOver: number;
}

export interface PassOutcome extends StepOutcome {
  /** Whether it began at the beginning, and not where an earlier run had stopped. */
  readonly isWhole: boolean;
}

export interface BackfillProgress {
  /** @param done blocks that the pass has gone over, of `total` */
  advance(done: number, total: number, moved: number): void;
}

interface Partition {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly name: string;
}

interface Place {
  readonly partition: number;
  readonly block: number;
}

/** Of edp.promotions: schema, table, column. */
export const OWN_PROMOTION = 'schema_name = $1 AND table_name = $2 AND column_name = $3';

export class Backfill {
  readonly #client: pg.Client;
  readonly #subject: PromoteSubject;
  readonly #place: TablePlace;
  /** Schema-qualified and quoted. */
  readonly #relation: string;
  readonly #partitions: readonly Partition[];
  readonly #progress: BackfillProgress;
  readonly #signal: AbortSignal;
  readonly #converter: MetricConverter;
  #stepBlocks = FIRST_STEP_BLOCKS;

  constructor(
    client: pg.Client,
    subject: PromoteSubject,
    place: TablePlace,
    relation: string,
    partitions: readonly Partition[],
    progress: BackfillProgress,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#subject = subject;
    this.#place = place;
    this.#relation = relation;
    this.#partitions = partitions;
    this.#progress = progress;
    this.#signal = signal;
    this.#converter = new MetricConverter(subject.type);
  }

  /**
   * Goes through the table once, from where the ledger says an earlier run stopped.
   *
   * @param waits whether it waits for rows that others have locked, or passes them over
   */
  async pass(waits: boolean): Promise<PassOutcome> {
    const start = await this.#progressSoFar();
    let moved = 0;
    let passedOver = 0;
    let blocksBefore = 0;
    for (let index = start.partition; index < this.#partitions.length; index++) {
      let block = index === start.partition ? start.block : 0;
      for (;;) {
        // Looked up again for each partition: rows that change move to the end.
        const blocks = await this.#blocksOf(this.#partitions[index]!);
        this.#progress.advance(
          blocksBefore + Math.min(block, blocks),
          blocksBefore + blocks,
          moved,
        );
        if (block >= blocks) {
          blocksBefore += blocks;
          break;
        }
        const from = block;
        const step = await retry(() => this.#step(index, from, waits), mayPass, RETRY);
        moved += step.moved;
        passedOver += step.passedOver;
        block = step.nextBlock;
      }
    }
    await this.#endPass();
    await failpoint('promote.pass_ended', this.#client);
    const isWhole = start.partition === 0 && start.block === 0;
    return { moved, passedOver, isWhole };
  }

  async #progressSoFar(): Promise<Place> {
    const { rows } = await this.#client.query<{ next_partition: number; next_block: number }>(
      `SELECT next_partition, next_block FROM edp.promotions
       WHERE ${OWN_PROMOTION}`,
      this.#names,
    );
    return { partition: rows[0]?.next_partition ?? 0, block: rows[0]?.next_block ?? 0 };
  }

  /** The first parameters of {@link OWN_PROMOTION}. */
  get #names(): [string, string, string] {
    return [this.#place.schema, this.#place.name, this.#subject.column];
  }

  async #blocksOf({ oid }: Partition): Promise<number> {
    const { rows } = await this.#client.query<{ blocks: number }>(
      `SELECT pg_relation_size($1::oid::regclass) / current_setting('block_size')::int AS blocks`,
      [oid],
    );
    return rows[0]!.blocks;
  }

  async #step(
    index: number,
    block: number,
    waits: boolean,
  ): Promise<StepOutcome & { nextBlock: number }> {
    assertGoing(this.#signal);
    for (;;) {
      const nextBlock = block + this.#stepBlocks;
      const startedAt = performance.now();
      const outcome = await withTransaction(this.#client, () =>
        this.#move(index, block, nextBlock, waits),
      );
      await failpoint('promote.step_acknowledged', this.#client);
      if (outcome === undefined) {
        this.#stepBlocks = Math.max(1, this.#stepBlocks >> 2);
        continue;
      }
      this.#tellMoved(outcome.moved);
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs > STEP_MS * 2) this.#stepBlocks = Math.max(1, this.#stepBlocks >> 1);
      else if (elapsedMs < STEP_MS / 2) {
        this.#stepBlocks = Math.min(MAX_STEP_BLOCKS, this.#stepBlocks * 2);
      }
      return { ...outcome, nextBlock };
    }
  }

  #tellMoved(updated: number): void {
    if (updated === 0) return;
    const table = formatTableName(this.#place);
    tell({ kind: 'rows_changed', table, change: { inserted: 0, updated, deleted: 0 } });
  }

  /** @returns undefined where the range has too many rows for one step */
  async #move(
    index: number,
    fromBlock: number,
    toBlock: number,
    waits: boolean,
  ): Promise<StepOutcome | undefined> {
    const { metric, source } = this.#subject;
    const relation = this.#partitions[index]!.name;
    const extra = quoteIdentifier(source.extraColumn);
    const range = `ctid >= '(${fromBlock},0)'::tid AND ctid < '(${toBlock},0)'::tid`;
    // A step that a crash takes back is done again; the last commit is synchronous.
    await this.#client.query(
      `SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`,
    );
    const { rows } = await this.#client.query<{ place: string; value: string }>(
      `SELECT ctid::text AS place, (${extra} -> $1::text)::text AS value FROM ONLY ${relation}
       WHERE ${range} AND jsonb_typeof(${extra}) = 'object' AND ${extra} ? $1::text
       LIMIT ${MAX_STEP_ROWS + 1} FOR UPDATE${waits ? '' : ' SKIP LOCKED'}`,
      [metric],
    );
    await failpoint('promote.step_read', this.#client);
    // A single block never has too many.
    if (rows.length > MAX_STEP_ROWS && toBlock - fromBlock > 1) return undefined;
    const places: string[] = [];
    const values: (string | null)[] = [];
    for (const { place, value } of rows) {
      const converted = this.#converter.convert(value);
      if ('reason' in converted) continue;
      places.push(place);
      values.push(converted.value);
    }
    const left = rows.length - places.length;
    const moved = places.length === 0 ? 0 : await this.#update(relation, places, values);
    if (moved > 0) {
      await recordChanges(this.#client, [
        { relation: this.#relation, kind: 'updated', rows: moved },
      ]);
    }
    await failpoint('promote.step_moved', this.#client);
    await this.#client.query(
      `UPDATE edp.promotions SET next_partition = $4, next_block = $5, rows_moved = rows_moved + $6,
         left_so_far = left_so_far + $7
       WHERE ${OWN_PROMOTION}`,
      [...this.#names, index, toBlock, moved, left],
    );
    await failpoint('promote.step_noted', this.#client);
    return { moved, passedOver: places.length - moved };
  }

  async #update(
    relation: string,
    places: readonly string[],
    values: readonly (string | null)[],
  ): Promise<number> {
    const { metric, column, type, source } = this.#subject;
    const extra = quoteIdentifier(source.extraColumn);
    const { rowCount } = await this.#client.query(
      `UPDATE ONLY ${relation} AS t
       SET ${quoteIdentifier(column)} = v.value::${SQL_TYPE[type]},
           ${extra} = nullif(t.${extra} - $3::text, '{}'::jsonb)
       FROM unnest($1::tid[], $2::text[]) AS v (place, value) WHERE t.ctid = v.place`,
      [places, values, metric],
    );
    return rowCount ?? 0;
  }

  /** Notes how many values the pass left where they are. */
  async #endPass(): Promise<void> {
    await this.#client.query(
      `UPDATE edp.promotions SET next_partition = 0, next_block = 0, rows_left = left_so_far,
         left_so_far = 0, pass = pass + 1
       WHERE ${OWN_PROMOTION}`,
      this.#names,
    );
  }
}

/** @throws EdpError `interrupted` after Ctrl-C */
export function assertGoing(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new EdpError('interrupted', 'the promotion was stopped; what was moved is moved', {
    hint: 'the same command goes on where it stopped',
  });
}

/** The table itself, or the partitions that hold its rows, always in the same order. */
export async function listPartitions(client: pg.Client, table: string): Promise<Partition[]> {
  const { rows } = await client.query<Partition>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r'
       AND (c.oid = ${quoteLiteral(table)}::regclass
            OR c.oid IN (SELECT relid FROM pg_partition_tree(${quoteLiteral(table)}::regclass) WHERE isleaf))
     ORDER BY c.oid`,
  );
  return rows;
}

/** Deadlocks, locks that are not to be had just now, and the like pass. */
function mayPass(error: Error): boolean {
  const { code } = error as { code?: string };
  // A lost connection takes the locks of this run with it.
  return isTransient(code) && !isConnectionError(code);
}
