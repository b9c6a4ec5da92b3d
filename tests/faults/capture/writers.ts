/** Writers with overlapping transactions. The seed decides what each of them does, not in which order it comes to pass. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Random } from '../random.js';
import type { Counts } from './counts.js';
import { type Fate, type Journal, type Written, writeJournal } from './journal.js';
import type { Shape } from './source.js';
import { type Statement, statementsFor } from './statements.js';

export interface WritingOptions {
  readonly config: pg.ClientConfig;
  readonly seed: number;
  readonly transactions: number;
  readonly major: number;
  readonly shape: Shape;
  readonly journal: Journal;
  readonly counts: Counts;
}

/** What is in doubt after PREPARE TRANSACTION, by its name. */
export type Prepared = Map<string, (fate: Fate) => void>;

const CONNECT_MS = 60_000;
const MOST_TRIES = 4;

/** The server may be about to start again. */
export async function connectPatiently(config: pg.ClientConfig): Promise<pg.Client> {
  const deadline = Date.now() + CONNECT_MS;
  for (;;) {
    const client = new pg.Client(config);
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

export function isConnected(client: pg.Client): boolean {
  return (client as unknown as { _queryable: boolean; _ending: boolean })._queryable;
}

const ISOLATIONS = [
  'READ COMMITTED',
  'READ COMMITTED',
  'READ COMMITTED',
  'READ COMMITTED',
  'REPEATABLE READ',
  'SERIALIZABLE',
] as const;

const MAY_REPEAT: Readonly<Record<string, string>> = {
  '40001': 'serialization failures',
  '40P01': 'deadlocks',
};

/** One writer. */
export async function write(
  number: number,
  options: WritingOptions,
  prepared: Prepared,
): Promise<void> {
  const random = new Random(options.seed * 1000 + number);
  const { counts } = options;
  let client = await connectPatiently(options.config);
  for (let i = 0; i < options.transactions; i++) {
    const seed = random.below(2 ** 31);
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      try {
        await transact(client, new Random(seed), options, prepared, `${number}-${i}-${tries}`);
        break;
      } catch (error) {
        const { code = '', message } = error as { code?: string; message: string };
        const repeated = MAY_REPEAT[code];
        if (isConnected(client) && code !== '') {
          await client.query('ROLLBACK').catch(() => {});
          counts.add(repeated ?? 'statements that the server refused');
          if (repeated === undefined) break;
        } else {
          if (code === '' && !/terminat|closed|not queryable|ECONN/i.test(message)) throw error;
          counts.add('connections of writers lost');
          await client.end().catch(() => {});
          client = await connectPatiently(options.config);
        }
      }
    }
  }
  await client.end().catch(() => {});
}

async function transact(
  client: pg.Client,
  random: Random,
  options: WritingOptions,
  prepared: Prepared,
  name: string,
): Promise<void> {
  const { counts, journal } = options;
  const statements = statementsFor(options.major);
  if (random.below(8) === 0) {
    // By itself, without BEGIN. Whether it is committed when the connection is lost, nobody knows.
    await client.query('RESET synchronous_commit');
    await runStatement(client, random, options, random.pick(statements));
    return;
  }
  const isAsynchronous = random.below(6) === 0;
  await client.query(`SET synchronous_commit = ${isAsynchronous ? 'off' : 'on'}`);
  const isolation = random.pick(ISOLATIONS);
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  const allowed = statements.filter(
    ({ needsNewSnapshot }) => needsNewSnapshot !== true || isolation === 'READ COMMITTED',
  );
  let written: Written[] = [];
  const one = async () => {
    // A crash of the server may undo what was committed asynchronously; the journal has none of it.
    if (!isAsynchronous && random.below(3) === 0) {
      counts.add('statement: journal');
      written.push(...(await writeJournal(client, journal, random, options.major)));
    } else await runStatement(client, random, options, random.pick(allowed));
  };
  for (let n = 1 + random.below(4); n > 0; n--) {
    const before = [...written];
    await client.query('SAVEPOINT a');
    await one();
    if (random.below(6) === 0) {
      await client.query('SAVEPOINT b');
      await one();
      if (random.below(2) === 0) await client.query('RELEASE b');
    }
    if (random.below(5) === 0) {
      counts.add('savepoints rolled back');
      await client.query('ROLLBACK TO a');
      written = before;
      if (random.below(2) === 0) await one();
    }
    if (random.below(3) === 0) await sleep(random.below(30));
  }
  const end = random.below(16);
  if (end < 2) {
    await client.query('ROLLBACK');
    counts.add('transactions rolled back');
  } else if (end < 4 && !isAsynchronous) {
    const settle = journal.note(written, 'unknown');
    prepared.set(name, settle);
    await client.query(`PREPARE TRANSACTION '${name}'`).catch((error: { code?: string }) => {
      if (isConnected(client) && error.code !== undefined) settle('aborted');
      throw error;
    });
    counts.add('transactions prepared');
  } else {
    const settle = journal.note(written, 'unknown');
    const result = await client.query('COMMIT').catch((error: { code?: string }) => {
      if (isConnected(client) && error.code !== undefined) settle('aborted');
      throw error;
    });
    settle(result.command === 'COMMIT' ? 'committed' : 'aborted');
    counts.add(isAsynchronous ? 'transactions committed asynchronously' : 'transactions committed');
  }
}

async function runStatement(
  client: pg.Client,
  random: Random,
  { shape, counts }: WritingOptions,
  { name, sql }: Statement,
): Promise<void> {
  await client.query(sql(random, shape));
  counts.add(`statement: ${name}`);
}

/** Ends prepared transactions a while later, in a session of its own. */
export async function settlePrepared(
  { config, seed, counts }: WritingOptions,
  prepared: Prepared,
  state: { readonly isOver: boolean },
): Promise<void> {
  const random = new Random(seed * 1000 + 997);
  let client = await connectPatiently(config);
  for (;;) {
    const isLast = state.isOver;
    try {
      const { rows } = await client.query<{ gid: string }>(
        'SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY gid',
      );
      for (const { gid } of rows) {
        await sleep(random.below(150));
        const isCommit = random.below(3) > 0;
        const settle = prepared.get(gid);
        await client.query(`${isCommit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${gid}'`);
        settle?.(isCommit ? 'committed' : 'aborted');
        counts.add(`prepared transactions ${isCommit ? 'committed' : 'rolled back'} later`);
      }
      if (isLast && rows.length === 0) break;
    } catch {
      await client.end().catch(() => {});
      client = await connectPatiently(config);
    }
    await sleep(20);
  }
  await client.end().catch(() => {});
}
