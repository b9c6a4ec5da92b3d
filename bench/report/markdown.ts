/** Results → RESULTS.md, and the tables that the terminal shows. */
import { formatBytes, formatCount } from '../../src/terminal/output.js';
import type { BuildComparison } from '../against.js';
import type { Spread } from '../measure/statistics.js';
import { labelOf } from '../workload.js';
import type { Verdict } from './judge.js';
import type { ContenderReport, EntryReport, Results, WorkloadReport } from './results.js';

export function writeMarkdown(results: Results): string {
  const { date, machine, versions, options, serverSettings, datasets, contenders, workloads } =
    results;
  const lines: string[] = [
    '# Results of the benchmark',
    '',
    `Made by \`npm run bench\` on ${minute(date)} UTC; ${
      results.isComplete
        ? 'figures and all rounds are also in [results.json](results.json).'
        : 'not a complete run.'
    }${results.resumed === undefined ? '' : ` It went on with one that had broken off; workloads ${results.resumed.workloads} were measured by ${minute(results.resumed.date)} UTC.`}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)} memory, ${machine.system}, ${machine.kernel}. ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}. ` +
      `Scale ${options.scale}, ${options.rounds} rounds, ${options.processCount} processes where a contender takes several.`,
    '',
    '## Goals',
    '',
    table(
      ['', 'goal', 'to reach', 'aim', 'measured (least – most)', 'reached?'],
      workloads.flatMap((workload) =>
        workload.verdicts.map((verdict) => [labelOf(workload), ...verdictCells(verdict)]),
      ),
    ),
    '',
    ...(options.scale < 1
      ? ['The goals are set for scale 1. With less data, starting up counts for more.', '']
      : []),
    'A speed is compared by the medians of all rounds; least and most are ratios within one round. Memory is the greatest peak of all rounds.',
    '',
    ...describeBuilds(workloads),
    ...workloads.flatMap(describeWorkload),
    '## Contenders',
    '',
    table(
      ['contender', 'version'],
      contenders
        .filter(({ version }) => version !== undefined)
        .map(({ title, version }) => [title, version!]),
    ),
    '',
    ...describeAbsent(contenders),
    '## Data',
    '',
    table(
      ['dataset', 'files', 'bytes', 'flattened', 'SHA-256 of the first file'],
      datasets.map(({ title, files, bytes, flatBytes, sha256 }) => [
        title,
        formatCount(files),
        formatCount(bytes),
        flatBytes === undefined ? '' : formatCount(flatBytes),
        `\`${sha256.slice(0, 16)}…\``,
      ]),
    ),
    '',
    '## How it is measured',
    '',
    ...METHOD.map((line) => `- ${line}`),
    '',
    `Settings of the server: ${Object.entries(serverSettings)
      .map(([name, value]) => `\`${name} = ${value}\``)
      .join(', ')}.`,
    '',
  ];
  return lines.join('\n');
}

function minute(date: string): string {
  return date.slice(0, 16).replace('T', ' ');
}

const METHOD: readonly string[] = [
  'Every contender runs once in each round, each round begins with another one, and the data is the same for all. Seconds are from the start of the first process to the end of the last; what a contender reads was made beforehand and is in the page cache.',
  'Every load gets a database of its own, copied from a template, and a CHECKPOINT before the clock starts. Nothing outlives a load: no table, index, ledger or statistics.',
  "After every load the table's row count and sums must be right, and, where the dataset exists flattened, so must a hash over all columns of all rows. The hash is taken from what PostgreSQL's own CSV parser makes of the flat file. Constraints, indexes and triggers must be those from before, and valid. A load that is wrong fails the run.",
  'edp is the built command line with its defaults. All use the same embedded server over its socket.',
  'Client and server share the cores. Client CPU is that of the processes of the contender, server CPU that of all server processes.',
  'Memory is sampled, RSS every 200 ms, PSS every second: peaks of the sum over all processes of a group. RSS counts shared pages in every process that maps them, PSS divides them.',
];

const BUILD_HEAD = [
  'load',
  'this build, s',
  'the other, s',
  'this : the other, speed (least – most)',
  'client CPU',
  'server CPU',
];

function buildRows(builds: readonly BuildComparison[]): string[][] {
  const times = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(2)} ×`);
  return builds.map(({ title, seconds, otherSeconds, speed, clientCpu, serverCpu }) => [
    title,
    seconds.toFixed(2),
    otherSeconds.toFixed(2),
    formatSpread(speed),
    times(clientCpu),
    times(serverCpu),
  ]);
}

