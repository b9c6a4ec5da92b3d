/** What the role may do. */
import { findMissingPrivileges } from '../ledger/privileges.js';
import { quoteIdentifier } from '../model/ddl.js';
import { parseTableName } from '../model/table-name.js';
import type { Served } from './context.js';
import { type Check, type Found, sql } from './finding.js';

const OWNER_OF_DATABASE = 'the owner of the database';

const ledger: Check<Served> = {
  name: 'rights-on-ledger',
  severities: ['error', 'warning'],
  looksAt: 'whether the role may make, or keep, the ledger (schema edp)',
  why: 'a role without these rights loads nothing',
  mends: '`GRANT`',
  async look({ client, role, database }) {
    const { rows } = await client.query<{
      create: boolean;
      usage: boolean | null;
      ledger: boolean;
      temporary: boolean;
    }>(
      `SELECT has_database_privilege(current_database(), 'CREATE') AS create,
         has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
         EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'edp' AND c.relname = 'runs') AS ledger,
         (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'edp') AS usage`,
    );
    const { create, usage, temporary, ledger: isThere } = rows[0]!;
    const found: Found[] = [];
    if (!temporary) {
      found.push({
        severity: 'error',
        problem: `role ${role} may not make temporary tables`,
        mend: [sql(`GRANT TEMPORARY ON DATABASE ${database} TO ${role};`, OWNER_OF_DATABASE)],
      });
    }
    if (usage === null && !create) {
      found.push({
        severity: 'error',
        problem: `there is no ledger in the database, and role ${role} may not make one`,
        mend: [sql(`GRANT CREATE ON DATABASE ${database} TO ${role};`, OWNER_OF_DATABASE)],
      });
    }
    if (usage === false) {
      found.push({
        severity: 'error',
        problem: `role ${role} may not use schema edp, where the ledger is`,
        mend: [sql(`GRANT USAGE ON SCHEMA edp TO ${role};`, 'the owner of schema edp')],
      });
    }
    if (usage !== true || !isThere) return found;
    const missing = await findMissingPrivileges(client);
    if (missing === undefined) return found;
    // Who may read is a reader, and may be meant to be no more.
    const mayRead = !missing.missing.some((one) => one.startsWith('SELECT'));
    return [
      ...found,
      {
        severity: mayRead ? 'warning' : 'error',
        problem: `role ${role} may not keep the ledger: it lacks ${missing.missing.join(', ')}`,
        mend: missing.grants.map((grant) => sql(grant, 'the owner of schema edp')),
      },
    ];
  },
};

const tables: Check<Served> = {
  name: 'rights-on-tables',
  severities: ['error', 'warning'],
  looksAt:
    'whether the role may read and load the tables of edp.yaml, and make those that are missing',
  why: 'a load of such a table is refused',
  mends: '`GRANT`',
  async look({ client, role, tables: own, missing }) {
    const declared = own.filter((one) => one.declared !== undefined);
    const { rows } = await client.query<{ name: string; select: boolean; insert: boolean }>(
      `SELECT oid::regclass::text AS name,
         has_any_column_privilege(oid, 'SELECT') AS select, has_any_column_privilege(oid, 'INSERT') AS insert
       FROM pg_class WHERE oid = ANY ($1::oid[]) ORDER BY 1`,
      [declared.map(({ oid }) => oid)],
    );
    const refused = rows
      .filter(({ select, insert }) => !select || !insert)
      .map(({ name, select }): Found => {
        const lacking = select ? 'INSERT' : 'SELECT, INSERT';
        return {
          severity: select ? 'warning' : 'error',
          problem: `role ${role} lacks ${lacking} on table ${name}`,
          mend: [sql(`GRANT ${lacking} ON ${name} TO ${role};`, 'the owner of the table')],
        };
      });
    return [...refused, ...(await listUnmakable(client, role, missing))];
  },
};

async function listUnmakable(
  client: Served['client'],
  role: string,
  missing: Served['missing'],
): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const { name } of missing) {
    const { schema } = parseTableName(name);
    const { rows } = await client.query<{ schema: string | null; create: boolean | null }>(
      `SELECT coalesce($1, current_schema()) AS schema,
         (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace
          WHERE nspname = coalesce($1, current_schema())) AS create`,
      [schema ?? null],
    );
    const { schema: place, create } = rows[0]!;
    if (create === true) continue;
    const quoted = quoteIdentifier(place ?? 'public');
    const isThere = create === false;
    found.set(quoted, {
      severity: 'error',
      problem: isThere
        ? `role ${role} may not make table ${name} in schema ${quoted}`
        : `there is no schema ${quoted} for table ${name}`,
      mend: isThere
        ? [sql(`GRANT CREATE ON SCHEMA ${quoted} TO ${role};`, 'the owner of the schema')]
        : [sql(`CREATE SCHEMA ${quoted} AUTHORIZATION ${role};`, 'a role that may make schemas')],
    });
  }
  return [...found.values()];
}

const owners: Check<Served> = {
  name: 'owners',
  severities: ['note'],
  looksAt: 'the owners of the tables of edp.yaml',
  why: 'only an owner adds columns (edp promote, --on-new-column), and loads big files the fast way into an empty table',
  mends: '`ALTER TABLE … OWNER TO`, or membership',
  async look({ client, role, tables: own }) {
    const { rows } = await client.query<{ name: string; owner: string }>(
      `SELECT oid::regclass::text AS name, quote_ident(pg_get_userbyid(relowner)) AS owner FROM pg_class
       WHERE oid = ANY ($1::oid[]) AND NOT pg_has_role(relowner, 'USAGE') ORDER BY 1`,
      [own.filter((one) => one.declared !== undefined).map(({ oid }) => oid)],
    );
    return rows.map(({ name, owner }) => ({
      severity: 'note',
      problem: `table ${name} belongs to role ${owner}`,
      mend: [sql(`GRANT ${owner} TO ${role};`, `a superuser, or an administrator of ${owner}`)],
    }));
  },
};

export const RIGHTS_CHECKS: readonly Check<Served>[] = [ledger, tables, owners];
