/**
 * Many trials: first every failpoint of every scenario, then random faults, decided by the seed.
 * Faults that stop the server have a server of their own, one trial at a time.
 */
import type { Failpoint } from '../../src/base/failpoints.js';
import { Host } from './command.js';
import { SmallDisk } from './disk.js';
import { runEmbeddedTrial } from './embedded.js';
import {
  describeFault,
  type Fault,
  type FaultKind,
  makeFailpointFault,
  makeFault,
  randomKinds,
} from './fault.js';
import { Random } from './random.js';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';
import { FaultServer } from './server.js';
import { isBad, type Prepared, prepareScenario, runTrial, type TrialResult } from './trial.js';

export interface CampaignOptions {
  readonly directory: string;
  readonly seed: number;
  /** Number of faults to make. */
  readonly count: number;
  readonly atOnce: number;
  /** Time after which no trial begins. */
  readonly deadline: number;
  readonly only: string | undefined;
  readonly scenarios?: readonly Scenario[];
  say(text: string): void;
}

export interface CampaignResults {
  readonly seed: number;
  readonly seconds: number;
  readonly trials: readonly TrialResult[];
  readonly bad: readonly TrialResult[];
  /** Kinds that cannot be made here, and why. */
  readonly skipped: readonly string[];
}

interface Planned {
  readonly scenario: Scenario;
  readonly fault: Fault;
}

/** Trials of the embedded server take longer than others. */
const EMBEDDED_SHARE = 0.04;

/** The maximum number of commands in a scenario. */
const MAX_COMMANDS = Math.max(...SCENARIOS.map(({ commands }) => commands.length));

/** Kinds for the runs after the first: faults that follow faults. */
const LATER_KINDS: readonly FaultKind[] = [
  'failpoint',
  'failpoint',
  'failpoint',
  'kill client',
  'terminate backend',
  'cut connection',
  'lose commit',
];
const MAX_FAULTS = 4;

function chain({ scenario, fault }: Planned, random: Random): Fault[] {
  const faults = [fault];
  if (scenario.failpoints.length === 0) return faults;
  while (faults.length < MAX_FAULTS && random.next() < 0.5) {
    faults.push(makeFault(random.pick(LATER_KINDS), scenario, random));
  }
  return faults;
}

const SERVER_KINDS: readonly FaultKind[] = ['kill server', 'stop server at once', 'restart server'];

/** Whether a kind affects something that all trials share, so that it runs one trial at a time. */
const isAlone = ({ fault }: Planned) =>
  SERVER_KINDS.includes(fault.kind) || fault.kind.endsWith('disk full');