/** With --against: what changed from the other build to this one. */
function describeBuilds(workloads: readonly WorkloadReport[]): string[] {
  const rows = workloads.flatMap((workload) =>
    buildRows(workload.builds ?? []).map((row) => [labelOf(workload), ...row]),
  );
  if (rows.length === 0) return [];
  return [
    '## This build against the other',
    '',
    'Both ran in each round, one behind the other, in turn which of them began. A speed is compared within each round, and the median of these ratios counts; above 1, this build is faster. CPU is compared by the medians of all rounds; below 1, this build takes less.',
    '',
    table(['', ...BUILD_HEAD], rows),
    '',
  ];
}

function describeWorkload(workload: WorkloadReport): string[] {
  const { title, notes, entries } = workload;
  return [
    `## ${labelOf(workload)}: ${title}`,
    '',
    ...notes.flatMap((note) => [note, '']),
    table(['', ...headOf(entries)], entryRows(entries)),
    '',
  ];
}

/** Columns behind the title; the seconds of tasks only where there are any. */
function headOf(entries: readonly EntryReport[]): readonly string[] {
  return hasTasks(entries) ? ENTRY_HEAD.toSpliced(3, 0, 'of that its tasks') : ENTRY_HEAD;
}

function hasTasks(entries: readonly EntryReport[]): boolean {
  return entries.some(({ taskSeconds }) => taskSeconds !== undefined);
}

const ENTRY_HEAD = [
  'rows',
  'rounds',
  'seconds (least – most)',
  'rows/s',
  'MB/s read',
  'edp is … times as fast',
  'client CPU s',
  'server CPU s',
  'client RSS / PSS',
  'server RSS / PSS',
];

function entryRows(entries: readonly EntryReport[]): string[][] {
  const seconds = (value: number | undefined) => (value === undefined ? '' : value.toFixed(2));
  const memory = (rss: number, pss: number | undefined) =>
    rss === 0 ? '' : `${formatBytes(rss)}${pss === undefined ? '' : ` / ${formatBytes(pss)}`}`;
  return entries.map((entry) => {
    const { rows, bytes, peakBytes } = entry;
    const reference = findReference(entry, entries);
    return [
      entry.title,
      formatCount(rows),
      String(entry.rounds.length),
      formatSpread(entry.seconds),
      ...(hasTasks(entries)
        ? [entry.taskSeconds === undefined ? '' : formatSpread(entry.taskSeconds)]
        : []),
      rows === 0 ? '' : formatCount(entry.rowsPerSecond.median),
      bytes === 0 ? '' : (bytes / entry.seconds.median / 1e6).toFixed(0),
      reference === undefined || reference === entry
        ? ''
        : (reference.rowsPerSecond.median / entry.rowsPerSecond.median).toFixed(2),
      seconds(entry.clientCpuSeconds),
      seconds(entry.serverCpuSeconds),
      memory(peakBytes.clientRss, peakBytes.clientPss),
      memory(peakBytes.serverRss, peakBytes.serverPss),
    ];
  });
}

/** The load of edp that stands nearest before an entry, which is what it is compared with. */
function findReference(entry: EntryReport, entries: readonly EntryReport[]) {
  return entries
    .slice(0, entries.indexOf(entry) + 1)
    .findLast(({ contender }) => contender === 'edp' || contender === 'edp-run');
}

function describeAbsent(contenders: readonly ContenderReport[]): string[] {
  const absent = contenders.filter(({ remedy }) => remedy !== undefined);
  if (absent.length === 0) return [];
  return [
    'Absent on this machine:',
    '',
    ...absent.map(({ title, remedy }) => `- ${title}. To install: ${remedy}`),
    '',
  ];
}

function formatSpread({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`;
}

function verdictCells(verdict: Verdict): string[] {
  const { unit, bound, required, aim, measured, isReached, isAimReached } = verdict;
  const sign = bound === 'at least' ? '≥' : '≤';
  const times = unit === 'seconds' ? 's' : '×';
  const format = (value: number) => (unit === 'bytes' ? formatBytes(value) : `${value} ${times}`);
  const formatMeasured = ({ median, min, max }: Spread) =>
    unit === 'bytes'
      ? `${formatBytes(median)} (${formatBytes(min)} – ${formatBytes(max)})`
      : `${median.toFixed(2)} ${times} (${min.toFixed(2)} – ${max.toFixed(2)})`;
  return [
    verdict.title,
    `${sign} ${format(required)}`,
    `${sign} ${format(aim)}`,
    measured === undefined ? 'not measured' : formatMeasured(measured),
    isReached === undefined
      ? '–'
      : isAimReached
        ? 'yes, and the aim'
        : isReached
          ? 'yes'
          : '**no**',
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the terminal shows of a workload: heads and rows of two tables. */
export function terminalTables({ verdicts, entries, builds = [] }: WorkloadReport) {
  const tables = [
    { head: ['contender', ...headOf(entries)], rows: entryRows(entries) },
    {
      head: ['goal', 'to reach', 'aim', 'measured', 'reached?'],
      rows: verdicts.map(verdictCells),
    },
    { head: BUILD_HEAD, rows: buildRows(builds) },
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}
