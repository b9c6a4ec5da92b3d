/** Keys of members that changed, and when their versions did, as entries of the log of changes have them. */
import { quoteIdentifier } from '../../model/ddl.js';
import { VALID_FROM } from '../../model/warehouse/versions.js';
import { binary, call, cast, column, number, type Select, text } from '../../relational/tree.js';
import type { Shape } from './relation-shape.js';

/** Whom a reader of a table asks for: its rows with a key, or versions of a member. */
export interface KeyReader {
  readonly columns: readonly string[];
  readonly isOfVersions: boolean;
}

const OF_VERSIONS = 'versions';

/** Its name among the keys of an entry. */
export function keyReaderName({ columns, isOfVersions }: KeyReader): string {
  return isOfVersions ? OF_VERSIONS : JSON.stringify(columns);
}

/** SQL of a key as entries have it: the values of columns as a JSON array of texts. @param more behind them */
export function keyText(
  columns: readonly string[],
  row: string,
  ...more: readonly string[]
): string {
  const parts = columns.map((name) => `${row}.${quoteIdentifier(name)}::text`);
  return `jsonb_build_array(${[...parts, ...more].join(', ')})`;
}

/** When the versions of a member changed: NULL for the beginning and the end of time. */
export const CHANGED_FROM = 'changed_from';
export const CHANGED_TO = 'changed_to';

/** @param keys each a list as JSON, of the columns and the stretch of time */
export function changedVersions(
  columns: readonly string[],
  types: Shape,
  keys: readonly string[],
): Select {
  const part = (i: number, type: string) =>
    cast(binary(column('value', 'listed'), '->>', number(i)), type);
  const moment = types.get(VALID_FROM) ?? 'text';
  return {
    columns: [
      ...columns.map((name, i) => ({ of: part(i, types.get(name) ?? 'text'), as: name })),
      { of: part(columns.length, moment), as: CHANGED_FROM },
      { of: part(columns.length + 1, moment), as: CHANGED_TO },
    ],
    from: {
      kind: 'rows-of',
      of: call('jsonb_array_elements', cast(text(`[${keys.join(',')}]`), 'jsonb')),
      as: 'listed',
    },
  };
}
