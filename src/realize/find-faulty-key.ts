/** A fold that the server refused → the key whose events it refused, and of a value that does not fit: its attribute and event. */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { EventTable } from '../events/event-table.js';
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import { realizedColumns } from '../model/event-columns.js';
import { type FoldPlan, MARKED } from './fold-sql.js';

const MAX_SHOWN = 60;
/** Of one key: the last ones. */
const MOST_EVENTS_TRIED = 1000;

/** What is done again, in a transaction that is rolled back. */
export interface FoldAttempt {
  /** Makes the tables what they must be, and marks the keys. @returns undefined where the command is to stop */
  prepare(): Promise<FoldPlan | undefined>;
  /** Folds the keys that are marked. */
  fold(plan: FoldPlan): Promise<unknown>;
}

/** Whether values of rows were refused: by the type of a column, or by a constraint. */
export function isOfRows(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
}

/**
 * Halves the keys until one is left that is refused, so it reads about as much again as the fold did.
 *
 * @returns the failure itself where it comes of no single key
 */
export async function explainFailure(
  client: pg.Client,
  table: EventTable,
  failure: pg.DatabaseError,
  attempt: FoldAttempt,
): Promise<Error> {
  await client.query('BEGIN');
  try {
    const plan = await attempt.prepare();
    if (plan === undefined) return failure;
    const refusal = await leaveFaultyKey(client, () => attempt.fold(plan));
    if (refusal === undefined) return failure;
    const { rows } = await client.query<{ key: string }>(`SELECT key FROM ${MARKED}`);
    const { key } = rows[0]!;
    const value = await findValue(client, plan, key);
    const of = [
      ...(value === undefined && refusal.column !== undefined
        ? [`attribute ${refusal.column}`]
        : []),
      ...(value === undefined ? [] : [value]),
      `key ${key}`,
    ];
    return new EdpError('table_mismatch', `${refusal.message}: ${of.join(', ')}`, {
      hint: `let the table hold the value (ALTER TABLE), or correct the event; edp.yaml declares "${table.name}"`,
      cause: failure,
    });
  } catch (error) {
    if (error instanceof pg.DatabaseError || error instanceof EdpError) return failure;
    throw error;
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

/** Takes keys out of those that are marked until the one is left that is refused. */
async function leaveFaultyKey(
  client: pg.Client,
  fold: () => Promise<unknown>,
): Promise<pg.DatabaseError | undefined> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${MARKED}`,
  );
  let { count } = rows[0]!;
  while (count > 1) {
    const half = Math.floor(count / 2);
    const { rows: middle } = await client.query<{ key: string }>(
      `SELECT key FROM ${MARKED} ORDER BY key COLLATE "C" OFFSET $1 LIMIT 1`,
      [half],
    );
    const pivot = quoteLiteral(middle[0]!.key);
    const behind = `DELETE FROM ${MARKED} WHERE key COLLATE "C" >= ${pivot}`;
    const isInFront = await refusalOf(client, async () => {
      await client.query(behind);
      await fold();
    });
    await client.query(
      isInFront === undefined ? `DELETE FROM ${MARKED} WHERE key COLLATE "C" < ${pivot}` : behind,
    );
    count = isInFront === undefined ? count - half : half;
  }
  return refusalOf(client, fold);
}

/** Leaves nothing of the work. */
async function refusalOf(
  client: pg.Client,
  work: () => Promise<unknown>,
): Promise<pg.DatabaseError | undefined> {
  await client.query('SAVEPOINT edp_suspect');
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!isOfRows(error)) throw error;
    return error;
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT edp_suspect; RELEASE SAVEPOINT edp_suspect');
  }
}

/** The last value that the type of its column refuses. */
async function findValue(
  client: pg.Client,
  { table, target, log }: FoldPlan,
  key: string,
): Promise<string | undefined> {
  const own = `FROM ${log} l JOIN edp.loads o USING (load_id)
    WHERE l.table_name = ${quoteLiteral(table.name)} AND l.key = ${quoteLiteral(key)}`;
  for (const { name } of realizedColumns(table)) {
    const attribute = quoteLiteral(name);
    const has = `${own} AND coalesce(l.after, l.before) ? ${attribute}`;
    const value = `coalesce(l.after, l.before) -> ${attribute}`;
    const record = `(jsonb_populate_record(NULL::${target}, jsonb_build_object(${attribute}, ${value}))).${quoteIdentifier(name)}`;
    const readAll = () => client.query(`SELECT count(${record}::text) ${has}`);
    if ((await refusalOf(client, readAll)) === undefined) continue;
    const { rows } = await client.query<StoredEvent>(
      `SELECT l.id, l.sequence::text, l.source, o.path, o.load_id AS "loadId", (${value})::text AS value ${has}
       ORDER BY l.sequence DESC, l.source DESC LIMIT ${MOST_EVENTS_TRIED}`,
    );
    for (const event of rows) {
      const one = `${has} AND l.sequence = ${event.sequence} AND l.source = ${quoteLiteral(event.source)}`;
      const read = () => client.query(`SELECT ${record}::text ${one}`);
      if ((await refusalOf(client, read)) === undefined) continue;
      return `attribute ${name} ${shorten(event.value)} of event ${event.id} (load ${event.loadId}, ${event.path})`;
    }
  }
  return undefined;
}

interface StoredEvent {
  readonly id: string;
  readonly sequence: string;
  readonly source: string;
  readonly path: string;
  readonly loadId: number;
  readonly value: string;
}

function shorten(value: string): string {
  return value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value;
}
