/** The checks of several tables, on the rows that they have now. */
import type pg from 'pg';
import { withTransaction } from '../../postgres/connection.js';
import { findRowCount } from '../run/task-state.js';
import { type CheckedTable, checkPublished } from './check-published.js';
import type { CheckOutcome } from './outcome.js';
import { columnsOf } from './row-conditions.js';
import { tellChecks } from './tell-checks.js';

export interface FoundCheck extends CheckOutcome {
  /** `silver.members`. */
  readonly table: string;
  /** Null for a check of the whole table; several with a comma between them. */
  readonly column: string | null;
}

/** @throws EdpError `missing_source` for a table that is not there, `task_failed` */
export async function checkTables(
  client: pg.Client,
  tables: readonly CheckedTable[],
): Promise<FoundCheck[]> {
  const found: FoundCheck[] = [];
  for (const table of tables) {
    const outcomes = await withTransaction(client, async () => {
      const before = await findRowCount(client, table.name);
      return checkPublished(client, table, ({ where }) => ({
        before: where === undefined ? before : undefined,
        after: undefined,
      }));
    });
    tellChecks(table.name, outcomes);
    for (const [i, outcome] of outcomes.entries()) {
      const columns = columnsOf(table.checks[i]!);
      found.push({
        ...outcome,
        table: table.name,
        column: columns.length === 0 ? null : columns.join(', '),
      });
    }
  }
  return found;
}
