/** Which server is meant, and how it is reached. */
import { resolveServer, type ServerAddress, toUrl } from '../postgres/which-server.js';
import type { Place } from './context.js';
import { type Check, command, type Found, line } from './finding.js';

const LIBPQ_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER'] as const;

const contradiction: Check<Place> = {
  name: 'servers-contradict',
  severities: ['warning'],
  looksAt: 'edp.yaml, DATABASE_URL and the PG* variables, as far as they name a server',
  why: 'edp uses the first of them, other tools use another one: both look at different data',
  mends: 'one of them',
  look({ databaseUrl, urlOrigin, environment, address }) {
    const found: Found[] = [];
    const { DATABASE_URL } = environment;
    if (address?.kind !== 'server') return found;
    if (databaseUrl !== undefined && DATABASE_URL) {
      const other = read(DATABASE_URL);
      if (other !== undefined && !isSame(address, other)) {
        found.push({
          severity: 'warning',
          problem: `${urlOrigin} and DATABASE_URL name different servers; edp uses that of ${urlOrigin}`,
          mend: [command('unset DATABASE_URL')],
        });
      }
    }
    const { PGHOST, PGDATABASE } = environment;
    const { host, database } = address.client;
    const differs = (given: string | undefined, used: string | undefined) =>
      given !== undefined && given !== '' && used !== undefined && given !== used;
    const hasUrl = databaseUrl !== undefined || Boolean(DATABASE_URL);
    if (hasUrl && (differs(PGHOST, host ?? undefined) || differs(PGDATABASE, database))) {
      const set = LIBPQ_VARIABLES.filter((name) => environment[name]);
      found.push({
        severity: 'warning',
        problem: `${set.join(', ')} and ${urlOrigin ?? 'DATABASE_URL'} name different servers; edp uses that of ${urlOrigin ?? 'DATABASE_URL'}`,
        mend: [command(`unset ${set.join(' ')}`)],
      });
    }
    return found;
  },
};

function read(url: string): ServerAddress | undefined {
  try {
    return resolveServer(url, {});
  } catch {
    return undefined;
  }
}

function isSame(a: ServerAddress, b: ServerAddress): boolean {
  if (a.kind !== 'server' || b.kind !== 'server') return a.kind === b.kind;
  const { password: _, ...one } = a.client;
  const { password: __, ...other } = b.client;
  return toUrl(one) === toUrl(other);
}

const unusedPassword: Check<Place> = {
  name: 'postgres-variables',
  severities: ['note'],
  looksAt: 'POSTGRES_USER and POSTGRES_PASSWORD beside another address',
  why: 'edp uses them only where nothing else names a server',
  mends: 'no such variables, or a URL',
  look({ environment, address }) {
    if (!environment.POSTGRES_USER || address?.kind !== 'server') return [];
    if (address.origin === 'POSTGRES_USER') return [];
    return [
      {
        severity: 'note',
        problem: `POSTGRES_USER is set, and edp uses the server of ${address.origin}`,
        mend: [
          command('unset POSTGRES_USER POSTGRES_PASSWORD'),
          line(`database-url: \${DATABASE_URL}`),
        ],
      },
    ];
  },
};

export const ADDRESS_CHECKS: readonly Check<Place>[] = [contradiction, unusedPassword];
