/** Failed connections, by their codes: what happened, where, and what to do. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { quoteIdentifier } from '../model/ddl.js';
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
  const remedy = REMEDIES[code ?? ''];
  if (remedy !== undefined) {
    const { routine } = error as { readonly routine?: string };
    return new EdpError('database_refused', `${where} refused the connection: ${message}`, {
      hint: remedy(config, routine),
      cause: error,
    });
  }
  return new EdpError('database_unreachable', `cannot connect to ${where}: ${message}`, {
    hint: config.remedy ?? 'check the database URL and that the server is up',
    cause: error,
  });
}

/** @param routine the function of the server that said no; a pooler names none */
type Remedy = (config: ConnectionConfig, routine: string | undefined) => string;

/** The function of the server that decides who may use a database. */
const OF_DATABASE = 'CheckMyDatabase';
const isOfDatabase = (routine: string | undefined) =>
  routine === undefined || routine === OF_DATABASE;

const SETTING =
  'correct the setting that the message names: in options= of the URL, in PGOPTIONS, or by ALTER ROLE … RESET or ALTER DATABASE … RESET. These are all: SELECT setrole::regrole, setdatabase, setconfig FROM pg_db_role_setting;';
const onSetting: Remedy = () => SETTING;
const onLogin: Remedy = ({ database = '' }) =>
  `a function that runs at each login fails: correct it, or let a superuser turn its trigger off: PGOPTIONS='-c event_triggers=off' psql ${toShellWord(database)}, then ALTER EVENT TRIGGER … DISABLE; SELECT evtname FROM pg_event_trigger WHERE evtevent = 'login'; names it`;

/** By SQLSTATE: the server has answered, and will say the same again. What passes by itself is not here. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  // insufficient_privilege
  '42501': ({ database = '', user = '' }, routine) =>
    isOfDatabase(routine)
      ? `let the owner of the database grant it: GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(user)};`
      : SETTING,
  // object_not_in_prerequisite_state
  '55000': ({ database = '' }, routine) =>
    isOfDatabase(routine)
      ? `let a superuser open it, in another database: ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS true;`
      : SETTING,
  // cant_change_runtime_param, invalid_parameter_value, undefined_object, syntax_error
  '55P02': onSetting,
  '22023': onSetting,
  '42704': onSetting,
  '42601': onSetting,
  // undefined_table, undefined_column, undefined_function, raise_exception
  '42P01': onLogin,
  '42703': onLogin,
  '42883': onLogin,
  P0001: onLogin,
};

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
