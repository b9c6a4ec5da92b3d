/**
 * A trial of capture: writers with overlapping transactions on a source whose tables change, followers that are killed, a server that
 * is killed, and in the end the warehouses against what is in the source.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLag } from '../../../src/capture/consumer.js';
import { Random } from '../random.js';
import { FaultServer } from '../server.js';
import { Checkpoints } from './checkpoints.js';
import { contend, runBesideOpen } from './contenders.js';
import { Counts } from './counts.js';
import { Journal } from './journal.js';
import { judge } from './judge.js';
import { type Follower, Place } from './place.js';
import {
  cutSessions,
  keepRunning,
  killServer,
  realizeNow,
  type State,
  takeSnapshots,
} from './runs.js';
import { changeSchema } from './schema-changes.js';
import { NOTE_SNAPSHOTS, newShape, projectText, SCHEMA, TALLIES } from './source.js';
import { connectPatiently, type Prepared, settlePrepared, write } from './writers.js';

export interface TrialOptions {
  readonly server: FaultServer;
  /** Made, and removed afterwards. */
  readonly directory: string;
  /** Of the databases. */
  readonly name: string;
  readonly cli: string;
  readonly seed: number;
  readonly writers: number;
  readonly transactions: number;
}

export interface TrialResult {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly counts: Counts;
  readonly seconds: number;
}

const MOST_SECONDS = 900;

/** A server of a trial's own, since it is killed. */
export function createServer(): Promise<FaultServer> {
  const settings = { max_prepared_transactions: '40', max_connections: '100' };
  return FaultServer.create(settings, process.env.EDP_TEST_POSTGRES);
}

export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const { server, directory, name, cli, seed } = options;
  const startedAt = Date.now();
  const counts = new Counts();
  const place = new Place(server, directory, name, cli, counts);
  await place.createDatabases();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the trial hangs')), MOST_SECONDS * 1000);
  });
  try {
    const faults = await Promise.race([follow(options, place), tooLong]);
    return { seed, faults, counts, seconds: (Date.now() - startedAt) / 1000 };
  } finally {
    clearTimeout(timer);
    await place.dropDatabases();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function follow(options: TrialOptions, place: Place): Promise<string[]> {
  const { server, seed, writers, transactions } = options;
  const random = new Random(seed);
  const shape = newShape();
  const journal = new Journal();
  const [files, table] = place.followers;
  const config = place.config(place.source);
  const admin = await connectPatiently(config);
  await admin.query(SCHEMA);
  place.declare(projectText(shape, shape.nameColumn));
  await place.finish(files, ['capture', 'install']);
  await admin.query(NOTE_SNAPSHOTS);
  await admin.end();
  // From here on, the outbox keeps what the second consumer has not read.
  await place.finish(table, ['capture', 'run', '--to', 'table', '--consumer', 'second', '--once']);

  const writing = {
    config,
    seed,
    transactions,
    major: server.major,
    shape,
    journal,
    counts: place.counts,
  };
  const prepared: Prepared = new Map();
  const state: State = { isOver: false, isPaused: false, running: 0 };
  const checkpoints = new Checkpoints();
  const kills = random.below(4);
  const done = Promise.all([
    ...Array.from({ length: writers }, (_, i) => write(i, writing, prepared)),
    changeSchema(place, shape, state, seed + 1, 1 + random.below(4)),
    killServer(place, Math.max(0, random.below(4) - 1), seed + 2, () => checkpoints.forget()),
    cutSessions(place, random.below(3), seed + 3),
    sleep(random.below(1500)).then(() => takeSnapshots(place, random.below(2) === 0, seed + 4)),
    sleep(1000 + random.below(2500)).then(() =>
      random.below(2) === 0 ? realizeNow(place, seed + 5) : undefined,
    ),
  ]);
  const following = Promise.all([
    keepRunning(place, files, kills, seed + 6, state),
    keepRunning(place, table, kills, seed + 7, state),
    settlePrepared(writing, prepared, state),
    checkpoints.takeMany(place, shape, state),
    contend(place, seed + 8, 1, TALLIES / 2, state),
  ]);
  await Promise.race([done, following.then(() => done)]);
  // What a snapshot reads behind them mends what was wrong; behind these there is none.
  await contend(place, seed + 10, TALLIES / 2, TALLIES);
  state.isOver = true;
  await following;

  await mapKept(place);
  await runBesideOpen(place, seed + 9, (follower) => runOnce(place, place.followers[follower]));
  await finishRuns(place);
  await place.finish(files, ['realize', 'out', '--process-count', '1']);
  place.counts.add('looks in the middle', checkpoints.count);
  return judge(place, shape, journal, checkpoints);
}

/** A statement that was under way when edp.yaml was corrected has kept its rows; whoever reads what `run` reports installs once more. */
async function mapKept(place: Place): Promise<void> {
  const client = await connectPatiently(place.config(place.source));
  const { rows } = await client.query('SELECT FROM edp_capture.unmapped LIMIT 1');
  await client.end();
  if (rows.length === 0) return;
  await place.finish(place.followers[0], ['capture', 'install']);
  place.counts.add('rows kept behind an install');
}

function runOnce(place: Place, follower: Follower): Promise<void> {
  const { to, consumer } = follower;
  const args = ['capture', 'run', '--to', to, '--consumer', consumer, '--once'];
  return place.finish(follower, args, [0, 3]).then(() => {});
}

/** What repeatable reads have left was evaluated before. */
async function finishRuns(place: Place): Promise<void> {
  const client = await connectPatiently(place.config(place.source));
  try {
    for (let behind = 1; behind > 0; ) {
      behind = 0;
      for (const follower of place.followers) {
        await runOnce(place, follower);
        behind += (await readLag(client, follower.consumer)).events;
      }
    }
  } finally {
    await client.end();
  }
}
