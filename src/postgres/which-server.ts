/**
 * Which PostgreSQL to use: `--database-url`, else DATABASE_URL, else libpq's PG* variables, else
 * POSTGRES_USER/POSTGRES_PASSWORD, else the embedded server.
 */
import os from 'node:os';
import type pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { EdpError } from '../base/errors.js';
import { type Environment, findPassword } from './passfile.js';
import { type ConnectionConfig, resolveTls, TLS_PARAMETERS, type TlsParameter } from './tls.js';

export type ServerAddress =
  | { readonly kind: 'server'; readonly client: ConnectionConfig; readonly origin: string }
  | { readonly kind: 'embedded' };

const LIBPQ_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGSERVICE'];

/**
 * @param url value of `--database-url`, or of edp.yaml
 * @throws EdpError `config` where a URL cannot be read; the message never repeats the URL, since it
 *   may hold a password
 */
export function resolveServer(url: string | undefined, environment: Environment): ServerAddress {
  if (url !== undefined) return fromUrl(url, '--database-url', environment);
  if (environment.DATABASE_URL) {
    return fromUrl(environment.DATABASE_URL, 'DATABASE_URL', environment);
  }
  if (LIBPQ_VARIABLES.some((name) => environment[name])) {
    return toServer({}, {}, 'PG* variables', environment);
  }
  if (environment.POSTGRES_USER) {
    const client = {
      host: 'localhost',
      user: environment.POSTGRES_USER,
      password: environment.POSTGRES_PASSWORD,
      database: 'edp',
    };
    return toServer(client, {}, 'POSTGRES_USER', environment);
  }
  return { kind: 'embedded' };
}

/**
 * @param origin how the user gave the URL
 * @throws EdpError `config`, as {@link resolveServer}
 */
export function readUrl(url: string, origin: string, environment: Environment): ConnectionConfig {
  return fromUrl(url, origin, environment).client;
}

function fromUrl(
  url: string,
  origin: string,
  environment: Environment,
): Extract<ServerAddress, { kind: 'server' }> {
  let client: ConnectionConfig;
  let tls: Partial<Record<TlsParameter, string>>;
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new TypeError('not a postgresql:// URL');
    const parts = splitUrl(url);
    tls = parts.tls;
    client = { ...parseIntoClientConfig(parts.bare), ...parts.own };
  } catch (error) {
    const reason =
      error instanceof TypeError ? 'not a postgresql:// URL' : (error as Error).message;
    throw cannotRead(origin, reason);
  }
  // Otherwise part of the password would be read as a host or a database, and appear in messages.
  if (hasStrayPassword(url)) {
    throw cannotRead(origin, 'a / ? # or @ in user or password must be written as %2F %3F %23 %40');
  }
  return toServer(client, tls, origin, environment);
}

function cannotRead(origin: string, reason: string): EdpError {
  return new EdpError('config', `the database URL of ${origin} cannot be read: ${reason}`, {
    hint: 'write it as postgresql://user:password@host:5432/database',
  });
}

