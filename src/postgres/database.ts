/**
 * The database of a command: chosen, started if it is the embedded one, and released afterwards.
 */
import type pg from 'pg';
import { withClient } from './connection.js';
import { describeClient, resolveServer } from './which-server.js';

export interface Database {
  /** Where to connect: plain data, so that it can be handed to a thread. */
  readonly client: pg.ClientConfig;
  /** What to call it in messages; holds no password. */
  readonly label: string;
}

/**
 * Runs `work` with the database that the options and the environment specify. The embedded server
 * is started when needed and stopped afterwards, unless another command uses it or `edp db start`
 * asked for it.
 */
export async function withDatabase<T>(
  options: { readonly databaseUrl: string | undefined; readonly directory: string },
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const target = resolveServer(options.databaseUrl, process.env);
  if (target.kind === 'server') {
    return attended({ client: target.client, label: describeClient(target.client) }, work);
  }
  const { leaseEmbeddedServer } = await import('./embedded/embedded-server.js');
  const lease = await leaseEmbeddedServer(options.directory);
  try {
    return await attended({ client: lease.client, label: 'the embedded server' }, work);
  } finally {
    await lease.release();
  }
}

/** Who wants to know a database while a command works with it, such as metrics of its size. */
export interface Attendant {
  came(database: Database): void;
  /** Called at the end, also of work that failed, while the server is still there. It never throws. */
  leaves(database: Database): Promise<void>;
}

const attendants = new Set<Attendant>();

export function attend(attendant: Attendant): void {
  attendants.add(attendant);
}

async function attended<T>(
  database: Database,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (attendants.size === 0) return work(database);
  for (const attendant of attendants) attendant.came(database);
  try {
    return await work(database);
  } finally {
    await Promise.all([...attendants].map((attendant) => attendant.leaves(database)));
  }
}

/** Finds out whether the server can be reached, before long work that needs it only later. */
export async function greet(database: Database): Promise<void> {
  await withClient(database.client, 'hello', async () => {});
}
