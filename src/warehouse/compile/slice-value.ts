/** The slice of a row: the day, hour or month of its date. */
import type { SliceUnit } from '../../model/warehouse/task.js';
import { cast, type Expr } from '../../relational/tree.js';

/** How a reader divides a date column of what it reads. */
export interface DateReader {
  readonly column: string;
  readonly unit: SliceUnit;
  readonly timezone?: string;
}

/** Its name among the dates of an entry of edp.changes. */
export function readerKey({ column, unit, timezone }: DateReader): string {
  return unit === 'day' && timezone === undefined
    ? column
    : JSON.stringify([column, unit, timezone ?? 'UTC']);
}

export function sliceType(unit: SliceUnit): string {
  return unit === 'hour' ? 'timestamp without time zone' : 'date';
}

/**
 * @param of the date column
 * @param type its type; without a zone, it is in UTC
 */
export function sliceValue(
  of: Expr,
  type: string,
  { unit, timezone }: Omit<DateReader, 'column'>,
): Expr {
  if (type === 'date') {
    return unit === 'day'
      ? of
      : cast({ kind: 'truncate', unit, of: cast(of, 'timestamp') }, sliceType(unit));
  }
  const there = toLocal(of, type, timezone);
  return unit === 'day'
    ? cast(there, 'date')
    : cast({ kind: 'truncate', unit, of: there }, sliceType(unit));
}

function toLocal(of: Expr, type: string, timezone: string | undefined): Expr {
  const hasZone = type.startsWith('timestamp') && type.endsWith('with time zone');
  if (hasZone) return { kind: 'at-zone', of, zone: timezone ?? 'UTC' };
  const plain = type.startsWith('timestamp') ? of : cast(of, 'timestamp');
  if (timezone === undefined) return plain;
  return { kind: 'at-zone', zone: timezone, of: { kind: 'at-zone', of: plain, zone: 'UTC' } };
}
