/** The tables of the page, where each stands on it, and how they refer to each other. */
import type { Catalogue, CatalogueTable } from '../../catalogue.js';
import { kebabCase, uniqueNames } from '../../code-names.js';

/** A reference, seen from one of its tables. */
export interface Link {
  /** The other table; the page need not have it. */
  readonly table: string;
  /** Column of the table that refers, and the one that it refers to. */
  readonly column: string;
  readonly key: string;
}

export interface PageTable {
  readonly table: CatalogueTable;
  /** Last part of a link to it. */
  readonly anchor: string;
  /** Column → last part of a link to it. */
  readonly columnAnchors: ReadonlyMap<string, string>;
  readonly refersTo: readonly Link[];
  /** Those of other tables. */
  readonly referredBy: readonly Link[];
}

export function toPageTables({ tables }: Catalogue): PageTable[] {
  const anchors = uniqueNames(
    tables.map(({ name }) => name),
    kebabCase,
  );
  const referredBy = new Map<string, Link[]>(tables.map(({ name }) => [name, []]));
  const own = tables.map((table) => ({ table, refersTo: linksOf(table) }));
  for (const { table, refersTo } of own) {
    for (const { table: target, column, key } of refersTo) {
      if (target !== table.name) referredBy.get(target)?.push({ table: table.name, column, key });
    }
  }
  return own.map(({ table, refersTo }) => {
    const anchor = anchors.get(table.name)!;
    const names = table.columns.map(({ name }) => name);
    // No anchor of a table has a point.
    const columnAnchors = new Map(
      [...uniqueNames(names, kebabCase)].map(([name, code]) => [name, `${anchor}.${code}`]),
    );
    return {
      table,
      anchor,
      columnAnchors,
      refersTo,
      referredBy: referredBy.get(table.name)!,
    };
  });
}

function linksOf({ columns }: CatalogueTable): Link[] {
  return columns.flatMap(({ name, references }) =>
    references === undefined
      ? []
      : [{ table: references.table, column: name, key: references.column }],
  );
}
