/** A parsed SELECT → the relations it reads, the columns it names, the columns it gives. */
import { asNode, listOf, type Node, nodesIn, textOf } from './sql-node.js';

export interface QueryRelation {
  readonly schema?: string;
  readonly name: string;
  /** In the text, in bytes. */
  readonly offset: number;
}

/** Tables and views in FROM, at any depth, each once. Names of WITH are none. */
export function relationsRead(statement: Node): QueryRelation[] {
  const found = relationsNamed(statement).map(
    (relation) => [JSON.stringify([relation.schema, relation.name]), relation] as const,
  );
  // Each where it stands first.
  return [...new Map([...found].reverse()).values()].reverse();
}

/** Each place in FROM that names one. */
export function relationsNamed(statement: Node): QueryRelation[] {
  const found: QueryRelation[] = [];
  const visit = (value: unknown, hidden: ReadonlySet<string>): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, hidden);
      return;
    }
    for (const [key, inner] of Object.entries(asNode(value) ?? {})) {
      const node = asNode(inner);
      if (key === 'RangeVar' && node !== undefined) add(node, hidden);
      else if (key === 'SelectStmt' || key === 'larg' || key === 'rarg') {
        visitSelect(node, hidden);
      } else visit(inner, hidden);
    }
  };
  const visitSelect = (select: Node | undefined, hidden: ReadonlySet<string>): void => {
    if (select === undefined) return;
    const { withClause, ...rest } = select;
    visit(rest, visitWith(asNode(withClause), hidden));
  };
  /** @returns what is hidden in the statement behind it */
  const visitWith = (
    clause: Node | undefined,
    hidden: ReadonlySet<string>,
  ): ReadonlySet<string> => {
    const queries = listOf(clause?.ctes).flatMap((item): Node[] => {
      const query = asNode(asNode(item)?.CommonTableExpr);
      return query === undefined ? [] : [query];
    });
    const names = queries.map(({ ctename }) => String(ctename));
    const isRecursive = clause?.recursive === true;
    queries.forEach((query, i) => {
      // A query sees those before it; a recursive one itself and all others.
      const seen = isRecursive ? names : names.slice(0, i);
      visit(query, new Set([...hidden, ...seen]));
    });
    return new Set([...hidden, ...names]);
  };
  const add = (node: Node, hidden: ReadonlySet<string>): void => {
    const { schemaname, relname, location } = node;
    const name = String(relname);
    if (schemaname === undefined && hidden.has(name)) return;
    found.push({
      ...(schemaname === undefined ? {} : { schema: String(schemaname) }),
      name,
      offset: typeof location === 'number' ? location : 0,
    });
  };
  visit(statement, new Set());
  return found;
}

/** Each reference to a column, as the names between the points; `*` is one of them. */
export function columnsRead(value: Node): string[][] {
  return [...nodesIn(value)].flatMap(([kind, node]) =>
    kind === 'ColumnRef' && Array.isArray(node.fields)
      ? [node.fields.map((field) => textOf(field) ?? '*')]
      : [],
  );
}

/** Undefined where a column has no name in the text, as with `*`. */
export function outputColumns(select: Node): string[] | undefined {
  const left = asNode(select.larg);
  if (left !== undefined) return outputColumns(left);
  if (!Array.isArray(select.targetList)) return undefined;
  const names = select.targetList.map((item) => outputName(asNode(asNode(item)?.ResTarget)));
  return names.every((name) => name !== undefined) ? names : undefined;
}

/** The name that the server gives to a column of a query; undefined for `*`, and where it makes one up. */
export function outputName(target: Node | undefined): string | undefined {
  if (typeof target?.name === 'string') return target.name;
  return nameOfValue(asNode(target?.val));
}

function nameOfValue(value: Node | undefined): string | undefined {
  const fields = asNode(value?.ColumnRef)?.fields;
  if (Array.isArray(fields)) return textOf(fields.at(-1));
  const call = asNode(value?.FuncCall)?.funcname;
  if (Array.isArray(call)) return textOf(call.at(-1));
  // A cast keeps the name of a column.
  const cast = asNode(asNode(value?.TypeCast)?.arg);
  return cast?.ColumnRef === undefined ? undefined : nameOfValue(cast);
}
