/**
 * Connections: opened by one function, and closed by the code that opened them, even when the work
 * fails.
 */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import { type RetryPolicy, retry } from '../base/retry.js';
import { isUnreachable, toConnectError, withoutTls } from './connect-errors.js';
import { settleSession } from './session-settings.js';
import { SessionValues } from './session-values.js';
import { type Answer, SILENCE_MS, watchForSilence } from './silence.js';
import { TOO_MANY_CONNECTIONS } from './sqlstate.js';
import { type ConnectionConfig, tlsAttempts } from './tls.js';
import { describeClient } from './which-server.js';

/** What these show is the user's, as it is in the database. */
const READS_AS_STORED: ReadonlySet<string> = new Set(['report', 'psql']);

/** From the first byte to the end of the login, and again for the settings of the session. */
const LOGIN_MS = 15_000;
/** How long a server may have no connection left, or may be starting. */
export const PATIENCE_MS = 60_000;
const PATIENCE: RetryPolicy = {
  retries: Number.POSITIVE_INFINITY,
  maxDelayMs: 2000,
  forMs: PATIENCE_MS,
};
/** For the last words of a connection. */
const FAREWELL_MS = 5000;
/** The system asks an idle machine at the other end whether it is there; Node adds ten seconds. */
const KEEPALIVE_MS = 30_000;

/**
 * Opens a connection. Where the server has none left, or is starting, it tries again for a minute.
 *
 * @param config where to connect; plain data, so that it can be handed to a thread
 * @param role what the session does, shown in pg_stat_activity as `edp <role>`
 * @throws EdpError `database_unreachable` or `database_refused`, with the remedy
 */
export function connect(config: ConnectionConfig, role: string): Promise<pg.Client> {
  return retry(() => connectOnce(config, role), isBusy, PATIENCE);
}

/** {@link connect} for those who try again by themselves. */
export async function connectOnce(config: ConnectionConfig, role: string): Promise<pg.Client> {
  const attempts = tlsAttempts(config);
  for (const [i, ssl] of attempts.entries()) {
    const { tls, passwordNote: _, remedy: __, silenceMs = SILENCE_MS, runId, ...own } = config;
    const values = new SessionValues();
    const loginMs = role === WATCH_ROLE ? Math.min(LOGIN_MS, silenceMs) : LOGIN_MS;
    const client = new pg.Client({
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      connectionTimeoutMillis: loginMs,
      ...own,
      ssl,
      ...(tls?.isDirect === true && ssl !== false ? { sslnegotiation: 'direct' } : {}),
      password: own.password || (process.env.PGPASSWORD ?? refuseToAsk(config)),
      application_name: `edp ${role}`,
      types: values.types,
    });
    // A connection that breaks while idle emits 'error'; the next query fails and reports it.
    // Without a listener Node would end the process.
    client.on('error', () => {});
    endInTime(client);
    try {
      await client.connect();
      const { backend, encoding } = await within(loginMs, client, settleSession(client, runId));
      values.adapt(client, encoding, !READS_AS_STORED.has(role));
      if (role !== WATCH_ROLE && !describeClient(config).startsWith('/')) {
        watchForSilence(client, describeClient(config), silenceMs, (ends) =>
          askAbout(backend, config, ends),
        );
      }
      return client;
    } catch (error) {
      const isRefused = hasNoTls(client);
      client.end().catch(() => {});
      if (i + 1 < attempts.length && mayTryOtherwise(error)) continue;
      throw isRefused && ssl !== false ? withoutTls(error, config) : toConnectError(error, config);
    }
  }
  throw new TypeError('there is always an attempt');
}

/** Whether another try may find a connection: too_many_connections, cannot_connect_now. */
function isBusy(error: Error): boolean {
  const { code } = (error.cause ?? {}) as { code?: string };
  return code === TOO_MANY_CONNECTIONS || code === '57P03';
}

/**
 * Opens two connections, or waits until there are two: commands that each held one while they
 * waited for another would all wait for ever.
 *
 * @param roles as for {@link connect}
 */
