/** What the role may do. */
import { findMissingPrivileges } from '../ledger/privileges.js';
import { quoteIdentifier } from '../model/ddl.js';
import { physicalColumns } from '../model/model.js';
import { parseTableName } from '../model/table-name.js';
import type { Served } from './context.js';
import { advice, type Check, type Found, sql } from './finding.js';

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
    if (!isThere) return found;
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
    'whether the role may read and load the tables of edp.yaml, with their schemas, sequences and row-level security, and make those that are missing',
  why: 'a load of such a table is refused',
  mends: '`GRANT`',
  async look(served) {
    const { role, missing, hidden } = served;
    const schemas = [...new Set(hidden.map(({ schema }) => schema))];
    return [
      ...schemas.map(
        (schema): Found => ({
          severity: 'error',
          problem: `role ${role} may not use schema ${schema}, where ${hidden.find((one) => one.schema === schema)!.name} is`,
          mend: [sql(`GRANT USAGE ON SCHEMA ${schema} TO ${role};`, 'the owner of the schema')],
        }),
      ),
      ...(await listLackingRights(served)),
      ...(await listLockedSequences(served)),
      ...(await listFilteredTables(served)),
      ...(await listUnmakable(served, missing)),
    ];
  },
};

/** Tables of the model, those in a schema that the role may not use among them: it may lack more than that. */
const ofModel = ({ tables, hidden }: Served) => [
  ...tables.flatMap(({ oid, declared }) => (declared === undefined ? [] : [{ oid, declared }])),
  ...hidden.map(({ oid, declared }) => ({ oid, declared })),
];

const oidsOf = (served: Served) => ofModel(served).map(({ oid }) => oid);

/** $1: the tables; $2, $3: their columns in the model, each with its table. Extra columns need no right. */
const LACKING = `SELECT c.oid::regclass::text AS name, p.privilege,
    bool_and(NOT has_column_privilege(c.oid, a.attnum, p.privilege)) AS all,
    string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE NOT has_column_privilege(c.oid, a.attnum, p.privilege)) AS columns
  FROM unnest($1::oid[], $2::text[]) AS n (oid, name)
  JOIN pg_class c ON c.oid = n.oid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = n.name AND NOT a.attisdropped
  CROSS JOIN (VALUES (1, 'SELECT'), (2, 'INSERT')) AS p (place, privilege)
  GROUP BY c.oid, p.place, p.privilege
  HAVING NOT bool_and(has_column_privilege(c.oid, a.attnum, p.privilege))
  ORDER BY 1, p.place`;

async function listLackingRights(served: Served): Promise<Found[]> {
  const { client, role } = served;
  const columns = ofModel(served).flatMap(({ oid, declared }) =>
    physicalColumns(declared).map(({ name }) => ({ oid, name })),
  );
  const { rows } = await client.query<{
    name: string;
    privilege: string;
    all: boolean;
    columns: string;
  }>(LACKING, [columns.map(({ oid }) => oid), columns.map(({ name }) => name)]);
  const names = [...new Set(rows.map(({ name }) => name))];
  return names.map((name): Found => {
    const lacking = rows
      .filter((row) => row.name === name)
      .map((row) => (row.all ? row.privilege : `${row.privilege} (${row.columns})`))
      .join(', ');
    return {
      severity: lacking.startsWith('SELECT') ? 'error' : 'warning',
      problem: `role ${role} lacks ${lacking} on table ${name}`,
      mend: [sql(`GRANT ${lacking} ON ${name} TO ${role};`, 'the owner of the table')],
    };
  });
}

/** Of columns that take their default from one; identity columns need no right. */
async function listLockedSequences(served: Served): Promise<Found[]> {
  const { client, role } = served;
  const { rows } = await client.query<{ name: string; table: string }>(
    `SELECT DISTINCT s.oid::regclass::text AS name, d.adrelid::regclass::text AS table
     FROM pg_attrdef d
     JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
     JOIN pg_class s ON s.oid = p.refobjid
     WHERE d.adrelid = ANY ($1::oid[]) 
       -- The function raises an error for what is no sequence.
       AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END
     ORDER BY 1, 2`,
    [oidsOf(served)],
  );
  return rows.map(({ name, table }) => ({
    severity: 'error',
    problem: `role ${role} may not use sequence ${name}, which numbers the rows of table ${table}`,
    mend: [sql(`GRANT USAGE ON SEQUENCE ${name} TO ${role};`, 'the owner of the sequence')],
  }));
}

