/**
 * One trial: a fresh copy of a scenario's database, the command with a fault, then the command
 * again until it is done, then a check of everything.
 */

import { readFileSync } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { compare, type Difference, describeSchema, findImbalances, type Query } from './check.js';
import { type CommandResult, type Host, type RunningCommand, startCommand } from './command.js';
import type { SmallDisk } from './disk.js';
import { describeFault, type Fault, type FileChange, needsProcess } from './fault.js';
import { type Cut, Wire } from './proxy.js';
import type { Random } from './random.js';
import type { Expectation, Scenario } from './scenario.js';
import type { FaultServer } from './server.js';

/** A command that is not done after this many runs never will be. */
const MAX_RUNS = 8;
const IDLE_DEADLINE_MS = 20_000;
const LOADER = 'loader';

/** A scenario ready to be run: its files, and a database to copy. */
export interface Prepared {
  readonly scenario: Scenario;
  readonly server: FaultServer;
  readonly directory: string;
  readonly template: string;
  readonly expectation: Expectation;
  readonly schema: string;
  /** Duration of a run without faults. */
  readonly milliseconds: number;
  /** Duration of such a run in a host. */
  readonly hostMilliseconds: number;
  readonly up: number;
  readonly down: number;
  readonly commits: number;
}

export interface MadeFault {
  readonly fault: Fault;
  /** How often it actually happened. */
  readonly made: number;
}

export interface TrialResult extends Difference {
  readonly scenario: string;
  /** One entry for each run in which a fault happened. */
  readonly faults: readonly MadeFault[];
  /** How often the command was run, including runs with faults. */
  readonly runs: number;
  readonly statuses: readonly string[];
}

let lastDatabase = 0;

async function withQuery<T>(
  server: FaultServer,
  database: string,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...server.config, database });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query("SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'");
    return await work(
      async (sql, values) =>
        (await client.query<unknown[]>({ text: sql, values: values ?? [], rowMode: 'array' })).rows,
    );
  } finally {
    await client.end().catch(() => {});
  }
}