export function connectTwo(
  config: ConnectionConfig,
  roles: readonly [string, string],
): Promise<[pg.Client, pg.Client]> {
  return retry(
    async () => {
      const both = await Promise.allSettled(roles.map((role) => connectOnce(config, role)));
      const clients = both.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
      if (clients.length === 2) return clients as [pg.Client, pg.Client];
      await Promise.all(clients.map((client) => client.end()));
      throw both.find((one) => one.status === 'rejected')!.reason;
    },
    isBusy,
    PATIENCE,
  );
}

const WATCH_ROLE = 'watch';

/**
 * Asks the server about a session, by another connection.
 *
 * @param ends ends the session if it is idle, while edp waits for its answer
 */
async function askAbout(backend: number, config: ConnectionConfig, ends: boolean): Promise<Answer> {
  let client: pg.Client;
  try {
    client = await connectOnce(config, WATCH_ROLE);
  } catch (error) {
    // A server that is full, or that is starting, has answered: it is not the network.
    return isBusy(error as Error) ? 'works' : 'unknown';
  }
  try {
    const { rows } = await within(
      LOGIN_MS,
      client,
      client.query<{ idle: boolean }>(
        `SELECT coalesce(state LIKE 'idle%', false) AS idle,
           CASE WHEN $2 AND state LIKE 'idle%' THEN pg_terminate_backend(pid) END
         FROM pg_stat_activity WHERE pid = $1`,
        [backend, ends],
      ),
    );
    return (rows[0]?.idle ?? true) ? 'idle' : 'works';
  } finally {
    await client.end();
  }
}

/** The result of a query that must come in time; otherwise closes its connection. */
async function within<T>(ms: number, client: pg.Client, query: Promise<T>): Promise<T> {
  const timer = setTimeout(() => {
    const late = Object.assign(new Error(`no answer for ${ms / 1000} s`), { code: 'ETIMEDOUT' });
    streamOf(client).destroy(late);
  }, ms);
  try {
    return await query;
  } finally {
    clearTimeout(timer);
  }
}

/** Lets `end` close the connection also where the server does not close its side of it. */
function endInTime(client: pg.Client): void {
  const end = client.end.bind(client) as () => Promise<void>;
  client.end = (async () => {
    const timer = setTimeout(() => streamOf(client).destroy(), FAREWELL_MS);
    try {
      await end();
    } finally {
      clearTimeout(timer);
    }
  }) as pg.Client['end'];
}

/** Reads an internal of pg. */
function streamOf(client: pg.Client): { destroy(error?: Error): void } {
  return (client as unknown as { connection: { stream: { destroy(error?: Error): void } } })
    .connection.stream;
}

/** pg calls this only if the server asks for a password. */
function refuseToAsk(config: ConnectionConfig): () => Promise<string> {
  return async () => {
    throw new EdpError('database_refused', `${describeClient(config)} asks for a password`, {
      hint: `give one in the URL, in PGPASSWORD or in ~/.pgpass${config.passwordNote === undefined ? '' : ` (${config.passwordNote})`}`,
    });
  };
}

/** Whether another attempt, with or without TLS, may succeed after this error. */
function mayTryOtherwise(error: unknown): boolean {
  const { code } = error as { code?: string };
  if (error instanceof EdpError || error instanceof AggregateError) return false;
  // The server itself answered. Another attempt helps only where it refused the login (28000),
  // which may depend on TLS.
  if (/^[\dA-Z]{5}$/.test(code ?? '') && !isUnreachable(code)) return code === '28000';
  return !isUnreachable(code);
}

/** Reads internals of pg: a server without TLS answers the request for it with one byte. */
function hasNoTls(client: pg.Client): boolean {
  const { stream } = (
    client as unknown as { connection: { stream: { encrypted?: boolean; bytesRead?: number } } }
  ).connection;
  return stream.encrypted !== true && stream.bytesRead === 1;
}

/** Runs `work` with a connection of its own, and closes it afterwards in any case. */
export async function withClient<T>(
  config: ConnectionConfig,
  role: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(config, role);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Runs `work` between BEGIN and COMMIT; rolls back when it throws. */
export async function withTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
