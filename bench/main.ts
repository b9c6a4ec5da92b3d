/** `npm run bench`: options → data → rounds → report. */
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatBytes, formatCount, formatSeconds, formatTable } from '../src/terminal/output.js';
import type { ContenderSettings, Presence } from './contenders/contender.js';
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
import type { Workload } from './workload.js';
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
  const presences = await findContenders(options);
  if (options.isList) {
    list(presences);
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
    const conditions = describeConditions(options, bench, presences);
    if (earlier !== undefined) assertSameConditions(earlier, conditions);
    const save = () => writeResults(options, conditions, bench, reports, earlier);
    for (const workload of workloads) {
      reports.push(await runWorkload(bench, workload, options, presences, abort.signal));
      // What has been measured stays, should a later workload fail.
      writtenTo = await save();
    }
  });
  say(`\nwritten: ${path.relative('.', writtenTo!)}`);
  say(`took ${formatSeconds((performance.now() - startedAt) / 1000)}`);
  return 0;
}

function chooseWorkloads({ workloads, contenders }: BenchOptions): readonly Workload[] {
  const letters = WORKLOADS.map(({ letter }) => letter);
  const unknown = workloads?.filter((letter) => !letters.includes(letter)) ?? [];
  if (unknown.length > 0) {
    throw new UsageError(`--workload ${unknown}: there are ${letters.join(', ')}`);
  }
  const names = CONTENDERS.map(({ name }) => name);
  const strangers = contenders?.filter((name) => !names.includes(name)) ?? [];
  if (strangers.length > 0) {
    throw new UsageError(`--contender ${strangers}: there are ${names.join(', ')}`);
  }
  return WORKLOADS.filter(({ letter }) => workloads?.includes(letter) ?? true);
}

type Presences = ReadonlyMap<string, Presence>;

async function findContenders({ python }: BenchOptions): Promise<Presences> {
  const settings: ContenderSettings = {
    processCount: 1,
    givenProcessCount: undefined,
    python,
    scratch: '',
  };
  return new Map(
    await Promise.all(
      CONTENDERS.map(
        async (contender) => [contender.name, await contender.find(settings)] as const,
      ),
    ),
  );
}

function describePresence({ name, title }: (typeof CONTENDERS)[number], presence: Presence) {
  return presence.isPresent
    ? { name, title, version: presence.version }
    : { name, title, remedy: presence.remedy };
}

function list(presences: Presences): void {
  say(
    formatTable(
      ['workload', ''],
      WORKLOADS.map(({ letter, title }) => [letter, title]),
    ),
  );
  say('');
  const rows = CONTENDERS.map((contender) => {
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

async function runWorkload(
  bench: Workbench,
  workload: Workload,
  options: BenchOptions,
  presences: Presences,
  signal: AbortSignal,
): Promise<WorkloadReport> {
  say(`\n${workload.letter}: ${workload.title}`);
  const judged = workload.goals.flatMap((goal) =>
    [goal.of, 'against' in goal ? goal.against : []].flat(),
  );
  const entries = (await workload.prepare(bench))
    .filter(
      ({ contender }) =>
        presences.get(contender.name)!.isPresent &&
        (options.contenders?.includes(contender.name) ?? true),
    )
    // A quick run has no time to measure twice what no goal depends on.
    .map((entry) =>
      options.isQuick && !judged.flat().includes(entry.key) ? { ...entry, maxRounds: 1 } : entry,
    );
  signal.throwIfAborted();
  const rounds = options.isQuick ? options.rounds : options.rounds * (workload.roundFactor ?? 1);
  const width = Math.max(...entries.map(({ title }) => title.length));
  const results = await runRounds(bench, entries, {
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
  const report = reportWorkload(workload, results);
  for (const { head, rows } of terminalTables(report)) say(`\n${formatTable(head, rows)}`);
  return report;
}

/** What ended before the first look, or has no process of its own, has no peak. */
function formatPeak(bytes: number): string {
  return bytes === 0 ? '–' : formatBytes(bytes);
}

function describeConditions(
  { scale, rounds, processCount, contenders }: BenchOptions,
  bench: Workbench,
  presences: Presences,
): Conditions {
  const { settings } = bench.server;
  return {
    options: { scale, rounds, processCount, ...(contenders === undefined ? {} : { contenders }) },
    machine: describeMachine(),
    versions: {
      edp: describeEdp(),
      Node: process.versions.node,
      PostgreSQL: settings.server_version ?? 'unknown',
    },
    serverSettings: settings,
    contenders: CONTENDERS.map(
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

function resultFiles({ out }: BenchOptions, isComplete: boolean) {
  const directory = out ?? path.join(REPOSITORY, 'bench');
  const suffix = isComplete || out !== undefined ? '' : '-quick';
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
