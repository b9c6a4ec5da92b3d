/** `npm run bench`: options → data → rounds → report. */
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatBytes, formatCount, formatSeconds, formatTable } from '../src/terminal/output.js';
import { BUILT_CONTENDERS, compareBuilds, contendersOf, pairEntries } from './against.js';
import { findBuild } from './builds.js';
import type { Contender, ContenderSettings, Presence } from './contenders/contender.js';
import { CONTENDERS } from './contenders/index.js';
import { killRunning } from './measure/launch.js';
import { describeEdp, describeMachine } from './measure/machine.js';
import { type BenchOptions, HELP, parseOptions, UsageError } from './options.js';
import { assertSameConditions, type Conditions, readEarlier } from './report/earlier.js';
import { terminalTables, writeMarkdown } from './report/markdown.js';
import {
  type ContenderReport,
  type Results,
  reportDataset,
  reportWorkload,
  type WorkloadReport,
} from './report/results.js';
import { REPOSITORY } from './repository.js';
import { runRounds } from './rounds.js';
import { Workbench } from './workbench.js';
import { type Entry, isChosen, labelOf, type Workload } from './workload.js';
import { WORKLOADS } from './workloads/index.js';

/** Of the server itself: its programs, the write-ahead log (max_wal_size and more), and room to breathe. */
const SERVER_DISK_BYTES = 5e9;

/** Of the events that nearly every workload loads: nested, flat, encoded, and in a table, at scale 1. */
const EVENTS_DISK_BYTES = 2.6e9;

const MIN_ROUNDS_OF_RESULTS = 5;

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Then whatever fails next fails because of it. */
let isInterrupted = false;

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.isHelp) {
    say(HELP);
    return 0;
  }
  const earlier = options.isResume
    ? await readEarlier(resultFiles(options, false).json)
    : undefined;
  const isMeasured = ({ letter }: Workload) =>
    earlier?.workloads.some((report) => report.letter === letter) ?? false;
  const workloads = chooseWorkloads(options).filter((workload) => !isMeasured(workload));
  const others =
    options.against === undefined ? undefined : contendersOf(findBuild(options.against));
  const contenders = [...CONTENDERS, ...(others?.values() ?? [])];
  const presences = await findContenders(contenders, options);
  if (options.isList) {
    list(contenders, presences);
    return 0;
  }
  if (workloads.length === 0) throw new UsageError('there is nothing left to be measured');
  const startedAt = performance.now();
  await assertDiskSpace(options, workloads);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      say('\ninterrupted: clearing data and server away');
      abort.abort(new Error('interrupted'));
      killRunning();
    });
  }
  const reports: WorkloadReport[] = [];
  let writtenTo: string | undefined;
  await Workbench.with(options, say, async (bench) => {
    const conditions = describeConditions(options, bench, contenders, presences);
    if (earlier !== undefined) assertSameConditions(earlier, conditions);
    const save = () => writeResults(options, conditions, bench, reports, earlier);
    for (const workload of workloads) {
      const entries = chooseEntries(await workload.prepare(bench), workload, options, presences);
      abort.signal.throwIfAborted();
      const present = [...(others ?? [])].filter(([, { name }]) => presences.get(name)!.isPresent);
      const groups = pairEntries(entries, new Map(present));
      reports.push(await runWorkload(bench, workload, groups, options, abort.signal));
      // What has been measured stays, should a later workload fail.
      writtenTo = await save();
    }
  });
  say(`\nwritten: ${path.relative('.', writtenTo!)}`);
  say(`took ${formatSeconds((performance.now() - startedAt) / 1000)}`);
  return 0;
}

function chooseWorkloads({ workloads, contenders }: BenchOptions): readonly Workload[] {
  const unknown =
    workloads?.filter((text) => !WORKLOADS.some((one) => isChosen(one, [text]))) ?? [];
  if (unknown.length > 0) {
    throw new UsageError(`--only ${unknown}: there are ${WORKLOADS.map(labelOf).join(', ')}`);
  }
  const names = CONTENDERS.map(({ name }) => name);
  const strangers = contenders?.filter((name) => !names.includes(name)) ?? [];
  if (strangers.length > 0) {
    throw new UsageError(`--contender ${strangers}: there are ${names.join(', ')}`);
  }
  return WORKLOADS.filter((workload) => workloads === undefined || isChosen(workload, workloads));
}

type Presences = ReadonlyMap<string, Presence>;

async function findContenders(
  contenders: readonly Contender[],
  { python }: BenchOptions,
): Promise<Presences> {
  const settings: ContenderSettings = {
    processCount: 1,
    givenProcessCount: undefined,
    python,
    scratch: '',
  };
  return new Map(
    await Promise.all(
      contenders.map(
        async (contender) => [contender.name, await contender.find(settings)] as const,
      ),
    ),
  );
}

function describePresence({ name, title }: Contender, presence: Presence) {
  return presence.isPresent
    ? { name, title, version: presence.version }
    : { name, title, remedy: presence.remedy };
}

function list(contenders: readonly Contender[], presences: Presences): void {
  say(
    formatTable(
      ['workload', ''],
      WORKLOADS.map((workload) => [labelOf(workload), workload.title]),
    ),
  );
  say('');
  const rows = contenders.map((contender) => {
    const found = describePresence(contender, presences.get(contender.name)!);
    return [found.name, found.version ?? `absent; to install: ${found.remedy}`];
  });
  say(formatTable(['contender', ''], rows));
}

