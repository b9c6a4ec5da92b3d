/**
 * Connections: opened by one function, and closed by the code that opened them, even when the work
 * fails.
 */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import { joinRunSql } from './run-of-session.js';
import { type ConnectionConfig, tlsAttempts, toTlsError } from './tls.js';
import { describeClient } from './which-server.js';

/** Makes a session read and print values the same way, whatever the server's defaults are. */
const SESSION_SETTINGS =
  "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; " +
  'SET extra_float_digits = 1; SET bytea_output = hex; SET standard_conforming_strings = on; ' +
  // Each statement must see what others have committed so far: the code looks a second time, or
  // looks after it waited for a lock.
  "SET default_transaction_isolation = 'read committed'; " +
  // By default, "$user" comes first: a role called edp would create its tables among the ledger's.
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
 * Ledger values in JavaScript: bigint as number (all of edp's counts and offsets are below 2^53),
 * timestamps as the server's text.
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
 * Opens a connection.
 *
 * @param config where to connect; plain data, so that it can be handed to a thread
 * @param role what the session does, shown in pg_stat_activity as `edp <role>`
 * @throws EdpError `database_unreachable` or `database_refused`, with the remedy
 */
export async function connect(config: ConnectionConfig, role: string): Promise<pg.Client> {
  const attempts = tlsAttempts(config);
  for (const [i, ssl] of attempts.entries()) {
    const { tls, passwordNote: _, runId, ...own } = config;
    const client = new pg.Client({
      keepAlive: true,
      connectionTimeoutMillis: 15_000,
      ...own,
      ssl,
      ...(tls?.isDirect === true && ssl !== false ? { sslnegotiation: 'direct' } : {}),
      password: own.password || (process.env.PGPASSWORD ?? refuseToAsk(config)),
      application_name: `edp ${role}`,
      types,
    });
    // A connection that breaks while idle emits 'error'; the next query fails and reports it.
    // Without a listener Node would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query(
        runId === undefined ? SESSION_SETTINGS : `${SESSION_SETTINGS}; ${joinRunSql(runId)}`,
      );
      return client;
    } catch (error) {
      const isRefused = hasNoTls(client);
      client.end().catch(() => {});
      if (i + 1 < attempts.length && mayTryOtherwise(error)) continue;
      throw isRefused && ssl !== false ? withoutTls(error, config) : toConnectError(error, config);
    }
  }
  throw new TypeError('there is always an attempt');
}

/** pg calls this only if the server asks for a password. */
function refuseToAsk(config: ConnectionConfig): () => Promise<string> {
  return async () => {
    throw new EdpError('database_refused', `${describeClient(config)} asks for a password`, {
      hint: `give one in the URL, in PGPASSWORD or in ~/.pgpass${config.passwordNote === undefined ? '' : ` (${config.passwordNote})`}`,
    });
  };
}

/** Whether another attempt, with or without TLS, may succeed after this error. */
function mayTryOtherwise(error: unknown): boolean {
  const { code } = error as { code?: string };
  if (error instanceof EdpError || error instanceof AggregateError) return false;
  // The server itself answered. Another attempt helps only where it refused the login (28000),
  // which may depend on TLS.
  if (/^[\dA-Z]{5}$/.test(code ?? '') && UNREACHABLE[code!] === undefined) return code === '28000';
  return UNREACHABLE[code ?? ''] === undefined;
}

/** Reads internals of pg: a server without TLS answers the request for it with one byte. */
function hasNoTls(client: pg.Client): boolean {
  const { stream } = (
    client as unknown as { connection: { stream: { encrypted?: boolean; bytesRead?: number } } }
  ).connection;
  return stream.encrypted !== true && stream.bytesRead === 1;
}

function withoutTls(error: unknown, config: ConnectionConfig): EdpError {
  const where = describeClient(config);
  return new EdpError('database_refused', `${where} offers no TLS, which sslmode asks for`, {
    hint: 'turn TLS on in the server (ssl = on), or use sslmode=prefer where the network is trusted',
    cause: error,
  });
}

/** Runs `work` with a connection of its own, and closes it afterwards in any case. */
export async function withClient<T>(
  config: ConnectionConfig,
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

/** A failed connection, by its code → an error that says what happened, where, and what to do. */
export function toConnectError(error: unknown, config: ConnectionConfig): EdpError {
  if (error instanceof EdpError) return error;
  const where = describeClient(config);
  const { code } = error as { code?: string };
  const tlsError = toTlsError(error, where);
  if (tlsError !== undefined) return tlsError;
  // Node tries every address of a host name, and reports the failures together.
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
