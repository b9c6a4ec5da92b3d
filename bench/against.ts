/** Two builds of edp in one run: each load of this one beside the same load of the other. */
import type { Build } from './builds.js';
import { barePathOf } from './contenders/bare-path.js';
import type { Contender } from './contenders/contender.js';
import { edpOf } from './contenders/edp.js';
import { edpRunOf } from './contenders/edp-run.js';
import { inferTypesOf } from './contenders/inference.js';
import { pairedRatios, type Spread, spreadOf } from './measure/statistics.js';
import { speedsOf } from './report/judge.js';
import type { EntryResult } from './rounds.js';
import type { Entry } from './workload.js';

/** What is made of a build. The others are what they are, whatever the build. */
const BUILT: Readonly<Record<string, (build: Build) => Contender>> = {
  edp: edpOf,
  'edp-run': edpRunOf,
  'edp-infer': inferTypesOf,
  'bare-path': barePathOf,
};

/** Contenders of a run that compares builds, unless it is given others. */
export const BUILT_CONTENDERS: readonly string[] = Object.keys(BUILT);

/** Contenders of another build, by the names of this one's. */
export function contendersOf(build: Build): Map<string, Contender> {
  return new Map(Object.entries(BUILT).map(([name, make]) => [name, make(build)]));
}

/**
 * @param others of the other build, by the names of this one's
 * @returns for each entry, it alone, or it and the same entry of the other build
 */
export function pairEntries(
  entries: readonly Entry[],
  others: ReadonlyMap<string, Contender>,
): (readonly Entry[])[] {
  return entries.map((entry) => {
    const contender = others.get(entry.contender.name);
    if (contender === undefined) return [entry];
    const key = `${entry.key}, the other build`;
    return [entry, { ...entry, key, title: `${entry.title}, the other build`, contender }];
  });
}

/** How a load of this build compares with the same of the other. */
export interface BuildComparison {
  readonly title: string;
  /** Medians. */
  readonly seconds: number;
  readonly otherSeconds: number;
  /** Speed of this build as a multiple of the other's, within each round. */
  readonly speed: Spread;
  /** CPU of this build as a multiple of the other's, by medians; undefined where the system does not tell. */
  readonly clientCpu: number | undefined;
  readonly serverCpu: number | undefined;
}

/** @param pairs as of {@link pairEntries}, measured */
export function compareBuilds(pairs: readonly (readonly EntryResult[])[]): BuildComparison[] {
  return pairs.flatMap(([own, other]) => {
    if (own === undefined || other === undefined || other.rounds.length === 0) return [];
    return {
      title: own.entry.title,
      seconds: medianOf(own, ({ seconds }) => seconds)!,
      otherSeconds: medianOf(other, ({ seconds }) => seconds)!,
      speed: spreadOf(pairedRatios(speedsOf(own), speedsOf(other))),
      clientCpu: ratio(own, other, ({ client }) => client.cpuSeconds),
      serverCpu: ratio(own, other, ({ server }) => server.cpuSeconds),
    };
  });
}

type Figure = (round: EntryResult['rounds'][number]) => number | undefined;

function medianOf({ rounds }: EntryResult, figure: Figure): number | undefined {
  const values = rounds.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spreadOf(values).median;
}

function ratio(own: EntryResult, other: EntryResult, figure: Figure): number | undefined {
  const [one, two] = [medianOf(own, figure), medianOf(other, figure)];
  return one === undefined || two === undefined || two === 0 ? undefined : one / two;
}