async function assertDiskSpace(
  { directory, scale }: BenchOptions,
  workloads: readonly Workload[],
): Promise<void> {
  const needed = workloads.reduce(
    (sum, { diskBytes }) => sum + diskBytes(scale),
    SERVER_DISK_BYTES + scale * EVENTS_DISK_BYTES,
  );
  await mkdir(directory, { recursive: true });
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  say(`needs up to ${formatBytes(needed)} in ${directory}, where ${formatBytes(free)} are free`);
  if (free < needed) {
    throw new UsageError('not enough room: choose another place with --dir, or a smaller --scale');
  }
}

/** What is measured of a workload. */
function chooseEntries(
  entries: readonly Entry[],
  { goals }: Workload,
  options: BenchOptions,
  presences: Presences,
): Entry[] {
  const judged = goals.flatMap((goal) => [goal.of, 'against' in goal ? goal.against : []].flat());
  const wanted =
    options.contenders ?? (options.against === undefined ? undefined : BUILT_CONTENDERS);
  return (
    entries
      .filter(
        ({ contender }) =>
          presences.get(contender.name)!.isPresent && (wanted?.includes(contender.name) ?? true),
      )
      // A quick run has no time to measure twice what no goal depends on.
      .map((entry) =>
        options.isQuick && options.against === undefined && !judged.includes(entry.key)
          ? { ...entry, maxRounds: 1 }
          : entry,
      )
  );
}

async function runWorkload(
  bench: Workbench,
  workload: Workload,
  groups: readonly (readonly Entry[])[],
  options: BenchOptions,
  signal: AbortSignal,
): Promise<WorkloadReport> {
  say(`\n${labelOf(workload)}: ${workload.title}`);
  const rounds = options.isQuick ? options.rounds : options.rounds * (workload.roundFactor ?? 1);
  const width = Math.max(...groups.flat().map(({ title }) => title.length));
  const results = await runRounds(bench, groups, {
    rounds,
    signal,
    onMeasured(entry, round, { seconds, client, server }) {
      const speed = formatCount(entry.dataset.rows / seconds).padStart(9);
      say(
        `  round ${round + 1}/${rounds}  ${entry.title.padEnd(width)} ${seconds.toFixed(2).padStart(7)} s ${speed} rows/s` +
          `  RSS ${formatPeak(client.peakRssBytes)}, server ${formatPeak(server.peakRssBytes)}`,
      );
    },
  });
  const report = reportWorkload(workload, results.flat(), compareBuilds(results));
  for (const { head, rows } of terminalTables(report)) say(`\n${formatTable(head, rows)}`);
  return report;
}

/** What ended before the first look, or has no process of its own, has no peak. */
function formatPeak(bytes: number): string {
  return bytes === 0 ? '–' : formatBytes(bytes);
}

function describeConditions(
  { scale, rounds, processCount, contenders: wanted, against }: BenchOptions,
  bench: Workbench,
  contenders: readonly Contender[],
  presences: Presences,
): Conditions {
  const { settings } = bench.server;
  return {
    options: {
      scale,
      rounds,
      processCount,
      ...(wanted === undefined ? {} : { contenders: wanted }),
    },
    machine: describeMachine(),
    versions: {
      edp: describeEdp(),
      ...(against === undefined ? {} : { 'against edp': describeEdp(against) }),
      Node: process.versions.node,
      PostgreSQL: settings.server_version ?? 'unknown',
    },
    serverSettings: settings,
    contenders: contenders.map(
      (contender): ContenderReport => describePresence(contender, presences.get(contender.name)!),
    ),
  };
}

/** @returns where a person reads them */
async function writeResults(
  options: BenchOptions,
  conditions: Conditions,
  bench: Workbench,
  measured: readonly WorkloadReport[],
  earlier: Results | undefined,
): Promise<string> {
  const workloads = [...(earlier?.workloads ?? []), ...measured];
  const isComplete =
    options.scale === 1 &&
    options.rounds >= MIN_ROUNDS_OF_RESULTS &&
    options.contenders === undefined &&
    options.against === undefined &&
    workloads.length === WORKLOADS.length;
  const datasets = [...(earlier?.datasets ?? []), ...bench.datasets.map(reportDataset)];
  const results: Results = {
    format: 1,
    date: new Date().toISOString(),
    ...(earlier === undefined
      ? {}
      : {
          resumed: {
            date: earlier.date,
            workloads: earlier.workloads.map(({ letter }) => letter).join(', '),
          },
        }),
    isComplete,
    ...conditions,
    datasets: [...new Map(datasets.map((dataset) => [dataset.name, dataset])).values()],
    workloads,
  };
  const files = resultFiles(options, isComplete);
  await mkdir(path.dirname(files.markdown), { recursive: true });
  await writeFile(files.markdown, writeMarkdown(results));
  await writeFile(files.json, `${JSON.stringify(results, null, 2)}\n`);
  return files.markdown;
}

function resultFiles({ out, against }: BenchOptions, isComplete: boolean) {
  const directory = out ?? path.join(REPOSITORY, 'bench');
  const kind = against === undefined ? '-quick' : '-against';
  const suffix = isComplete || out !== undefined ? '' : kind;
  return {
    markdown: path.join(directory, `RESULTS${suffix}.md`),
    json: path.join(directory, `results${suffix}.json`),
  };
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`bench: ${isInterrupted ? 'interrupted' : error.message}\n`);
    process.exitCode = isInterrupted ? 130 : error instanceof UsageError ? 2 : 1;
  },
);
