/** What the ledger knows of tasks of an environment is what it knows of production's from now on. */
import type pg from 'pg';
import { type Change, recordChanges } from '../../ledger/changes.js';
import type { Task, Warehouse } from '../../model/warehouse/task.js';
import { hashOf } from '../checks/asked-checks.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { nameOf } from '../run/describe-changes.js';
import { relationsOf } from '../run/task-sources.js';
import { definitionOf } from './find-unready.js';
import type { Swap } from './swap-tables.js';

/** Tables with rows about tasks. */
const OF_TASKS = ['edp.stale_slices', 'edp.unknown_keys', 'edp.member_ids'];

/**
 * Changes of the environment's tables that what reads them has not seen are changes of production's now.
 * Before the tables move: their names are still the environment's. The runs have made them once, by the other name.
 */
export async function copyUnseen(client: pg.Client, swaps: readonly Swap[]): Promise<void> {
  for (const { task, own } of swaps) {
    const from = quoteRelation(own.relation);
    const [name] = await namesOf(client, [task]);
    await client.query(
      `INSERT INTO edp.changes (xid, relation, kind, load_id, run_id, dates, keys, rows)
       SELECT h.xid, $2, h.kind, h.load_id, NULL, h.dates, h.keys, h.rows FROM edp.changes h
       WHERE h.relation = $1 AND EXISTS (SELECT FROM edp.tasks t WHERE t.task = ANY ($3) AND $4 = ANY (t.sources)
         AND h.xid >= pg_snapshot_xmin(t.snapshot) AND NOT pg_visible_in_snapshot(h.xid, t.snapshot))`,
      [await nameOf(client, from), name, swaps.map((swap) => swap.own.name), from],
    );
  }
}

/** As the log of changes has them, also of those that are not there yet. */
async function namesOf(client: pg.Client, tasks: readonly Task[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schema, name) AS name FROM unnest($1::text[], $2::text[]) AS of (schema, name)`,
    [tasks.map(({ relation }) => relation.schema), tasks.map(({ relation }) => relation.name)],
  );
  return rows.map(({ name }) => name);
}

/** Behind the swap, in its transaction. @param runId of the command */
export async function moveState(
  client: pg.Client,
  swaps: readonly Swap[],
  warehouse: Warehouse,
  runId: number,
): Promise<void> {
  const tasks = swaps.map(({ task }) => task);
  const names = tasks.map(({ name }) => name);
  const relations = tasks.map(({ relation }) => quoteRelation(relation));
  await client.query('DELETE FROM edp.tasks WHERE task = ANY ($1)', [names]);
  const logged = await namesOf(client, tasks);
  for (const [i, swap] of swaps.entries()) {
    await moveTask(client, swap, warehouse, logged[i]!, runId);
  }
  for (const table of OF_TASKS) {
    await client.query(
      `UPDATE ${table} AS of SET task = moved.name FROM unnest($1::text[], $2::text[]) AS moved (own, name)
       WHERE of.task = moved.own`,
      [swaps.map(({ own }) => own.name), names],
    );
  }
  // What others had read is another table now.
  await client.query(
    `UPDATE edp.tasks SET definition = '' WHERE sources && $1::text[] AND task <> ALL ($2::text[])`,
    [relations, names],
  );
  await recordChanges(
    client,
    logged.map((relation): Change => ({ relation, kind: 'definition' })),
  );
}

/** @param relation as the ledger has it */
async function moveTask(
  client: pg.Client,
  { task, own }: Swap,
  warehouse: Warehouse,
  relation: string,
  runId: number,
): Promise<void> {
  await client.query(
    `UPDATE edp.tasks SET task = $2, relation = $3, definition = $4, sources = $5, promoted_run = $6,
       checks = ARRAY(SELECT production FROM unnest($7::text[], $8::text[]) AS both_of (own, production)
                      WHERE own = ANY (checks))
     WHERE task = $1`,
    [
      own.name,
      task.name,
      relation,
      await definitionOf(client, task, warehouse),
      relationsOf(task).map(quoteRelation),
      runId,
      own.checks.map(hashOf),
      task.checks.map(hashOf),
    ],
  );
}
