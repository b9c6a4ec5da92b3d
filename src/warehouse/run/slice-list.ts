/** The slices from one date to another. */
import type { SliceUnit } from '../../model/warehouse/task.js';

/** Stands for all slices among those that were held back. */
export const EVERY_SLICE = '*';

const HOUR_MS = 3_600_000;

/** @param range dates as YYYY-MM-DD or longer, both ends included */
export function listSlices(
  { from, to }: { readonly from: string; readonly to: string },
  unit: SliceUnit,
): string[] {
  const slices: string[] = [];
  const last = Date.parse(`${to.slice(0, 10)}T00:00:00Z`) + 23 * HOUR_MS;
  const at = new Date(`${from.slice(0, 10)}T00:00:00Z`);
  if (unit === 'month') at.setUTCDate(1);
  while (at.getTime() <= last) {
    const iso = at.toISOString();
    slices.push(unit === 'hour' ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : iso.slice(0, 10));
    if (unit === 'month') at.setUTCMonth(at.getUTCMonth() + 1);
    else at.setTime(at.getTime() + (unit === 'hour' ? HOUR_MS : 24 * HOUR_MS));
  }
  return slices;
}
