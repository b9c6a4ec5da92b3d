/**
 * The content of a table before it is replaced: all rows go, and with them what the ledger has of the loads that
 * brought them. It all happens in the transaction of the caller, so other sessions read the old rows until its commit.
 *
 * The lock of the table keeps writers out, and no readers. DELETE, because after a TRUNCATE a reader with an older
 * snapshot would see no rows at all.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { listHeldLoads, markReplaced, restartLoads } from '../../ledger/replaced-loads.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { TablePlace } from '../../model/table-name.js';
import { listReferrers, listUndeferred, type Referrer } from '../../postgres/referring-keys.js';

/** What is replaced. */
export interface ReplacedContent {
  readonly rows: number;
  /** Loads that brought some of the rows, or rejects. */
  readonly loads: readonly number[];
}

export interface ClearedTable {
  readonly content: ReplacedContent;
  /**
   * The constraints that can be checked before the new content is complete, as in SET CONSTRAINTS; empty for none.
   * Those of rows that refer to the table are left to the commit.
   */
  readonly checked: string;
}

export interface ReplacedTable {
  /** Name in the model. */
  readonly name: string;
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly place: TablePlace;
}

const LOCK_TIMEOUT_MS = 1000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * @param ownLoads the loads of the new content; what they have committed before goes, too
 * @throws EdpError `load_busy` where other commands are writing to the table, `still_referenced` where rows of other
 *   tables refer to it, `undo_blocked` where the table keeps rows
 */
export async function clearTable(
  client: pg.Client,
  { name, table, place }: ReplacedTable,
  ownLoads: readonly number[],
): Promise<ClearedTable> {
  await lockAgainstWriters(client, name, table);
  await failpoint('replace.locked', client);
  const [held] = await listHeldLoads(client, place);
  if (held !== undefined) {
    throw busy(name, `load ${held.loadId} of ${held.path} is held by another command`);
  }
  const deferred = await assertFree(client, name, table);
  const { rowCount } = await explainReferrers(name, () => client.query(`DELETE FROM ${table}`));
  const left = await client.query(`SELECT FROM ${table} LIMIT 1`);
  if (left.rowCount !== 0) {
    throw new EdpError(
      'undo_blocked',
      `rows of ${table} cannot be replaced: a trigger, a rule or a policy of its own keeps them`,
      { hint: 'let DELETE through; nothing is changed' },
    );
  }
  await client.query('DELETE FROM edp.inferred_members WHERE table_name = $1', [table]);
  await restartLoads(client, ownLoads);
  const loads = await markReplaced(client, place, ownLoads);
  await failpoint('replace.cleared', client);
  const checked = deferred.length === 0 ? 'ALL' : await listUndeferred(client, deferred);
  return { content: { rows: rowCount ?? 0, loads }, checked };
}

async function lockAgainstWriters(client: pg.Client, name: string, table: string): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    await client.query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    throw busy(name, 'another session is writing to it');
  }
  await client.query('SET LOCAL lock_timeout = 0');
}

function busy(name: string, what: string): EdpError {
  return new EdpError('load_busy', `table "${name}" cannot be replaced now: ${what}`, {
    hint: 'wait for it to end, or stop it; edp status lists the loads',
  });
}

/**
 * Refuses where other tables refer to the rows: the server would refuse, or change rows there. A foreign key that can
 * be checked at the commit is left to that: the new content may have the same keys.
 *
 * @returns oids of the foreign keys that are left to the commit
 */
async function assertFree(client: pg.Client, name: string, table: string): Promise<number[]> {
  const deferred: number[] = [];
  const { rows } = await client.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [table]);
  for (const referrer of await listReferrers(client, rows[0]!.oid)) {
    if (referrer.isOwn) continue;
    if (referrer.isDeferrable) {
      await client.query(`SET CONSTRAINTS ${referrer.name} DEFERRED`);
      deferred.push(referrer.constraint);
      continue;
    }
    if (referrer.spreads && referrer.mayHide) {
      throw stillReferenced(
        name,
        `rows of ${referrer.table} that a policy hides from this role may refer to rows of it`,
      );
    }
    const example = await findReferring(client, referrer);
    if (example === undefined) continue;
    throw stillReferenced(
      name,
      `rows of ${referrer.table} refer to rows of it, for one by ${referrer.pairs.map(({ column }) => column).join(', ')} = ${example}`,
    );
  }
  return deferred;
}

async function findReferring(
  client: pg.Client,
  { rows: referring, pairs }: Referrer,
): Promise<string | undefined> {
  const names = pairs.map(({ column }) => quoteIdentifier(column));
  const { rows } = await client.query<{ value: string }>(
    `SELECT concat_ws(', ', ${names.join(', ')}) AS value FROM ${referring} r
     WHERE ${names.map((column) => `${column} IS NOT NULL`).join(' AND ')} LIMIT 1`,
  );
  return rows[0]?.value;
}

/** Other rows may begin to refer to them after the check, or still do at the commit. */
export async function explainReferrers<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, detail, message } = error as pg.DatabaseError;
    if (code !== '23503') throw error;
    throw stillReferenced(name, detail ?? message);
  }
}

function stillReferenced(name: string, what: string): EdpError {
  return new EdpError('still_referenced', `table "${name}" cannot be replaced: ${what}`, {
    hint: 'remove those rows first; or load with --on-conflict update, which replaces rows by their key; or make the foreign key DEFERRABLE, which lets the new content have the keys that rows refer to',
  });
}
