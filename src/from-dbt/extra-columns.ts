/**
 * Tables of edp have columns that those of dbt have not: the load of a row, and when a row of a model came. A query
 * that takes all columns (`*`) would hand them on, and so have other columns than in dbt. What it reads that way is
 * made without them.
 */

import { GOLD_TIMES } from '../model/warehouse/known-columns.js';
import { isSqlFault, type SqlReader } from '../model/warehouse/sql-reader.js';
import type { Draft, DraftSeed, DraftTask } from './project-draft.js';

/** Rows that differ in a column that nobody asked for differ, and so do lists of columns. */
const COMPARES_ROWS = /\b(?:distinct|union|intersect|except|natural|using)\b/i;
const TAKES_ALL = /\*/;

export function leaveOutExtraColumns(draft: Draft, sql: SqlReader): void {
  for (const seed of draft.seeds.values()) {
    const { lineageColumn } = seed.proposal.table;
    if (lineageColumn === undefined) continue;
    const own = seed.proposal.table.columns.map(({ name }) => name);
    if (isHandedOn(draft, sql, seed, [...own, lineageColumn], [lineageColumn])) dropLineage(seed);
  }
  for (const task of draft.tasks.values()) {
    if (task.section === 'models' && isHandedOn(draft, sql, task, undefined, GOLD_TIMES))
      keepAsView(task);
  }
}

/** @param columns of the table; undefined where only its extra ones are known */
function isHandedOn(
  draft: Draft,
  sql: SqlReader,
  { target }: DraftSeed | DraftTask,
  columns: readonly string[] | undefined,
  extra: readonly string[],
): boolean {
  const { schema, name } = target.relation;
  return [...draft.tasks.values()].some((reader) => {
    if (!reader.reads.includes(target.id) || !TAKES_ALL.test(reader.sql.text)) return false;
    const reading = sql.readQuery(reader.sql.text);
    if (isSqlFault(reading) || COMPARES_ROWS.test(reader.sql.text)) return true;
    const outputs = reading.origins((table) =>
      table.schema === schema && table.name === name ? (columns ?? extra) : undefined,
    );
    return outputs.some(({ name: output }) => output !== undefined && extra.includes(output));
  });
}

function dropLineage(seed: DraftSeed): void {
  seed.entry.lineage = false;
  const note = 'without the number of its load, which a SELECT * would hand on';
  seed.note = seed.note === undefined ? note : `${seed.note}; ${note}`;
}

/** A materialized view has the columns of its SQL, and no others. */
function keepAsView(task: DraftTask): void {
  const { key, ...rest } = task.entry;
  task.section = 'views';
  task.entry = { materialized: true, unique: key, ...rest };
  task.notes.push('a model would have dw_created_at and dw_updated_at, which a SELECT * hands on');
}
