/**
 * Whether a transaction may skip the triggers of a table, because edp makes all their checks itself.
 *
 * `session_replication_role = replica` skips far more than the checks of foreign keys: triggers of
 * users, rules, the checks of deferrable unique and exclusion constraints, and what rows that others
 * refer to make of their referrers. So each transaction looks at everything that would be skipped,
 * for the table and all its partitions and children, and skips nothing unless it knows all of it.
 *
 * It looks under a lock of the table that lets other loads go on, and keeps others from adding
 * triggers and constraints until the transaction has ended.
 */
import type pg from 'pg';
import { FAMILY } from './family.js';
import { IS_GUARD } from './key-guard.js';
import { isTransient } from './sqlstate.js';

/** Bits of pg_trigger.tgtype. */
export const INSERTS = 4;
export const DELETES = 8;
export const UPDATES = 16;

/** What a transaction does to the rows of a table, and what of it edp checks itself. */
export interface ReplacedChecks {
  /** One or several of {@link INSERTS}, {@link DELETES}, {@link UPDATES}. */
  readonly events: number;
  /** Oids of the foreign keys of the table, each of one column. */
  readonly foreignKeys?: readonly number[];
  /** Columns that the transaction writes; the others get their defaults. */
  readonly columns?: readonly string[];
  /** Columns that no update changes. */
  readonly unchanged?: readonly string[];
  /** Oids of the foreign keys by which other rows refer to the table. */
  readonly referrers?: readonly number[];
}

/**
 * The check of a foreign key is replaced where edp knows its values: a default or a generated value
 * never passes through edp. What an update does to the rows that refer to the changed ones is
 * nothing where the columns that they refer to stay as they are.
 */
const MAY_REPLACE = `${FAMILY},
  checked AS (
    SELECT c.oid FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_type y ON y.oid = a.atttypid
    WHERE c.oid = ANY ($3::oid[])
      AND (a.attname = ANY ($4::text[])
           OR NOT (a.atthasdef OR a.attidentity <> '' OR y.typdefault IS NOT NULL))
    UNION SELECT c.oid FROM pg_constraint c JOIN checked ON c.conparentid = checked.oid),
  referring AS (
    SELECT oid FROM pg_constraint WHERE oid = ANY ($6::oid[])
    UNION SELECT c.oid FROM pg_constraint c JOIN referring ON c.conparentid = referring.oid)
  SELECT NOT EXISTS (
      SELECT FROM pg_trigger t
      JOIN pg_proc p ON p.oid = t.tgfoid
      LEFT JOIN pg_constraint c ON c.oid = t.tgconstraint AND c.contype = 'f'
      WHERE t.tgrelid IN (TABLE family) AND t.tgenabled <> 'D' AND NOT (t.tgenabled = 'A' AND ${IS_GUARD})
        AND (NOT t.tgisinternal OR t.tgtype & $2::int <> 0 AND (t.tgenabled = 'R' OR NOT CASE
          WHEN p.proname LIKE 'RI\\_FKey\\_check\\_%' THEN t.tgconstraint IN (TABLE checked)
          WHEN c.oid IS NOT NULL THEN t.tgconstraint IN (TABLE referring) OR NOT EXISTS (
            SELECT FROM unnest(c.confkey) AS k (number)
            JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number
            WHERE a.attname <> ALL ($5::text[]))
          ELSE false END)))
    AND NOT EXISTS (SELECT FROM pg_rewrite w
                    WHERE w.ev_class IN (TABLE family) AND w.ev_type <> '1' AND w.ev_enabled <> 'D')
    AS "may"`;

/**
 * What an answer rests on, in short: the versions of all rows of the catalog about the table. Null where
 * others count as well: partitions, children, rules.
 *
 * Each change of `session_replication_role` discards the plans of a session, so every transaction pays for
 * planning: 2.5 ms for {@link MAY_REPLACE}, a fifth of it for this.
 */
const STATE = `SELECT CASE WHEN c.relhassubclass OR c.relhasrules OR c.relispartition THEN NULL ELSE concat_ws(' ', c.xmin,
    ARRAY(SELECT concat_ws(' ', a.attnum, a.xmin, y.xmin) FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
          WHERE a.attrelid = c.oid ORDER BY a.attnum)::text,
    ARRAY(SELECT concat_ws(' ', t.oid, t.xmin) FROM pg_trigger t WHERE t.tgrelid = c.oid ORDER BY t.oid)::text)
  END AS state FROM pg_class c WHERE c.oid = $1`;

/** Session → question → the last answer, and the state in which it was given. */
const answers = new WeakMap<
  pg.Client,
  Map<string, { readonly state: string; readonly may: boolean }>
>();

/** Looks, without a lock: what it says may change until one is taken. */
export async function mayReplaceChecks(
  client: pg.Client,
  oid: number,
  { events, foreignKeys = [], columns = [], unchanged = [], referrers = [] }: ReplacedChecks,
): Promise<boolean> {
  const values = [oid, events, foreignKeys, columns, unchanged, referrers];
  const question = JSON.stringify(values);
  const known = answers.get(client) ?? new Map();
  answers.set(client, known);
  const state = await readState(client, oid);
  const answer = known.get(question);
  if (answer !== undefined && answer.state === state) return answer.may;
  const { rows } = await client.query<{ may: boolean }>({
    name: 'edp_may_replace_checks',
    text: MAY_REPLACE,
    values,
  });
  const { may } = rows[0]!;
  if (state !== null) known.set(question, { state, may });
  return may;
}

async function readState(client: pg.Client, oid: number): Promise<string | null> {
  const { rows } = await client.query<{ state: string | null }>({
    name: 'edp_catalog_state',
    text: STATE,
    values: [oid],
  });
  return rows[0]?.state ?? null;
}

/**
 * Locks a table with its partitions and children as the statements that change rows do: nobody adds
 * a trigger, a rule or a constraint until the transaction has ended.
 *
 * Of a table whose partitions edp makes, they are not locked: there may be thousands, and the rest partition must stay
 * free for those who attach others. Rows lock those that they are put into.
 */
export async function lockAgainstChecks(
  client: pg.Client,
  { table, partitions }: { readonly table: string; readonly partitions?: unknown },
): Promise<void> {
  const only = partitions === undefined ? '' : 'ONLY ';
  await client.query(`LOCK TABLE ${only}${table} IN ROW EXCLUSIVE MODE`);
}

/** Skips triggers until {@link runTriggers}, or the end of the transaction. */
export async function skipTriggers(client: pg.Client): Promise<void> {
  await client.query("SET LOCAL session_replication_role = 'replica'");
}

/** Lets triggers fire again, before anything is written to another table. */
export async function runTriggers(client: pg.Client): Promise<void> {
  await client.query('SET LOCAL session_replication_role TO DEFAULT');
}

/**
 * Whether the role may skip triggers at all. Only an attempt shows it; in a transaction, a failed one
 * must be rolled back by the caller.
 */
export async function isAllowedToSkip(client: pg.Client): Promise<boolean> {
  try {
    await client.query("SET session_replication_role = 'replica'");
    await client.query('RESET session_replication_role');
    return true;
  } catch (error) {
    if (isTransient((error as { code?: string }).code)) throw error;
    return false;
  }
}
