/** Summary of a campaign, by failpoint and by kind. */
import { FAILPOINTS } from '../../src/base/failpoints.js';
import type { AgreementResults } from '../agreement/agreement.js';
import type { PromiseResults } from '../promise/promise.js';
import type { CampaignResults } from './campaign.js';
import type { CaptureCampaignResults } from './capture/campaign.js';
import type { Fault } from './fault.js';
import type { FuzzResults } from './fuzz.js';
import type { ReaderResults } from './readers.js';
import type { TrialResult } from './trial.js';

interface Line {
  readonly name: string;
  readonly made: number;
  readonly maxRuns: number;
  readonly lost: number;
  readonly repeated: number;
  readonly altered: number;
  readonly bad: number;
}

function sumUp(name: string, trials: readonly TrialResult[], made: number): Line {
  const sum = (count: (trial: TrialResult) => number) =>
    trials.reduce((total, trial) => total + count(trial), 0);
  return {
    name,
    made,
    maxRuns: Math.max(0, ...trials.map(({ runs }) => runs)),
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    altered: sum(({ altered }) => altered),
    bad: trials.filter(({ problems }) => problems.length > 0).length,
  };
}

/** Groups trials by the name of each fault; a trial with several faults counts for each of them. */
function group(
  trials: readonly TrialResult[],
  nameOf: (fault: Fault, trial: TrialResult) => string | undefined,
): Line[] {
  const groups = new Map<string, { trials: Set<TrialResult>; made: number }>();
  for (const trial of trials) {
    for (const { fault, made } of trial.faults) {
      const name = nameOf(fault, trial);
      if (name === undefined || made === 0) continue;
      const own = groups.get(name) ?? { trials: new Set(), made: 0 };
      groups.set(name, own);
      own.trials.add(trial);
      own.made += made;
    }
  }
  return [...groups].map(([name, own]) => sumUp(name, [...own.trials], own.made));
}

/** Tables in Markdown. */
export function formatSummary({ trials, bad, skipped, seconds, seed }: CampaignResults): string {
  const points = group(trials, (fault) =>
    fault.kind === 'failpoint' ? fault.point : undefined,
  ).sort((a, b) => FAILPOINTS.indexOf(a.name as never) - FAILPOINTS.indexOf(b.name as never));
  const actions = group(trials, (fault) =>
    fault.kind === 'failpoint' ? fault.action.replace(/^pause.*/, 'pause') : undefined,
  );
  const kinds = group(trials, (fault) => (fault.kind === 'failpoint' ? undefined : fault.kind));
  const scenarios = group(trials, (_, { scenario }) => scenario);
  const total = sumUp(
    'all',
    trials,
    trials.reduce((sum, { faults }) => sum + faults.reduce((own, { made }) => own + made, 0), 0),
  );
  const reached = points.length;
  return [
    `${total.made} faults in ${trials.length} trials, ${Math.round(seconds)} s, seed ${seed}: ` +
      `${total.lost} rows lost, ${total.repeated} repeated, ${total.altered} altered; ` +
      `${bad.length} trials with any fault found; ${reached} failpoints`,
    ...skipped.map((reason) => `skipped: ${reason}`),
    '',
    formatTable('failpoint', points),
    formatTable('what happened at failpoints', actions),
    formatTable('kind', kinds),
    formatTable('scenario', scenarios),
  ].join('\n');
}

function formatTable(title: string, lines: readonly Line[]): string {
  const rows = lines.map(
    ({ name, made, maxRuns, lost, repeated, altered, bad }) =>
      `| ${name} | ${made} | ${maxRuns} | ${lost} | ${repeated} | ${altered} | ${bad} |`,
  );
  return [
    `| ${title} | faults made | runs until done, at most | rows lost | repeated | altered | other findings |`,
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows,
    '',
  ].join('\n');
}

export function formatFuzz(results: FuzzResults): string {
  const { inputs, models, badModels, loaded, skipped, failed, records, rejects, seconds } = results;
  return (
    `${inputs} files for ${models} models in ${Math.round(seconds)} s: ${badModels} models refused, ` +
    `${loaded} files loaded (${records} records, ${rejects} of them rejected), ` +
    `${skipped} skipped, ${failed} refused; ${results.problems.length} problems`
  );
}

export function formatReaders(results: ReaderResults): string {
  const { commands, killed, transactions, looks, stale, problems } = results;
  return [
    `${commands} commands, ${killed} of them killed; ${transactions} transactions that changed a table; ` +
      `${looks} questions whether a reader is stale, ${stale} answered with yes; ${problems.length} problems`,
    ...problems,
  ].join('\n');
}

export function formatCapture(results: CaptureCampaignResults): string {
  const { trials, seconds, bad, counts, found } = results;
  if (found.length > 0) {
    return [
      '| planted fault | found in trials | first sign |',
      '|---|--:|---|',
      ...found.map((one) => `| ${one.plant} | ${one.found} of ${one.trials} | ${one.first} |`),
    ].join('\n');
  }
  return [
    'what came to pass:',
    ...counts.list().map((line) => `  ${line}`),
    `${trials} trials in ${Math.round(seconds)} s, ${bad.length} in which something was lost, invented or left` +
      (bad.length === 0 ? '' : `: seeds ${bad.map(({ seed }) => seed).join(', ')}`),
  ].join('\n');
}

export function formatPromise({
  seed,
  seconds,
  sequences,
  steps,
  failures,
}: PromiseResults): string {
  const list = Object.entries(steps)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`);
  return [
    `seed ${seed}: ${sequences} sequences in ${Math.round(seconds)} s, ${failures.length} that break the promise`,
    `steps: ${list.join(', ')}`,
  ].join('\n');
}

export function formatAgreement(results: AgreementResults): string {
  const { seed, cases, records, refusedTables, failures, seconds, kinds } = results;
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `  ${count} ${name}`);
  return [
    `seed ${seed}: ${cases} cases with ${records} records in ${Math.round(seconds)} s, ${failures.length} differ`,
    'rules of the tables:',
    ...list(kinds),
    'tables that the server refused, and left out:',
    ...list(refusedTables),
  ].join('\n');
}
