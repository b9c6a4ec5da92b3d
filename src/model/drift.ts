/** Differences between the fields of a file and those of its table. */
import type { OnNewField } from './load-rules.js';
import { physicalColumns, type Table } from './model.js';

/**
 * How a file's header differs from its table's declaration. Plain data, which the ledger stores.
 */
export interface Drift {
  /** Fields without a declared column. */
  readonly new: readonly string[];
  /** What happened to them; undefined if there are none. */
  readonly onNew?: OnNewField;
  /** Declared fields that the file does not have. */
  readonly missing: readonly string[];
  /** Whether the order of the fields differs from the declaration. */
  readonly isReordered: boolean;
}

const EXTRA_COLUMN = 'extra_fields';

/** The table with a column that keeps undeclared fields. */
export function withExtraColumn(table: Table): Table {
  if (table.extraColumn !== undefined) return table;
  const taken = new Set(physicalColumns(table).map(({ name }) => name));
  let name = EXTRA_COLUMN;
  for (let i = 2; taken.has(name); i++) name = `${EXTRA_COLUMN}_${i}`;
  return { ...table, extraColumn: name };
}

/** The table as a load with this drift sees it. */
export function withDrift(table: Table, drift: Drift | undefined): Table {
  return drift?.onNew === 'keep' ? withExtraColumn(table) : table;
}

/** The default rule of a table for undeclared fields. */
export function defaultOnNew(table: Table): OnNewField {
  return table.extraColumn === undefined ? 'reject' : 'keep';
}
