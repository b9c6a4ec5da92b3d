/** Indexes that people made on production's tables are made in the environment before its tables take their place. */
import type pg from 'pg';
import type { Task } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { indexSql } from '../run/belongings.js';
import { nameOf } from '../run/describe-changes.js';
import { findRelation } from '../run/swap.js';
import { readState } from '../run/task-state.js';

/** undefined_column, undefined_object, wrong_object_type, duplicate_table: left to the swap, which explains them. */
const LEFT = ['42703', '42704', '42809', '42P07'];

/** @returns names of the indexes that are there now */
export async function carryIndexes(client: pg.Client, task: Task, own: Task): Promise<string[]> {
  const table = quoteRelation(task.relation);
  const oid = await findRelation(client, table);
  const state = await readState(client, task.name);
  if (oid === undefined || state === undefined || state.indexes === null) return [];
  const [from, to] = [
    await nameOf(client, table),
    await nameOf(client, quoteRelation(own.relation)),
  ];
  const { rows } = await client.query<{ name: string; statement: string; isThere: boolean }>(
    `SELECT x.relname::text AS name, ${indexSql('i.indexrelid')} AS statement,
       EXISTS (SELECT FROM pg_index j JOIN pg_class y ON y.oid = j.indexrelid
               WHERE j.indrelid = to_regclass($3) AND y.relname = x.relname) AS "isThere"
     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
     WHERE i.indrelid = $1 AND x.relname <> ALL ($2::text[])
       AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conindid = i.indexrelid AND p.conrelid = $1)`,
    [oid, state.indexes, to],
  );
  const made: string[] = [];
  for (const { name, statement, isThere } of rows) {
    if (isThere) continue;
    try {
      await client.query(statement.replace(` ON ${from} `, () => ` ON ${to} `));
      made.push(name);
    } catch (error) {
      if (!LEFT.includes((error as { code?: string }).code ?? '')) throw error;
    }
  }
  return made;
}
