/** Several splits in one transaction. */
import type pg from 'pg';

/** Each transaction of a run defers its checks anew; those of the splits before are made by now. */
export async function deferAgain(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ names: string | null }>(
    `SELECT string_agg(format('%I.%I', n.nspname, c.conname), ', ') AS names
     FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred`,
  );
  const { names } = rows[0]!;
  if (names !== null) await client.query(`SET CONSTRAINTS ${names} DEFERRED`);
}
