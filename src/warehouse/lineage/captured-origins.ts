/** Where captured tables come from: their tables in the source, in front of the lineage of a warehouse. */
import type { Capture, CapturedColumn } from '../../model/capture.js';
import { findNamedTable, type Model } from '../../model/model.js';
import { parseTableName } from '../../model/table-name.js';
import { isSqlFault, type SqlReader } from '../../model/warehouse/sql-reader.js';
import type { LineageColumn, LineageNode } from './lineage-graph.js';

/**
 * @param nodes of the warehouse
 * @param model the tables as edp.yaml declares them
 * @param bronze schema of the captured tables that name none
 * @param sql undefined where no attribute is SQL
 * @returns the nodes, with those of captured tables that nothing reads, and of the source: `shop:sales.orders`
 */
export function withOrigins(
  nodes: readonly LineageNode[],
  { name: source, tables }: Pick<Capture, 'name' | 'tables'>,
  model: Model,
  bronze: string,
  sql: SqlReader | undefined,
): LineageNode[] {
  const captured = new Map<string, LineageNode>();
  const origins = new Map<string, Set<string>>();
  for (const { table, from, columns } of tables) {
    const declared = findNamedTable(model, table)!;
    const { schema = bronze, name: bare } = parseTableName(declared.name);
    const name = `${schema === bronze ? 'bronze' : schema}.${bare}`;
    const origin = `${source}:${from}`;
    const read = origins.get(origin) ?? new Set<string>();
    origins.set(origin, read);
    const filled = new Map(
      declared.columns
        .filter(({ origin: computed }) => computed === undefined)
        .map(({ name: attribute }) => {
          const form = columns[attribute] ?? { kind: 'column', column: attribute };
          const names = columnsOf(form, sql);
          for (const each of names) read.add(each);
          return [attribute, names.map((each) => `${origin}.${each}`)] as const;
        }),
    );
    const own = nodes.find((node) => node.name === name)?.columns ?? [];
    const others = [...filled.keys()].filter((each) => !own.some((column) => column.name === each));
    captured.set(name, {
      name,
      kind: 'table',
      reads: [origin],
      columns: [...own.map((column) => column.name), ...others].map(
        (column): LineageColumn => ({ name: column, from: filled.get(column) ?? [] }),
      ),
    });
  }
  const known = new Set(nodes.map(({ name }) => name));
  return [
    ...[...origins].map(
      ([name, read]): LineageNode => ({
        name,
        kind: 'source',
        reads: [],
        columns: [...read].sort().map((column) => ({ name: column, from: [] })),
      }),
    ),
    ...[...captured.values()].filter(({ name }) => !known.has(name)),
    ...nodes.map((node) => captured.get(node.name) ?? node),
  ];
}

/** Of SQL, the columns of the row that it names; those of a subquery are not told apart from them. What a method of the application reads is not known. */
function columnsOf(form: CapturedColumn, sql: SqlReader | undefined): readonly string[] {
  if (form.kind === 'column' || form.kind === 'reference') return [form.column];
  if (form.kind === 'method') return [];
  const reading = sql?.readExpression(form.sql);
  return reading === undefined || isSqlFault(reading) ? [] : reading.columns;
}
