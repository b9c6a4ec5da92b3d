/** Settings of the server. */
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import type { Served } from './context.js';
import { advice, type Check, type Found, line, type Mend, sql } from './finding.js';

const SUPERUSER = 'a superuser';
const MB = 1024 * 1024;

const setting = (name: string, value: string): Mend =>
  sql(`ALTER SYSTEM SET ${name} = ${quoteLiteral(value)};`, SUPERUSER);
const reload = sql('SELECT pg_reload_conf();', SUPERUSER);
const restart = advice('then restart the server');

interface Setting {
  readonly name: string;
  readonly setting: string;
  readonly unit: string | null;
  readonly reset_val: string;
}

async function read(
  { client }: Served,
  names: readonly string[],
): Promise<ReadonlyMap<string, Setting>> {
  const { rows } = await client.query<Setting>(
    'SELECT name, setting, unit, reset_val FROM pg_settings WHERE name = ANY ($1::text[])',
    [names],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

/** @returns undefined for a setting without bytes */
function bytesOf({ setting: value, unit }: Setting): number {
  const units: Readonly<Record<string, number>> = { '8kB': 8192, kB: 1024, MB, B: 1 };
  return Number(value) * (units[unit ?? ''] ?? 1);
}

const version: Check<Served> = {
  name: 'server-version',
  severities: ['error', 'warning'],
  looksAt: 'the version of PostgreSQL',
  why: 'edp is tested with PostgreSQL 14 to 18, and refuses what is older',
  mends: 'another PostgreSQL',
  look({ version: number }) {
    const major = Math.floor(number / 10_000);
    if (major >= 14 && major <= 18) return [];
    return [
      {
        severity: major < 14 ? 'error' : 'warning',
        problem: `the server is PostgreSQL ${major}`,
        mend: [advice('use a server of PostgreSQL 14 to 18')],
      },
    ];
  },
};

const crashSafety: Check<Served> = {
  name: 'crash-safety',
  severities: ['error'],
  looksAt: 'fsync and full_page_writes',
  why: 'after a power failure the database may be corrupt, and the ledger says that rows are there which are not',
  mends: 'both on',
  async look(served) {
    const settings = await read(served, ['fsync', 'full_page_writes']);
    return [...settings.values()]
      .filter((one) => one.setting === 'off')
      .map(({ name }) => ({
        severity: 'error',
        problem: `${name} is off`,
        mend: [setting(name, 'on'), reload],
      }));
  },
};

const readOnly: Check<Served> = {
  name: 'read-only',
  severities: ['error'],
  looksAt: 'whether the server is a standby, or transactions are read-only by default',
  why: 'nothing can be loaded',
  mends: 'the primary, or the setting',
  async look({ client, role, database }) {
    const { rows } = await client.query<{
      standby: boolean;
      readonly: boolean;
      per_role: boolean;
      per_database: boolean;
    }>(
      `SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only')::boolean AS readonly,
         EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                 AND setdatabase = 0 AND 'default_transaction_read_only=on' = ANY (setconfig)) AS per_role,
         EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = 0
                 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND 'default_transaction_read_only=on' = ANY (setconfig)) AS per_database`,
    );
    const { standby, readonly, per_role, per_database } = rows[0]!;
    if (standby) {
      return [
        {
          severity: 'error',
          problem: 'the server is a standby: it can only be read',
          mend: [advice('name the primary in the database URL')],
        },
      ];
    }
    if (!readonly) return [];
    // In the same session: the statement behind it would be refused, too.
    const first = sql('SET default_transaction_read_only = off;');
    const mend = per_role
      ? [sql(`ALTER ROLE ${role} RESET default_transaction_read_only;`)]
      : per_database
        ? [
            sql(
              `ALTER DATABASE ${database} RESET default_transaction_read_only;`,
              'the owner of the database',
            ),
          ]
        : [setting('default_transaction_read_only', 'off'), reload];
    return [
      {
        severity: 'error',
        problem: 'transactions are read-only by default',
        mend: [first, ...mend],
      },
    ];
  },
};

/** For loads, more gains nothing that could be measured. */
const ENOUGH_BUFFERS = 2048 * MB;

const slowLoads: Check<Served> = {
  name: 'settings-that-slow-loads',
  severities: ['warning', 'note'],
  looksAt:
    'max_wal_size, shared_buffers, maintenance_work_mem, synchronous_commit, log_statement. Not of the embedded server, for which edp sets them',
  why: 'loads write much, and build indexes: with these settings they wait more than they must',
  mends: '`ALTER SYSTEM`',
  async look(served) {
    if (served.isEmbedded) return [];
    const { machine, isLocal } = served;
    const settings = await read(served, [
      'max_wal_size',
      'shared_buffers',
      'maintenance_work_mem',
      'synchronous_commit',
      'log_statement',
    ]);
    const found: Found[] = [];
    const of = (name: string) => settings.get(name)!;
    const wal = bytesOf(of('max_wal_size'));
    if (wal <= 1024 * MB) {
      found.push({
        severity: wal < 1024 * MB ? 'warning' : 'note',
        problem: `max_wal_size is ${showMb(wal)}: a load makes the server write out all changed pages again and again`,
        mend: [setting('max_wal_size', '4GB'), reload],
      });
    }
    const buffers = bytesOf(of('shared_buffers'));
    const wanted = Math.min(ENOUGH_BUFFERS, machine.memoryBytes / 4);
    if (buffers <= 128 * MB && wanted > 2 * buffers) {
      const value = isLocal ? `${Math.floor(wanted / MB)}MB` : '1GB';
      const memory = isLocal ? `, of ${showMb(machine.memoryBytes)} of memory` : '';
      found.push({
        severity: isLocal ? 'warning' : 'note',
        problem: `shared_buffers is ${showMb(buffers)}${memory}`,
        mend: [setting('shared_buffers', value), restart],
      });
    }
    if (bytesOf(of('maintenance_work_mem')) <= 64 * MB) {
      found.push({
        severity: 'note',
        problem: `maintenance_work_mem is ${showMb(bytesOf(of('maintenance_work_mem')))}: indexes are built in many passes`,
        mend: [setting('maintenance_work_mem', '512MB'), reload],
      });
    }
    if (of('synchronous_commit').setting === 'remote_apply') {
      found.push({
        severity: 'note',
        problem:
          'synchronous_commit is remote_apply: each split waits until standbys show its rows',
        mend: [setting('synchronous_commit', 'on'), reload],
      });
    }
    if (of('log_statement').setting === 'all') {
      found.push({
        severity: 'note',
        problem:
          'log_statement is all: each statement, and values in it, go to the log of the server',
        mend: [setting('log_statement', 'ddl'), reload],
      });
    }
    return found;
  },
};

function showMb(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`;
}

const autovacuum: Check<Served> = {
  name: 'autovacuum',
  severities: ['warning'],
  looksAt: 'autovacuum and track_counts, of the server and of the tables of the project',
  why: 'tables grow and plans get worse, until the server refuses to write to save its transaction ids',
  mends: '`ALTER SYSTEM`, `ALTER TABLE`',
  async look(served) {
    const settings = await read(served, ['autovacuum', 'track_counts']);
    const { rows } = await served.client.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE oid = ANY ($1::oid[]) AND reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off', 'autovacuum_enabled=0']`,
      [served.tables.map(({ oid }) => oid)],
    );
    return [
      ...[...settings.values()]
        .filter((one) => one.setting === 'off')
        .map(
          ({ name }): Found => ({
            severity: 'warning',
            problem: `${name} is off`,
            mend: [setting(name, 'on'), reload],
          }),
        ),
      ...rows.map(
        ({ name }): Found => ({
          severity: 'warning',
          problem: `autovacuum is off for table ${name}`,
          mend: [sql(`ALTER TABLE ${name} RESET (autovacuum_enabled);`, 'the owner of the table')],
        }),
      ),
    ];
  },
};

