/** Rows that failed checks, in the ledger. */
import type pg from 'pg';
import type { CheckOutcome } from './outcome.js';

export interface CheckedSlice {
  readonly task: string;
  readonly slice: string;
  readonly checks: readonly CheckOutcome[];
}

/**
 * Keeps how many rows failed each check, and the first of them. An outcome that several slices share is of
 * the whole table, and kept once.
 */
export async function keepFailures(
  client: pg.Client,
  runId: number,
  results: readonly CheckedSlice[],
): Promise<void> {
  const failures = listFailures(results);
  if (failures.length === 0) return;
  await client.query(
    `INSERT INTO edp.check_failures (run_id, task, slice, check_name, failing)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[])`,
    [
      runId,
      failures.map(({ task }) => task),
      failures.map(({ slice }) => slice),
      failures.map(({ outcome }) => outcome.name),
      failures.map(
        ({ outcome }) => `{"count": ${outcome.failing}, "rows": [${outcome.sample.join(', ')}]}`,
      ),
    ],
  );
}

/** The outcomes that failed, each once, with the slice that it is of. */
export function listFailures<R extends CheckedSlice>(
  results: readonly R[],
): { task: string; slice: string; outcome: CheckOutcome; of: R }[] {
  const seen = new Set<CheckOutcome>();
  return results.flatMap((of) =>
    of.checks.flatMap((outcome) => {
      if (outcome.ok || seen.has(outcome)) return [];
      seen.add(outcome);
      const slice = outcome.isOfTable === true ? '' : of.slice;
      return [{ task: of.task, slice, outcome, of }];
    }),
  );
}

/** A check that failed in a run, with the rows that were kept of it. */
export interface KeptFailure {
  readonly task: string;
  readonly slice: string;
  readonly check: string;
  readonly count: number;
  /** Each an object as JSON. */
  readonly rows: readonly string[];
}

/**
 * None for a role that may not see them: they are rows of tables.
 *
 * @param limit rows of each check
 */
export async function listKeptFailures(
  client: pg.Client,
  runId: number,
  limit: number,
): Promise<KeptFailure[]> {
  const right = await client.query<{ has: boolean }>(
    "SELECT has_table_privilege('edp.check_failures', 'SELECT') AS has",
  );
  if (!right.rows[0]!.has) return [];
  const { rows } = await client.query<KeptFailure>(
    `SELECT task, slice, check_name AS check, (failing->>'count')::bigint AS count,
       ARRAY(SELECT row::text FROM jsonb_array_elements(failing->'rows') WITH ORDINALITY AS kept (row, place)
         ORDER BY place LIMIT $2) AS rows
     FROM edp.check_failures WHERE run_id = $1 ORDER BY found_at, task, slice, check_name`,
    [runId, limit],
  );
  return rows;
}
