/**
 * The SQL of inferred members: those that records refer to before their own record has come, and what
 * that record brings.
 */
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import type { ForeignKey } from '../../postgres/foreign-keys-in-catalog.js';
import {
  COMPLETED,
  isFixed,
  ORDINAL_SQL,
  OVERRIDING,
  STAGE,
  type StagingOptions,
  VERDICTS,
} from './staged-rows.js';

/**
 * The statement that adds members and lists them in the ledger.
 *
 * @param missing the staged records whose members are missing: `FROM … s WHERE …`
 */
export function inference(
  { referredTable, referredColumn, column }: ForeignKey,
  missing: string,
  loadId: number,
): string {
  return `WITH members AS (
      INSERT INTO ${referredTable} (${quoteIdentifier(referredColumn)})${OVERRIDING}
      SELECT DISTINCT s.${quoteIdentifier(column)} ${missing}
      ORDER BY 1 ON CONFLICT DO NOTHING
      RETURNING ${quoteIdentifier(referredColumn)}::text AS member)
    INSERT INTO edp.inferred_members (table_name, column_name, member, load_id)
    SELECT ${quoteLiteral(referredTable)}, ${quoteLiteral(referredColumn)}, member, ${loadId} FROM members
    ON CONFLICT (table_name, column_name, member) DO UPDATE
      SET load_id = EXCLUDED.load_id, inferred_at = now(), arrived_at = NULL`;
}

/**
 * The statement that gives inferred members the values of their first record, and such records a verdict.
 *
 * @param name the column with the members
 * @param condition on the staged records `s`
 */
export function completion(
  { target, columns }: StagingOptions,
  name: string,
  condition: string,
): string {
  const column = quoteIdentifier(name);
  const others = columns.filter((other) => other.name !== name);
  const [kept, set] = [true, false].map((fixed) =>
    others
      .filter((other) => isFixed(target, other.name) === fixed)
      .map((other) => quoteIdentifier(other.name)),
  ) as [string[], string[]];
  const isSame = [column, ...kept].map((other) => `t.${other} = a.${other}`).join(' AND ');
  const complete =
    set.length === 0
      ? `SELECT a.${ORDINAL_SQL} AS ordinal FROM ${target.table} t JOIN arriving a ON ${isSame}`
      : `UPDATE ${target.table} t SET ${set.map((other) => `${other} = a.${other}`).join(', ')}
         FROM arriving a WHERE ${isSame} RETURNING a.${ORDINAL_SQL} AS ordinal`;
  return `WITH arriving AS (
      SELECT DISTINCT ON (s.${column}) s.* FROM ${STAGE} s
      JOIN edp.inferred_members m ON m.member = s.${column}::text
        AND m.table_name = ${quoteLiteral(target.table)} AND m.column_name = ${quoteLiteral(name)}
        AND m.arrived_at IS NULL
      WHERE ${condition} ORDER BY s.${column}, s.${ORDINAL_SQL}),
    completed AS (${complete})
    INSERT INTO ${VERDICTS} SELECT ordinal, '${COMPLETED}', '' FROM completed`;
}
