/**
 * What people gave a table or view that edp made: owner, rights, indexes, constraints, triggers, policies,
 * comments, settings. It stays with the name when another table takes it.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { isTransient } from '../../postgres/sqlstate.js';
import { OWN_CONSTRAINTS } from './version-constraints.js';

/** SQL: the relation, as in statements. */
/** SQL of a table `c` in schema `n`. */
export const NAME = `format('%I.%I', n.nspname, c.relname)`;
const OF = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace`;
/** SQL of who has a right `a`. */
export const GRANTEE = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END`;

/** SQL: the statement that makes an index, of a table with partitions on all of them. */
export function indexSql(oid: string): string {
  return `regexp_replace(pg_get_indexdef(${oid}), '^(CREATE (UNIQUE )?INDEX ("([^"]|"")*"|[^ ]+) ON) ONLY ', '\\1 ')`;
}

interface Statements {
  readonly select: string;
  /** Whether it is about columns, and goes with them. */
  readonly isOfColumns: boolean;
}

const goesWithColumn = (select: string): Statements => ({ select, isOfColumns: true });
const always = (select: string): Statements => ({ select, isOfColumns: false });

/**
 * In the order in which the statements can run. `$1` is the relation, `$2` names of indexes that are not
 * carried over; NULL for all.
 */
const STATEMENTS: readonly Statements[] = [
  goesWithColumn(`SELECT ${indexSql('i.indexrelid')} FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
   WHERE i.indrelid = $1 AND x.relname <> ALL ($2::text[])
     AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conindid = i.indexrelid AND p.conrelid = $1)`),
  goesWithColumn(`SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', ${NAME}, p.conname, pg_get_constraintdef(p.oid))
   FROM ${OF} JOIN pg_constraint p ON p.conrelid = c.oid WHERE c.oid = $1 AND p.contype IN ('c', 'u', 'x', 'f')
     AND p.conname <> ALL ('{${OWN_CONSTRAINTS.join(',')}}')`),
  goesWithColumn(`SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = $1`),
  always(`SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal`),
  always(
    `SELECT pg_get_ruledef(oid) FROM pg_rewrite WHERE ev_class = $1 AND rulename <> '_RETURN'`,
  ),
  always(`SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, ${NAME},
       CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
       (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ') FROM unnest(p.polroles) AS r))
     || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
     || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
   FROM ${OF} JOIN pg_policy p ON p.polrelid = c.oid WHERE c.oid = $1`),
  always(
    `SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', ${NAME}) FROM ${OF} WHERE c.oid = $1 AND c.relrowsecurity`,
  ),
  always(
    `SELECT format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', ${NAME}) FROM ${OF} WHERE c.oid = $1 AND c.relforcerowsecurity`,
  ),
  always(`SELECT format('ALTER TABLE %s SET (%s)', ${NAME}, array_to_string(c.reloptions, ', '))
   FROM ${OF} WHERE c.oid = $1 AND c.reloptions IS NOT NULL`),
  always(`SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', ${NAME}, CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
       ELSE (SELECT format('USING INDEX %I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND i.indisreplident) END)
   FROM ${OF} WHERE c.oid = $1 AND c.relkind IN ('r', 'p') AND c.relreplident <> 'd'`),
  always(`SELECT format('ALTER PUBLICATION %I ADD TABLE %s', p.pubname, ${NAME})
   FROM ${OF} JOIN pg_publication_rel r ON r.prrelid = c.oid JOIN pg_publication p ON p.oid = r.prpubid WHERE c.oid = $1`),
  goesWithColumn(`SELECT format('COMMENT ON COLUMN %s.%I IS %L', ${NAME}, a.attname, d.description)
   FROM ${OF} JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid WHERE c.oid = $1 AND d.objsubid > 0`),
  always(`SELECT format('ALTER TABLE %s OWNER TO %s', ${NAME}, c.relowner::regrole)
   FROM ${OF} WHERE c.oid = $1 AND c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)`),
  // Default privileges may give a new table more than this one had.
  always(`SELECT format('REVOKE ALL ON %s FROM %s', ${NAME}, string_agg(DISTINCT ${GRANTEE}, ', '))
   FROM ${OF}, pg_default_acl f, aclexplode(f.defaclacl) a
   WHERE c.oid = $1 AND f.defaclobjtype = 'r' AND f.defaclnamespace IN (0, c.relnamespace) AND a.grantee <> c.relowner
   GROUP BY n.nspname, c.relname`),
  always(`SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, ${NAME}, ${GRANTEE},
       CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
   FROM ${OF}, aclexplode(c.relacl) a WHERE c.oid = $1 AND a.grantee <> c.relowner`),
  goesWithColumn(`SELECT format('GRANT %s (%I) ON %s TO %s', a.privilege_type, t.attname, ${NAME}, ${GRANTEE})
   FROM ${OF} JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.oid = $1 AND NOT t.attisdropped`),
];

export interface Belonging {
  readonly statement: string;
  readonly isOfColumns: boolean;
}

/**
 * Of a relation that has not been dropped yet.
 *
 * @param made names of indexes that its maker makes itself; null for all
 */
export async function listBelongings(
  client: pg.Client,
  oid: number,
  made: readonly string[] | null = [],
): Promise<Belonging[]> {
  const query = STATEMENTS.map(
    ({ select, isOfColumns }, i) =>
      `(SELECT ${i} AS step, statement, ${isOfColumns} AS "isOfColumns" FROM (${select}) AS of (statement))`,
  ).join(' UNION ALL ');
  const { rows } = await client.query<Belonging>(`${query} ORDER BY step, statement`, [oid, made]);
  return rows;
}

/** undefined_column, undefined_object, wrong_object_type. */
const GONE = ['42703', '42704', '42809'];

/** @throws EdpError `task_failed` for what does not fit the new relation; what passes, such as a deadlock, as it is */
export async function giveBelongings(
  client: pg.Client,
  belongings: readonly Belonging[],
): Promise<void> {
  for (const { statement, isOfColumns } of belongings) {
    await client.query('SAVEPOINT edp_belonging');
    try {
      await client.query(statement);
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string };
      if (isTransient(code)) throw error;
      if (!isOfColumns || !GONE.includes(code)) throw doesNotFit(statement, message, error);
      await client.query('ROLLBACK TO SAVEPOINT edp_belonging');
    }
    await client.query('RELEASE SAVEPOINT edp_belonging');
  }
}

function doesNotFit(statement: string, message: string, cause: unknown): EdpError {
  return new EdpError('task_failed', `"${statement}" does not fit the new definition: ${message}`, {
    hint: 'change or drop what the statement made, then run again',
    cause,
  });
}
