/**
 * What each session of edp depends on, whatever the server, the database or the role sets.
 *
 * It is one message behind the login, rather than the `options` of the login itself, which
 * connection poolers refuse or drop.
 */
import type pg from 'pg';
import { joinRunSql } from './run-of-session.js';

/**
 * A setting is changed only where it has another value, so a server that does not have it (older
 * ones have no transaction_timeout) is no fault, and a role needs no right for what is as it must be.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // A load may take as long as it takes, as with pg_dump; where edp waits for a lock only for a
  // while, it says so itself.
  transaction_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // How values are read and printed.
  client_encoding: 'UTF8',
  datestyle: 'ISO, YMD',
  timezone: 'UTC',
  intervalstyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmloption: 'content',
  // How statements are read.
  standard_conforming_strings: 'on',
  escape_string_warning: 'off',
  backslash_quote: 'safe_encoding',
  array_nulls: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  // Each statement must see what others have committed so far: the code looks a second time, or
  // looks after it waited for a lock.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Triggers and foreign keys do what they are for.
  session_replication_role: 'origin',
  row_security: 'on',
  client_min_messages: 'notice',
};

/**
 * By default, "$user" comes first: a role called edp would create its tables among the ledger's.
 * pg_catalog comes first where it is not named, so that nobody's functions stand in front of it.
 */
const SEARCH_PATH =
  "SELECT set_config('search_path', coalesce((SELECT string_agg(quote_ident(name), ', ') " +
  "FROM unnest(current_schemas(false)) AS name WHERE name NOT IN ('edp', 'pg_catalog')), " +
  "current_setting('search_path')), false)";

/**
 * Seconds after which the server asks a silent client, between two questions, and how many it asks:
 * where edp's machine is gone, it frees the locks within two minutes, rather than two hours.
 */
const KEEPALIVES: Readonly<Record<string, number>> = {
  tcp_keepalives_idle: 60,
  tcp_keepalives_interval: 10,
  tcp_keepalives_count: 6,
};

const WANTED = Object.entries(SETTINGS)
  .map(([name, value]) => `('${name}','${value}')`)
  .join(',');

const PROBES = Object.entries(KEEPALIVES)
  .map(([name, value]) => `('${name}',${value})`)
  .join(',');

const STATEMENTS = [
  // By itself and first: it also ends the timeout that this very message runs under.
  'SET statement_timeout = 0',
  'SET exit_on_error = off',
  `SELECT set_config(name, value, false) FROM (VALUES ${WANTED}) AS wanted (name, value) ` +
    'WHERE current_setting(name, true) <> value',
  // The last commit of a load is on disk when it is reported; stricter values stay.
  "SELECT set_config('synchronous_commit', 'on', false) " +
    "WHERE current_setting('synchronous_commit') = 'off'",
  `SELECT set_config(name, value::text, false) FROM (VALUES ${PROBES}) AS wanted (name, value) ` +
    'WHERE current_setting(name)::int > value',
  SEARCH_PATH,
];

const BACKEND =
  "SELECT pg_backend_pid() AS backend, current_setting('server_encoding') AS encoding";

export interface SettledSession {
  /** Process id of the backend, also behind a pooler, which tells another one. */
  readonly backend: number;
  /** PostgreSQL's name of the database's encoding. */
  readonly encoding: string;
}

/** @param runId of the command that the session belongs to */
export async function settleSession(
  client: pg.Client,
  runId: number | undefined,
): Promise<SettledSession> {
  const join = runId === undefined ? [] : [`SELECT ${joinRunSql(String(runId))}`];
  const text = [...STATEMENTS, ...join, BACKEND].join('; ');
  const results = (await client.query(text)) as unknown as pg.QueryResult<SettledSession>[];
  return results.at(-1)!.rows[0]!;
}