/** edp turns them off in each of its sessions. */
export const TIME_LIMITS = [
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'transaction_timeout',
  'idle_session_timeout',
] as const;

const timeLimits: Check<Served> = {
  name: 'time-limits',
  severities: ['error'],
  looksAt: `${TIME_LIMITS.join(', ')}, as the sessions of edp have them`,
  why: 'a load may take longer, and would be cut off again and again',
  mends: 'a connection without the pooler that keeps settings from the server',
  look: ({ limits }) =>
    limits.map(({ name, value }) => ({
      severity: 'error',
      problem: `${name} is ${value}, though edp turns it off in each session`,
      mend: [
        advice('connect to the server itself, or let the pooler keep sessions (session mode)'),
      ],
    })),
};

const encoding: Check<Served> = {
  name: 'database-encoding',
  severities: ['warning'],
  looksAt: 'the encoding of the database',
  why: 'values with characters that the database lacks are rejects',
  mends: 'a database with UTF8',
  async look({ client, role }) {
    const { rows } = await client.query<{ encoding: string; name: string }>(
      "SELECT current_setting('server_encoding') AS encoding, current_database() AS name",
    );
    const { encoding: found, name } = rows[0]!;
    if (found === 'UTF8') return [];
    return [
      {
        severity: 'warning',
        problem: `the encoding of the database is ${found}, and not UTF8`,
        mend: [
          sql(
            `CREATE DATABASE ${quoteIdentifier(`${name}_utf8`)} OWNER ${role} ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0;`,
            'a role that may make databases',
          ),
          advice(`name ${name}_utf8 in the database URL, and load the files there`),
        ],
      },
    ];
  },
};

