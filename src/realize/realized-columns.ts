/** Who fills the times of a realized table: edp, unless the source has an attribute of that name. */
import type { EventTable } from '../events/event-table.js';
import type { RealizedColumn } from '../model/event-columns.js';
import { SQL_TYPE } from '../model/types.js';

/** Those of the table's timestamps that edp fills. */
export function ownTimestamps({ timestamps = ['', ''], columns }: EventTable): {
  readonly created: string | undefined;
  readonly updated: string | undefined;
} {
  const own = new Set(['', ...columns.map(({ name }) => name)]);
  const [created, updated] = timestamps.map((name) => (own.has(name) ? undefined : name));
  return { created, updated };
}

export function sqlTypeOf({ type }: RealizedColumn): string {
  return SQL_TYPE[type];
}
