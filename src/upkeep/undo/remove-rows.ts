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
import {
  lookAtReferrers,
  type RowsToRemove,
  settleReferrers,
  stillReferenced,
} from './referrers.js';
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

/** Small relations that one statement looks into: a transaction for each of a thousand empty ones takes far longer. */
const MOST_LOOKED_INTO = 100;

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
    for (const together of group(stretches)) {
      if (signal.aborted) return false;
      const rows = await removeStretches(hold, table, together);
      removed += rows;
      progress.advance(
        together.reduce((sum, { from, until }) => sum + until - from, 0),
        rows,
      );
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
  for (const relation of await hold.read((client) => leaveOutEmpty(client, table, hold.loadId))) {
    if (!relation.hasBlocks) stretches.push({ relation, from: 0, until: 1 });
    else
      stretches.push(...(await hold.read((client) => cut(client, table, relation, hold.loadId))));
  }
  return stretches;
}

/** The relations of a table without those of few blocks that have no rows of the load. */
async function leaveOutEmpty(
  client: pg.Client,
  { relations, lineage }: LineageTable,
  loadId: number,
): Promise<readonly Relation[]> {
  if (relations.length === 1) return relations;
  const { rows: small } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
     WHERE pg_relation_size(name::regclass) <= $2 * current_setting('block_size')::bigint`,
    [relations.filter(({ hasBlocks }) => hasBlocks).map(({ name }) => name), MAX_STRETCH_BLOCKS],
  );
  const empty = new Set(small.map(({ name }) => name));
  for (let from = 0; from < small.length; from += MOST_LOOKED_INTO) {
    const looks = small
      .slice(from, from + MOST_LOOKED_INTO)
      .map(
        ({ name }, i) =>
          `SELECT ${from + i} AS at WHERE EXISTS (SELECT FROM ONLY ${name} WHERE ${lineage} = $1)`,
      );
    const { rows } = await client.query<{ at: number }>(looks.join(' UNION ALL '), [loadId]);
    for (const { at } of rows) empty.delete(small[at]!.name);
  }
  return relations.filter(({ name }) => !empty.has(name));
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
      until: Math.min((i + 1) * MAX_STRETCH_BLOCKS, blocks),
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

/** Small stretches of several relations go together, in one transaction. */
function group(stretches: readonly BlockStretch[]): BlockStretch[][] {
  const groups: BlockStretch[][] = [];
  let blocks = Infinity;
  for (const stretch of stretches) {
    blocks += stretch.until - stretch.from;
    const last = groups.at(-1);
    if (last !== undefined && blocks <= MAX_STRETCH_BLOCKS && last.length < MOST_LOOKED_INTO) {
      last.push(stretch);
    } else {
      groups.push([stretch]);
      blocks = stretch.until - stretch.from;
    }
  }
  return groups;
}

/** Removes stretches in one transaction. @returns how many rows */
async function removeStretches(
  hold: HeldLoad,
  table: LineageTable,
  stretches: readonly BlockStretch[],
): Promise<number> {
  const { loadId } = hold;
  try {
    return await hold.transaction(async (client) => {
      let removed = 0;
      const toSettle = await lookAtReferrers(client, table);
      for (const stretch of stretches) {
        const rows = rowsIn(stretch, table, loadId);
        await settleReferrers(client, table, toSettle, rows);
        const { rowCount } = await client.query(
          `DELETE FROM ${rows.from} t WHERE ${rows.condition}`,
          [...rows.values],
        );
        removed += rowCount ?? 0;
      }
      if (toSettle.skips) await runTriggers(client);
      await failpoint('undo.rows_deleted', client);
      if (removed > 0) {
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
    throw stillReferenced(loadId, detail ?? (error as Error).message);
  }
}

function rowsIn(
  { relation: { name, hasBlocks }, from, until }: BlockStretch,
  table: LineageTable,
  loadId: number,
): RowsToRemove {
  const isWhole = name === table.name && !hasBlocks;
  return {
    from: isWhole ? table.name : `ONLY ${name}`,
    condition: `t.${table.lineage} = $1${hasBlocks ? ' AND t.ctid >= $2 AND t.ctid < $3' : ''}`,
    values: [loadId, ...(hasBlocks ? [`(${from},0)`, `(${until},0)`] : [])],
  };
}
