/** The queries that say which rows of a model a statement touches, so that calculations of theirs may have another result. */
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import type { RowOp } from './event-sql.js';
import type { CapturedModel, CapturedSource, Touching } from './plan.js';

/** @returns a query with the columns model and key (jsonb); undefined where nothing is touched */
export function touchQuery({ models, touches }: CapturedSource, op: RowOp): string | undefined {
  const parts = [
    // The row is gone.
    ...(op === 'delete' ? [] : models.filter(isTouched).map(ownRows)),
    ...touches.flatMap(({ model, touching }) =>
      relationsOf(op).map((rows) => rowsOfOther(model, touching, rows)),
    ),
  ];
  return parts.length === 0 ? undefined : parts.join('\nUNION\n');
}

export function hasCalculations({ calculations }: CapturedModel): boolean {
  return calculations.length > 0;
}

export function hasMethods({ methods }: CapturedModel): boolean {
  return methods.length > 0;
}

function isTouched(model: CapturedModel): boolean {
  return hasCalculations(model) || hasMethods(model);
}

/** A table that touched rows are noted in, and the models whose rows these are. */
export interface NotedIn {
  readonly table: 'touched' | 'method_rows';
  readonly models: readonly string[];
  /** Whether every row that a statement on the source touches belongs there. */
  readonly isForAll: boolean;
}

/** @param isTruncate whether only rows of other tables are touched */
export function notedIn({ models, touches }: CapturedSource, isTruncate = false): NotedIn[] {
  const all = [
    ...new Set([
      ...(isTruncate ? [] : models.filter(isTouched)),
      ...touches.map(({ model }) => model),
    ]),
  ];
  return (
    [
      ['touched', hasCalculations],
      ['method_rows', hasMethods],
    ] as const
  ).flatMap(([table, has]) => {
    const own = all.filter(has);
    if (own.length === 0) return [];
    return [{ table, models: own.map(({ name }) => name), isForAll: own.length === all.length }];
  });
}

/** @returns SQL behind rows with a column `model`, which leaves those that belong there */
export function ofNoted({ models, isForAll }: NotedIn): string {
  return isForAll ? '' : ` WHERE model IN (${models.map(quoteLiteral).join(', ')})`;
}

/** Behind each row of `touched`: its transaction has something to do at its end. */
export const AT_COMMIT = 'INSERT INTO edp_capture.at_commit DEFAULT VALUES ON CONFLICT DO NOTHING;';

function relationsOf(op: RowOp): string[] {
  return [...(op === 'insert' ? [] : ['old_rows']), ...(op === 'delete' ? [] : ['new_rows'])];
}

function ownRows(model: CapturedModel): string {
  const columns = model.identity.map((name) => `r.${quoteIdentifier(name)}`);
  return `SELECT ${quoteLiteral(model.name)}, jsonb_build_array(${columns.join(', ')}) FROM new_rows AS r`;
}

function rowsOfOther(model: CapturedModel, { column, refersTo }: Touching, rows: string): string {
  const name = quoteLiteral(model.name);
  const value = `r.${quoteIdentifier(column)}`;
  if (model.identity.length === 1 && model.identity[0] === refersTo) {
    return `SELECT ${name}, jsonb_build_array(${value}) FROM ${rows} AS r WHERE ${value} IS NOT NULL`;
  }
  const columns = model.identity.map((one) => `p.${quoteIdentifier(one)}`);
  return `SELECT ${name}, jsonb_build_array(${columns.join(', ')}) FROM ${rows} AS r
JOIN ${quoteName(model.source)} AS p ON p.${quoteIdentifier(refersTo)} = ${value}`;
}
