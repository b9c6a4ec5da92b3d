/**
 * Which PostgreSQL to use: `--database-url`, else DATABASE_URL, else libpq's PG* variables, else
 * POSTGRES_USER/POSTGRES_PASSWORD, else the embedded server.
 */
import os from 'node:os';
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

function fromUrl(url: string, origin: string, environment: Environment): ServerAddress {
  const { bare, tls } = splitTlsParameters(url);
  let client: ConnectionConfig;
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new TypeError('not a postgresql:// URL');
    client = parseIntoClientConfig(bare);
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

/**
 * Takes the parameters for TLS out of the URL: edp handles them, and pg would read them
 * differently.
 */
function splitTlsParameters(url: string): {
  bare: string;
  tls: Partial<Record<TlsParameter, string>>;
} {
  const start = url.indexOf('?');
  if (start < 0) return { bare: url, tls: {} };
  const parameters = new URLSearchParams(url.slice(start + 1));
  const tls: Partial<Record<TlsParameter, string>> = {};
  for (const name of Object.keys(TLS_PARAMETERS) as TlsParameter[]) {
    const value = parameters.get(name);
    if (value !== null) tls[name] = value;
    parameters.delete(name);
  }
  const query = parameters.toString();
  return { bare: url.slice(0, start) + (query === '' ? '' : `?${query}`), tls };
}

function toServer(
  client: ConnectionConfig,
  tls: Partial<Record<TlsParameter, string>>,
  origin: string,
  environment: Environment,
): ServerAddress {
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

/** The name of the server in messages. Never holds a password. */
export function describeClient(client: ConnectionConfig): string {
  const host = client.host || process.env.PGHOST || 'localhost';
  const port = client.port ?? process.env.PGPORT ?? 5432;
  const database =
    client.database || process.env.PGDATABASE || client.user || process.env.PGUSER || '';
  return host.startsWith('/') ? `${host} (database ${database})` : `${host}:${port}/${database}`;
}
