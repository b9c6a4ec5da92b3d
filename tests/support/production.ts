/** All that is production, as texts: catalog, rows with their versions, and what the ledger knows of it. */
import type pg from 'pg';

/** Schemas of production. */
const SCHEMAS = `ARRAY['public', 'silver', 'gold']`;
/** Tables of the ledger that have a row for each task, with its name in the column `task`. */
const LEDGER = ['edp.tasks', 'edp.stale_slices', 'edp.unknown_keys', 'edp.member_ids'];

/** Each relation, column, constraint, right and row as a line; a row with the transaction that wrote it. */
export async function readProduction(client: pg.Client): Promise<string[]> {
  const lines = await linesOf(
    client,
    `SELECT concat_ws(' ', 'class', oid, relname, relfilenode, relkind, relacl::text, relowner, reloptions::text, xmin)
       FROM pg_class WHERE relnamespace::regnamespace::text = ANY (${SCHEMAS})
     UNION ALL SELECT concat_ws(' ', 'column', attrelid, attname, atttypid, attnotnull, attacl::text, a.xmin)
       FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace::regnamespace::text = ANY (${SCHEMAS})
     UNION ALL SELECT concat_ws(' ', 'constraint', oid, conname, conrelid, xmin) FROM pg_constraint
       WHERE connamespace::regnamespace::text = ANY (${SCHEMAS})
     UNION ALL SELECT concat_ws(' ', 'rule', r.oid, rulename, ev_class, r.xmin) FROM pg_rewrite r
       JOIN pg_class c ON c.oid = ev_class WHERE relnamespace::regnamespace::text = ANY (${SCHEMAS})
     UNION ALL SELECT concat_ws(' ', 'sequence', schemaname, sequencename, last_value) FROM pg_sequences
       WHERE schemaname = ANY (${SCHEMAS})`,
  );
  for (const table of LEDGER) {
    lines.push(
      ...(await linesOf(
        client,
        `SELECT '${table} ' || xmin || ' ' || t::text FROM ${table} AS t WHERE task !~ '__'`,
      )),
    );
  }
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', relnamespace::regnamespace::text, relname) AS name FROM pg_class
     WHERE relkind IN ('r', 'm') AND relnamespace::regnamespace::text = ANY (${SCHEMAS})`,
  );
  for (const { name } of rows) {
    lines.push(
      ...(await linesOf(
        client,
        `SELECT concat_ws(' ', '${name}', ctid, xmin, t::text) FROM ${name} AS t`,
      )),
    );
  }
  return lines.sort();
}

async function linesOf(client: pg.Client, sql: string): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: sql, rowMode: 'array' });
  return rows.map(([line]) => line);
}
