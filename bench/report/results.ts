/** A run of the benchmark as data: what results.json holds, and the report is made from. */
import type { BuildComparison } from '../against.js';
import type { Dataset } from '../datasets/dataset.js';
import type { Machine } from '../measure/machine.js';
import { type Spread, spreadOf } from '../measure/statistics.js';
import type { EntryResult, Measurement } from '../rounds.js';
import type { Workload } from '../workload.js';
import { judge, speedsOf, taskSecondsOf, type Verdict } from './judge.js';

export interface EntryReport {
  readonly key: string;
  readonly contender: string;
  readonly title: string;
  readonly dataset: string;
  readonly rows: number;
  /** Of what it read. */
  readonly bytes: number;
  readonly seconds: Spread;
  readonly rowsPerSecond: Spread;
  /** Of its tasks alone, where the contender tells. */
  readonly taskSeconds?: Spread;
  /** Medians. */
  readonly clientCpuSeconds: number | undefined;
  readonly serverCpuSeconds: number | undefined;
  /** Greatest of all rounds. */
  readonly peakBytes: {
    readonly clientRss: number;
    readonly clientPss: number | undefined;
    readonly serverRss: number;
    readonly serverPss: number | undefined;
  };
  readonly rounds: readonly Measurement[];
}

export interface WorkloadReport {
  readonly letter: string;
  readonly name?: string;
  readonly title: string;
  readonly notes: readonly string[];
  readonly verdicts: readonly Verdict[];
  readonly entries: readonly EntryReport[];
  /** With --against. */
  readonly builds?: readonly BuildComparison[];
}

export interface ContenderReport {
  readonly name: string;
  readonly title: string;
  readonly version?: string;
  /** How to install it, where it is absent. */
  readonly remedy?: string;
}

export interface Results {
  readonly format: 1;
  readonly date: string;
  /** Of workloads that were measured by a run that broke off, and when. */
  readonly resumed?: { readonly date: string; readonly workloads: string };
  readonly isComplete: boolean;
  readonly options: {
    readonly scale: number;
    readonly rounds: number;
    readonly processCount: number;
    /** Where not all of them were wanted. */
    readonly contenders?: readonly string[];
  };
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly serverSettings: Readonly<Record<string, string>>;
  readonly contenders: readonly ContenderReport[];
  readonly datasets: readonly {
    readonly name: string;
    readonly title: string;
    readonly rows: number;
    readonly files: number;
    readonly bytes: number;
    readonly flatBytes: number | undefined;
    readonly sha256: string;
  }[];
  readonly workloads: readonly WorkloadReport[];
}

export function reportWorkload(
  { letter, name, title, notes, goals }: Workload,
  results: readonly EntryResult[],
  builds: readonly BuildComparison[] = [],
): WorkloadReport {
  return {
    letter,
    name,
    title,
    notes,
    verdicts: goals
      .map((goal) => judge(goal, results))
      // Of two builds, what is compared with other contenders is left out.
      .filter(({ measured }) => builds.length === 0 || measured !== undefined),
    entries: results.filter(({ rounds }) => rounds.length > 0).map(reportEntry),
    ...(builds.length === 0 ? {} : { builds }),
  };
}

function reportEntry(result: EntryResult): EntryReport {
  const { entry, rounds } = result;
  const { dataset, contender } = entry;
  const peak = (bytes: (round: Measurement) => number) => Math.max(...rounds.map(bytes));
  const known = <T>(values: readonly (T | undefined)[]) =>
    values.every((value) => value !== undefined) ? (values as T[]) : undefined;
  const median = (values: readonly (number | undefined)[]) => {
    const all = known(values);
    return all && spreadOf(all).median;
  };
  const greatest = (values: readonly (number | undefined)[]) => {
    const all = known(values);
    return all && Math.max(...all);
  };
  return {
    key: entry.key,
    contender: contender.name,
    title: entry.title,
    dataset: dataset.name,
    rows: dataset.rows,
    bytes: bytesRead(entry),
    seconds: spreadOf(rounds.map(({ seconds }) => seconds)),
    rowsPerSecond: spreadOf(speedsOf(result)),
    ...(rounds.some(({ taskSeconds }) => taskSeconds !== undefined)
      ? { taskSeconds: spreadOf(taskSecondsOf(result)) }
      : {}),
    clientCpuSeconds: median(rounds.map(({ client }) => client.cpuSeconds)),
    serverCpuSeconds: median(rounds.map(({ server }) => server.cpuSeconds)),
    peakBytes: {
      clientRss: peak(({ client }) => client.peakRssBytes),
      clientPss: greatest(rounds.map(({ client }) => client.peakPssBytes)),
      serverRss: peak(({ server }) => server.peakRssBytes),
      serverPss: greatest(rounds.map(({ server }) => server.peakPssBytes)),
    },
    rounds,
  };
}

/** Of files. */
function bytesRead({ contender, dataset }: EntryResult['entry']): number {
  if (contender.reads === 'tables') return 0;
  return contender.reads === 'flat' ? dataset.flat!.bytes : dataset.bytes;
}

export function reportDataset({ name, title, rows, files, bytes, flat, sha256 }: Dataset) {
  return { name, title, rows, files: files.length, bytes, flatBytes: flat?.bytes, sha256 };
}
