/**
 * Connections: opened by one function, closed by whoever opened them, even when the work fails.
 */
import pg from 'pg';
import { EdpError } from '../errors.js';
import { describeClient } from './target.js';

/** A session reads and prints values the same way whatever the server's defaults are. */
const SESSION_SETTINGS =
  "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; " +
  'SET extra_float_digits = 1; SET bytea_output = hex; ' +
  // A statement sees what others have committed up to it: second looks, and looks behind a lock, need that.
  "SET default_transaction_isolation = 'read committed'; " +
  // A role called edp would make its tables among the ledger's: "$user" comes first by default.
  "SELECT set_config('search_path', coalesce((SELECT string_agg(quote_ident(name), ', ') " +
  "FROM unnest(current_schemas(false)) AS name WHERE name <> 'edp'), current_setting('search_path')), false)";

const INT8_OID = 20;
const NUMERIC_OID = 1700;
const JSON_OIDS: ReadonlySet<number> = new Set([114, 3802]);
const INTEGER_OIDS: ReadonlySet<number> = new Set([21, 23, 26]);
const BOOL_OID = 16;
const BYTEA_OID = 17;
const ARRAY_OIDS: ReadonlySet<number> = new Set([1005, 1007, 1009, 1016]);

/**
 * Ledger values as JavaScript sees them: bigint as number (all of edp's counts and offsets are below
 * 2^53), timestamps as the server's text.
 */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
    if (oid === INT8_OID) return Number;
    if (oid === NUMERIC_OID) return (text: string) => text;
    if (
      INTEGER_OIDS.has(oid) ||
      JSON_OIDS.has(oid) ||
      ARRAY_OIDS.has(oid) ||
      oid === BOOL_OID ||
      oid === BYTEA_OID
    ) {
      return pg.types.getTypeParser(oid, 'text');
    }
    return (text: string) => text;
  },
} as pg.CustomTypesConfig;

/**
 * @param config where to connect; plain data, so that it can be handed to a thread
 * @param role what the session does, shown in pg_stat_activity as `edp <role>`
 * @throws EdpError `database_unreachable` or `database_refused`, with the remedy
 */
export async function connect(config: pg.ClientConfig, role: string): Promise<pg.Client> {
  const client = new pg.Client({
    keepAlive: true,
    connectionTimeoutMillis: 15_000,
    ...config,
    application_name: `edp ${role}`,
    types,
  });
  // A connection that breaks while idle emits 'error'; the next query fails and tells. Without a
  // listener Node would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(SESSION_SETTINGS);
  } catch (error) {
    client.end().catch(() => {});
    throw toConnectError(error, config);
  }
  return client;
}

/** Runs `work` with a connection of its own and closes it afterwards, come what may. */
export async function withClient<T>(
  config: pg.ClientConfig,
  role: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(config, role);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Runs `work` between BEGIN and COMMIT; rolls back when it throws. */
export async function withTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ECONNRESET: 'the connection was cut',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be used',
};

/** Tells a failed connection by its code: what happened, where, and what to do. */
export function toConnectError(error: unknown, config: pg.ClientConfig): EdpError {
  if (error instanceof EdpError) return error;
  const where = describeClient(config);
  const { code } = error as { code?: string };
  // Node tries every address of a name and reports them together.
  const inner =
    error instanceof AggregateError ? (error.errors[0] as { code?: string }) : undefined;
  const unreachable = UNREACHABLE[code ?? inner?.code ?? ''];
  if (unreachable !== undefined) {
    return new EdpError('database_unreachable', `no database at ${where}: ${unreachable}`, {
      hint: 'check host and port, or leave out --database-url (and DATABASE_URL, PG*, POSTGRES_USER) to use the embedded server',
      cause: error,
    });
  }
  switch (code) {
    case '28P01':
    case '28000':
      return new EdpError(
        'database_refused',
        `${where} refused the login: ${(error as Error).message}`,
        {
          hint: 'check user and password (the URL, PGUSER and PGPASSWORD, or ~/.pgpass)',
          cause: error,
        },
      );
    case '3D000':
      return new EdpError('database_refused', `${where}: ${(error as Error).message}`, {
        hint: 'create it (createdb NAME), or name another database in the URL',
        cause: error,
      });
    case '53300':
      return new EdpError('database_refused', `${where} has no connection left`, {
        hint: 'lower --process-count, or raise max_connections of the server',
        cause: error,
      });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new EdpError('database_unreachable', `cannot connect to ${where}: ${message}`, {
    hint: 'check the database URL and that the server is up',
    cause: error,
  });
}
