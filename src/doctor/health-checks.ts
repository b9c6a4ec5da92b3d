/** The state of the server: what blocks it, and what it runs out of. */
import { quoteLiteral } from '../model/ddl.js';
import type { Served } from './context.js';
import { advice, CannotLook, type Check, type Found, sql } from './finding.js';

/** A transaction that does nothing for this long is forgotten. */
const FORGOTTEN_SECONDS = 300;

const IDLE = `SELECT a.pid, coalesce(a.usename, '?')::text AS role, a.application_name AS application,
    extract(epoch FROM now() - a.state_change)::int AS seconds,
    (SELECT count(*) FROM pg_stat_activity w WHERE a.pid = ANY (pg_blocking_pids(w.pid)))::int AS waiting
  FROM pg_stat_activity a
  WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.state LIKE 'idle in transaction%'`;

const blocking: Check<Served> = {
  name: 'blocking-sessions',
  severities: ['warning'],
  looksAt:
    'sessions that are idle in a transaction, and whom they keep waiting; those that work, and keep others waiting for a minute',
  why: 'loads wait for their locks as long as it takes, and nothing is vacuumed meanwhile',
  mends: '`pg_terminate_backend`, `pg_cancel_backend`',
  async look({ client }) {
    const hidden = await client.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity
       WHERE datname = current_database() AND state IS NULL AND backend_type IS NULL`,
    );
    const { rows } = await client.query<Session & { seconds: number; waiting: number }>(IDLE);
    const found = rows
      .filter(({ waiting, seconds }) => waiting > 0 || seconds > FORGOTTEN_SECONDS)
      .map(({ pid, role, application, seconds, waiting }): Found => {
        const whom =
          waiting > 0 ? `, and ${waiting} other${waiting === 1 ? '' : 's'} wait for it` : '';
        return {
          severity: 'warning',
          problem: `${nameSession({ pid, role, application })} is idle in a transaction for ${seconds} s${whom}`,
          mend: [sql(`SELECT pg_terminate_backend(${pid});`, `role ${role}, or a superuser`)],
        };
      });
    const holders = await client.query<Holder>(HOLDERS);
    found.push(...holders.rows.flatMap(judgeHolder));
    if (found.length === 0 && hidden.rows[0]!.count > 0) {
      throw new CannotLook(
        `this role does not see what ${hidden.rows[0]!.count} sessions of other roles do: a superuser may GRANT pg_read_all_stats to it`,
      );
    }
    return found;
  },
};

/** A table that is locked for longer is no moment's work. */
const LONG_SECONDS = 60;

interface Session {
  readonly pid: number;
  readonly role: string;
  /** Empty where it has no name. */
  readonly application: string;
}

function nameSession({ pid, role, application }: Session): string {
  return `session ${pid} (${application === '' ? role : `${role}, ${application}`})`;
}

interface Holder extends Session {
  readonly waiting: number;
  /** How long the first of them has waited. */
  readonly seconds: number;
}

/** Sessions of edp wait for each other when they load the same file: they are none to end. */
const HOLDERS = `SELECT a.pid, coalesce(a.usename, '?')::text AS role, a.application_name AS application,
    count(DISTINCT w.pid)::int AS waiting, extract(epoch FROM now() - min(l.waitstart))::int AS seconds
  FROM pg_locks l
  JOIN pg_stat_activity w ON w.pid = l.pid
  CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b (pid)
  JOIN pg_stat_activity a ON a.pid = b.pid
  WHERE NOT l.granted AND l.waitstart IS NOT NULL AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Lock' AND a.application_name NOT LIKE 'edp %'
  GROUP BY 1, 2, 3 ORDER BY 1`;

export function judgeHolder(holder: Holder): Found[] {
  const { pid, role, waiting, seconds } = holder;
  if (seconds < LONG_SECONDS) return [];
  const others = waiting === 1 ? 'another session waits' : `${waiting} other sessions wait`;
  return [
    {
      severity: 'warning',
      problem: `${nameSession(holder)} is at work, and ${others} for it, for ${seconds} s`,
      mend: [
        advice('wait until it has ended, or end its statement:'),
        sql(`SELECT pg_cancel_backend(${pid});`, `role ${role}, or a superuser`),
      ],
    },
  ];
}

const prepared: Check<Served> = {
  name: 'prepared-transactions',
  severities: ['warning'],
  looksAt: 'prepared transactions that nobody has ended for five minutes, or that others wait for',
  why: 'they keep their locks through restarts, and nothing is vacuumed meanwhile',
  mends: '`COMMIT PREPARED` or `ROLLBACK PREPARED`',
  async look({ client }) {
    const { rows } = await client.query<{ gid: string; owner: string; seconds: number }>(
      `SELECT gid, owner::text, extract(epoch FROM now() - prepared)::int AS seconds FROM pg_prepared_xacts
       WHERE database = current_database() AND (prepared < now() - interval '5 minutes'
         OR EXISTS (SELECT FROM pg_stat_activity w WHERE 0 = ANY (pg_blocking_pids(w.pid))))`,
    );
    return rows.map(({ gid, owner, seconds }) => ({
      severity: 'warning',
      problem: `transaction ${gid} of ${owner} is prepared for ${seconds} s, and not ended`,
      mend: [sql(`ROLLBACK PREPARED ${quoteLiteral(gid)};`, `role ${owner}, or a superuser`)],
    }));
  },
};

const GB = 1e9;

const slots: Check<Served> = {
  name: 'replication-slots',
  severities: ['warning', 'note'],
  looksAt: 'replication slots that nobody reads, and the WAL that they hold back',
  why: 'the server keeps all WAL for them, until its disk is full',
  mends: '`pg_drop_replication_slot`',
  async look({ client }) {
    const { rows } = await client.query<{
      name: string;
      held: number | null;
      status: string | null;
    }>(
      `SELECT slot_name::text AS name, wal_status AS status,
         CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint END AS held
       FROM pg_replication_slots WHERE NOT active ORDER BY 1`,
    );
    return rows.map(({ name, held, status }) => {
      const isLost = status === 'lost' || status === 'unreserved';
      return {
        severity: Number(held ?? 0) > GB || isLost ? 'warning' : 'note',
        problem: `nobody reads replication slot ${name}${held === null ? '' : `, which holds back ${Math.round(Number(held) / 1e6)} MB of WAL`}`,
        mend: [
          sql(
            `SELECT pg_drop_replication_slot(${quoteLiteral(name)});`,
            'a superuser, if it is not needed',
          ),
        ],
      };
    });
  },
};

/** PostgreSQL begins to freeze at 200 million, and stops at 2,100 million. */
const MANY_IDS = 1_000_000_000;
const TOO_MANY_IDS = 1_800_000_000;

const transactionIds: Check<Served> = {
  name: 'transaction-ids',
  severities: ['error', 'warning'],
  looksAt: 'the age of the oldest transaction that is not frozen, and of multixacts',
  why: 'at an age of 2,100 million the server takes no writes any more',
  mends: '`VACUUM (FREEZE)`',
  async look({ client }) {
    const { rows } = await client.query<{ age: number }>(
      `SELECT greatest(age(datfrozenxid), mxid_age(datminmxid))::int AS age FROM pg_database
       WHERE datname = current_database()`,
    );
    return judgeAge(rows[0]!.age);
  },
};

export function judgeAge(age: number): Found[] {
  if (age < MANY_IDS) return [];
  return [
    {
      severity: age < TOO_MANY_IDS ? 'warning' : 'error',
      problem: `the oldest transaction of the database is ${Math.round(age / 1e6)} million transactions old`,
      mend: [sql('VACUUM (FREEZE);', 'a superuser, or the owner of the database')],
    },
  ];
}

const collation: Check<Served> = {
  name: 'collation-version',
  severities: ['warning'],
  looksAt: 'the version of the collation that the database was made with (from PostgreSQL 15 on)',
  why: 'indexes on text are sorted by another rule than the server uses now: rows are not found, keys come twice',
  mends: '`REINDEX DATABASE`',
  async look({ client, version, database }) {
    if (version < 150_000) return [];
    const { rows } = await client.query<{ made: string; now: string }>(
      `SELECT datcollversion AS made, pg_database_collation_actual_version(oid) AS now FROM pg_database
       WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)`,
    );
    return rows.map(({ made, now }) => ({
      severity: 'warning',
      problem: `the database was made with version ${made} of its collation, and the system has ${now}`,
      mend: [
        sql(`REINDEX DATABASE ${database};`, 'the owner of the database'),
        sql(`ALTER DATABASE ${database} REFRESH COLLATION VERSION;`, 'the owner of the database'),
      ],
    }));
  },
};

/** Long enough to ask for another one. */
const SOON_DAYS = 14;

const expiry: Check<Served> = {
  name: 'password-expiry',
  severities: ['warning'],
  looksAt: 'until when the password of the role is valid (VALID UNTIL)',
  why: 'from then on the server refuses the login, and does not say why',
  mends: '`ALTER ROLE … VALID UNTIL`',
  async look({ client, role }) {
    const { rows } = await client.query<{ until: string }>(
      `SELECT to_char(rolvaliduntil, 'YYYY-MM-DD HH24:MI') AS until FROM pg_roles
       WHERE rolname = session_user AND isfinite(rolvaliduntil) AND rolvaliduntil < now() + make_interval(days => ${SOON_DAYS})`,
    );
    return rows.map(({ until }) => ({
      severity: 'warning',
      problem: `the password of role ${role} is valid until ${until} UTC`,
      mend: [sql(`ALTER ROLE ${role} VALID UNTIL 'infinity';`, 'whoever administers the role')],
    }));
  },
};

const MAX_SKEW_MS = 5000;

const clock: Check<Served> = {
  name: 'clock',
  severities: ['warning'],
  looksAt: 'the clocks of the server and of this machine',
  why: 'times of files and times of the ledger are compared, and what is fresh looks stale',
  mends: 'a service that sets the clock',
  look({ clock: { server, here } }) {
    const skew = Math.abs(server - here);
    if (skew <= MAX_SKEW_MS) return [];
    return [
      {
        severity: 'warning',
        problem: `the clock of the server is ${Math.round(skew / 1000)} s ${server > here ? 'ahead of' : 'behind'} the clock here`,
        mend: [advice('let NTP set both clocks: timedatectl set-ntp true')],
      },
    ];
  },
};

export const HEALTH_CHECKS: readonly Check<Served>[] = [
  blocking,
  prepared,
  slots,
  transactionIds,
  collation,
  expiry,
  clock,
];