async function listFilteredTables(served: Served): Promise<Found[]> {
  const { client, role } = served;
  const { rows } = await client.query<{ name: string; isOwner: boolean }>(
    `SELECT oid::regclass::text AS name, pg_has_role(relowner, 'USAGE') AS "isOwner"
     FROM pg_class WHERE oid = ANY ($1::oid[]) AND row_security_active(oid) ORDER BY 1`,
    [oidsOf(served)],
  );
  return rows.map(({ name, isOwner }) => ({
    severity: 'error',
    problem: `row-level security of table ${name} applies to role ${role}, so the server takes no COPY from it`,
    mend: [
      isOwner
        ? sql(`ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY;`, 'the owner of the table')
        : sql(`ALTER ROLE ${role} BYPASSRLS;`, 'a superuser'),
    ],
  }));
}

async function listUnmakable(
  { client, role, database }: Served,
  missing: Served['missing'],
): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const { name } of missing) {
    const { schema } = parseTableName(name);
    const { rows } = await client.query<{
      isNowhere: boolean;
      schema: string;
      create: boolean | null;
      usage: boolean | null;
    }>(
      `SELECT n.name AS schema, $1::text IS NULL AND current_schema() IS NULL AS "isNowhere",
         (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = n.name) AS create,
         (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = n.name) AS usage
       FROM (VALUES (coalesce($1, current_schema(), 'public'))) AS n (name)`,
      [schema ?? null],
    );
    const { schema: place, create, usage, isNowhere } = rows[0]!;
    if (create === true && usage === true) {
      if (isNowhere) found.set('', nowhere(name, role, database));
      continue;
    }
    const quoted = quoteIdentifier(place);
    const isThere = create !== null;
    const lacking = [...(usage ? [] : ['USAGE']), ...(create ? [] : ['CREATE'])].join(', ');
    found.set(quoted, {
      severity: 'error',
      problem: isThere
        ? `role ${role} may not make table ${name} in schema ${quoted}`
        : `there is no schema ${quoted} for table ${name}`,
      mend: isThere
        ? [sql(`GRANT ${lacking} ON SCHEMA ${quoted} TO ${role};`, 'the owner of the schema')]
        : [sql(`CREATE SCHEMA ${quoted} AUTHORIZATION ${role};`, 'a role that may make schemas')],
    });
  }
  return [...found.values()];
}

/** A search_path that names no schema, or none that is there. */
function nowhere(table: string, role: string, database: string): Found {
  return {
    severity: 'error',
    problem: `table ${table} has no place: the search_path of role ${role} has no schema that is there`,
    mend: [
      sql(
        `ALTER ROLE ${role} IN DATABASE ${database} SET search_path = public;`,
        'the role, or a superuser',
      ),
      advice(
        'or take search_path out of the options of the URL, or of PGOPTIONS, if it is set there',
      ),
    ],
  };
}

const owners: Check<Served> = {
  name: 'owners',
  severities: ['note'],
  looksAt: 'the owners of the tables of edp.yaml',
  why: 'only an owner adds columns (edp promote, --on-new-column), and loads big files the fast way into an empty table',
  mends: '`ALTER TABLE … OWNER TO`, or membership',
  async look({ client, role, tables: own }) {
    // To be a member of a superuser is to be one, and a circle of members cannot be.
    const { rows } = await client.query<{ name: string; owner: string; mayGrant: boolean }>(
      `SELECT c.oid::regclass::text AS name, quote_ident(o.rolname) AS owner,
         NOT o.rolsuper AND NOT pg_has_role(o.oid, current_user, 'MEMBER') AS "mayGrant"
       FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
       WHERE c.oid = ANY ($1::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1`,
      [own.filter((one) => one.declared !== undefined).map(({ oid }) => oid)],
    );
    return rows.map(({ name, owner, mayGrant }) => ({
      severity: 'note',
      problem: `table ${name} belongs to role ${owner}`,
      mend: [
        mayGrant
          ? sql(`GRANT ${owner} TO ${role};`, `a superuser, or an administrator of ${owner}`)
          : sql(`ALTER TABLE ${name} OWNER TO ${role};`, 'a superuser'),
      ],
    }));
  },
};

export const RIGHTS_CHECKS: readonly Check<Served>[] = [ledger, tables, owners];
