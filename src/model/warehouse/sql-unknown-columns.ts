/** Names of columns in a SELECT that the tables do not have. What is not known for sure is passed over. */
import { asNode, listOf, type Node, textOf } from './sql-node.js';
import { type ColumnsOf, isMeant, listQueries, rangeOf } from './sql-scope.js';
import { outputColumns } from './sql-tree.js';

export interface UnknownColumn {
  readonly column: string;
  /** Of the tables in which it was looked up. */
  readonly known: readonly string[];
  /** In the text, in bytes. */
  readonly offset: number;
}

interface Item {
  readonly alias: string | undefined;
  readonly schema?: string;
  /** Undefined where they are not known. */
  readonly columns: readonly string[] | undefined;
}

type Scope = readonly (readonly Item[])[];
type Queries = ReadonlyMap<string, readonly string[] | undefined>;

/** Behind these words a name may be one of the columns that the query gives. */
const ALSO_OUTPUTS = new Set(['groupClause', 'sortClause', 'distinctClause', 'havingClause']);
const SYSTEM = new Set(['tableoid', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax']);

export function unknownColumns(select: Node, columnsOf: ColumnsOf): UnknownColumn[] {
  const finder = new Finder(columnsOf);
  finder.select(select, new Map(), []);
  return finder.found;
}

class Finder {
  readonly found: UnknownColumn[] = [];
  readonly #columnsOf: ColumnsOf;

  constructor(columnsOf: ColumnsOf) {
    this.#columnsOf = columnsOf;
  }

  select(select: Node, around: Queries, outer: Scope): void {
    const { withClause, larg, rarg, ...rest } = select;
    const queries = this.#withQueries(asNode(withClause), around, outer);
    const sides = [asNode(larg), asNode(rarg)].filter((side) => side !== undefined);
    for (const side of sides) this.select(side, queries, outer);
    // What orders a union are its own columns.
    if (sides.length > 0) return;
    const items = listOf(select.fromClause).flatMap((each) => this.#items(each, queries));
    const scope = [...outer, items];
    for (const [clause, value] of Object.entries(rest)) {
      this.#visit(value, queries, scope, ALSO_OUTPUTS.has(clause));
    }
  }

  #withQueries(clause: Node | undefined, around: Queries, outer: Scope): Queries {
    const queries = new Map(around);
    for (const { name, select, columnNames } of listQueries(clause)) {
      if (clause?.recursive === true) queries.set(name, undefined);
      this.select(select, queries, outer);
      queries.set(name, renamed(outputColumns(select), columnNames));
    }
    return queries;
  }

  #items(value: unknown, queries: Queries): Item[] {
    const node = asNode(value);
    const join = asNode(node?.JoinExpr);
    if (join !== undefined) {
      const items = [join.larg, join.rarg].flatMap((each) => this.#items(each, queries));
      return join.alias === undefined
        ? items
        : [...items, { alias: undefined, columns: undefined }];
    }
    const range = asNode(node?.RangeVar);
    if (range !== undefined) return [this.#table(range, queries)];
    const subselect = asNode(node?.RangeSubselect);
    const select = asNode(asNode(subselect?.subquery)?.SelectStmt);
    const alias = asNode(subselect?.alias);
    if (select === undefined || alias === undefined)
      return [{ alias: undefined, columns: undefined }];
    const columns = renamed(outputColumns(select), listOf(alias.colnames).map(textOf));
    return [{ alias: String(alias.aliasname), columns }];
  }

  #table(node: Node, queries: Queries): Item {
    const { table, alias, schema, columnNames } = rangeOf(node);
    const isQuery = table.schema === undefined && queries.has(table.name);
    const columns = isQuery ? queries.get(table.name) : this.#columnsOf(table);
    return {
      alias,
      ...(schema === undefined ? {} : { schema }),
      columns: renamed(columns, columnNames),
    };
  }

  #visit(value: unknown, queries: Queries, scope: Scope, hasOutputs: boolean): void {
    if (Array.isArray(value)) {
      for (const item of value) this.#visit(item, queries, scope, hasOutputs);
      return;
    }
    for (const [kind, inner] of Object.entries(asNode(value) ?? {})) {
      const node = asNode(inner);
      if (kind === 'SelectStmt' && node !== undefined) this.select(node, queries, scope);
      else if (kind === 'ColumnRef' && node !== undefined) this.#column(node, scope, hasOutputs);
      else this.#visit(inner, queries, scope, hasOutputs);
    }
  }

  #column({ fields, location }: Node, scope: Scope, hasOutputs: boolean): void {
    const names = listOf(fields).map(textOf);
    const column = names.at(-1);
    // A star has no text.
    if (column === undefined || SYSTEM.has(column)) return;
    const owner = names.slice(0, -1);
    if (owner.length === 0 && hasOutputs) return;
    const items = owner.length === 0 ? scope.flat() : findOwner(scope, owner);
    if (items.length === 0 && owner.length > 0) return;
    const known = items.flatMap(({ columns = [] }) => columns);
    const isSure = items.every(({ columns }) => columns !== undefined);
    // A whole row is named like its table.
    const isRow = owner.length === 0 && items.some(({ alias }) => alias === column);
    if (!isSure || isRow || known.includes(column)) return;
    this.found.push({ column, known, offset: typeof location === 'number' ? location : 0 });
  }
}

function findOwner(scope: Scope, owner: readonly (string | undefined)[]): readonly Item[] {
  for (const items of [...scope].reverse()) {
    const found = items.filter((item) => isMeant(item, owner));
    if (found.length > 0) return found;
    // One whose name is not known may be meant.
    if (items.some(({ alias }) => alias === undefined)) return [];
  }
  return [];
}

function renamed(
  columns: readonly string[] | undefined,
  names: readonly (string | undefined)[],
): readonly string[] | undefined {
  return columns?.map((column, i) => names[i] ?? column);
}
