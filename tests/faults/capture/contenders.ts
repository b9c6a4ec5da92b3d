/**
 * Sessions that touch one key and commit at the same time, and transactions that stay open while the outbox is emptied. What goes
 * wrong there is not mended by what others write later: nobody else writes those rows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Random } from '../random.js';
import type { Place } from './place.js';
import type { State } from './runs.js';
import { connectPatiently } from './writers.js';

const CONTENDERS = 3;
const ISOLATIONS = ['READ COMMITTED', 'READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ'];

/**
 * Each key once: of two that both evaluate its calculation before the other one has committed, the last one would be wrong.
 *
 * @param from the first key
 * @param to behind the last one
 */
export async function contend(
  place: Place,
  seed: number,
  from: number,
  to: number,
  state?: State,
): Promise<void> {
  const random = new Random(seed);
  const config = place.config(place.source);
  const open = () =>
    Promise.all(Array.from({ length: CONTENDERS }, () => connectPatiently(config)));
  let sessions = await open();
  for (let tally = from; tally < to && state?.isOver !== true; tally++) {
    await sleep(random.below(150));
    const isolation = random.pick(ISOLATIONS);
    const works = sessions.map((client) => {
      const statement = touch(random, tally);
      return async () => {
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}; ${statement}`);
      };
    });
    try {
      await Promise.all(works.map((work) => work()));
      await Promise.all(sessions.map((client) => client.query('COMMIT')));
      place.counts.add('keys that several sessions touched at once');
    } catch {
      // The server or a session was killed: whatever is committed must be published.
      await Promise.all(sessions.map((client) => client.end().catch(() => {})));
      sessions = await open();
    }
  }
  await Promise.all(sessions.map((client) => client.end().catch(() => {})));
}

function touch(random: Random, tally: number): string {
  const amount = 1 + random.below(100);
  return random.pick([
    `INSERT INTO marks (tally_id, amount) VALUES (${tally}, ${amount})`,
    `INSERT INTO marks (tally_id, amount) VALUES (${tally}, ${amount}), (${tally}, ${amount})`,
    `INSERT INTO marks (tally_id, amount) VALUES (${tally}, ${amount}); SAVEPOINT a; INSERT INTO marks (tally_id, amount) VALUES (${tally}, 1000); ROLLBACK TO a`,
  ]);
}

/**
 * Runs while a transaction is open that has written into an outbox of which all else is read: its events come when it has ended.
 *
 * @param run one run of each follower, the first or the second one
 */
export async function runBesideOpen(
  place: Place,
  seed: number,
  run: (follower: 0 | 1) => Promise<void>,
): Promise<void> {
  const random = new Random(seed);
  const config = place.config(place.source);
  const [open, look, watch] = (await Promise.all(
    [1, 2, 3].map(() => connectPatiently(config)),
  )) as [pg.Client, pg.Client, pg.Client];
  const isPrepared = random.below(2) === 0;
  const name = `'open-${seed}'`;
  try {
    // What is due is written before: behind the open transaction, it would keep the outbox from being emptied.
    await watch.query('SELECT edp_capture.recalculate()');
    // So much that writers change to the other outbox.
    await watch.query("INSERT INTO seats SELECT i, 'many' FROM generate_series(6000, 6200) AS i");
    await open.query("BEGIN; INSERT INTO seats VALUES (5000, 'open'), (5001, 'open')");
    if (isPrepared) await open.query(`PREPARE TRANSACTION ${name}`);
    const before = await slotOf(look);
    const state = { hasEnded: false };
    const runs = (async () => {
      await run(0);
      await run(1);
      if ((await slotOf(look)) !== before)
        place.counts.add('transactions open over a change of the outbox');
      await run(0);
    })().finally(() => {
      state.hasEnded = true;
    });
    // Whoever waits for it to empty the outbox gets it, and must look once more.
    while (!state.hasEnded && !(await isAwaited(watch))) await sleep(20);
    await open.query(isPrepared ? `COMMIT PREPARED ${name}` : 'COMMIT');
    await runs;
  } finally {
    await Promise.all([open, look, watch].map((client) => client.end()));
  }
}

async function slotOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ slot: number }>(
    'SELECT last_value::int AS slot FROM edp_capture.current_outbox',
  );
  return rows[0]!.slot;
}

async function isAwaited(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_locks WHERE NOT granted AND relation IN ('edp_capture.outbox_0'::regclass, 'edp_capture.outbox_1'::regclass)`,
  );
  return rows.length > 0;
}
