/** Whether the server answers, and lets edp in. */

import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { quoteIdentifier } from '../model/ddl.js';
import { TOO_MANY_CONNECTIONS } from '../postgres/sqlstate.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { toUrl } from '../postgres/which-server.js';
import { advice, command, type Finding, type Mend } from './finding.js';

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
  const { message } = error as Error;
  const hint = error instanceof EdpError && error.hint !== undefined ? [advice(error.hint)] : [];
  return {
    check,
    severity: 'error',
    problem: message,
    why: CONNECTION_CHECKS[check].why,
    mend: mend.length > 0 ? mend : hint,
  };
}

function classify(
  error: unknown,
  config: ConnectionConfig | undefined,
): { check: ConnectionCheck; mend: readonly Mend[] } {
  const code = error instanceof EdpError ? error.code : undefined;
  const { cause } = error as { cause?: { code?: string } };
  if (code === 'config') return { check: 'server-address', mend: [] };
  if (code === 'embedded_failed') return { check: 'embedded-server', mend: [] };
  if (config === undefined) return { check: 'embedded-server', mend: [] };
  switch (cause?.code) {
    case '3D000':
      return { check: 'database-missing', mend: makeDatabase(config) };
    case TOO_MANY_CONNECTIONS:
      return { check: 'no-connection-left', mend: [] };
  }
  return { check: code === 'database_refused' ? 'login-refused' : 'server-unreachable', mend: [] };
}

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
