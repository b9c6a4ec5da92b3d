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
