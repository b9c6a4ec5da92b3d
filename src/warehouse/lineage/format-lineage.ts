/** A lineage → text for people, or a diagram of Mermaid. */
import type { LineageNode } from './lineage-graph.js';
import type { Lineage } from './select-lineage.js';

export function formatText({ of, above, self, below }: Lineage): string[] {
  if (of === null) return self.flatMap((node) => [headOf(node), ...readsLines(node)]);
  const isColumn = self[0]?.name !== of;
  const list = (nodes: readonly LineageNode[], nothing = 'nothing') =>
    nodes.length === 0
      ? [`  ${nothing}`]
      : nodes.flatMap((node) =>
          isColumn
            ? node.columns.map(({ name }) => `  ${node.name}.${name}`)
            : [`  ${headOf(node)}`],
        );
  const columns = isColumn
    ? []
    : self.flatMap((node) =>
        node.columns.map(
          ({ name, from }) => `  ${name}${from.length === 0 ? '' : ` ← ${from.join(', ')}`}`,
        ),
      );
  return [
    isColumn ? of : headOf(self[0]!),
    ...columns,
    'is made of:',
    ...list(above),
    'is in:',
    // Who asks whether a column can go must not take this for all.
    ...list(
      below,
      isColumn ? 'no value; what only joins, filters or sorts by it is not followed' : undefined,
    ),
  ];
}

function headOf({ name, kind }: LineageNode): string {
  return `${name} (${kind})`;
}

function readsLines({ reads }: LineageNode): string[] {
  return reads.map((name) => `  ← ${name}`);
}

export function formatMermaid({ of, above, self, below }: Lineage): string[] {
  const nodes = [...above, ...self, ...below];
  const isColumn = of !== null && self[0]?.name !== of;
  const points = isColumn
    ? nodes.flatMap((node) =>
        node.columns.map((each) => [`${node.name}.${each.name}`, each.from] as const),
      )
    : nodes.map((node) => [node.name, node.reads] as const);
  const ids = new Map(points.map(([name], i) => [name, `n${i}`]));
  return [
    'flowchart LR',
    ...points.map(([name]) => `  ${ids.get(name)}["${name.replaceAll('"', '#quot;')}"]`),
    ...points.flatMap(([name, from]) =>
      from.flatMap((other) => (ids.has(other) ? [`  ${ids.get(other)} --> ${ids.get(name)}`] : [])),
    ),
  ];
}
