/** SQL of the user inside of edp.yaml: `sql:` and `where:`. */

import { noColumn, type Path, type Resolving } from './resolving.js';
import { isSqlFault } from './sql-reader.js';
import type { KnownColumns } from './warehouse-catalog.js';

/** Whether one of them gives other values later for the same row. */
export function isAnyOfMoment(
  { sql: reader }: Resolving,
  expressions: readonly (string | undefined)[],
): boolean {
  return expressions.some((sql) => {
    const reading = sql === undefined ? undefined : reader?.readExpression(sql);
    return reading !== undefined && !isSqlFault(reading) && reading.asksMoment;
  });
}

/** Adds a fault where it is no SQL, or names what is no column. @param owner whose columns they are */
export function checkSql(
  resolving: Resolving,
  sql: string,
  path: Path,
  known: KnownColumns | undefined,
  owner: string,
): void {
  const reading = resolving.sql?.readExpression(sql);
  if (reading === undefined) return;
  if (isSqlFault(reading)) {
    const line = reading.line > 1 ? ` (in its line ${reading.line})` : '';
    resolving.add({ path, message: `${reading.message}${line}` });
    return;
  }
  for (const column of reading.columns) {
    if (known === undefined || known.has(column)) continue;
    resolving.add({ path, message: noColumn(column, known, owner) });
  }
}
