/** The checks of a table that look at its rows, in one pass over them. */
import type pg from 'pg';
import type { Check } from '../../model/warehouse/task.js';
import type { CheckedRows, CheckOutcome } from './outcome.js';

/** @returns slice → what the checks found there; '' for rows without slices */
export async function checkRows(
  _client: pg.Client,
  _checks: readonly Check[],
  _rows: CheckedRows,
): Promise<Map<string, CheckOutcome[]>> {
  return new Map();
}
