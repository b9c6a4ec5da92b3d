/** Files that have other fields than their table declares. */
import type { OnNewField } from './load-rules.js';
import { physicalColumns, type Table } from './model.js';

/** How a file's header differs from what its table declares. Plain data: the ledger keeps it. */
export interface Drift {
  /** Fields that no column is declared for. */
  readonly new: readonly string[];
  /** What was done with them; where there are any. */
  readonly onNew?: OnNewField;
  /** Declared fields that the file does not have. */
  readonly missing: readonly string[];
  /** Whether the fields come in another order than they are declared in. */
  readonly isReordered: boolean;
}

const EXTRA_COLUMN = 'extra_fields';

/** A table that keeps fields nobody declared, in a column that it may declare itself. */
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

/** What a table does with fields nobody declared, where nothing was said. */
export function defaultOnNew(table: Table): OnNewField {
  return table.extraColumn === undefined ? 'reject' : 'keep';
}
