/** A table or a column → the part of the lineage that it is made of, and that is made of it. */
import { EdpError } from '../../base/errors.js';
import { listNames, nearest, suggest } from '../../base/nearest.js';
import { type LineageNode, tableOf } from './lineage-graph.js';

export interface Lineage {
  /** The table or the column; null for all of the warehouse. */
  readonly of: string | null;
  readonly above: readonly LineageNode[];
  /** The one that was asked for, or all. */
  readonly self: readonly LineageNode[];
  readonly below: readonly LineageNode[];
}

/** @throws EdpError `unknown_task` */
export function selectLineage(nodes: readonly LineageNode[], wanted: string | undefined): Lineage {
  if (wanted === undefined) return { of: null, above: [], self: nodes, below: [] };
  const node = findNode(nodes, wanted);
  if (node !== undefined) {
    const [above, below] = closures(
      node.name,
      (name) => nodes.find((each) => each.name === name)?.reads ?? [],
      (name) => nodes.filter(({ reads }) => reads.includes(name)).map((each) => each.name),
    );
    const pick = (names: ReadonlySet<string>) => nodes.filter(({ name }) => names.has(name));
    return { of: node.name, above: pick(above), self: [node], below: pick(below) };
  }
  const column = findColumn(nodes, wanted);
  if (column === undefined) throw unknown(nodes, wanted);
  const made = new Map<string, readonly string[]>(
    nodes.flatMap((each) =>
      each.columns.map(({ name, from }) => [`${each.name}.${name}`, from] as const),
    ),
  );
  const [above, below] = closures(
    column,
    (name) => made.get(name) ?? [],
    (name) => [...made].flatMap(([other, from]) => (from.includes(name) ? [other] : [])),
  );
  const pick = (names: ReadonlySet<string>) => onlyColumns(nodes, names);
  return { of: column, above: pick(above), self: pick(new Set([column])), below: pick(below) };
}

function findNode(nodes: readonly LineageNode[], wanted: string): LineageNode | undefined {
  const exact = nodes.find(({ name }) => name === wanted);
  if (exact !== undefined) return exact;
  const bare = nodes.filter(
    ({ kind, name }) => kind !== 'source' && name.slice(name.indexOf('.') + 1) === wanted,
  );
  if (bare.length < 2) return bare[0];
  throw new EdpError('unknown_task', `there are several tables ${JSON.stringify(wanted)}`, {
    hint: `name one of ${bare.map(({ name }) => name).join(', ')}`,
  });
}

/** @returns its full name */
function findColumn(nodes: readonly LineageNode[], wanted: string): string | undefined {
  if (!wanted.includes('.')) return undefined;
  const node = findNode(nodes, tableOf(wanted));
  const column = wanted.slice(wanted.lastIndexOf('.') + 1);
  return node?.columns.some(({ name }) => name === column) ? `${node.name}.${column}` : undefined;
}

function closures(
  start: string,
  ...directions: readonly ((name: string) => readonly string[])[]
): ReadonlySet<string>[] {
  return directions.map((next) => {
    const seen = new Set<string>();
    const waiting = [...next(start)];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      waiting.push(...next(name));
    }
    return seen;
  });
}

function onlyColumns(nodes: readonly LineageNode[], names: ReadonlySet<string>): LineageNode[] {
  return nodes
    .map((node) => ({
      ...node,
      columns: node.columns.filter(({ name }) => names.has(`${node.name}.${name}`)),
    }))
    .filter(({ columns }) => columns.length > 0);
}

function unknown(nodes: readonly LineageNode[], wanted: string): EdpError {
  const table = wanted.includes('.') ? findNode(nodes, tableOf(wanted)) : undefined;
  if (table !== undefined && table.columns.length > 0) {
    const column = wanted.slice(wanted.lastIndexOf('.') + 1);
    const columns = table.columns.map(({ name }) => name);
    const near = nearest(column, columns);
    const meant = near === undefined ? '' : `did you mean "${table.name}.${near}"? `;
    return new EdpError('unknown_task', `${table.name} has no column ${JSON.stringify(column)}`, {
      hint: `${meant}its columns are ${listNames(columns)}`,
    });
  }
  const names = nodes.flatMap((node) => [
    node.name,
    ...node.columns.map(({ name }) => `${node.name}.${name}`),
  ]);
  const otherwise =
    nodes.length === 0
      ? 'edp.yaml declares no tasks'
      : `the tables are ${listNames(nodes.map(({ name }) => name))}`;
  return new EdpError('unknown_task', `there is no table or column ${JSON.stringify(wanted)}`, {
    hint: suggest(
      wanted,
      [...names, ...names.map((name) => name.slice(name.indexOf('.') + 1))],
      otherwise,
    ),
  });
}
