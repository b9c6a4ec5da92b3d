/** Whether the server answers, and lets edp in. */

import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { quoteIdentifier } from '../model/ddl.js';
import { TOO_MANY_CONNECTIONS } from '../postgres/sqlstate.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { toUrl } from '../postgres/which-server.js';
import { advice, command, type Finding, type Mend, sql } from './finding.js';

/** The checks that an error of the connection is a finding of, for docs/doctor.md, too. */
export const CONNECTION_CHECKS = {
  'server-address': {
    looksAt: 'the address of the server: a URL that can be read',
    why: 'no command reaches a database',
    mends: 'the URL',
  },
  'server-unreachable': {
    looksAt: 'whether the server answers',
    why: 'no command reaches a database',
    mends: 'the server, its address, or the network',
  },
  'login-refused': {
    looksAt: 'whether the server takes user and password, and the encryption',
    why: 'no command reaches a database',
    mends: 'user, password, or sslmode',
  },
  'database-missing': {
    looksAt: 'whether the server has the database',
    why: 'no command reaches a database',
    mends: '`CREATE DATABASE`',
  },
  'no-connection-left': {
    looksAt: 'whether the server has a connection left',
    why: 'a command waits a minute for one, and fails',
    mends: 'fewer workers, or more connections',
  },
  'embedded-server': {
    looksAt: 'whether the embedded server can be installed and started',
    why: 'no command reaches a database',
    mends: 'what the message says',
  },
} as const;

type ConnectionCheck = keyof typeof CONNECTION_CHECKS;

/** @param config where it was tried; undefined for the embedded server */
export function explainConnection(error: unknown, config: ConnectionConfig | undefined): Finding {
  const { check, mend } = classify(error, config);
  const { message, cause } = error as { message: string; cause?: ServerAnswer };
  const hint = error instanceof EdpError && error.hint !== undefined ? [advice(error.hint)] : [];
  // Which of its limits is reached, only the server says.
  const isFull = check === 'no-connection-left' && cause?.message !== undefined;
  return {
    check,
    severity: 'error',
    problem: isFull ? `${message}: ${cause.message}` : message,
    why: CONNECTION_CHECKS[check].why,
    mend: mend.length > 0 ? mend : hint,
  };
}

/** An error that the server sent. */
interface ServerAnswer {
  readonly code?: string;
  readonly message?: string;
  /** The function of the server that sent it: the message is in the server's language. */
  readonly routine?: string;
}

interface Classified {
  readonly check: ConnectionCheck;
  /** Where it is empty, the hint of the error is the mend. */
  readonly mend: readonly Mend[];
}

function classify(error: unknown, config: ConnectionConfig | undefined): Classified {
  const code = error instanceof EdpError ? error.code : undefined;
  const { cause } = error as { cause?: ServerAnswer };
  if (code === 'config') return { check: 'server-address', mend: [] };
  if (code === 'embedded_failed') return { check: 'embedded-server', mend: [] };
  if (config === undefined) return { check: 'embedded-server', mend: [] };
  const answered = classifyAnswer(cause ?? {}, config);
  if (answered !== undefined) return answered;
  if (code === 'database_refused') return { check: 'login-refused', mend: [] };
  const isSilent = cause !== undefined && cause.code === undefined && !('errors' in cause);
  return { check: 'server-unreachable', mend: isSilent ? [SILENT] : [] };
}

const SILENT = advice(
  'what listens there does not answer as PostgreSQL does: check host and port, and what is between (a firewall, a proxy, a tunnel)',
);
const ELSEWHERE = 'a superuser, in another database';

/** @returns undefined where the code says nothing that the error does not */
function classifyAnswer(
  { code = '', routine }: ServerAnswer,
  config: ConnectionConfig,
): Classified | undefined {
  const role = quoteIdentifier(config.user ?? '');
  const database = quoteIdentifier(config.database ?? '');
  const ofDatabase = routine === 'CheckMyDatabase';
  switch (code) {
    case '3D000':
      return { check: 'database-missing', mend: makeDatabase(config) };
    case TOO_MANY_CONNECTIONS:
      return {
        check: 'no-connection-left',
        mend: ofDatabase
          ? [sql(`ALTER DATABASE ${database} CONNECTION LIMIT -1;`, ELSEWHERE)]
          : routine === 'InitializeSessionUserId'
            ? [sql(`ALTER ROLE ${role} CONNECTION LIMIT -1;`, 'a superuser')]
            : [],
      };
    case '28P01':
      return {
        check: 'login-refused',
        mend: [
          advice('check user and password (the URL, PGUSER and PGPASSWORD, or ~/.pgpass)'),
          advice(
            `or the password has expired, which the server does not say; a superuser: ALTER ROLE ${role} VALID UNTIL 'infinity';`,
          ),
        ],
      };
    case '28000':
      return {
        check: 'login-refused',
        mend: [
          advice(
            `let the server take the role, as its message says: ALTER ROLE ${role} LOGIN; or CREATE ROLE; or a line of pg_hba.conf, or sslmode`,
          ),
        ],
      };
    case '42501':
      if (!ofDatabase) return { check: 'login-refused', mend: [SETTINGS] };
      return {
        check: 'login-refused',
        mend: [
          sql(`GRANT CONNECT ON DATABASE ${database} TO ${role};`, 'the owner of the database'),
        ],
      };
    case '55000':
      if (!ofDatabase) return { check: 'login-refused', mend: [SETTINGS] };
      return {
        check: 'login-refused',
        mend: [sql(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true;`, ELSEWHERE)],
      };
  }
  // A server that starts or stops is none to log in to; 08: what is in between.
  if (!/^[0-9A-Z]{5}$/.test(code) || /^(57P|08)/.test(code)) return undefined;
  return { check: 'login-refused', mend: [SETTINGS] };
}

const SETTINGS = advice(
  'the server answers, and ends the session: likely a setting of the role or the database, which ALTER ROLE … RESET or ALTER DATABASE … RESET takes back. These are all: SELECT setrole::regrole, setdatabase, setconfig FROM pg_db_role_setting;',
);

function makeDatabase(config: ConnectionConfig): readonly Mend[] {
  const { database = '', password, ...rest } = config;
  const url = toShellWord(toUrl({ ...rest, database: 'postgres' }));
  const statement = toShellWord(
    `CREATE DATABASE ${quoteIdentifier(database)} ENCODING 'UTF8' TEMPLATE template0`,
  );
  const by =
    password === undefined
      ? undefined
      : 'whoever may make databases, with the password in PGPASSWORD';
  return [
    command(
      `edp db psql --database-url ${url} -c ${statement}`,
      by ?? 'a role that may make databases',
    ),
  ];
}
