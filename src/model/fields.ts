/** The fields of a file that a table uses. */
import { fieldsOf, parseExpression } from './expression.js';
import type { Column, Table } from './model.js';

/** Names of the fields from which a column's value is computed. */
export function fieldsRead({ field, origin }: Column): string[] {
  switch (origin?.kind) {
    case undefined:
      return [field];
    case 'constant':
    case 'copy':
      return [];
    case 'computed':
      return fieldsOf(parseExpression(origin.expression));
  }
}

/** The fields that a table uses, in the order of declaration. */
export function declaredFields({ columns, sources }: Table): Set<string> {
  return new Set([...columns.flatMap(fieldsRead), ...sources.map(({ field }) => field)]);
}

/** The same, and the fields under `ignore`. */
export function knownFields(table: Table): Set<string> {
  return new Set([...declaredFields(table), ...table.ignoredFields]);
}
