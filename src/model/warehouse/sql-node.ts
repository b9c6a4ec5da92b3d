/** The nodes of the parser's tree: `{ RangeVar: { relname: … } }`, at any depth. */

export type Node = Readonly<Record<string, unknown>>;

export function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Node)
    : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Each key with the object that stands there, from the outside to the inside. */
export function* nodesIn(value: unknown): Generator<[string, Node]> {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesIn(item);
    return;
  }
  for (const [key, inner] of Object.entries(asNode(value) ?? {})) {
    const node = asNode(inner);
    if (node !== undefined) yield [key, node];
    yield* nodesIn(inner);
  }
}

/** The text of a `String` node. */
export function textOf(value: unknown): string | undefined {
  const text = asNode(asNode(value)?.String)?.sval;
  return typeof text === 'string' ? text : undefined;
}
