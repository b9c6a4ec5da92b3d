/** A table or a view of the new project, by all of its names. */
import { formatTableName } from '../model/table-name.js';
import type { Relation } from '../model/warehouse/task.js';

export interface DbtTarget {
  /** `model.orders`, `source.shop.orders` */
  readonly id: string;
  readonly relation: Relation;
  /** As edp.yaml names it. */
  readonly name: string;
  /** As SQL names it. */
  readonly sql: string;
}

/** Where a table is that has no schema. */
export const PUBLIC = 'public';

/** @param name as edp.yaml names it, where not as a table */
export function toTarget(
  id: string,
  relation: Relation,
  name = formatTableName(relation),
): DbtTarget {
  return { id, relation, name, sql: quoteName(relation) };
}

/** Words that are no name without quotes, and that a schema may be called. */
const RESERVED: ReadonlySet<string> = new Set([
  'all',
  'analyze',
  'check',
  'default',
  'end',
  'grant',
  'group',
  'order',
  'primary',
  'references',
  'table',
  'user',
]);

/** With its schema, so that it is never taken for a query of WITH. */
function quoteName({ schema, name }: Relation): string {
  const quote = (part: string) =>
    /^[a-z_][a-z0-9_]*$/.test(part) && !RESERVED.has(part)
      ? part
      : `"${part.replaceAll('"', '""')}"`;
  return `${quote(schema)}.${quote(name)}`;
}
