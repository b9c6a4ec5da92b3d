/** Runs steps in the source: each a transaction that waits for locks only briefly, so that writers never queue long behind it. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { retry } from '../base/retry.js';
import { withTransaction } from '../postgres/connection.js';
import type { InstallStep } from './install-steps.js';

const LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'";
/** How long a table may be busy. */
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

export async function applySteps(
  client: pg.Client,
  steps: readonly InstallStep[],
  signal?: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    if (signal?.aborted === true)
      throw new EdpError('interrupted', 'stopped; run it again to go on');
    await applyStep(client, step);
  }
}

async function applyStep(client: pg.Client, { about, statements }: InstallStep): Promise<void> {
  const run = () =>
    withTransaction(client, async () => {
      await client.query(
        [LOCK_TIMEOUT, ...statements.map((one) => one.replace(/;\s*$/, ''))].join(';\n'),
      );
    });
  try {
    await retry(run, mayPass, {
      retries: Number.POSITIVE_INFINITY,
      forMs: PATIENCE_MS,
      firstDelayMs: 200,
    });
  } catch (error) {
    throw explain(error, about);
  }
}

function mayPass(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === '55P03' || code === '40P01';
}

function explain(error: unknown, about: string): unknown {
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
      `${about} is locked by others all the time: ${message}`,
      {
        hint: 'edp capture status names long transactions; run it again when they have ended',
        cause: error,
      },
    );
  }
  return error;
}
