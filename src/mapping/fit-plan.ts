/** What a file would fill of its table → what of it the server takes. */
import { EdpError } from '../base/errors.js';
import { quoteColumns, quoteIdentifier } from '../model/ddl.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { ColumnPlan, TablePlan } from './table-plan.js';

function isLeftOut({ generated }: TableInCatalog, { name, from }: ColumnPlan): boolean {
  return from !== 'load' && generated.includes(name);
}

/**
 * Leaves out the columns that the server computes.
 *
 * @throws EdpError `table_mismatch` where nothing else is left, `database_refused` where the role may
 *   not read or write the others
 */
export function fitPlan(plan: TablePlan, target: TableInCatalog): TablePlan {
  const fitted = withoutGenerated(plan, target);
  assertAllowed(fitted, target);
  return fitted;
}

/** What is missing for all columns is granted for the table, what is missing for some for these. */
function assertAllowed({ columns, table }: TablePlan, target: TableInCatalog): void {
  const missing = target.denied.flatMap(({ privilege, columns: denied }) => {
    const names = columns.map(({ name }) => name).filter((name) => denied.includes(name));
    if (names.length === 0) return [];
    const needed = columns.filter(
      ({ name }) => privilege !== 'UPDATE' || !target.key.includes(name),
    );
    return { privilege, names, isWhole: names.length === needed.length };
  });
  if (missing.length === 0) return;
  const role = quoteIdentifier(target.role);
  const list = (part: (names: readonly string[]) => string) =>
    missing.map(({ privilege, names, isWhole }) =>
      isWhole ? privilege : `${privilege} ${part(names)}`,
    );
  const lacking = list((names) => `on ${names.join(', ')}`).join('; ');
  const granted = list((names) => `(${quoteColumns(names)})`).join(', ');
  throw new EdpError(
    'database_refused',
    `role ${role} may not load into table "${table}": it lacks ${lacking}`,
    { hint: `GRANT ${granted} ON ${target.table} TO ${role};` },
  );
}

function withoutGenerated(plan: TablePlan, target: TableInCatalog): TablePlan {
  const columns = plan.columns.filter((column) => !isLeftOut(target, column));
  const { copies: _, ...rest } = plan;
  if (
    columns.length === plan.columns.length &&
    !plan.copies?.some(({ name }) => target.generated.includes(name))
  ) {
    return plan;
  }
  if (columns.length === 0) {
    throw new EdpError(
      'table_mismatch',
      `the file has values only for columns of table "${plan.table}" that the server computes`,
      { hint: 'name another table with --table' },
    );
  }
  const isFilled = (name: string) => columns.some((column) => column.name === name);
  const copies = plan.copies?.filter(
    ({ by, name }) => isFilled(by) && !target.generated.includes(name),
  );
  return { ...rest, columns, ...(copies === undefined || copies.length === 0 ? {} : { copies }) };
}

/** Columns that have a field in the file, and are left out. */
export function listLeftOut(plan: TablePlan, target: TableInCatalog): string[] {
  return plan.columns
    .filter((column) => column.from === 'field' && isLeftOut(target, column))
    .map(({ name }) => name);
}
