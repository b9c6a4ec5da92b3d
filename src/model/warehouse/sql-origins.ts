/** A parsed SELECT → of which columns each of its columns is computed. */
import { asNode, listOf, type Node, textOf } from './sql-node.js';
import { type ColumnsOf, isMeant, listQueries, type NamedTable, rangeOf } from './sql-scope.js';
import { outputName } from './sql-tree.js';

export interface Origin {
  readonly table: NamedTable;
  readonly column: string;
}

/** One column of a query. What only decides which rows there are is none of its origins. */
export interface OutputOrigins {
  /** Undefined where the text gives it none. */
  readonly name: string | undefined;
  readonly from: readonly Origin[];
}

/** What a name in FROM stands for. */
interface Item {
  readonly alias: string;
  readonly schema?: string;
  /** In their order; undefined for those of a table that nobody knows. */
  readonly columns: readonly OutputOrigins[] | undefined;
  readonly table?: NamedTable;
}

/** Items of the FROM around, the innermost last. */
type Scope = readonly (readonly Item[])[];
type Queries = ReadonlyMap<string, readonly OutputOrigins[]>;

export function originsOf(select: Node, columnsOf: ColumnsOf): OutputOrigins[] {
  return new Origins(columnsOf).ofSelect(select, new Map(), []);
}

class Origins {
  readonly #columnsOf: ColumnsOf;

  constructor(columnsOf: ColumnsOf) {
    this.#columnsOf = columnsOf;
  }

  ofSelect(select: Node, around: Queries, outer: Scope): OutputOrigins[] {
    const queries = this.#withQueries(asNode(select.withClause), around, outer);
    const [left, right] = [asNode(select.larg), asNode(select.rarg)];
    if (left !== undefined) {
      const others = right === undefined ? [] : this.ofSelect(right, queries, outer);
      return this.ofSelect(left, queries, outer).map(({ name, from }, i) => ({
        name,
        from: unique([...from, ...(others[i]?.from ?? [])]),
      }));
    }
    const items = listOf(select.fromClause).flatMap((each) => this.#items(each, queries, outer));
    const scope = [...outer, items];
    return listOf(select.targetList).flatMap((each) => {
      const target = asNode(asNode(each)?.ResTarget);
      const stars = starOf(target);
      if (stars !== undefined) return columnsOfStar(stars, items);
      const from = unique(this.#ofValue(target?.val, queries, scope));
      return [{ name: outputName(target), from }];
    });
  }

  #withQueries(clause: Node | undefined, around: Queries, outer: Scope): Queries {
    const queries = new Map(around);
    for (const { name, select, columnNames } of listQueries(clause)) {
      const named = (columns: readonly OutputOrigins[]) => renamed(columns, columnNames);
      // A recursive one reads what its first part gives.
      const first = clause?.recursive === true ? asNode(select.larg) : undefined;
      if (first !== undefined) queries.set(name, named(this.ofSelect(first, queries, outer)));
      queries.set(name, named(this.ofSelect(select, queries, outer)));
    }
    return queries;
  }

  #items(value: unknown, queries: Queries, outer: Scope): Item[] {
    const node = asNode(value);
    const join = asNode(node?.JoinExpr);
    if (join !== undefined) {
      return [join.larg, join.rarg].flatMap((each) => this.#items(each, queries, outer));
    }
    const range = asNode(node?.RangeVar);
    if (range !== undefined) return [this.#table(range, queries)];
    const subselect = asNode(node?.RangeSubselect);
    const select = asNode(asNode(subselect?.subquery)?.SelectStmt);
    const alias = asNode((subselect ?? asNode(node?.RangeFunction))?.alias);
    const columns = select === undefined ? [] : this.ofSelect(select, queries, outer);
    const names = listOf(alias?.colnames).map(textOf);
    return [{ alias: String(alias?.aliasname ?? ''), columns: renamed(columns, names) }];
  }

  #table(node: Node, queries: Queries): Item {
    const { table, alias, schema, columnNames } = rangeOf(node);
    const query = table.schema === undefined ? queries.get(table.name) : undefined;
    if (query !== undefined) return { alias, columns: renamed(query, columnNames) };
    const columns = this.#columnsOf(table)?.map((column) => ({
      name: column,
      from: [{ table, column }],
    }));
    return {
      alias,
      ...(schema === undefined ? {} : { schema }),
      columns: columns && renamed(columns, columnNames),
      table,
    };
  }

  #ofValue(value: unknown, queries: Queries, scope: Scope): Origin[] {
    if (Array.isArray(value)) return value.flatMap((each) => this.#ofValue(each, queries, scope));
    return Object.entries(asNode(value) ?? {}).flatMap(([kind, inner]) => {
      const node = asNode(inner);
      if (kind === 'ColumnRef' && node !== undefined) return resolve(node, scope);
      if (kind === 'SelectStmt' && node !== undefined) {
        return this.ofSelect(node, queries, scope).flatMap(({ from }) => from);
      }
      return this.#ofValue(inner, queries, scope);
    });
  }
}

/** The names in front of a `*` that is a column of its own. */
function starOf(target: Node | undefined): string[] | undefined {
  const fields = listOf(asNode(asNode(target?.val)?.ColumnRef)?.fields);
  if (asNode(fields.at(-1))?.A_Star === undefined) return undefined;
  return fields.slice(0, -1).map((field) => textOf(field) ?? '');
}

function columnsOfStar(names: readonly string[], items: readonly Item[]): OutputOrigins[] {
  const meant = names.length === 0 ? items : items.filter((item) => isMeant(item, names));
  return meant.flatMap(({ columns }) => columns ?? []);
}

function resolve(reference: Node, scope: Scope): Origin[] {
  const names = listOf(reference.fields).map((field) => textOf(field));
  const column = names.at(-1);
  const owner = names.slice(0, -1).map((name) => name ?? '');
  for (const items of [...scope].reverse()) {
    const meant = owner.length === 0 ? items : items.filter((item) => isMeant(item, owner));
    if (column === undefined) {
      if (meant.length > 0) return meant.flatMap(allOf);
      continue;
    }
    const known = meant.flatMap(({ columns = [] }) =>
      columns.filter(({ name }) => name === column),
    );
    if (known.length > 0) return known.flatMap(({ from }) => from);
    // A whole row is named like its table.
    const row = owner.length === 0 ? items.filter(({ alias }) => alias === column) : [];
    if (row.length > 0) return row.flatMap(allOf);
    const [unknown, another] = meant.filter(({ columns }) => columns === undefined);
    if (unknown?.table !== undefined && another === undefined)
      return [{ table: unknown.table, column }];
  }
  return [];
}

function allOf({ columns = [] }: Item): Origin[] {
  return columns.flatMap(({ from }) => from);
}

function renamed(
  columns: readonly OutputOrigins[],
  names: readonly (string | undefined)[],
): OutputOrigins[] {
  return columns.map((column, i) => ({ ...column, name: names[i] ?? column.name }));
}

function unique(origins: readonly Origin[]): Origin[] {
  return [...new Map(origins.map((origin) => [JSON.stringify(origin), origin])).values()];
}