/** A script of several statements takes no parameters. */
async function runScript(server: FaultServer, database: string, sql: string): Promise<void> {
  const client = new pg.Client({ ...server.config, database });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/**
 * Creates a scenario's state, and runs it once without any fault: that result must be right, too.
 */
export async function prepareScenario(
  scenario: Scenario,
  server: FaultServer,
  parent: string,
  hosts: readonly Host[],
): Promise<Prepared> {
  const directory = await mkdtemp(path.join(parent, 'scenario-'));
  const template = `template_${++lastDatabase}`;
  await server.query(`CREATE DATABASE ${template}`);
  const expectation = await withQuery(server, template, (query) =>
    scenario.prepare({
      cwd: directory,
      query: async (sql, values) => {
        if (values !== undefined) return query(sql, values);
        await runScript(server, template, sql);
        return [];
      },
      edp: async (args, env) => {
        const url = server.url(template);
        const running =
          env === undefined
            ? hosts[0]!.start(args, directory, url, '', '')
            : startCommand(args, { cwd: directory, url, env });
        const result = await running.ended;
        if (env === undefined && !isDone(result)) {
          throw new Error(`${args.join(' ')}: ${result.output}`);
        }
      },
    }),
  );
  await waitForIdle(server, template);
  // A host's threads keep their sessions, and a database in use cannot be copied.
  await server.query(
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1',
    [template],
  );
  const bare = { scenario, server, directory, template, expectation };
  const start = (cwd: string, url: string) =>
    scenario.input === undefined
      ? startInHosts(scenario, cwd, url, hosts, {})
      : startAll(scenario, cwd, url, {});
  // The first run starts the threads.
  await runCleanly(bare, start);
  const inHosts = await runCleanly(bare, start);
  if (scenario.input === undefined) {
    startupMilliseconds ??=
      (await runCleanly(bare, (cwd, url) => startAll(scenario, cwd, url, {}))).milliseconds -
      inHosts.milliseconds;
  }
  return {
    ...bare,
    ...inHosts,
    hostMilliseconds: inHosts.milliseconds,
    milliseconds:
      inHosts.milliseconds + (scenario.input === undefined ? (startupMilliseconds ?? 0) : 0),
  };
}

/** By how much a process takes longer than a host; measured once per campaign. */
let startupMilliseconds: number | undefined;

/** Runs the commands without a fault, and compares the result with the expected one. */
async function runCleanly(
  {
    scenario,
    server,
    template,
    directory,
    expectation,
  }: Pick<Prepared, 'scenario' | 'server' | 'template' | 'directory' | 'expectation'>,
  start: (cwd: string, url: string) => RunningCommand[],
): Promise<Pick<Prepared, 'schema' | 'milliseconds' | 'up' | 'down' | 'commits'>> {
  const proxy = await Wire.listen(server.socket);
  try {
    const database = await cloneDatabase(server, template);
    const cwd = await makeWorkingDirectory(scenario, directory);
    proxy.arm({ kind: 'none' });
    const startedAt = performance.now();
    const running = start(cwd, proxy.url(database));
    const results = await Promise.all(running.map(({ ended }) => ended));
    const milliseconds = performance.now() - startedAt;
    const wrong = results.find((result) => !isDone(result));
    if (wrong !== undefined) {
      throw new Error(`${scenario.name} fails without a fault: ${wrong.status} ${wrong.output}`);
    }
    await waitForIdle(server, database);
    const schema = await withQuery(server, database, describeSchema);
    const difference = await withQuery(server, database, (query) =>
      compare(query, expectation, schema),
    );
    if (isBad(difference)) {
      throw new Error(`${scenario.name} is wrong without a fault: ${JSON.stringify(difference)}`);
    }
    await server.query(`DROP DATABASE ${database} WITH (FORCE)`);
    if (cwd !== directory) await rm(cwd, { recursive: true, force: true });
    const { up, down, commits } = proxy;
    return { schema, milliseconds, up, down, commits };
  } finally {
    await proxy.close();
  }
}

export function isBad({ lost, repeated, altered, problems }: Difference): boolean {
  return lost + repeated + altered + problems.length > 0;
}

async function cloneDatabase(
  server: FaultServer,
  template: string,
  tablespace?: string,
): Promise<string> {
  const name = `trial_${++lastDatabase}`;
  const where = tablespace === undefined ? '' : ` TABLESPACE ${tablespace}`;
  await server.query(`CREATE DATABASE ${name} TEMPLATE ${template}${where}`);
  return name;
}

async function makeWorkingDirectory(
  { writesFiles }: Scenario,
  directory: string,
  isCopied = writesFiles === true,
): Promise<string> {
  if (!isCopied) return directory;
  const copy = await mkdtemp(`${directory}-`);
  await cp(directory, copy, { recursive: true });
  return copy;
}

function startAll(
  { commands, settings, input }: Scenario,
  cwd: string,
  url: string,
  env: Readonly<Record<string, string>>,
  directory = cwd,
): RunningCommand[] {
  return commands.map((args, i) => {
    const failpoints = [settings, i === 0 ? env.EDP_FAILPOINTS : undefined].filter(Boolean).join();
    const own = i === 0 ? env : {};
    return startCommand(args, {
      cwd,
      url,
      env: failpoints === '' ? own : { ...own, EDP_FAILPOINTS: failpoints },
      input: input === undefined ? undefined : readFileSync(path.join(directory, input)),
    });
  });
}

function startInHosts(
  { commands, settings }: Scenario,
  cwd: string,
  url: string,
  hosts: readonly Host[],
  env: Readonly<Record<string, string>>,
): RunningCommand[] {
  return commands.map((args, i) => {
    const failpoints = [settings, i === 0 ? env.EDP_FAILPOINTS : undefined].filter(Boolean).join();
    return hosts[i]!.start(args, cwd, url, failpoints, env.EDP_FAULT_LOG ?? '');
  });
}

/**
 * Waits until no command has a session any more, except the idle ones that a host's threads keep.
 */
async function waitForIdle(server: FaultServer, database: string): Promise<string[]> {
  const deadline = Date.now() + IDLE_DEADLINE_MS;
  for (;;) {
    const rows = await server.query(
      `SELECT application_name || ' ' || coalesce(state, '') FROM pg_stat_activity
       WHERE datname = $1 AND application_name LIKE 'edp %'
         AND NOT (application_name = 'edp worker' AND state = 'idle')`,
      [database],
    );
    if (rows.length === 0) return [];
    if (Date.now() > deadline) return rows.map(([name]) => `a session is still there: ${name}`);
    await sleep(10);
  }
}

export interface TrialTools {
  readonly random: Random;
  /** A small file system, where one can be created. */
  readonly disk: SmallDisk | undefined;
  /** As many hosts as a scenario has commands. */
  readonly hosts: readonly Host[];
}

export async function runTrial(
  prepared: Prepared,
  faults: readonly Fault[],
  tools: TrialTools,
): Promise<TrialResult> {
  const trial = new Trial(prepared, faults, tools);
  return trial.run();
}

class Trial {
  readonly #prepared: Prepared;
  readonly #faults: readonly Fault[];
  readonly #tools: TrialTools;
  readonly #problems: string[] = [];
  readonly #statuses: string[] = [];
  #made = 0;
  /** Whether the run with the fault has completed the work. */
  #isDone = false;
  #cwd = '';
  #database = '';

  constructor(prepared: Prepared, faults: readonly Fault[], tools: TrialTools) {
    this.#prepared = prepared;
    this.#faults = faults;
    this.#tools = tools;
  }

  async run(): Promise<TrialResult> {
    const { scenario, server, template, directory, expectation, schema } = this.#prepared;
    const kinds = this.#faults.map(({ kind }) => kind);
    const isOnDisk = kinds.some((kind) => kind.endsWith('disk full'));
    const tablespace = kinds.includes('server disk full')
      ? await this.#tools.disk!.open(server)
      : undefined;
    this.#database = await cloneDatabase(server, template, tablespace);
    this.#cwd = await makeWorkingDirectory(
      scenario,
      directory,
      scenario.writesFiles === true || kinds.includes('change file'),
    );
    const faults: MadeFault[] = [];
    try {
      for (const fault of this.#faults) {
        this.#made = 0;
        await this.#runWithFault(fault);
        faults.push({ fault, made: this.#made });
        this.#problems.push(...(await waitForIdle(server, this.#database)));
        this.#problems.push(
          ...(await this.#query((query) => findImbalances(query, expectation.lineageOf))),
        );
        if (this.#isDone) break;
      }
      const runs = faults.length + (await this.#runUntilDone());
      this.#problems.push(...(await waitForIdle(server, this.#database)));
      const difference = await this.#query((query) => compare(query, expectation, schema));
      return {
        ...difference,
        problems: [...this.#problems, ...difference.problems],
        scenario: scenario.name,
        faults,
        runs,
        statuses: this.#statuses,
      };
    } finally {
      await server.query(`DROP DATABASE IF EXISTS ${this.#database} WITH (FORCE)`).catch(() => {});
      if (this.#cwd !== directory) await rm(this.#cwd, { recursive: true, force: true });
      if (isOnDisk) await this.#tools.disk?.close(server);
    }
  }

  /** Starts the commands: in processes of their own where the fault ends or signals a process. */
  #start(
    url: string,
    fault: Fault | undefined,
    env: Readonly<Record<string, string>> = {},
  ): RunningCommand[] {
    const { scenario } = this.#prepared;
    return scenario.input !== undefined || (fault !== undefined && needsProcess(fault))
      ? startAll(scenario, this.#cwd, url, env)
      : startInHosts(scenario, this.#cwd, url, this.#tools.hosts, env);
  }

  #query<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return withQuery(this.#prepared.server, this.#database, work);
  }

  async #runUntilDone(): Promise<number> {
    const { server } = this.#prepared;
    for (let run = 1; run <= MAX_RUNS; run++) {
      const results = await this.#end(this.#start(server.url(this.#database), undefined));
      const failed = results.find((result) => !isDone(result));
      if (failed === undefined) return run;
      this.#statuses.push(lastLine(failed));
    }
    this.#problems.push(`not done after ${MAX_RUNS} runs: ${this.#statuses.at(-1)}`);
    return MAX_RUNS;
  }

  /** Waits for the end of commands, and checks how they ended. */
  async #end(running: readonly RunningCommand[]): Promise<CommandResult[]> {
    const results = await Promise.all(running.map(({ ended }) => ended));
    for (const { status, signal, output, hasHung } of results) {
      if (hasHung) this.#problems.push(`a command hung: ${output.trim().split('\n').at(-1)}`);
      // A signal that arrives before the program listens for it ends it as it ends any program.
      const isKnown =
        signal === 'SIGKILL' || signal === 'SIGINT' || [0, 1, 3, 130].includes(status ?? -1);
      if (!isKnown) this.#problems.push(`a command ended with ${status ?? signal}: ${output}`);
      if (/^ +at .+:\d+:\d+\)?$/m.test(output)) this.#problems.push(`a stack trace: ${output}`);
    }
    return results;
  }

  async #runWithFault(fault: Fault): Promise<void> {
    const { server, up, down } = this.#prepared;
    const milliseconds = needsProcess(fault)
      ? this.#prepared.milliseconds
      : this.#prepared.hostMilliseconds;
    const url = server.url(this.#database);
    switch (fault.kind) {
      case 'failpoint':
        return this.#runWithFailpoints(fault);
      case 'kill client':
        return this.#runAndStrike(url, fault, fault.at * milliseconds, async ({ kill }) =>
          kill('SIGKILL') ? 1 : 0,
        );
      case 'interrupt':
        return this.#runAndStrike(url, fault, fault.at * milliseconds, async ({ kill }) =>
          kill('SIGINT') ? 1 : 0,
        );
      case 'interrupt twice':
        return this.#runAndStrike(url, fault, fault.at * milliseconds, async ({ kill }) => {
          const hasStruck = kill('SIGINT');
          await sleep(30 * this.#tools.random.next());
          kill('SIGINT');
          return hasStruck ? 1 : 0;
        });
      case 'terminate backend':
        return this.#runAndStrike(url, fault, fault.at * milliseconds, () =>
          this.#strikeOne('pg_terminate_backend'),
        );
      case 'cancel statement':
        return this.#runAndStrike(url, fault, fault.at * milliseconds, () =>
          this.#strikeOne('pg_cancel_backend'),
        );
      case 'kill server':
      case 'stop server at once':
      case 'restart server': {
        const how = {
          'kill server': 'SIGKILL',
          'stop server at once': 'SIGQUIT',
          'restart server': 'SIGINT',
        } as const;
        return this.#runAndStrike(url, fault, fault.at * milliseconds, async ({ ended }) => {
          await server.stop(how[fault.kind]);
          if (!fault.isBackSoon) await ended;
          await server.start();
          return 1;
        });
      }
      case 'cut connection': {
        const at = 1 + Math.floor(fault.at * (fault.direction === 'up' ? up : down));
        return this.#runBehindProxy({ kind: 'bytes', direction: fault.direction, at });
      }
      case 'lose commit':
        return this.#runBehindProxy({
          kind: 'commit',
          nth: 1 + Math.floor(fault.at * this.#prepared.commits),
        });
      case 'too many connections':
        return this.#runWithTooManyConnections(fault.limit);
      case 'deadlock':
        return this.#runIntoDeadlock(url);
      case 'server disk full':
        return this.#runOnFullDisk(url, fault.at);
      case 'client disk full':
        return this.#runWithFullClient(url);
      case 'change file':
        return this.#runAndChangeFile(url, fault.how, fault.at);
    }
  }

  #note(results: readonly CommandResult[]): void {
    this.#statuses.push(lastLine(results[0]!));
    this.#isDone = results.every(isDone);
  }

  async #runWithFailpoints(fault: Extract<Fault, { kind: 'failpoint' }>): Promise<void> {
    const { server, directory } = this.#prepared;
    const log = path.join(path.dirname(directory), `faults-${this.#database}.txt`);
    await rm(log, { force: true });
    const env = { EDP_FAILPOINTS: describeFault(fault), EDP_FAULT_LOG: log };
    this.#note(await this.#end(this.#start(server.url(this.#database), fault, env)));
    const text = await readFile(log, 'utf8').catch(() => '');
    this.#made = text.split('\n').filter((line) => line.startsWith(`${fault.point} `)).length;
    await rm(log, { force: true });
  }

  async #runAndStrike(
    url: string,
    fault: Fault,
    delayMs: number,
    strike: (running: RunningCommand) => Promise<number>,
  ): Promise<void> {
    const running = this.#start(url, fault);
    let hasEnded = false;
    const first = running[0]!;
    void first.ended.then(() => {
      hasEnded = true;
    });
    await sleep(delayMs);
    if (!hasEnded) this.#made += await strike(first);
    this.#note(await this.#end(running));
  }

  /** Ends a session of the command, or the statement that it runs. */
  async #strikeOne(how: 'pg_terminate_backend' | 'pg_cancel_backend'): Promise<number> {
    const { server } = this.#prepared;
    for (let tries = 0; tries < 50; tries++) {
      const rows = await server.query(
        `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'edp %'
           AND (state <> 'idle' OR $2 = 'pg_terminate_backend')`,
        [this.#database, how],
      );
      if (rows.length > 0) {
        const [pid] = this.#tools.random.pick(rows);
        const [[isDone]] = (await server.query(`SELECT ${how}($1)`, [pid])) as [[boolean]];
        return isDone ? 1 : 0;
      }
      await sleep(10);
    }
    return 0;
  }

  async #runBehindProxy(cut: Cut): Promise<void> {
    const { server } = this.#prepared;
    const proxy = await Wire.listen(server.socket);
    try {
      proxy.arm(cut);
      this.#note(await this.#end(this.#start(proxy.url(this.#database), undefined)));
      this.#made += proxy.cuts;
    } finally {
      await proxy.close();
    }
  }

  /** Runs with a role whose sessions are limited, which superusers' are not. */
  async #runWithTooManyConnections(limit: number): Promise<void> {
    const { server } = this.#prepared;
    const role = `${LOADER}_${this.#database}`;
    await server.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT ${limit}`);
    await server.query(`GRANT edp TO ${role}`);
    this.#note(await this.#end(this.#start(server.url(this.#database, role), undefined)));
    // It does not matter whether the command was refused or succeeded by trying again.
    this.#made++;
    await waitForIdle(server, this.#database);
    await server.query(`DROP ROLE ${role}`).catch(async () => {
      // The role's objects (the ledger) go to the owner.
      await runScript(
        server,
        this.#database,
        `REASSIGN OWNED BY ${role} TO edp; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    });
  }

  /**
   * Another session holds a key that a split is going to insert, and then requests one that the
   * split has inserted. The split has waited longest, so the server aborts it.
   */
  async #runIntoDeadlock(url: string): Promise<void> {
    const { server } = this.#prepared;
    const client = new pg.Client({ ...server.config, database: this.#database });
    client.on('error', () => {});
    await client.connect();
    try {
      await client.query("SET deadlock_timeout = '1h'; BEGIN");
      const insert = (id: number) => client.query(`INSERT INTO events (id) VALUES (${id})`);
      await insert(200);
      const running = this.#start(url, undefined);
      const before = await this.#deadlocks();
      let hasEnded = false;
      void running[0]!.ended.then(() => {
        hasEnded = true;
      });
      while (!hasEnded) {
        const waiting = await server.query(
          `SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'edp worker%'
             AND wait_event_type = 'Lock'`,
          [this.#database],
        );
        if (waiting.length > 0) break;
        await sleep(2);
      }
      await insert(1).catch(() => {});
      await client.query('ROLLBACK');
      this.#note(await this.#end(running));
      this.#made += Math.max(0, (await this.#deadlocks()) - before);
    } finally {
      await client.end();
    }
  }

  async #deadlocks(): Promise<number> {
    await this.#prepared.server.query('SELECT pg_stat_force_next_flush()');
    const [[count]] = (await this.#prepared.server.query(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = $1',
      [this.#database],
    )) as [[string]];
    return Number(count);
  }

  async #runOnFullDisk(url: string, at: number): Promise<void> {
    const disk = this.#tools.disk!;
    await disk.fill(Math.floor(at * 400_000));
    this.#note(await this.#end(this.#start(url, undefined)));
    if (!this.#isDone) this.#made++;
    await disk.empty();
  }

  async #runWithFullClient(url: string): Promise<void> {
    const { scenario, directory } = this.#prepared;
    const cwd = await this.#tools.disk!.mountSmall();
    await cp(path.join(directory, 'edp.yaml'), path.join(cwd, 'edp.yaml'));
    await mkdir(path.join(cwd, '.edp'), { recursive: true });
    const results = await this.#end(startAll(scenario, cwd, url, {}, directory));
    this.#note(results);
    if (results[0]!.status === 1) this.#made++;
  }

  /** Changes the file while a split is being read, and restores it afterwards. */
  async #runAndChangeFile(url: string, how: FileChange, at: number): Promise<void> {
    const { scenario, directory } = this.#prepared;
    const file = path.join(this.#cwd, scenario.commands[0]![1]!.split(',')[0]!);
    const original = await readFile(file);
    const { atime, mtime } = await stat(file);
    const log = path.join(path.dirname(directory), `faults-${this.#database}.txt`);
    const env = { EDP_FAILPOINTS: 'split.read=pause/100', EDP_FAULT_LOG: log };
    const running = this.#start(url, undefined, env);
    let hasEnded = false;
    void running[0]!.ended.then(() => {
      hasEnded = true;
    });
    while (!hasEnded && (await stat(log).catch(() => undefined)) === undefined) await sleep(2);
    const middle = Math.floor(original.length * at);
    if (how === 'rewrite') {
      const other = Buffer.from(original);
      other.fill('9', middle, middle + 5);
      await writeFile(file, other);
    } else if (how === 'shorten') await truncate(file, middle);
    else if (how === 'remove') await rm(file);
    else if (how === 'append') {
      await writeFile(file, Buffer.concat([original, Buffer.from('1,2,3\n')]));
    } else await utimes(file, new Date(), new Date());
    this.#note(await this.#end(running));
    // A file that is removed while it is open can still be read, and is complete.
    if (!this.#isDone) this.#made++;
    await writeFile(file, original);
    await utimes(file, atime, mtime);
    await rm(log, { force: true });
  }
}

/**
 * Whether the work is complete, with rejects or without: after a kill, a load with rejects may
 * already be done.
 */
function isDone({ status }: CommandResult): boolean {
  return status === 0 || status === 3;
}

function lastLine({ status, signal, output }: CommandResult): string {
  const said = output
    .trim()
    .split('\n')
    .filter((line) => /^edp: |→/.test(line))
    .slice(0, 2)
    .join(' ');
  return `${status ?? signal} ${said}`.trim();
}
