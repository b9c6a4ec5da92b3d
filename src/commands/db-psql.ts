/**
 * `edp db psql`: psql on the database that commands use, if it is installed; otherwise the
 * statements directly, since the package does not include psql.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import { EdpError, EXIT } from '../base/errors.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { leaseEmbeddedServer } from '../postgres/embedded/embedded-server.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { resolveServer, toUrl } from '../postgres/which-server.js';
import type { Invocation } from './command.js';
import type { DbJson } from './json/db.schema.js';
import { readStatements } from './psql-arguments.js';

/** How psql is called: arguments that everybody may see, and variables that hold the password. */
interface PsqlConnection {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export async function runPsql({ given, project, output }: Invocation): Promise<number> {
  const { databaseUrl } = resolveOptions(['database-url'], given, project.options);
  const passed = (given['--'] as string[] | undefined) ?? [];
  const target = resolveServer(databaseUrl, process.env);
  if (target.kind === 'server') {
    const connection = connectionFor(databaseUrl ?? process.env.DATABASE_URL, target.client);
    return run(target.client, connection, passed, output);
  }
  const lease = await leaseEmbeddedServer(project.directory);
  try {
    const connection = { args: [toUrl(lease.client)], environment: {} };
    return await run(lease.client, connection, passed, output);
  } finally {
    await lease.release();
  }
}

/** @param url undefined where variables of libpq, or POSTGRES_USER, name the server */
function connectionFor(url: string | undefined, client: ConnectionConfig): PsqlConnection {
  const password =
    typeof client.password === 'string' && client.password !== '' ? client.password : undefined;
  const environment: Readonly<Record<string, string>> =
    password === undefined ? {} : { PGPASSWORD: password };
  if (url !== undefined) return { args: [withoutPassword(url)], environment };
  if (process.env.POSTGRES_USER && client.user === process.env.POSTGRES_USER) {
    return { args: [toUrl({ ...client, password: undefined })], environment };
  }
  return { args: [], environment };
}

/** A URL that other users of the machine may see. */
function withoutPassword(url: string): string {
  const [address = '', query] = url.split(/\?(.*)/s);
  const bare = address.replace(/^([^:]+:\/\/[^/@:]*):[^/@]*@/, '$1@');
  const rest = (query ?? '').split('&').filter((part) => part !== '' && !/^password=/.test(part));
  return bare + (rest.length === 0 ? '' : `?${rest.join('&')}`);
}

async function run(
  client: ConnectionConfig,
  connection: PsqlConnection,
  passed: readonly string[],
  output: Invocation['output'],
): Promise<number> {
  const statements = readStatements(passed);
  if (output.isJson && statements === undefined) {
    throw new EdpError('usage', '--json takes SQL with -c, and no other arguments of psql', {
      hint: "edp db psql --json -c 'SELECT …'",
    });
  }
  if (!output.isJson) {
    const status = await spawnPsql(connection, passed);
    if (status !== undefined) return status === 0 ? EXIT.done : EXIT.failed;
  }
  if (statements === undefined || (statements.length === 0 && process.stdin.isTTY)) {
    throw new EdpError('usage', 'psql is not installed, and edp does not include it', {
      hint: "run statements with: edp db psql -c 'SELECT …', or install your system's PostgreSQL client",
    });
  }
  const sql = statements.length > 0 ? statements : [await text(process.stdin)];
  await withClient(client, 'psql', (session) => runStatements(session, sql, output));
  return EXIT.done;
}

/** @returns its exit status; undefined where it is not installed */
async function spawnPsql(
  { args, environment }: PsqlConnection,
  passed: readonly string[],
): Promise<number | undefined> {
  const child = spawn('psql', [...args, ...passed], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  const ignore = () => {};
  // psql handles Ctrl-C while it runs; edp's own handler would end edp.
  const own = process.listeners('SIGINT');
  process.removeAllListeners('SIGINT').on('SIGINT', ignore);
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') resolve(undefined);
        else reject(error);
      });
      child.once('close', (status) => resolve(status ?? 1));
    });
  } finally {
    process.off('SIGINT', ignore);
    for (const listener of own) process.on('SIGINT', listener);
  }
}

async function runStatements(
  client: pg.Client,
  statements: readonly string[],
  output: Invocation['output'],
): Promise<void> {
  const results: Extract<DbJson, { action: 'psql' }>['results'][number][] = [];
  for (const sql of statements) {
    for (const result of [await client.query({ text: sql, rowMode: 'array' })].flat()) {
      const head = result.fields.map((field) => field.name);
      if (head.length > 0) output.table(head, result.rows as unknown[][]);
      else
        output.line(
          result.rowCount === null ? result.command : `${result.command} ${result.rowCount}`,
        );
      results.push({ columns: head, rows: result.rows, rowCount: result.rowCount });
    }
  }
  output.result({ command: 'db', ok: true, action: 'psql', results });
}
