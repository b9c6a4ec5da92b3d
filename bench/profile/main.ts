/**
 * `npm run bench:profile`: one load, and where its time goes: client CPU by thread, server CPU by process,
 * what the sessions wait for, bytes; then the same load again under V8's profiler, by function.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatCount, formatTable } from '../../src/terminal/output.js';
import type { Dataset } from '../datasets/dataset.js';
import { warmFile } from '../datasets/dataset.js';
import { killRunning, makeLaunch } from '../measure/launch.js';
import { HAS_PROC } from '../measure/processes.js';
import { parseOptions, UsageError } from '../options.js';
import { CLI } from '../repository.js';
import type { RunDatabase } from '../server.js';
import type { LoadTarget } from '../tables.js';
import { Workbench } from '../workbench.js';
import { bareTable } from '../workloads/a-bare-table.js';
import { modelTable } from '../workloads/b-model-table.js';
import { text } from '../workloads/c-text.js';
import { readProfiles } from './cpu-profiles.js';
import { SessionSampler } from './sessions.js';
import { CpuSampler } from './threads.js';

const HELP = `npm run bench:profile -- [options] [-- options of edp ingest]

Runs one load as the benchmark does, and prints where its time goes.

  --only NAME         A or bare-table (default), B or model-table, full: B with events in it, C or text;
                      --workload is the same
  --scale S           1 is 4 million events (default 0.25)
  --top N             functions to print of each thread (default 15)
  --keep DIR          keeps the .cpuprofile files there, for the Performance tab of Chrome's DevTools
  --no-functions      only the first load, without V8's profiler
  --dir PATH          as for the benchmark

  npm run bench:profile -- --only model-table --scale 1
  npm run bench:profile -- -- --process-count 1 --write-batch-size 2000
`;

const WORKER_ROLE = 'edp worker';

const say = (text = '') => process.stdout.write(`${text}\n`);

interface Job {
  readonly dataset: Dataset;
  readonly target: LoadTarget;
}

type Prepare = (bench: Workbench) => Promise<Job>;

const prepareBare: Prepare = async (bench) => ({
  dataset: await bench.events(),
  target: await bench.bareTable(),
});
const prepareModel: Prepare = async (bench) => ({
  dataset: await bench.events(),
  target: await bench.modelTable(),
});
const prepareFull: Prepare = async (bench) => ({
  dataset: await bench.events(),
  target: await bench.filledModelTable(),
});
const prepareText: Prepare = async (bench) => ({
  dataset: await bench.reviews(),
  target: await bench.reviewsTable(),
});

const JOBS: Readonly<Record<string, Prepare>> = {
  a: prepareBare,
  [bareTable.name]: prepareBare,
  b: prepareModel,
  [modelTable.name]: prepareModel,
  full: prepareFull,
  c: prepareText,
  [text.name]: prepareText,
};

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: {
        only: { type: 'string' },
        workload: { type: 'string', default: bareTable.name },
        scale: { type: 'string', default: '0.25' },
        top: { type: 'string', default: '15' },
        keep: { type: 'string' },
        functions: { type: 'boolean', default: true },
        dir: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function main(): Promise<number> {
  const { values, positionals: edpOptions } = parse(process.argv.slice(2));
  if (values.help === true) {
    say(HELP);
    return 0;
  }
  if (!HAS_PROC) throw new UsageError('the profile reads /proc, which only Linux has');
  const chosen = values.only ?? values.workload;
  const prepare = JOBS[chosen.toLowerCase()];
  if (prepare === undefined) {
    throw new UsageError(`--only ${chosen}: there are ${Object.keys(JOBS).join(', ')}`);
  }
  const options = parseOptions([
    ...['--scale', values.scale],
    ...(values.dir === undefined ? [] : ['--dir', values.dir]),
  ]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, killRunning);
  await Workbench.with(options, say, async (bench) => {
    const job = await prepare(bench);
    await profileLoad(bench, job, edpOptions);
    if (values.functions) {
      const directory = path.resolve(values.keep ?? path.join(bench.settings.scratch, 'profiles'));
      await profileFunctions(bench, job, edpOptions, directory, Number(values.top));
    }
  });
  return 0;
}

function ingestProgram(
  { dataset, target }: Job,
  database: RunDatabase,
  nodeOptions: readonly string[],
  edpOptions: readonly string[],
) {
  return {
    command: process.execPath,
    args: [
      ...[...nodeOptions, CLI, 'ingest', ...dataset.files, '--table', target.table, '--json'],
      ...edpOptions,
    ],
    cwd: target.project,
    environment: { DATABASE_URL: database.url },
  };
}

async function profileLoad(bench: Workbench, job: Job, edpOptions: readonly string[]) {
  const { server } = bench;
  const { dataset, target } = job;
  for (const file of dataset.files) await warmFile(file);
  const database = await server.createRunDatabase(target.template);
  await server.withClient('postgres', async (client) => {
    const readWal = async () =>
      (
        await client.query<{ bytes: string }>(
          "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes",
        )
      ).rows[0]!.bytes;
    const walBefore = Number(await readWal());
    const sessions = new SessionSampler(client, database.config.database!);
    let cpu: CpuSampler | undefined;
    const launch = makeLaunch((pid) => {
      cpu = new CpuSampler(pid, server.postmaster);
    });
    const startedAt = performance.now();
    let output: string[] = [];
    try {
      output = await launch(ingestProgram(job, database, [], edpOptions));
    } finally {
      cpu?.stop();
      await sessions.stop();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const ingest = JSON.parse(output[0]!) as { seconds: number; rows: { loaded: number } };
    const walBytes = Number(await readWal()) - walBefore;
    const tableBytes = await server.withClient(database.config.database!, async (inside) => {
      const { rows } = await inside.query<{ bytes: string }>(
        'SELECT pg_total_relation_size($1) AS bytes',
        [target.table],
      );
      return Number(rows[0]!.bytes);
    });

    say(`\n${formatCount(ingest.rows.loaded)} rows in ${seconds.toFixed(2)} s`);
    const { loaded } = ingest.rows;
    say(`${formatCount(loaded / seconds)} rows/s, ${formatBytes(dataset.bytes / seconds)}/s`);
    say(`${(seconds - ingest.seconds).toFixed(2)} s of these before the ingest and after it`);
    printCpu(cpu!, sessions, seconds, bench.settings.processCount);
    printActivities(sessions);
    say('\nBytes');
    say(
      formatTable(
        ['', 'bytes', 'a row'],
        [
          ['files', dataset.bytes],
          ['read by edp (files, hashed and parsed)', cpu!.bytes.read],
          ['written by edp (to the server)', cpu!.bytes.written],
          ['write-ahead log', walBytes],
          ['table and indexes', tableBytes],
        ].map(([what, bytes]) => [
          what,
          formatCount(bytes as number),
          ((bytes as number) / loaded).toFixed(1),
        ]),
      ),
    );
  });
}

function printCpu(cpu: CpuSampler, sessions: SessionSampler, seconds: number, cores: number): void {
  const share = (cpuSeconds: number) => `${((100 * cpuSeconds) / seconds).toFixed(0)} %`;
  const row = (what: string, user: number, system: number) => [
    what,
    user.toFixed(2),
    system.toFixed(2),
    share(user + system),
  ];
  const [main, ...others] = cpu.threads;
  // The threads of the pool are the busiest; what remains compiles, collects garbage and reads files.
  const workers = others.slice(0, sessions.countRole(WORKER_ROLE));
  const helpers = others.slice(workers.length);
  const sum = (threads: typeof helpers, of: 'userSeconds' | 'systemSeconds') =>
    threads.reduce((total, thread) => total + thread[of], 0);
  say('\nClient CPU (a share is of the wall clock: 100 % is one core)');
  say(
    formatTable(
      ['thread', 'user s', 'system s', 'share'],
      [
        ...(main === undefined ? [] : [row('main', main.userSeconds, main.systemSeconds)]),
        ...workers.map(({ userSeconds, systemSeconds }, index) =>
          row(`worker ${index + 1}`, userSeconds, systemSeconds),
        ),
        row('helpers of V8 and libuv', sum(helpers, 'userSeconds'), sum(helpers, 'systemSeconds')),
      ],
    ),
  );
  const server = cpu.serverProcesses.filter(({ cpuSeconds }) => cpuSeconds >= 0.01);
  say('\nServer CPU');
  say(
    formatTable(
      ['process', 'CPU s', 'share'],
      server.map(({ pid, cpuSeconds }) => [
        sessions.roleOf(pid) ?? 'short-lived',
        cpuSeconds.toFixed(2),
        share(cpuSeconds),
      ]),
    ),
  );
  const total =
    cpu.threads.reduce((all, thread) => all + thread.userSeconds + thread.systemSeconds, 0) +
    server.reduce((all, { cpuSeconds }) => all + cpuSeconds, 0);
  say(`\nall together ${share(total / cores)} of ${cores} cores; the rest was idle, or others'`);
}

/** Things seen less often than this are noise. */
const MIN_SHOWN_SHARE = 0.01;

