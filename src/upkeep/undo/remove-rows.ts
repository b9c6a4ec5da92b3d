/**
 * Removes the rows of a load from its table, stretch of blocks by stretch of blocks. Each is a
 * transaction that also subtracts them from the load's counts.
 *
 * Where an index leads to the rows, it gives their blocks, and only those are read. Without an
 * index all blocks are read once. Rows move (an UPDATE moves them), so where the count shows that
 * rows are left, the table is checked, and walked again.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { recordChanges } from '../../ledger/changes.js';
import type { HeldLoad } from '../../ledger/held-load.js';
import { runTriggers } from '../../postgres/replaced-checks.js';
import { type RowsToRemove, settleReferrers, stillReferenced } from './referrers.js';
import type { LineageTable, Relation } from './relations.js';

/** Maximum number of blocks per transaction: 4 MB, or at most a hundred thousand narrow rows. */
const MAX_STRETCH_BLOCKS = 512;
/**
 * Blocks are looked up in the index in units of this many blocks, or of more where the table is so
 * large that …
 */
const MIN_UNIT_BLOCKS = 16;
/** … there would be more units than this. */
const MAX_UNITS = 250_000;

/** Blocks [from, until) of a relation. */
interface BlockStretch {
  readonly relation: Relation;
  readonly from: number;
  readonly until: number;
}

export interface RowsProgress {
  /** @param blocks number of blocks to go over */
  start(blocks: number): void;
  advance(blocks: number, rows: number): void;
}

/**
 * @returns whether all rows are removed; false where `signal` ended it before
 * @throws EdpError `still_referenced`, `undo_blocked`
 */
export async function removeRows(
  hold: HeldLoad,
  table: LineageTable,
  progress: RowsProgress,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const stretches = await planStretches(hold, table);
    progress.start(stretches.reduce((sum, { from, until }) => sum + until - from, 0));
    let removed = 0;
    for (const stretch of stretches) {
      if (signal.aborted) return false;
      const rows = await removeStretch(hold, table, stretch);
      removed += rows;
      progress.advance(stretch.until - stretch.from, rows);
    }
    if (!(await hasRowsLeft(hold, table))) return true;
    if (removed === 0) {
      throw new EdpError(
        'undo_blocked',
        `rows of load ${hold.loadId} cannot be removed: ${table.name} keeps them, by a trigger, a rule or a policy of its own`,
        { hint: `let DELETE through, then edp undo ${hold.loadId} again` },
      );
    }
  }
}

/**
 * Whether rows are left, because they moved during a walk. If the counts have come to zero, none
 * are.
 */
async function hasRowsLeft(hold: HeldLoad, { name, lineage }: LineageTable): Promise<boolean> {
  if ((await hold.look()).rows.loaded === 0) return false;
  return hold.read(async (client) => {
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ${name} WHERE ${lineage} = $1) AS found`,
      [hold.loadId],
    );
    return rows[0]!.found;
  });
}

async function planStretches(hold: HeldLoad, table: LineageTable): Promise<BlockStretch[]> {
  // Rows that refer to rows of their own load must be removed together with those.
  if (table.referrers.some(({ isOwn }) => isOwn)) {
    const relation = { name: table.name, hasBlocks: false, hasIndex: false };
    return [{ relation, from: 0, until: 1 }];
  }
  const stretches: BlockStretch[] = [];
  for (const relation of table.relations) {
    if (!relation.hasBlocks) stretches.push({ relation, from: 0, until: 1 });
    else
      stretches.push(...(await hold.read((client) => cut(client, table, relation, hold.loadId))));
  }
  return stretches;
}

async function cut(
  client: pg.Client,
  { lineage }: LineageTable,
  relation: Relation,
  loadId: number,
): Promise<BlockStretch[]> {
  const size = await client.query<{ blocks: number }>(
    `SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int AS blocks`,
    [relation.name],
  );
  const { blocks } = size.rows[0]!;
  if (!relation.hasIndex) {
    return Array.from({ length: Math.ceil(blocks / MAX_STRETCH_BLOCKS) }, (_, i) => ({
      relation,
      from: i * MAX_STRETCH_BLOCKS,
      until: (i + 1) * MAX_STRETCH_BLOCKS,
    }));
  }
  const unitBlocks = Math.max(MIN_UNIT_BLOCKS, Math.ceil(blocks / MAX_UNITS));
  const { rows } = await client.query<{ unit: number }>(
    `SELECT DISTINCT (ctid::text::point)[0]::bigint / $2 AS unit
     FROM ONLY ${relation.name} WHERE ${lineage} = $1 ORDER BY 1`,
    [loadId, unitBlocks],
  );
  const stretches: BlockStretch[] = [];
  for (const { unit } of rows) {
    const from = unit * unitBlocks;
    const last = stretches.at(-1);
    if (last?.until === from && last.until - last.from + unitBlocks <= MAX_STRETCH_BLOCKS) {
      stretches[stretches.length - 1] = { ...last, until: from + unitBlocks };
    } else {
      stretches.push({ relation, from, until: from + unitBlocks });
    }
  }
  return stretches;
}

/** Removes a stretch in one transaction. @returns how many rows */
async function removeStretch(
  hold: HeldLoad,
  table: LineageTable,
  { relation, from, until }: BlockStretch,
): Promise<number> {
  const isWhole = relation.name === table.name && !relation.hasBlocks;
  const rows: RowsToRemove = {
    from: isWhole ? table.name : `ONLY ${relation.name}`,
    condition: `t.${table.lineage} = $1${relation.hasBlocks ? ' AND t.ctid >= $2 AND t.ctid < $3' : ''}`,
    values: [hold.loadId, ...(relation.hasBlocks ? [`(${from},0)`, `(${until},0)`] : [])],
  };
  try {
    return await hold.transaction(async (client) => {
      const skipsTriggers = await settleReferrers(client, table, rows);
      const { rowCount } = await client.query(
        `DELETE FROM ${rows.from} t WHERE ${rows.condition}`,
        [...rows.values],
      );
      if (skipsTriggers) await runTriggers(client);
      await failpoint('undo.rows_deleted', client);
      const removed = rowCount ?? 0;
      if (removed > 0) {
        const { loadId } = hold;
        await recordChanges(client, [
          { relation: table.name, kind: 'deleted', rows: removed, loadId },
        ]);
        await hold.takeFromCounts(client, { loaded: removed });
      }
      return removed;
    });
  } catch (error) {
    const { code, detail } = error as pg.DatabaseError;
    if (code !== '23503') throw error;
    // Other rows began to refer to them after the check.
    throw stillReferenced(hold.loadId, detail ?? (error as Error).message);
  }
}