function hasStrayPassword(url: string): boolean {
  const rest = url.slice(url.indexOf('//') + 2);
  const authority = /^[^/?#]*/.exec(rest)![0];
  const [beforeQuery = '', query = ''] = rest.slice(authority.length).split(/\?(.*)/s);
  return (
    authority.split('@').length > 2 ||
    beforeQuery.includes('@') ||
    rest.includes('#') ||
    /^[^=]*@/.test(query)
  );
}

/** libpq's: milliseconds until a connection that is not answered counts as broken; 0 for its own. */
const SILENCE_PARAMETER = 'tcp_user_timeout';

interface UrlParts {
  /** What is left for pg, in a form that it reads as libpq does. */
  readonly bare: string;
  readonly tls: Partial<Record<TlsParameter, string>>;
  readonly own: Pick<ConnectionConfig, 'silenceMs' | 'database'>;
}

/**
 * Takes the parameters out of the URL that edp handles: pg would read those for TLS differently.
 *
 * In a URL of libpq only `%` is special: a `+` is a plus, and no blank.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
function splitUrl(url: string): UrlParts {
  const [address = '', query = ''] = url.replaceAll(' ', '%20').split(/\?(.*)/s);
  const tls: Partial<Record<TlsParameter, string>> = {};
  let silence: UrlParts['own'] = {};
  // pg leaves some characters of the name as they are written: `%23`.
  const [, path] = /^[^:]+:\/\/[^/]*\/(.+)/s.exec(address) ?? [];
  let database = path === undefined ? undefined : decodeURIComponent(path);
  const rest: string[] = [];
  for (const parameter of query.split('&').filter((text) => text !== '')) {
    const [name, value] = parameter.split(/=(.*)/s).slice(0, 2).map(decodeURIComponent) as [
      string,
      string | undefined,
    ];
    if (name in TLS_PARAMETERS) tls[name as TlsParameter] ??= value ?? '';
    else if (name === 'dbname') database = value;
    else if (name === SILENCE_PARAMETER) silence = readSilence(value ?? '');
    else rest.push(`${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`);
  }
  const bare = address + (rest.length === 0 ? '' : `?${rest.join('&')}`);
  return { bare, tls, own: { ...silence, ...(database ? { database } : {}) } };
}

function readSilence(value: string): UrlParts['own'] {
  const ms = Number(value);
  if (!/^\d+$/.test(value)) throw new Error(`${SILENCE_PARAMETER} is a number of milliseconds`);
  return ms === 0 ? {} : { silenceMs: ms };
}

function toServer(
  client: ConnectionConfig,
  tls: Partial<Record<TlsParameter, string>>,
  origin: string,
  environment: Environment,
): Extract<ServerAddress, { kind: 'server' }> {
  const { hostaddr, ...named } = client as ConnectionConfig & { hostaddr?: string };
  const address = hostaddr ?? (named.host ? undefined : environment.PGHOSTADDR || undefined);
  const host = named.host || environment.PGHOST || undefined;
  const config: ConnectionConfig = {
    ...named,
    // edp connects to the address; the name is what the certificate must have.
    ...(host === undefined && address === undefined ? {} : { host: address ?? host }),
    tls: resolveTls(tls, environment, address === undefined ? undefined : host),
  };
  if (config.password || environment.PGPASSWORD) return { kind: 'server', client: config, origin };
  const user = config.user || environment.PGUSER || os.userInfo().username;
  const { password, note } = findPassword(
    {
      host: host ?? address ?? 'localhost',
      port: Number(config.port ?? environment.PGPORT ?? 5432),
      database: config.database || environment.PGDATABASE || user,
      user,
    },
    environment,
  );
  const found = password === undefined ? { passwordNote: note } : { password };
  return { kind: 'server', client: { ...config, ...found }, origin };
}

/** A URL that libpq, pg and related programs read back; holds the password, where there is one. */
export function toUrl(client: pg.ClientConfig): string {
  const { host = '', port, user = '', password, database = '' } = client;
  // Slashes need no escape in a query, and a path is easier to read without it.
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%2F', '/');
  if (host.startsWith('/')) {
    const where = port === undefined || port === 5432 ? '' : `&port=${port}`;
    return `postgresql:///${encodeURIComponent(database)}?host=${encode(host)}${where}&user=${encode(user)}`;
  }
  const secret = typeof password === 'string' ? `:${encodeURIComponent(password)}` : '';
  return `postgresql://${encodeURIComponent(user)}${secret}@${host}:${port ?? 5432}/${encodeURIComponent(database)}`;
}

/** The name of the server in messages. Never holds a password. */
export function describeClient(client: ConnectionConfig): string {
  const host = client.host || process.env.PGHOST || 'localhost';
  const port = client.port ?? process.env.PGPORT ?? 5432;
  const database =
    client.database || process.env.PGDATABASE || client.user || process.env.PGUSER || '';
  return host.startsWith('/') ? `${host} (database ${database})` : `${host}:${port}/${database}`;
}
