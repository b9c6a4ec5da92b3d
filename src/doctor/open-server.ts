/** A session on the server, and what all checks of it need to know. */
import type pg from 'pg';
import { parseTableName } from '../model/table-name.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import type { Place, Served, ShutTable } from './context.js';
import { TIME_LIMITS } from './settings-checks.js';

/** A check that waits longer, for a lock or for an answer, is given up. */
const PATIENCE = "SET lock_timeout = '3s'; SET statement_timeout = '10s'";

const LOOPBACK = /^(localhost|127\.|::1$|\/)/;

interface Basics {
  readonly version: number;
  readonly role: string;
  readonly database: string;
  readonly superuser: boolean;
  readonly ledger: boolean;
  readonly clock: string;
}

export async function lookAround(
  place: Place,
  client: pg.Client,
  config: ConnectionConfig,
): Promise<Served> {
  const limits = await client.query<{ name: string; value: string }>(
    `SELECT name, current_setting(name) AS value FROM pg_settings
     WHERE name = ANY ($1::text[]) AND setting <> '0' ORDER BY 1`,
    [TIME_LIMITS],
  );
  await client.query(PATIENCE);
  const { rows } = await client.query<Basics>(
    `SELECT current_setting('server_version_num')::int AS version, quote_ident(current_user) AS role,
       quote_ident(current_database()) AS database,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'edp' AND c.relname = 'loads'
                 AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS ledger,
       extract(epoch FROM clock_timestamp())::text AS clock`,
  );
  const { version, role, database, superuser, ledger, clock } = rows[0]!;
  const here = place.machine.now();
  const isEmbedded = place.address?.kind === 'embedded';
  return {
    ...place,
    client,
    config,
    isEmbedded,
    isLocal: isEmbedded || LOOPBACK.test(config.host ?? 'localhost'),
    version,
    role,
    database,
    isSuperuser: superuser,
    hasLedger: ledger,
    limits: limits.rows,
    clock: { server: Number(clock) * 1000, here },
    ...(await findTables(place, client)),
  };
}

interface FoundRelation {
  readonly place: number;
  readonly oid: number;
  readonly name: string;
  readonly schema: string;
  readonly isTable: boolean;
  readonly isUsable: boolean;
}

/** $1: schemas, or null where the search path decides; $2: names. In the catalog, which needs no right to the schema. */
const FIND = `SELECT DISTINCT ON (n.place) n.place::int, c.oid, format('%I.%I', s.nspname, c.relname) AS name,
    quote_ident(s.nspname) AS schema, c.relkind IN ('r', 'p') AS "isTable",
    has_schema_privilege(s.oid, 'USAGE') AS "isUsable"
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (schema, name, place)
  JOIN pg_class c ON c.relname = n.name
  JOIN pg_namespace s ON s.oid = c.relnamespace
    AND (s.nspname = n.schema OR n.schema IS NULL AND s.nspname = ANY (current_schemas(true)))
  ORDER BY n.place, array_position(current_schemas(true), s.nspname)`;

async function findTables(
  { project }: Place,
  client: pg.Client,
): Promise<Pick<Served, 'tables' | 'missing' | 'hidden' | 'otherKinds'>> {
  const declared = project?.model.tables ?? [];
  const names = [
    ...declared.map(({ name }) => parseTableName(name)),
    ...(project?.warehouse.tasks ?? []).map(({ relation }) => relation),
  ];
  const { rows } = await client.query<FoundRelation>(FIND, [
    names.map(({ schema }) => schema ?? null),
    names.map(({ name }) => name),
  ]);
  const isThere = new Set(rows.map(({ place }) => place));
  const shut = (isShut: (row: FoundRelation) => boolean): ShutTable[] =>
    rows.flatMap(({ place, name, schema, ...row }) => {
      const table = declared[place - 1];
      return table === undefined || !isShut({ place, name, schema, ...row })
        ? []
        : [{ oid: row.oid, declared: table, name, schema }];
    });
  return {
    tables: rows
      .filter(({ isTable, isUsable }) => isTable && isUsable)
      .map(({ place, oid, name }) => ({ oid, name, declared: declared[place - 1] })),
    missing: declared.filter((_, i) => !isThere.has(i + 1)),
    hidden: shut(({ isUsable }) => !isUsable),
    otherKinds: shut(({ isTable, isUsable }) => !isTable && isUsable),
  };
}
