/** Measurements → whether the goals are reached. */
import { ratioOf, type Spread, spreadOf } from '../measure/statistics.js';
import type { EntryResult } from '../rounds.js';
import type { Goal } from '../workload.js';

export interface Verdict {
  readonly title: string;
  readonly unit: 'times' | 'bytes' | 'seconds';
  /** What was asked for: at least so much, or at most. */
  readonly bound: 'at least' | 'at most';
  readonly required: number;
  readonly aim: number;
  /** Undefined where a contender is absent or was left out. */
  readonly measured: Spread | undefined;
  readonly isReached: boolean | undefined;
  readonly isAimReached: boolean | undefined;
}

export function judge(goal: Goal, results: readonly EntryResult[]): Verdict {
  const measured = measureGoal(goal, results);
  const bound = 'atLeast' in goal ? 'at least' : 'at most';
  const required = 'atLeast' in goal ? goal.atLeast : goal.atMost;
  const reaches = (limit: number) =>
    measured && (bound === 'at least' ? measured.median >= limit : measured.median <= limit);
  return {
    title: goal.title,
    unit: goal.kind === 'memory' ? 'bytes' : goal.kind === 'seconds' ? 'seconds' : 'times',
    bound,
    required,
    aim: goal.aim,
    measured,
    isReached: reaches(required),
    isAimReached: reaches(goal.aim),
  };
}

function measureGoal(goal: Goal, results: readonly EntryResult[]): Spread | undefined {
  const find = (key: string) =>
    results.find(({ entry, rounds }) => entry.key === key && rounds.length > 0);
  const keys = [goal.of].flat().concat('against' in goal ? goal.against : []);
  const found = keys.flatMap((key) => find(key) ?? []);
  if (found.length < keys.length) return undefined;
  switch (goal.kind) {
    case 'speed':
      return ratioOf(speedsOf(found[0]!), speedsOf(slowestOf(found.slice(1))));
    case 'byte speed':
      return ratioOf(byteSpeedsOf(found[0]!), byteSpeedsOf(found[1]!));
    case 'even speed': {
      const fastest = found.reduce((a, b) => (medianSpeed(b) > medianSpeed(a) ? b : a));
      return ratioOf(speedsOf(slowestOf(found)), speedsOf(fastest));
    }
    case 'memory':
      // The peak is what counts, so the greatest of all rounds stands for them.
      return { ...spreadOf(found.flatMap(peaksOf)), median: Math.max(...found.flatMap(peaksOf)) };
    case 'flat memory':
      return ratioOf(peaksOf(found[0]!), peaksOf(found[1]!));
    case 'seconds':
      return spreadOf(found[0]!.rounds.map(({ seconds }) => seconds));
    case 'allowance': {
      const { share, seconds } = goal;
      return ratioOf(
        taskSecondsOf(found[0]!),
        taskSecondsOf(found[1]!).map((all) => share * all + seconds),
      );
    }
  }
}

/** Rows per second of each round; runs per second, where there are no rows. */
export function speedsOf({ entry, rounds }: EntryResult): number[] {
  return rounds.map(({ seconds }) => (entry.dataset.rows || 1) / seconds);
}

function byteSpeedsOf({ entry, rounds }: EntryResult): number[] {
  return rounds.map(({ seconds }) => entry.dataset.bytes / seconds);
}

/** Of each round; all of its seconds where the contender does not tell. */
export function taskSecondsOf({ rounds }: EntryResult): number[] {
  return rounds.map(({ taskSeconds, seconds }) => taskSeconds ?? seconds);
}

function slowestOf(results: readonly EntryResult[]): EntryResult {
  return results.reduce((a, b) => (medianSpeed(b) < medianSpeed(a) ? b : a));
}

function medianSpeed(result: EntryResult): number {
  return spreadOf(speedsOf(result)).median;
}

function peaksOf({ rounds }: EntryResult): number[] {
  return rounds.map(({ client }) => client.peakRssBytes);
}
