/**
 * Which PostgreSQL to use (DESIGN §5): `--database-url`, else DATABASE_URL, else libpq's PG*
 * variables, else POSTGRES_USER/POSTGRES_PASSWORD, else the embedded server.
 */
import type { ClientConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { EdpError } from '../errors.js';

export type DatabaseTarget =
  | { readonly kind: 'server'; readonly client: ClientConfig; readonly origin: string }
  | { readonly kind: 'embedded' };

type Environment = Readonly<Record<string, string | undefined>>;

const LIBPQ_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGSERVICE'];

/**
 * @param url value of `--database-url`, or of edp.yaml
 * @throws EdpError `config` where a URL cannot be read; the message never repeats the URL, since it
 *   may hold a password
 */
export function resolveTarget(url: string | undefined, environment: Environment): DatabaseTarget {
  if (url !== undefined) return fromUrl(url, '--database-url');
  if (environment.DATABASE_URL) return fromUrl(environment.DATABASE_URL, 'DATABASE_URL');
  if (LIBPQ_VARIABLES.some((name) => environment[name])) {
    return { kind: 'server', client: {}, origin: 'PG* variables' };
  }
  if (environment.POSTGRES_USER) {
    return {
      kind: 'server',
      client: {
        host: 'localhost',
        user: environment.POSTGRES_USER,
        password: environment.POSTGRES_PASSWORD,
        database: 'edp',
      },
      origin: 'POSTGRES_USER',
    };
  }
  return { kind: 'embedded' };
}

function fromUrl(url: string, origin: string): DatabaseTarget {
  try {
    if (!/^postgres(ql)?:\/\//.test(url)) throw new TypeError('not a postgresql:// URL');
    return { kind: 'server', client: parseIntoClientConfig(url), origin };
  } catch (error) {
    const reason =
      error instanceof TypeError ? 'not a postgresql:// URL' : (error as Error).message;
    throw new EdpError('config', `the database URL of ${origin} cannot be read: ${reason}`, {
      hint: 'write it as postgresql://user:password@host:5432/database',
    });
  }
}

/** How the target is called in messages. Never holds a password. */
export function describeClient(client: ClientConfig): string {
  const host = client.host ?? process.env.PGHOST ?? 'localhost';
  const port = client.port ?? process.env.PGPORT ?? 5432;
  const database =
    client.database ?? process.env.PGDATABASE ?? client.user ?? process.env.PGUSER ?? '';
  return host.startsWith('/') ? `${host} (database ${database})` : `${host}:${port}/${database}`;
}
