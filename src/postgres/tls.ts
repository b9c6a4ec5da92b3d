/**
 * TLS as in libpq: `sslmode` and its files, from the URL or from PGSSL* variables.
 *
 * pg differs from libpq (its `require` verifies, it has no `prefer`, it looks for no files), so edp
 * gives it exact settings for each attempt at a connection. Settings are plain data, since they go
 * to threads.
 * https://www.postgresql.org/docs/current/libpq-ssl.html
 */
import { constants, existsSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { Environment } from './passfile.js';

export const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
] as const;

export type SslMode = (typeof SSL_MODES)[number];

export interface TlsSettings {
  readonly mode: SslMode;
  /** Trusted authorities: a file, or the word `system`. */
  readonly rootCert: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly revoked: string | undefined;
  readonly minVersion: string | undefined;
  readonly isDirect: boolean;
  /** The name that the certificate must have, where it is not the address connected to. */
  readonly serverName: string | undefined;
}

/** A configuration of pg, and edp's own settings. */
export type ConnectionConfig = pg.ClientConfig & {
  readonly tls?: TlsSettings;
  /** Why no password was found. The message says it if the server asks for one. */
  readonly passwordNote?: string;
  /** How long a statement may be without an answer before edp asks about it. */
  readonly silenceMs?: number;
  /** Run of the command that the session belongs to. */
  readonly runId?: number;
  /** What to check where nobody answers; what says where the warehouse is by default. */
  readonly remedy?: string;
};

/** The parameters of a URL that concern TLS, each with the environment variable for it. */
export const TLS_PARAMETERS = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslcrl: 'PGSSLCRL',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  sslnegotiation: 'PGSSLNEGOTIATION',
} as const;

export type TlsParameter = keyof typeof TLS_PARAMETERS;

const SYSTEM_ROOTS = 'system';
/** libpq's directory for a user's files. */
const USER_DIRECTORY = '.postgresql';

/**
 * @param given parameters of the URL
 * @throws EdpError `config` for a value that libpq would refuse, too
 */
export function resolveTls(
  given: Readonly<Partial<Record<TlsParameter, string>>>,
  environment: Environment,
  serverName?: string,
): TlsSettings {
  const setting = (name: TlsParameter) => {
    const variable = TLS_PARAMETERS[name];
    return given[name] || (variable && environment[variable]) || undefined;
  };
  const inHome = (name: string) => {
    const file = path.join(environment.HOME ?? os.homedir(), USER_DIRECTORY, name);
    return existsSync(file) ? file : undefined;
  };
  const isSystem = setting('sslrootcert') === SYSTEM_ROOTS;
  const mode = setting('sslmode') ?? (isSystem ? 'verify-full' : 'prefer');
  if (!isSslMode(mode)) {
    throw new EdpError('config', `sslmode "${mode}" does not exist`, {
      hint: `the modes are ${SSL_MODES.join(', ')}`,
    });
  }
  if (isSystem && mode !== 'verify-full') {
    throw new EdpError('config', `sslmode ${mode} is too weak for sslrootcert=system`, {
      hint: 'use sslmode=verify-full: anyone can have a certificate of a public authority',
    });
  }
  const negotiation = setting('sslnegotiation') ?? 'postgres';
  if (negotiation !== 'postgres' && negotiation !== 'direct') {
    throw new EdpError('config', `sslnegotiation "${negotiation}" does not exist`, {
      hint: 'use postgres or direct',
    });
  }
  if (negotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw new EdpError('config', `sslmode ${mode} is too weak for sslnegotiation=direct`, {
      hint: 'use sslmode=require or stronger',
    });
  }
  return {
    mode,
    rootCert: setting('sslrootcert') ?? inHome('root.crt'),
    cert: setting('sslcert') ?? inHome('postgresql.crt'),
    key: setting('sslkey') ?? inHome('postgresql.key'),
    keyPassword: setting('sslpassword'),
    revoked: setting('sslcrl') ?? inHome('root.crl'),
    minVersion: setting('ssl_min_protocol_version'),
    isDirect: negotiation === 'direct',
    serverName,
  };
}

function isSslMode(mode: string): mode is SslMode {
  return (SSL_MODES as readonly string[]).includes(mode);
}