function printActivities(sessions: SessionSampler): void {
  say('\nSessions (share of looks at pg_stat_activity)');
  say(
    formatTable(
      ['session', 'what', 'share'],
      sessions.activities.flatMap(({ role, seen }) =>
        seen
          .filter(({ share }) => share >= MIN_SHOWN_SHARE)
          .map(({ what, share }) => [role, what, `${(100 * share).toFixed(0)} %`]),
      ),
    ),
  );
}

async function profileFunctions(
  bench: Workbench,
  job: Job,
  edpOptions: readonly string[],
  directory: string,
  top: number,
): Promise<void> {
  const database = await bench.server.createRunDatabase(job.target.template);
  await mkdir(directory, { recursive: true });
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${directory}`];
  const launch = makeLaunch(() => {});
  await launch(ingestProgram(job, database, nodeOptions, edpOptions));
  for (const { thread, busySeconds, functions } of await readProfiles(directory)) {
    say(`\nFunctions of thread ${thread}, busy for ${busySeconds.toFixed(2)} s`);
    say(
      formatTable(
        ['function', 'ms', 'share'],
        functions
          .slice(0, top)
          .map(({ name, seconds }) => [
            name,
            (seconds * 1000).toFixed(0),
            `${((100 * seconds) / busySeconds).toFixed(0)} %`,
          ]),
      ),
    );
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`bench:profile: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
