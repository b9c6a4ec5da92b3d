/** Failed connections, by their codes: what happened, where, and what to do. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { endOfServer, LOG_NAME } from './embedded/server-log.js';
import { TOO_MANY_CONNECTIONS } from './sqlstate.js';
import { type ConnectionConfig, toTlsError } from './tls.js';
import { describeClient } from './which-server.js';

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

/** Whether nobody answered, so that no other way to log in can help. */
export function isUnreachable(code: string | undefined): boolean {
  return UNREACHABLE[code ?? ''] !== undefined;
}

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
    const ended = endedServer(config, error);
    if (ended !== undefined) return ended;
    return new EdpError('database_unreachable', `no database at ${where}: ${unreachable}`, {
      hint:
        config.remedy ??
        'check host and port, or leave out --database-url (and DATABASE_URL, PG*, POSTGRES_USER) to use the embedded server',
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
    case TOO_MANY_CONNECTIONS:
      return new EdpError('database_refused', `${where} has no connection left`, {
        hint: 'lower --process-count, or raise max_connections of the server',
        cause: error,
      });
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isAnswer(code)) {
    return new EdpError('database_refused', `${where} refused the connection: ${message}`, {
      hint: 'edp doctor finds out why, and prints what mends it',
      cause: error,
    });
  }
  return new EdpError('database_unreachable', `cannot connect to ${where}: ${message}`, {
    hint: config.remedy ?? 'check the database URL and that the server is up',
    cause: error,
  });
}

/** Whether the server has said no: missing rights (42), no connections for anybody (55). Others may pass by themselves. */
function isAnswer(code = ''): boolean {
  return /^(42|55)[0-9A-Z]{3}$/.test(code);
}

/** A command starts the embedded server that it needs, so one that does not answer has ended since. */
function endedServer({ host = '' }: ConnectionConfig, cause: unknown): EdpError | undefined {
  const logFile = path.join(host, LOG_NAME);
  if (!path.isAbsolute(host) || !existsSync(logFile)) return undefined;
  const reason = endOfServer(readFileSync(logFile, 'utf8'));
  return new EdpError('database_unreachable', `the embedded PostgreSQL has ended: ${reason}`, {
    hint: `see ${logFile}; then run the same command again`,
    cause,
  });
}

export function withoutTls(error: unknown, config: ConnectionConfig): EdpError {
  const where = describeClient(config);
  return new EdpError('database_refused', `${where} offers no TLS, which sslmode asks for`, {
    hint: 'turn TLS on in the server (ssl = on), or use sslmode=prefer where the network is trusted',
    cause: error,
  });
}
