/** Keys that a fact looked up in vain. */
import type pg from 'pg';
import { printExpr, printSelect } from '../../relational/postgres-sql.js';
import { binary, column } from '../../relational/tree.js';
import type { Blueprint, Within } from '../compile/blueprint.js';
import { unknownId } from '../compile/fact-rows.js';
import { sliceText } from '../compile/slice-conditions.js';

const MAX_KEYS = 10_000;
/** An index holds no longer ones. */
const MAX_KEY_BYTES = 1000;

/**
 * Keeps them with their slices, which are stale when one arrives.
 *
 * @param tallies of the slices
 * @param made rows that were made, as in SQL: a look-up that found all of its keys is not tried again
 */
export async function keepUnknownKeys(
  client: pg.Client,
  blueprint: Blueprint,
  within: Within,
  tallies: readonly { readonly unknown: number }[],
  made: string,
): Promise<void> {
  const { lookUps, unknownKeys, task } = blueprint;
  await client.query(
    'DELETE FROM edp.unknown_keys WHERE task = $1 AND ($2::text[] IS NULL OR slice = ANY ($2))',
    [task, typeof within === 'object' ? within.slices : null],
  );
  if (unknownKeys === undefined || tallies.every(({ unknown }) => unknown === 0)) return;
  for (const lookUp of lookUps) {
    const id = column(lookUp.column, 'made');
    const isUnknown = printExpr(binary(id, '=', unknownId(lookUp.idType)));
    const keys = lookUp.by.map((_, i) => `key_${i + 1}`).join(', ');
    await client.query(
      `INSERT INTO edp.unknown_keys (task, slice, dimension, key)
       SELECT DISTINCT $1, ${sliceText('slice')}, $2,
         CASE WHEN keys > ${MAX_KEYS} OR octet_length(concat(${keys})) > ${MAX_KEY_BYTES}
           THEN '{}'::text[] ELSE ARRAY[${keys}] END
       FROM (SELECT *, count(*) OVER (PARTITION BY slice) AS keys FROM (
         ${printSelect(unknownKeys(lookUp, within))}) AS unknown
         WHERE EXISTS (SELECT FROM ${made} AS made WHERE ${isUnknown})) AS counted`,
      [task, lookUp.column],
    );
  }
}