const encryption: Check<Served> = {
  name: 'encryption',
  severities: ['warning'],
  looksAt: 'whether the connection to another machine is encrypted',
  why: 'whoever is on the way reads the password and all data',
  mends: '`sslmode=verify-full`',
  async look({ client, isLocal }) {
    if (isLocal) return [];
    const { rows } = await client.query<{ ssl: boolean }>(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    if (rows[0]?.ssl !== false) return [];
    return [
      {
        severity: 'warning',
        problem: 'the connection to another machine is not encrypted',
        mend: [
          advice('turn TLS on in the server (ssl = on), and add ?sslmode=verify-full to the URL'),
        ],
      },
    ];
  },
};

const room: Check<Served> = {
  name: 'connections',
  severities: ['warning'],
  looksAt:
    'the connections that the server, the database and the role have left, and the workers of a load',
  why: 'workers without a connection wait, and a load without any fails',
  mends: 'fewer workers, or more connections',
  async look({ client, processCount, role, database }) {
    const { rows } = await client.query<Room>(ROOM);
    const needed = processCount + OWN_CONNECTIONS;
    return rows
      .filter(({ free }) => free < needed)
      .map(({ scope, free, most, limit }) => {
        const workers = free - OWN_CONNECTIONS;
        const raised = limit + needed - free;
        const more =
          scope === 'role'
            ? sql(`ALTER ROLE ${role} CONNECTION LIMIT ${raised};`, SUPERUSER)
            : scope === 'database'
              ? sql(
                  `ALTER DATABASE ${database} CONNECTION LIMIT ${raised};`,
                  'the owner of the database',
                )
              : setting('max_connections', String(raised));
        const last = scope === 'server' ? [restart] : [];
        return {
          severity: 'warning',
          problem: `the ${scope} has ${Math.max(0, free)} of ${most} connections left, and ${processCount} workers need ${needed}`,
          mend: [
            more,
            ...last,
            ...(workers >= 1
              ? [advice('or use fewer workers:'), line(`process-count: ${workers}`)]
              : []),
          ],
        };
      });
  },
};

/** Of a load, beside one for each worker. */
const OWN_CONNECTIONS = 4;

interface Room {
  readonly scope: 'server' | 'database' | 'role';
  readonly free: number;
  /** Some of the limit may be reserved for superusers. */
  readonly most: number;
  readonly limit: number;
}

/** The session that asks is counted as free. */
const ROOM = `WITH clients AS (
    SELECT datname, usename FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL
      AND (backend_type IS NULL OR backend_type = 'client backend')),
  limits AS (
    SELECT 'server' AS scope, (SELECT count(*) FROM clients)::int AS used,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0) AS most,
      current_setting('max_connections')::int AS "limit"
    UNION ALL
    SELECT 'database', (SELECT count(*) FROM clients WHERE datname = current_database())::int, datconnlimit, datconnlimit
    FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0
    UNION ALL
    SELECT 'role', (SELECT count(*) FROM clients WHERE usename = current_user)::int, rolconnlimit, rolconnlimit
    FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0 AND NOT rolsuper)
  SELECT scope, most, most - used AS free, "limit" FROM limits`;

export const SETTINGS_CHECKS: readonly Check<Served>[] = [
  version,
  readOnly,
  crashSafety,
  slowLoads,
  autovacuum,
  timeLimits,
  encoding,
  encryption,
  room,
];
