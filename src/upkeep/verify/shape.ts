/** Which columns of file and table are compared, and how. All plain data. */

import type { TablePlan } from '../../mapping/table-plan.js';
import type { ColumnType } from '../../model/types.js';
import type { FoldedLetters } from './text-equality.js';

export interface ComparedColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** The column's actual type, as `format_type()` prints it: it may round, pad or cut. */
  readonly sqlType: string;
  /** Of citext, which letters are equal in upper and lower case; undefined for other types. */
  readonly folds: FoldedLetters | undefined;
}

/** A JSON field that was flattened; its columns are indexes into the compared ones. */
export interface ComparedSource {
  readonly extra: number;
  readonly metrics: readonly {
    readonly key: string;
    readonly column: number;
    readonly isJson: boolean;
  }[];
}

export interface RowShape {
  readonly columns: readonly ComparedColumn[];
  /** Indexes of the key's columns; empty where the table has no key. */
  readonly key: readonly number[];
  readonly sources: readonly ComparedSource[];
}

/**
 * Takes the columns for which the file has a field; the file says nothing about others. Lineage,
 * which is last in a row, is not among them.
 *
 * @param sqlTypes by column
 */
export function shapeOf(
  plan: TablePlan,
  sqlTypes: ReadonlyMap<string, string>,
  letters: FoldedLetters,
): RowShape {
  const planned = plan.columns.filter(({ from }) => from !== 'load');
  const columns = planned.map(({ name, type }) => {
    const sqlType = sqlTypes.get(name) ?? '';
    return { name, type, sqlType, folds: sqlType === 'citext' ? letters : undefined };
  });
  return {
    columns,
    key: plan.key.map((name) => columns.findIndex((column) => column.name === name)),
    sources: plan.sources.flatMap((source, index) => {
      const extra = planned.findIndex(
        (column) => column.from === 'extra' && column.source === index,
      );
      if (extra < 0) return [];
      const metrics = source.keys.map((key, metric) => ({
        key,
        column: planned.findIndex(
          (column) =>
            column.from === 'metric' && column.source === index && column.metric === metric,
        ),
        isJson: source.isJson[metric] === true,
      }));
      return [{ extra, metrics }];
    }),
  };
}
