/** Runs steps in the source: each a transaction that waits for locks only briefly, so that writers never queue long behind it. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { retry } from '../base/retry.js';
import { safeText } from '../base/safe-text.js';
import { quoteName } from '../model/ddl.js';
import type { TablePlace } from '../model/table-name.js';
import { withTransaction } from '../postgres/connection.js';
import type { InstallStep } from './install-steps.js';

const LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'";
const PATIENCE_MS = 120_000;

/** SQL that does the same in psql. */
export function printSteps(steps: readonly InstallStep[]): string {
  return steps
    .map(({ about, statements }) =>
      [
        `-- ${about.replaceAll(/[\r\n]/g, ' ')}`,
        'BEGIN;',
        `${LOCK_TIMEOUT};`,
        ...statements,
        'COMMIT;',
        '',
      ].join('\n'),
    )
    .join('\n');
}

export interface ApplyOptions {
  readonly signal?: AbortSignal;
  /** How long a table may be busy. */
  readonly patienceMs?: number;
}

export async function applySteps(
  client: pg.Client,
  steps: readonly InstallStep[],
  options: ApplyOptions = {},
): Promise<void> {
  for (const step of steps) {
    assertGoesOn(options);
    await applyStep(client, step, options);
  }
}

function assertGoesOn({ signal }: ApplyOptions): void {
  if (signal?.aborted === true) throw new EdpError('interrupted', 'stopped; run it again to go on');
}

async function applyStep(
  client: pg.Client,
  { about, relation, statements }: InstallStep,
  options: ApplyOptions,
): Promise<void> {
  const run = () =>
    withTransaction(client, async () => {
      await client.query(
        [LOCK_TIMEOUT, ...statements.map((one) => one.replace(/;\s*$/, ''))].join(';\n'),
      );
    });
  try {
    await retry(run, (error) => mayPass(error) && options.signal?.aborted !== true, {
      retries: Number.POSITIVE_INFINITY,
      forMs: options.patienceMs ?? PATIENCE_MS,
      firstDelayMs: 200,
    });
  } catch (error) {
    if (mayPass(error as Error)) assertGoesOn(options);
    const blockers =
      relation === undefined || (error as { code?: string }).code !== '55P03'
        ? []
        : await readBlockers(
            client,
            relation,
            statements.some((one) => one.startsWith('DROP')),
          );
    throw explain(error, about, blockers);
  }
}

/**
 * Sessions that hold locks on a table or its partitions, the oldest first.
 *
 * @param isExclusive whether readers are in the way, too
 */
async function readBlockers(
  client: pg.Client,
  relation: TablePlace,
  isExclusive: boolean,
): Promise<string[]> {
  const { rows } = await client.query<{ blocker: string }>(
    `SELECT format('process %s of %s, %s s%s', a.pid, a.usename, round(extract(epoch FROM clock_timestamp() - a.xact_start)),
       coalesce(': ' || left(a.query, 100), '')) AS blocker
     FROM pg_stat_activity AS a
     WHERE a.pid <> pg_backend_pid() AND EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.granted
       AND l.locktype = 'relation' AND (l.relation = to_regclass($1) OR l.relation IN (SELECT relid FROM pg_partition_tree(to_regclass($1))))
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND ($2 OR l.mode NOT IN ('AccessShareLock', 'RowShareLock')))
     ORDER BY a.xact_start LIMIT 3`,
    [quoteName(relation), isExclusive],
  );
  return rows.map(({ blocker }) => safeText(blocker));
}

function mayPass(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === '55P03' || code === '40P01';
}

function explain(error: unknown, about: string, blockers: readonly string[]): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === '42501') {
    return new EdpError('database_refused', `${about}: ${message}`, {
      hint: 'the role must own the captured tables and have CREATE on the database; docs/capture.md lists the rights',
      cause: error,
    });
  }
  if (code === '55P03') {
    return new EdpError(
      'database_refused',
      `${about} is locked ${blockers.length === 0 ? `by others all the time: ${message}` : `by ${blockers.join('; ')}`}`,
      {
        hint: 'run it again when they have ended: it goes on with what is missing',
        cause: error,
      },
    );
  }
  return error;
}
