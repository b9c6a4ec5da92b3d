/** Which fields of a file a table has a use for. */
import { fieldsOf, parseExpression } from './expression.js';
import type { Column, Table } from './model.js';

/** Names of the fields that a column's value comes from. */
export function fieldsRead({ field, origin }: Column): string[] {
  switch (origin?.kind) {
    case undefined:
      return [field];
    case 'constant':
      return [];
    case 'computed':
      return fieldsOf(parseExpression(origin.expression));
  }
}

/** Fields that a table has a use for, in the order in which they are declared. */
export function declaredFields({ columns, sources }: Table): Set<string> {
  return new Set([...columns.flatMap(fieldsRead), ...sources.map(({ field }) => field)]);
}

/** The same, and those that it passes over knowingly. */
export function knownFields(table: Table): Set<string> {
  return new Set([...declaredFields(table), ...table.ignoredFields]);
}
