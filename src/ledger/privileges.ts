/** Whether a role may keep the ledger of a load: said before anything is read, with what grants it. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';

/** What every load needs (docs/security.md). */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'SELECT, INSERT, UPDATE': ['edp.loads', 'edp.runs'],
  'SELECT, INSERT': ['edp.receipts', 'edp.rejects', 'edp.changes'],
  SELECT: ['edp.migrations', 'edp.promotions', 'edp.inferred_members'],
};

/** Privileges on the ledger that a role lacks. */
export interface MissingPrivileges {
  /** Quoted where SQL needs it. */
  readonly role: string;
  /** As `INSERT on edp.loads`. */
  readonly missing: readonly string[];
  readonly grants: readonly string[];
}

/** @throws EdpError `database_refused` that names all privileges that are missing */
export async function assertMayKeepLedger(client: pg.Client): Promise<void> {
  const found = await findMissingPrivileges(client);
  if (found === undefined) return;
  const { role, missing, grants } = found;
  throw new EdpError(
    'database_refused',
    `role ${role} may not keep the ledger: it lacks ${missing.join(', ')}`,
    { hint: grants.join(' ') },
  );
}

/** @returns undefined where none is missing */
export async function findMissingPrivileges(
  client: pg.Client,
): Promise<MissingPrivileges | undefined> {
  const needs = Object.entries(NEEDED).flatMap(([privileges, tables]) =>
    tables.flatMap((table) =>
      privileges.split(', ').map((privilege) => ({ table, privilege, privileges })),
    ),
  );
  const { rows } = await client.query<{ place: number; role: string }>(
    `SELECT place::int, current_user::text AS role
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (name, privilege, place)
     -- By its name, a table cannot be asked for in a schema that the role may not use.
     LEFT JOIN (pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace) ON s.nspname || '.' || c.relname = n.name
     WHERE NOT coalesce(has_table_privilege(c.oid, privilege), has_table_privilege(n.name, privilege))
     ORDER BY place`,
    [needs.map(({ table }) => table), needs.map(({ privilege }) => privilege)],
  );
  if (rows.length === 0) return undefined;
  const role = quoteIdentifier(rows[0]!.role);
  const missing = rows.map(({ place }) => needs[place - 1]!);
  const grants = Object.entries(NEEDED).flatMap(([privileges]) => {
    const tables = new Set(
      missing.filter((need) => need.privileges === privileges).map(({ table }) => table),
    );
    return tables.size === 0 ? [] : `GRANT ${privileges} ON ${[...tables].join(', ')} TO ${role};`;
  });
  return {
    role,
    missing: missing.map(({ table, privilege }) => `${privilege} on ${table}`),
    grants,
  };
}
