/** Many tables are folded by several sessions, each of which has some of them. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { EventTable } from '../events/event-table.js';
import { quoteLiteral } from '../model/ddl.js';
import { connectOnce, withTransaction } from '../postgres/connection.js';
import { fillTouched, type Touched } from './touched-keys.js';

export interface ParallelSessions {
  readonly config: pg.ClientConfig;
  /** All together, at the most. */
  readonly count: number;
}

/** Tables, in the order of the model, and the session that folds them. */
export interface Share {
  readonly client: pg.Client;
  readonly tables: readonly EventTable[];
}

/** For fewer keys, another session does not pay. */
const KEYS_PER_SESSION = 10_000;

/**
 * In the transaction that found the keys: other sessions see what it has seen.
 *
 * @param client of the first share
 * @param tables those with keys
 * @returns one share at least; all but the first have sessions of their own, to be ended
 */
export async function shareTables(
  client: pg.Client,
  log: string,
  tables: readonly EventTable[],
  touched: Touched,
  parallel: ParallelSessions | undefined,
): Promise<Share[]> {
  const total = [...touched.keys.values()].reduce((sum, keys) => sum + keys, 0);
  const count = Math.min(parallel?.count ?? 1, tables.length, Math.floor(total / KEYS_PER_SESSION));
  if (parallel === undefined || count < 2) return [{ client, tables }];
  const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
  const [own, ...others] = divide(tables, touched.keys, count);
  const opened = await Promise.allSettled(
    others.map((share) => openShare(parallel.config, log, share, touched, rows[0]!.id)),
  );
  const shares = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const fault = opened.find((one) => one.status === 'rejected' && !isRefused(one.reason));
  if (fault?.status === 'rejected') {
    await endSessions(shares);
    throw fault.reason;
  }
  const left = new Set(own);
  for (const [i, { status }] of opened.entries()) {
    if (status === 'rejected') for (const table of others[i]!) left.add(table);
  }
  return [{ client, tables: tables.filter((table) => left.has(table)) }, ...shares];
}

/** @returns fewer where the server has no more to give */
export async function openSessions(config: pg.ClientConfig, count: number): Promise<pg.Client[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, () => connectOnce(config, 'realize')),
  );
  const clients = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const fault = opened.find((one) => one.status === 'rejected' && !isRefused(one.reason));
  if (fault?.status !== 'rejected') return clients;
  await Promise.all(clients.map((client) => client.end().catch(() => {})));
  throw fault.reason;
}

/** The server may have no more sessions to give: then there are fewer. */
function isRefused(error: unknown): boolean {
  return error instanceof EdpError;
}

async function openShare(
  config: pg.ClientConfig,
  log: string,
  tables: readonly EventTable[],
  { found }: Touched,
  snapshot: string,
): Promise<Share> {
  const client = await connectOnce(config, 'realize');
  try {
    await withTransaction(client, async () => {
      await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`);
      const names = tables.map(({ name }) => name);
      await fillTouched(client, log, names, found);
    });
    return { client, tables };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

export async function endSessions(shares: readonly Share[]): Promise<void> {
  await Promise.all(shares.map(({ client }) => client.end().catch(() => {})));
}

/** The table with the most keys first, to whom has the least. */
function divide(
  tables: readonly EventTable[],
  keys: ReadonlyMap<string, number>,
  count: number,
): EventTable[][] {
  const parts = Array.from({ length: count }, () => ({ keys: 0, tables: new Set<EventTable>() }));
  const keysOf = ({ name }: EventTable) => keys.get(name) ?? 0;
  for (const table of [...tables].sort((a, b) => keysOf(b) - keysOf(a))) {
    const least = parts.reduce((a, b) => (b.keys < a.keys ? b : a));
    least.keys += keysOf(table);
    least.tables.add(table);
  }
  return parts.map((part) => tables.filter((table) => part.tables.has(table)));
}
