/**
 * Trials of the embedded server: each has its own project, whose server the command creates, starts
 * and stops. The fault happens during that, or stops the server while the command runs.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { FAILPOINTS } from '../../src/base/failpoints.js';
import { leaseEmbeddedServer } from '../../src/postgres/embedded/embedded-server.js';
import { compare, describeSchema } from './check.js';
import { type CommandResult, startCommand } from './command.js';
import { describeFault, type Fault } from './fault.js';
import { LOG_COLUMNS, LOG_MODEL, writeLog } from './fixtures.js';
import type { Random } from './random.js';
import type { MadeFault, TrialResult } from './trial.js';

const ARGS = ['ingest', 'log.csv', '--read-batch-size', '250', '--process-count', '2'];
const POINTS = FAILPOINTS.filter(
  (name) => name.startsWith('embedded.') && !name.startsWith('embedded.destroy'),
);
const MAX_RUNS = 6;
/** The keeper waits three seconds; then the server must write out and end. */
const SERVER_END_DEADLINE_MS = 20_000;

export function makeEmbeddedFault(random: Random): Fault {
  if (random.next() < 0.3) {
    return { kind: 'kill server', at: 0.2 + 0.8 * random.next(), isBackSoon: false };
  }
  return {
    kind: 'failpoint',
    point: random.pick(POINTS),
    action: random.pick(['kill', 'kill', 'interrupt', 'interrupt2']),
    hit: 1,
    companion: undefined,
  };
}

export async function runEmbeddedTrial(parent: string, random: Random): Promise<TrialResult> {
  const fault = makeEmbeddedFault(random);
  const directory = await mkdtemp(path.join(parent, 'embedded-'));
  const file = writeLog(0, 1500, true);
  await writeFile(path.join(directory, 'edp.yaml'), LOG_MODEL);
  await writeFile(path.join(directory, 'log.csv'), file.bytes);
  const problems: string[] = [];
  const statuses: string[] = [];
  try {
    const made = await runWithFault(directory, fault, problems);
    let runs = 1;
    for (let isDone = false; !isDone && runs < MAX_RUNS; runs++) {
      const result = await startCommand(ARGS, { cwd: directory, url: undefined }).ended;
      isDone = result.status === 0 || result.status === 3;
      if (!isDone) statuses.push(`${result.status} ${result.output.trim().slice(-300)}`);
    }
    if (!(await hasServerEnded(directory))) problems.push('a server is left behind');
    const lease = await leaseEmbeddedServer(directory);
    const client = new pg.Client(lease.client);
    await client.connect();
    const query = async (sql: string, values: unknown[] = []) =>
      (await client.query<unknown[]>({ text: sql, values, rowMode: 'array' })).rows;
    const { rows, bytes, dataStart, counts, rejects } = file;
    const expectation = {
      tables: [{ table: 'log', columns: LOG_COLUMNS, rows }],
      loads: [
        {
          path: 'log.csv',
          state: 'loaded' as const,
          bytes: bytes.length,
          dataStart,
          counts,
          rejects,
        },
      ],
      lineageOf: 'log',
    };
    // The locks of the lease are in this database, and are no leftovers.
    const difference = await compare(query, expectation, await describeSchema(query));
    await client.end();
    await lease.release();
    const faults: MadeFault[] = [{ fault, made }];
    const own = difference.problems.filter((problem) => !problem.includes('left behind: lock'));
    return {
      ...difference,
      problems: [...problems, ...own],
      scenario: 'embedded server',
      faults,
      runs,
      statuses,
    };
  } finally {
    await hasServerEnded(directory);
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function runWithFault(directory: string, fault: Fault, problems: string[]): Promise<number> {
  const log = path.join(directory, 'faults.txt');
  const env: Record<string, string> =
    fault.kind === 'failpoint'
      ? { EDP_FAILPOINTS: describeFault(fault), EDP_FAULT_LOG: log }
      : { EDP_FAILPOINTS: 'split.read=pause/50' };
  const running = startCommand(ARGS, { cwd: directory, url: undefined, env });
  let made = 0;
  let hasEnded = false;
  void running.ended.then(() => {
    hasEnded = true;
  });
  if (fault.kind === 'kill server') {
    // As soon as the server runs, or a while later.
    while (!hasEnded && (await findServer(directory)) === undefined) await sleep(5);
    await sleep(fault.at * 1500);
    const pid = await findServer(directory);
    if (!hasEnded && pid !== undefined) {
      process.kill(pid, 'SIGKILL');
      made = 1;
    }
  }
  const result: CommandResult = await running.ended;
  const isKnown = result.signal !== null || [0, 1, 3, 130].includes(result.status ?? -1);
  if (!isKnown || result.hasHung) problems.push(`ended with ${result.status}: ${result.output}`);
  if (/^ +at .+:\d+:\d+\)?$/m.test(result.output)) problems.push(`a stack trace: ${result.output}`);
  if (fault.kind === 'failpoint') {
    made = (await stat(log).catch(() => undefined)) === undefined ? 0 : 1;
  }
  return made;
}

/** Process id of the project's server, if it runs. */
async function findServer(directory: string): Promise<number | undefined> {
  const file = path.join(directory, '.edp', 'pg18', 'data', 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('postgres') && command.includes(directory) ? pid : undefined;
}

async function hasServerEnded(directory: string): Promise<boolean> {
  const deadline = Date.now() + SERVER_END_DEADLINE_MS;
  while (Date.now() < deadline) {
    if ((await findServer(directory)) === undefined) return true;
    await sleep(50);
  }
  return false;
}
