/** What follows the source while writers go on, and what ends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../random.js';
import type { Follower, Place } from './place.js';

export interface State {
  /** Whether the writers are done. */
  isOver: boolean;
  /** While edp.yaml and the triggers change. */
  isPaused: boolean;
  /** Runs that are under way. */
  running: number;
}

const RUN_POINTS = ['capture.linked', 'capture.sent', 'capture.moved', 'capture.rotated'];
const TABLE_POINTS = [
  ...RUN_POINTS,
  'realize.loaded',
  'realize.found',
  'realize.merged',
  'realize.folded',
];
const PATIENCE = 40;

/** Keeps a run going, and kills it now and then: at a point, at any time, or by Ctrl-C. */
export async function keepRunning(
  place: Place,
  follower: Follower,
  kills: number,
  seed: number,
  state: State,
): Promise<void> {
  const random = new Random(seed);
  const args = [
    'capture',
    'run',
    '--to',
    follower.to,
    '--consumer',
    follower.consumer,
    '--rotate-seconds',
    follower.to === 'out' ? '1' : '2',
  ];
  const points = follower.to === 'out' ? RUN_POINTS : TABLE_POINTS;
  let failures = 0;
  for (let left = kills; !state.isOver; ) {
    if (state.isPaused) {
      await sleep(20);
      continue;
    }
    const isKilled = left-- > 0;
    const atPoint = isKilled && random.below(2) === 0;
    const { child, ended } = place.start(
      follower,
      args,
      atPoint
        ? `${random.pick(points)}=${random.pick(['kill', 'kill', 'lose'])}@${1 + random.below(3)}`
        : '',
    );
    state.running++;
    const until = Date.now() + (isKilled && !atPoint ? 400 + random.below(2500) : 1e9);
    while (
      !state.isOver &&
      !state.isPaused &&
      Date.now() < until &&
      child.exitCode === null &&
      child.signalCode === null
    ) {
      await sleep(25);
    }
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (!hasEnded) child.kill(isKilled && !state.isPaused ? 'SIGKILL' : 'SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const { status, output } = await ended;
    clearTimeout(timer);
    state.running--;
    if (child.signalCode === 'SIGKILL')
      place.counts.add(
        `killed: edp capture run --to ${follower.to === 'out' ? 'FOLDER' : 'table'}`,
      );
    else if (hasEnded && status !== 0) {
      failures++;
      place.counts.add('runs that ended by themselves');
      if (status === 2 || failures > PATIENCE) {
        throw new Error(`a run ended with ${status}: ${output.slice(-2000)}`);
      }
      await sleep(100);
    }
  }
}

/** Stops the runs, and keeps new ones from beginning, while `work` is under way. */
export async function whileStopped(state: State, work: () => Promise<void>): Promise<void> {
  state.isPaused = true;
  try {
    while (state.running > 0) await sleep(20);
    await work();
  } finally {
    state.isPaused = false;
  }
}

/** The rows that were there before, for both followers. */
export async function takeSnapshots(
  place: Place,
  isDisturbed: boolean,
  seed: number,
): Promise<void> {
  const random = new Random(seed);
  const [files, table] = place.followers;
  const takeOne = async (follower: Follower, to: readonly string[]) => {
    if (isDisturbed) {
      for (let n = random.below(3); n > 0; n--) {
        const point = random.pick([
          'snapshot.begun',
          'snapshot.sent',
          'snapshot.sent',
          'capture.linked',
        ]);
        const fault =
          random.below(3) > 0
            ? `${point}=${random.pick(['kill', 'lose'])}@${1 + random.below(6)}`
            : '';
        await place.disturb(
          follower,
          ['capture', 'snapshot', ...to],
          fault,
          500 + random.below(1500),
        );
      }
    }
    await place.finish(follower, ['capture', 'snapshot', ...to]);
    place.counts.add(`snapshots${to.length === 0 ? ' through the outbox' : ` ${to.join(' ')}`}`);
  };
  await place.alone(async () => {
    if (random.below(3) > 0) await takeOne(files, []);
    else {
      await takeOne(files, ['--to', 'out', '--rotate-seconds', '1']);
      await takeOne(table, ['--to', 'table']);
    }
  });
}

/** Loads and folds files beside the writers. */
export async function realizeNow(place: Place, seed: number): Promise<void> {
  const random = new Random(seed);
  const [files] = place.followers;
  const args = ['realize', 'out', '--process-count', '1'];
  const point = random.pick([
    '',
    'realize.loaded',
    'realize.found',
    'realize.merged',
    'realize.folded',
    'split.copied',
  ]);
  await place.disturb(
    files,
    args,
    point === '' ? '' : `${point}=kill@${1 + random.below(2)}`,
    500 + random.below(3000),
  );
}

/** Cuts sessions of edp. */
export async function cutSessions(place: Place, cuts: number, seed: number): Promise<void> {
  const random = new Random(seed);
  for (let i = 0; i < cuts; i++) {
    await sleep(200 + random.below(1500));
    const cut = await place.server
      .query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'edp %'",
      )
      .catch(() => [[0]]);
    place.counts.add('sessions of edp cut', Number(cut[0]![0]));
  }
}

/** Kills the server, and starts it again. */
export async function killServer(
  place: Place,
  kills: number,
  seed: number,
  onKilled: () => void,
): Promise<void> {
  const random = new Random(seed);
  for (let i = 0; i < kills; i++) {
    await sleep(1000 + random.below(2500));
    const how = random.pick(['SIGKILL', 'SIGQUIT'] as const);
    await place.server.stop(how);
    onKilled();
    await sleep(random.below(300));
    await place.server.start();
    place.counts.add(`server ended by ${how}`);
  }
}
