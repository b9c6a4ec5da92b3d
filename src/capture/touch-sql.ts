/** The queries that say which rows of a model a statement touches, so that calculations of theirs may have another result. */
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import type { RowOp } from './event-sql.js';
import type { CapturedModel, CapturedSource, Touching } from './plan.js';

/** @returns a query with the columns model and key (jsonb); undefined where nothing is touched */
export function touchQuery({ models, touches }: CapturedSource, op: RowOp): string | undefined {
  const parts = [
    // The row is gone.
    ...(op === 'delete' ? [] : models.filter(hasCalculations).map(ownRows)),
    ...touches.flatMap(({ model, touching }) =>
      relationsOf(op).map((rows) => rowsOfOther(model, touching, rows)),
    ),
  ];
  return parts.length === 0 ? undefined : parts.join('\nUNION\n');
}

export function hasCalculations({ calculations }: CapturedModel): boolean {
  return calculations.length > 0;
}

/** Models of which a TRUNCATE of the source touches every row. */
export function modelsTouched({ touches }: CapturedSource): string[] {
  return [...new Set(touches.map(({ model }) => model.name))];
}

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