export async function runCampaign(options: CampaignOptions): Promise<CampaignResults> {
  const { directory, seed, count, atOnce, deadline, only, say } = options;
  const startedAt = Date.now();
  const random = new Random(seed);
  const found = await SmallDisk.find(directory);
  const disk = typeof found === 'string' ? undefined : found;
  const skipped = typeof found === 'string' ? [`disk full: ${found}`] : [];
  const trials: TrialResult[] = [];
  const bad: TrialResult[] = [];
  let made = 0;

  const scenarios = (options.scenarios ?? SCENARIOS).filter(
    ({ name }) => only === undefined || !SCENARIOS.some((s) => s.name === only) || name === only,
  );
  const isWanted = ({ scenario, fault }: Planned) =>
    only === undefined || scenario.name === only || describeFault(fault).includes(only);
  const planned = planFaults(scenarios, random, disk !== undefined).filter(isWanted);
  const shared = planned.filter((trial) => !isAlone(trial));
  const alone = planned.filter(isAlone);
  // Each part of the campaign has the same share of those that run alone.
  const share = alone.length / Math.max(1, planned.length);

  /** @returns number of faults made */
  const settle = (result: TrialResult): number => {
    const count = result.faults.reduce((sum, fault) => sum + fault.made, 0);
    trials.push(result);
    made += count;
    if (isBad(result)) {
      bad.push(result);
      say(
        `BAD ${result.scenario}: ${result.faults.map(({ fault }) => describeFault(fault)).join('; ')}`,
      );
      say(`    lost ${result.lost}, repeated ${result.repeated}, altered ${result.altered}`);
      for (const problem of result.problems) say(`    ${problem}`);
      for (const status of result.statuses) say(`    ended ${status}`);
    }
    if (trials.length % 50 === 0) say(`${trials.length} trials, ${made} faults, ${bad.length} bad`);
    return count;
  };

  const work = async (queue: Planned[], isOwn: boolean, workers: number, limit: () => number) => {
    const server = await FaultServer.create();
    const ready = new Map<Scenario, Promise<Prepared>>();
    const prepare = (scenario: Scenario, hosts: readonly Host[]) => {
      const known = ready.get(scenario) ?? prepareScenario(scenario, server, directory, hosts);
      ready.set(scenario, known);
      return known;
    };
    const allHosts: Host[] = [];
    let own = 0;
    const next = async (worker: number): Promise<void> => {
      const hosts = Array.from(
        { length: MAX_COMMANDS },
        (_, i) => new Host(`${directory}/rules-${isOwn}-${worker}-${i}`),
      );
      allHosts.push(...hosts);
      for (;;) {
        if (Date.now() > deadline || own >= limit()) return;
        const trial = queue.shift();
        if (trial === undefined) {
          const more = planFaults(scenarios, random, disk !== undefined)
            .filter(isWanted)
            .filter((candidate) => isAlone(candidate) === isOwn);
          if (more.length === 0) return;
          queue.push(...more);
          continue;
        }
        const prepared = await prepare(trial.scenario, hosts);
        const faults = chain(trial, random);
        const result = await runTrial(prepared, faults, { random, disk, hosts }).catch(
          (error: Error): TrialResult => ({
            scenario: trial.scenario.name,
            faults: faults.map((fault) => ({ fault, made: 0 })),
            runs: 0,
            statuses: [],
            lost: 0,
            repeated: 0,
            altered: 0,
            problems: [`the trial itself failed: ${error.stack}`],
          }),
        );
        own += settle(result);
      }
    };
    try {
      await Promise.all(Array.from({ length: workers }, (_, i) => next(i)));
    } finally {
      for (const host of allHosts) host.close();
      await server.remove();
    }
  };
  const hasEmbedded =
    options.scenarios === undefined && (only === undefined || 'embedded server'.includes(only));
  const workEmbedded = async () => {
    const limit = Math.ceil(count * EMBEDDED_SHARE);
    for (let own = 0; own < limit && Date.now() < deadline; ) {
      own += settle(await runEmbeddedTrial(directory, random));
    }
  };
  const forAlone = Math.ceil(count * share);
  await Promise.all([
    shared.length > 0 ? work(shared, false, atOnce, () => count - forAlone) : undefined,
    hasEmbedded ? workEmbedded() : undefined,
    alone.length > 0 ? work(alone, true, 1, () => forAlone) : undefined,
  ]);
  return { seed, seconds: (Date.now() - startedAt) / 1000, trials, bad, skipped };
}

/** One round: every failpoint of every scenario, and as many random faults, in random order. */
function planFaults(scenarios: readonly Scenario[], random: Random, hasDisk: boolean): Planned[] {
  const planned: Planned[] = [];
  for (const scenario of scenarios) {
    for (const entry of scenario.failpoints) {
      const [point, companion]: readonly [Failpoint, string | undefined] =
        typeof entry === 'string' ? [entry, undefined] : entry;
      planned.push({ scenario, fault: makeFailpointFault(point, companion, random) });
    }
    // Scenarios with simultaneous commands show what they must with faults that spare the server.
    const isOne = scenario.commands.length === 1 && scenario.input === undefined;
    const serverKinds = isOne ? SERVER_KINDS : [];
    for (const kind of [...randomKinds(scenario), ...serverKinds]) {
      if (kind.endsWith('disk full') && (!hasDisk || scenario.commands.length > 1)) continue;
      const times = kind.endsWith('disk full') ? 1 : 2;
      for (let i = 0; i < times; i++) {
        planned.push({ scenario, fault: makeFault(kind, scenario, random) });
      }
    }
  }
  return planned
    .map((trial) => ({ trial, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ trial }) => trial);
}
