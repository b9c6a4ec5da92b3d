/** A session on the server, and what all checks of it need to know. */
import type pg from 'pg';
import { quoteTable } from '../model/ddl.js';
import type { Table } from '../model/model.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import type { OwnTable, Place, Served } from './context.js';
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

async function findTables(
  { project }: Place,
  client: pg.Client,
): Promise<Pick<Served, 'tables' | 'missing'>> {
  const tables: OwnTable[] = [];
  const missing: Table[] = [];
  for (const declared of project?.model.tables ?? []) {
    const found = await find(client, 'to_regclass($1)::oid', [quoteTable(declared.name)]);
    if (found === undefined) missing.push(declared);
    else tables.push({ ...found, declared });
  }
  for (const { relation } of project?.warehouse.tasks ?? []) {
    const place = `(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = $1 AND c.relname = $2)`;
    const found = await find(client, place, [relation.schema, relation.name]);
    if (found !== undefined) tables.push({ ...found, declared: undefined });
  }
  return { tables, missing };
}

/** @returns undefined where there is none, or where the role may not look into its schema */
async function find(
  client: pg.Client,
  oid: string,
  values: readonly string[],
): Promise<{ oid: number; name: string } | undefined> {
  try {
    const { rows } = await client.query<{ oid: number; name: string }>(
      `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = ${oid} AND c.relkind IN ('r', 'p')`,
      [...values],
    );
    return rows[0];
  } catch (error) {
    if ((error as { code?: string }).code === '42501') return undefined;
    throw error;
  }
}
