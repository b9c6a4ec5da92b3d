/** All checks of a table on the rows that it has now, whatever their slices. */
import type pg from 'pg';
import type { Check, Relation, Task } from '../../model/warehouse/task.js';
import { allPass, checkRows } from './check-rows.js';
import { publishedRows } from './checked-rows.js';
import type { CheckOutcome } from './outcome.js';
import { checkTable, isTableCheck, type RowCounts } from './table-checks.js';

export interface CheckedTable {
  readonly name: string;
  readonly relation: Relation;
  readonly checks: readonly Check[];
  /** Type of the id, for a table with an unknown member. */
  readonly idOfUnknown?: 'int' | 'bigint' | 'uuid';
}

export function toCheckedTable(task: Task): CheckedTable {
  const { name, relation, checks } = task;
  if (task.kind !== 'dimension') return { name, relation, checks };
  return { name, relation, checks, idOfUnknown: 'calendar' in task ? 'int' : task.idType };
}

/**
 * @param countsOf numbers of rows, for a check of them
 * @returns what the checks found, in their order
 * @throws EdpError `missing_source`, `task_failed`
 */
export async function checkPublished(
  client: pg.Client,
  { name, relation, checks, idOfUnknown }: CheckedTable,
  countsOf: (check: Check) => RowCounts,
): Promise<CheckOutcome[]> {
  if (checks.length === 0) return [];
  const rows = await publishedRows(client, {
    task: name,
    relation,
    hasUnknownMember: idOfUnknown !== undefined,
    ...(idOfUnknown === undefined ? {} : { id: idOfUnknown }),
  });
  const ofRows = (await checkRows(client, checks, rows)).get('') ?? allPass(checks);
  const outcomes: CheckOutcome[] = [];
  for (const check of checks) {
    outcomes.push(
      isTableCheck(check)
        ? await checkTable(client, check, rows, countsOf(check))
        : ofRows.find((outcome) => outcome.name === check.name)!,
    );
  }
  return outcomes;
}
