/** What a file would fill of its table → what of it the server takes. */
import { EdpError } from '../base/errors.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { ColumnPlan, TablePlan } from './table-plan.js';

function isLeftOut({ generated }: TableInCatalog, { name, from }: ColumnPlan): boolean {
  return from !== 'load' && generated.includes(name);
}

/**
 * Leaves out the columns that the server computes.
 *
 * @throws EdpError `table_mismatch` where nothing else is left
 */
export function fitPlan(plan: TablePlan, target: TableInCatalog): TablePlan {
  const columns = plan.columns.filter((column) => !isLeftOut(target, column));
  if (columns.length === plan.columns.length) return plan;
  if (columns.length === 0) {
    throw new EdpError(
      'table_mismatch',
      `the file has values only for columns of table "${plan.table}" that the server computes`,
      { hint: 'name another table with --table' },
    );
  }
  return { ...plan, columns };
}

/** Columns that have a field in the file, and are left out. */
export function listLeftOut(plan: TablePlan, target: TableInCatalog): string[] {
  return plan.columns
    .filter((column) => column.from === 'field' && isLeftOut(target, column))
    .map(({ name }) => name);
}
