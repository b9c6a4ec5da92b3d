/** What a load cannot go into, and what helps. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';

/** By pg_class.relkind. */
const OTHER_KINDS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  v: {
    what: 'is a view',
    hint: 'load the table that it selects from, under its name in edp.yaml (or with --table)',
  },
  m: {
    what: 'is a materialized view',
    hint: 'load the table that it selects from, then REFRESH MATERIALIZED VIEW',
  },
  f: {
    what: 'is a foreign table, whose rows the other server commits by itself',
    hint: 'load the table on the other server (--database-url), or a table here, from which INSERT … SELECT copies the rows',
  },
  S: { what: 'is a sequence', hint: 'name the table whose column it numbers' },
  c: { what: 'is a composite type', hint: 'CREATE TABLE … OF it, under another name' },
  i: { what: 'is an index', hint: 'name the table that it is on' },
  I: { what: 'is an index', hint: 'name the table that it is on' },
};

/** @throws EdpError `table_mismatch` that says what goes by the name of the table, if anything */
export async function refuseMissing(client: pg.Client, table: string): Promise<never> {
  const { rows } = await client.query<{ kind: string; hasTrigger: boolean }>(
    `SELECT relkind AS kind, EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid
                                     AND t.tgtype & 64 <> 0) AS "hasTrigger"
     FROM pg_class c WHERE oid = to_regclass($1)`,
    [quoteIdentifier(table)],
  );
  const found = rows[0];
  const other = OTHER_KINDS[found?.kind ?? ''];
  if (other === undefined) {
    throw new EdpError('table_mismatch', `there is no table "${table}" in the database`, {
      hint: 'a role that may create tables makes it with its first load',
    });
  }
  const trigger = found!.hasTrigger
    ? '; what its INSTEAD OF trigger does with a record, edp could not account for'
    : '';
  throw new EdpError('table_mismatch', `"${table}" ${other.what}, and no table${trigger}`, {
    hint: other.hint,
  });
}

/** What of a table decides whether rows may be loaded into it, or compared with it, at all. */
export interface Access {
  readonly role: string;
  readonly isSystem: boolean;
  readonly isTemporary: boolean;
  /** Whether policies decide which rows the role sees. */
  readonly hasRowSecurity: boolean;
  readonly isOwner: boolean;
  /** Whether the role may lock it as statements that change rows do; privileges on columns do not suffice. */
  readonly mayLock: boolean;
}

/** Items of a SELECT list; $1 is the table's oid. */
export const ACCESS = `current_user::text AS role, row_security_active($1::oid) AS "hasRowSecurity",
  (SELECT relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
   FROM pg_class WHERE oid = $1) AS "isSystem",
  (SELECT relpersistence = 't' FROM pg_class WHERE oid = $1) AS "isTemporary",
  (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = $1) AS "isOwner",
  has_table_privilege($1, 'INSERT, UPDATE, DELETE, TRUNCATE') AS "mayLock"`;

/**
 * @param name of the model
 * @param quoted schema-qualified and quoted
 * @throws EdpError `table_mismatch`, `database_refused`
 */
export function assertAccess(
  name: string,
  quoted: string,
  { role, isSystem, isTemporary, hasRowSecurity, isOwner }: Access,
): void {
  if (isSystem) {
    throw new EdpError('table_mismatch', `"${name}" is a system table of PostgreSQL: ${quoted}`, {
      hint: 'give the table another name in edp.yaml',
    });
  }
  if (isTemporary) {
    throw new EdpError('table_mismatch', `"${name}" is a temporary table of this session`, {
      hint: 'load a table that all sessions see',
    });
  }
  if (!hasRowSecurity) return;
  const user = quoteIdentifier(role);
  throw new EdpError(
    'database_refused',
    `table "${name}" has row-level security, which applies to role ${user}: the server takes no COPY from it, and rows that a policy hides could not be compared`,
    {
      hint: isOwner
        ? `ALTER TABLE ${quoted} NO FORCE ROW LEVEL SECURITY; or ALTER ROLE ${user} BYPASSRLS;`
        : `load as the owner of the table, or ALTER ROLE ${user} BYPASSRLS; or ALTER TABLE ${quoted} DISABLE ROW LEVEL SECURITY;`,
    },
  );
}
