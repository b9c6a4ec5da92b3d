/** What the resolvers of all sections share: the names, and the list of faults. */
import { nearest } from '../../base/nearest.js';
import { splitName } from '../table-name.js';
import type { ColumnFinder } from './known-columns.js';
import type { WarehouseInput } from './sections.js';
import type { SqlReader } from './sql-reader.js';
import type { Source } from './task.js';
import type { Catalog, KnownColumns } from './warehouse-catalog.js';

export type Path = readonly (string | number)[];

/** A fault of edp.yaml, by its path there, or of a file of SQL. */
export type WarehouseFault =
  | { readonly path: Path; readonly message: string }
  | { readonly file: string; readonly line: number; readonly message: string };

export interface Resolving {
  readonly input: WarehouseInput;
  readonly catalog: Catalog;
  readonly columns: ColumnFinder;
  /** Undefined where nothing declared has SQL. */
  readonly sql: SqlReader | undefined;
  /** File of the project → its text; undefined where there is none. */
  readonly texts: ReadonlyMap<string, string | undefined>;
  readonly add: (fault: WarehouseFault) => void;
}

/** @returns undefined, and a fault, where the name means nothing */
export function findSource(resolving: Resolving, text: string, path: Path): Source | undefined {
  const { catalog } = resolving;
  const found = catalog.find(text);
  const isSilver = path[0] === 'silver';
  const message =
    typeof found === 'string'
      ? found
      : // A table of silver is often called as the table that it is made from.
        isSilver || splitName(text)?.length !== 1
        ? undefined
        : catalog.mistakenFor(found);
  if (typeof found !== 'string' && message === undefined) return found;
  resolving.add({ path, message: message! });
  return undefined;
}

/**
 * Adds a fault for each that is no column.
 *
 * @param value as the file has it: a column or a list
 * @param known undefined where the columns are not known
 */
export function checkColumns(
  resolving: Resolving,
  value: string | readonly string[] | undefined,
  known: KnownColumns | undefined,
  path: Path,
  owner: string,
): void {
  const list = typeof value === 'string' ? [value] : (value ?? []);
  list.forEach((column, i) => {
    const place = typeof value === 'string' ? path : [...path, i];
    if (list.indexOf(column) !== i) {
      resolving.add({ path: place, message: `"${column}" is named twice` });
    } else if (known !== undefined && !known.has(column)) {
      resolving.add({ path: place, message: noColumn(column, known, owner) });
    }
  });
}

export function noColumn(column: string, known: KnownColumns, owner: string): string {
  return `"${column}" is no column of ${owner}${meant(column, known.keys())}`;
}

/** The end of a message about a name that is none of `names`. */
export function meant(name: string, names: Iterable<string>): string {
  const all = [...names];
  const found = nearest(name, all);
  if (found !== undefined) return `; did you mean "${found}"?`;
  return all.length > 0 && all.length <= MAX_LISTED ? `; there are ${all.join(', ')}` : '';
}

const MAX_LISTED = 12;
