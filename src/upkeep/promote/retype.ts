/** Gives the column of a promoted metric another type, where no value in it is lost by that. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { recordDefinition } from '../../ledger/changes.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { SQL_TYPE } from '../../model/types.js';
import type { PromoteSubject } from './subject.js';

/** A value does not fit the new type: class 22 of SQLSTATE; and types without a way between them. */
const NO_CAST = '42846';

/**
 * In the caller's transaction, whose `lock_timeout` is set: nobody reads or writes the table until it ends.
 *
 * @param name of the table, schema-qualified and quoted
 * @param from SQL type that the column has
 * @throws EdpError `usage` where a value would be lost
 */
export async function retypeColumn(
  client: pg.Client,
  subject: PromoteSubject,
  name: string,
  from: string,
): Promise<void> {
  const column = quoteIdentifier(subject.column);
  const to = SQL_TYPE[subject.type];
  await client.query(`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`);
  try {
    const { rows } = await client.query<{ lost: number }>(
      `SELECT count(*) AS lost FROM ${name}
       WHERE ${column} IS NOT NULL AND (${column}::${to})::${from} IS DISTINCT FROM ${column}`,
    );
    const lost = rows[0]?.lost ?? 0;
    if (lost > 0) throw doesNotFit(subject, from, `${lost} of its values would change`);
    await client.query(
      `ALTER TABLE ${name} ALTER COLUMN ${column} TYPE ${to} USING ${column}::${to}`,
    );
    await recordDefinition(client, name);
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    if (code.startsWith('22') || code === NO_CAST) throw doesNotFit(subject, from, message, error);
    throw error;
  }
}

function doesNotFit(
  { column, table, type }: PromoteSubject,
  from: string,
  why: string,
  cause?: unknown,
): EdpError {
  return new EdpError(
    'usage',
    `column "${column}" of "${table.name}" cannot become ${type} from ${from}: ${why}`,
    { hint: 'take a type that holds them, such as text or numeric; nothing was changed', cause },
  );
}
