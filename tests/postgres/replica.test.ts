/** What a standby must have before it is read: all that was committed, of the same history. EDP_REPLICA_TRIALS tries more often. */

import { execFileSync } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { withReplica } from '../../src/postgres/replica.js';
import { startPair, type TestPair, type TestServer } from '../support/standby.js';
import { makeTemporary } from '../support/temporary.js';

const SLOW = 300_000;
const TRIALS = Number(process.env.EDP_REPLICA_TRIALS ?? 25);

let pair: TestPair;
let directory: string;

beforeAll(async () => {
  pair = await startPair();
  directory = await makeTemporary();
  await pair.primary.query('CREATE TABLE public.written (n int)');
}, SLOW);
afterAll(async () => {
  await pair.stop();
  await rm(directory, { recursive: true, force: true });
}, SLOW);

function read(
  primary: TestServer,
  standby: TestServer,
  replicaWait = 30,
  signal = new AbortController().signal,
): Promise<number> {
  const options = { databaseUrl: primary.url, directory, replicaUrl: standby.url, replicaWait };
  return withReplica(
    options,
    signal,
    () => {},
    ({ client }) =>
      withClient(client, 'test', async (session) => {
        const { rows } = await session.query<{ n: number }>(
          'SELECT coalesce(max(n), 0)::int AS n FROM public.written',
        );
        return rows[0]!.n;
      }),
  );
}

it.each([['on'], ['off'], ['local']])(
  'has what was committed before, with synchronous_commit = %s',
  async (mode) => {
    const writer = new pg.Client({ connectionString: pair.primary.url });
    await writer.connect();
    await writer.query(`SET synchronous_commit = ${mode}; TRUNCATE public.written`);
    try {
      for (let n = 1; n <= TRIALS; n++) {
        const isPaused = n % 3 === 0;
        if (isPaused) await pair.standby.query('SELECT pg_wal_replay_pause()');
        await writer.query(`INSERT INTO public.written VALUES (${n})`);
        const shown = read(pair.primary, pair.standby);
        await sleep((n * 37) % 60);
        if (isPaused) await pair.standby.query('SELECT pg_wal_replay_resume()');
        expect(await shown).toBe(n);
      }
    } finally {
      await writer.end();
    }
  },
  SLOW,
);

it(
  'waits no longer than it must for a server that has nothing to flush',
  async () => {
    await pair.primary.query('INSERT INTO public.written VALUES (1000); CHECKPOINT');
    await read(pair.primary, pair.standby);
    const started = performance.now();
    await read(pair.primary, pair.standby);
    expect(performance.now() - started).toBeLessThan(3000);
  },
  SLOW,
);

it(
  'stops waiting at Ctrl-C',
  async () => {
    await pair.standby.query('SELECT pg_wal_replay_pause()');
    await pair.primary.query('INSERT INTO public.written VALUES (1001)');
    const controller = new AbortController();
    const shown = read(pair.primary, pair.standby, 60, controller.signal);
    setTimeout(() => controller.abort(), 300);
    await expect(shown).rejects.toThrow();
    await pair.standby.query('SELECT pg_wal_replay_resume()');
  },
  SLOW,
);

it(
  'waits no longer than it may for a standby that takes no queries',
  async () => {
    const conf = path.join(pair.standby.data, 'postgresql.auto.conf');
    const before = await readFile(conf, 'utf8');
    await pair.standby.kill();
    await writeFile(conf, `${before}hot_standby = off\n`);
    // It never says that it is ready.
    const starting = pair.standby.start();
    await sleep(2000);
    const started = performance.now();
    await expect(read(pair.primary, pair.standby, 2)).rejects.toThrow('not accepting connections');
    const ms = performance.now() - started;
    expect(ms).toBeGreaterThan(1900);
    expect(ms).toBeLessThan(10_000);
    await pair.standby.kill();
    await writeFile(conf, before);
    await starting.catch(() => {});
    await pair.standby.start();
    await read(pair.primary, pair.standby);
  },
  SLOW,
);

it(
  'has the history of the primary, after a promotion',
  async () => {
    await read(pair.primary, pair.standby);
    await pair.standby.query('SELECT pg_promote()');
    const promoted = pair.standby;
    await promoted.query('INSERT INTO public.written VALUES (2000)');
    // The old primary goes on by itself, and further, and is then a standby of nobody.
    for (let i = 0; i < 40; i++)
      await pair.primary.query('INSERT INTO public.written SELECT generate_series(1, 1000)');
    const { data } = pair.primary;
    await pair.primary.query('CHECKPOINT');
    await pair.primary.kill();
    const signal = path.join(data, 'standby.signal');
    await writeFile(signal, '');
    const { uid, gid } = await stat(data);
    execFileSync('chown', [`${uid}:${gid}`, signal]);
    await pair.primary.start();
    const old = pair.primary;
    const [ahead] = await old.query('SELECT pg_last_wal_replay_lsn()::text AS wal');
    const [isAhead] = await promoted.query(
      `SELECT '${String(ahead!.wal)}'::pg_lsn > pg_current_wal_flush_lsn() AS yes`,
    );
    expect(isAhead!.yes).toBe(true);
    await expect(read(promoted, old, 1)).rejects.toThrow(/is on timeline 1.*the primary on 2/);
    // The other way round: who is asked is a primary no more.
    await expect(read(old, promoted, 1)).rejects.toThrow('is a standby itself');
  },
  SLOW,
);