/**
 * The ways to connect, tried one after the other until one works: with some kind of TLS, or
 * without.
 */
export function tlsAttempts({ host, ssl, tls }: ConnectionConfig): pg.ClientConfig['ssl'][] {
  // Without settings of edp, pg's configuration decides.
  if (tls === undefined) return [ssl];
  // A socket of the same machine is never encrypted.
  if (host?.startsWith('/')) return [false];
  switch (tls.mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, optionsFor(tls)];
    case 'prefer':
      return [optionsFor(tls), false];
    default:
      return [optionsFor(tls)];
  }
}

/** @throws EdpError `config` for files that are missing or unsafe */
function optionsFor(tls: TlsSettings): ConnectionOptions {
  const { mode, rootCert, cert, key, revoked, minVersion } = tls;
  const isSystem = rootCert === SYSTEM_ROOTS;
  const verifies = mode === 'verify-ca' || mode === 'verify-full';
  if (verifies && (rootCert === undefined || !(isSystem || existsSync(rootCert)))) {
    const where = rootCert ?? path.join('~', USER_DIRECTORY, 'root.crt');
    throw new EdpError(
      'config',
      `sslmode ${mode} needs trusted authorities: there is no ${where}`,
      {
        hint: 'name a file with sslrootcert (or PGSSLROOTCERT), or take those of the system: sslrootcert=system',
      },
    );
  }
  // In libpq, `require` with a root certificate means `verify-ca`.
  const checksChain =
    verifies || (mode === 'require' && rootCert !== undefined && existsSync(rootCert));
  const options: ConnectionOptions = {
    rejectUnauthorized: checksChain,
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(minVersion === undefined ? {} : { minVersion: minVersion as SecureVersion }),
  };
  if (checksChain && !isSystem) options.ca = readPem(rootCert!, 'sslrootcert');
  if (checksChain && revoked !== undefined && existsSync(revoked)) {
    options.crl = readPem(revoked, 'sslcrl');
  }
  if (cert !== undefined && existsSync(cert)) {
    if (key === undefined || !existsSync(key)) {
      throw new EdpError('config', `certificate ${cert} has no private key`, {
        hint: 'name its file with sslkey (or PGSSLKEY)',
      });
    }
    assertPrivate(key);
    options.cert = readPem(cert, 'sslcert');
    options.key = readPem(key, 'sslkey');
    if (tls.keyPassword !== undefined) options.passphrase = tls.keyPassword;
  }
  return options;
}

function readPem(file: string, parameter: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new EdpError(
      'config',
      `${parameter}: ${file} cannot be read: ${(error as Error).message}`,
      {
        hint: 'check the path and its permissions',
        cause: error,
      },
    );
  }
}

/** As in libpq: 0600 or less for a file of this user, 0640 or less for one of root. */
function assertPrivate(file: string): void {
  const { mode, uid } = statSync(file);
  const open = uid === 0 && process.getuid?.() !== 0 ? 0o137 : 0o177;
  const others = mode & open & (constants.S_IRWXG | constants.S_IRWXO);
  if (others === 0 || process.platform === 'win32') return;
  throw new EdpError('config', `private key ${file} can be read by others`, {
    hint: `chmod 600 ${file}`,
  });
}

/** Codes of OpenSSL for certificates that do not verify. */
const CERTIFICATE_CODES =
  /^(?:CERT_|ERR_TLS_CERT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|INVALID_CA|CRL_|HOSTNAME_MISMATCH)/;

/**
 * Converts an error of TLS, or returns undefined for another error. The result says what went
 * wrong, and what to do.
 */
export function toTlsError(error: unknown, where: string): EdpError | undefined {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) return undefined;
  if (CERTIFICATE_CODES.test(code)) {
    return new EdpError(
      'database_refused',
      `the certificate of ${where} is not trusted: ${message}`,
      {
        hint: 'name the authority that signed it with sslrootcert, and the host as the certificate does; or ask for less with sslmode',
        cause: error,
      },
    );
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_OSSL') || code === 'EPROTO') {
    return new EdpError('database_refused', `TLS with ${where} failed: ${message}`, {
      hint: 'check sslmode, sslcert, sslkey and ssl_min_protocol_version',
      cause: error,
    });
  }
  return undefined;
}
