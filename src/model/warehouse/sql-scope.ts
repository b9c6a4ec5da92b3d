/** What WITH and FROM of a parsed SELECT name. */
import { asNode, listOf, type Node, textOf } from './sql-node.js';

/** A table as the text names it. */
export interface NamedTable {
  readonly schema?: string;
  readonly name: string;
}

/** Names of the columns of a table; undefined where they are not known. */
export type ColumnsOf = (table: NamedTable) => readonly string[] | undefined;

/** A query of WITH. */
export interface NamedQuery {
  readonly name: string;
  readonly select: Node;
  /** Names of its columns that stand behind its name; undefined for one that keeps its own. */
  readonly columnNames: readonly (string | undefined)[];
}

/** Without those that change tables. */
export function listQueries(clause: Node | undefined): NamedQuery[] {
  return listOf(clause?.ctes).flatMap((item) => {
    const query = asNode(asNode(item)?.CommonTableExpr);
    const select = asNode(asNode(query?.ctequery)?.SelectStmt);
    if (query === undefined || select === undefined) return [];
    const columnNames = listOf(query.aliascolnames).map(textOf);
    return [{ name: String(query.ctename), select, columnNames }];
  });
}

/** A table or a query of WITH, in FROM. */
export interface Range {
  readonly table: NamedTable;
  /** What columns of it may be qualified with, behind {@link schema}. */
  readonly alias: string;
  readonly schema?: string;
  readonly columnNames: readonly (string | undefined)[];
}

/** @param node of a `RangeVar` */
export function rangeOf(node: Node): Range {
  const name = String(node.relname);
  const schema = node.schemaname === undefined ? {} : { schema: String(node.schemaname) };
  const alias = asNode(node.alias);
  const table = { ...schema, name };
  return alias === undefined
    ? { table, alias: name, ...schema, columnNames: [] }
    : { table, alias: String(alias.aliasname), columnNames: listOf(alias.colnames).map(textOf) };
}

/** Whether the names in front of a column mean this part of FROM. */
export function isMeant(
  { alias, schema }: { readonly alias: string | undefined; readonly schema?: string },
  names: readonly (string | undefined)[],
): boolean {
  return names.at(-1) === alias && (names.length === 1 || names.at(-2) === schema);
}
