/**
 * One trial: a fresh copy of a scenario's database, the command with a fault, then the command again until
 * it is done, then a look at everything.
 */
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
import { type CommandResult, type RunningCommand, startCommand } from './command.js';
import type { SmallDisk } from './disk.js';
import { describeFault, type Fault } from './fault.js';
import { type Cut, Wire } from './proxy.js';
import type { Random } from './random.js';
import type { Expectation, Scenario } from './scenario.js';
import type { FaultServer } from './server.js';

/** Runs after which a command that is still not done never will be. */
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
  /** Of a run without faults. */
  readonly milliseconds: number;
  readonly up: number;
  readonly down: number;
  readonly commits: number;
}

export interface TrialResult extends Difference {
  readonly scenario: string;
  readonly fault: Fault;
  /** Faults that really happened. */
  readonly made: number;
  /** How often the command was run, the one with the fault included. */
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

/** Statements that stand together take no parameters. */
async function runScript(server: FaultServer, database: string, sql: string): Promise<void> {
  const client = new pg.Client({ ...server.config, database });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Makes a scenario's state, and runs it once without any fault: that must be right, too. */
export async function prepareScenario(
  scenario: Scenario,
  server: FaultServer,
  parent: string,
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
        const options = { cwd: directory, url: server.url(template), ...(env ? { env } : {}) };
        const result = await startCommand(args, options).ended;
        const isFine = result.status === 0 || result.status === 3 || env !== undefined;
        if (!isFine) throw new Error(`${args.join(' ')}: ${result.output}`);
      },
    }),
  );
  await waitForIdle(server, template);
  const proxy = await Wire.listen(server.socket);
  const bare = { scenario, server, directory, template, expectation };
  try {
    const database = await cloneDatabase(server, template);
    const cwd = await makeWorkingDirectory(scenario, directory);
    proxy.arm({ kind: 'none' });
    const startedAt = performance.now();
    const running = startAll(scenario, cwd, proxy.url(database), {});
    const results = await Promise.all(running.map(({ ended }) => ended));
    const milliseconds = performance.now() - startedAt;
    const wrong = results.find(({ status }) => !expectation.statuses.includes(status ?? -1));
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
    const { up, down, commits } = proxy;
    return { ...bare, schema, milliseconds, up, down, commits };
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
  { commands, settings }: Scenario,
  cwd: string,
  url: string,
  env: Readonly<Record<string, string>>,
): RunningCommand[] {
  return commands.map((args, i) => {
    const failpoints = [settings, i === 0 ? env.EDP_FAILPOINTS : undefined].filter(Boolean).join();
    const own = i === 0 ? env : {};
    return startCommand(args, {
      cwd,
      url,
      env: failpoints === '' ? own : { ...own, EDP_FAILPOINTS: failpoints },
    });
  });
}

/** No command has a session any more. */
async function waitForIdle(server: FaultServer, database: string): Promise<string[]> {
  const deadline = Date.now() + IDLE_DEADLINE_MS;
  for (;;) {
    const rows = await server.query(
      `SELECT application_name || ' ' || coalesce(state, '') FROM pg_stat_activity
       WHERE datname = $1 AND application_name LIKE 'edp %'`,
      [database],
    );
    if (rows.length === 0) return [];
    if (Date.now() > deadline) return rows.map(([name]) => `a session is still there: ${name}`);
    await sleep(10);
  }
}

export interface TrialTools {
  readonly random: Random;
  /** A small file system, where there can be one. */
  readonly disk: SmallDisk | undefined;
}

export async function runTrial(
  prepared: Prepared,
  fault: Fault,
  tools: TrialTools,
): Promise<TrialResult> {
  const trial = new Trial(prepared, fault, tools);
  return trial.run();
}

class Trial {
  readonly #prepared: Prepared;
  readonly #fault: Fault;
  readonly #tools: TrialTools;
  readonly #problems: string[] = [];
  readonly #statuses: string[] = [];
  #made = 0;
  #cwd = '';
  #database = '';

  constructor(prepared: Prepared, fault: Fault, tools: TrialTools) {
    this.#prepared = prepared;
    this.#fault = fault;
    this.#tools = tools;
  }

  async run(): Promise<TrialResult> {
    const { scenario, server, template, directory, expectation, schema } = this.#prepared;
    const fault = this.#fault;
    const isOnDisk = fault.kind === 'server disk full' || fault.kind === 'client disk full';
    const tablespace =
      fault.kind === 'server disk full' ? await this.#tools.disk!.open(server) : undefined;
    this.#database = await cloneDatabase(server, template, tablespace);
    this.#cwd = await makeWorkingDirectory(
      scenario,
      directory,
      scenario.writesFiles === true || fault.kind === 'change file',
    );
    try {
      await this.#runWithFault();
      this.#problems.push(...(await waitForIdle(server, this.#database)));
      this.#problems.push(
        ...(await this.#query((query) => findImbalances(query, expectation.lineageOf))),
      );
      const runs = 1 + (await this.#runUntilDone());
      this.#problems.push(...(await waitForIdle(server, this.#database)));
      const difference = await this.#query((query) => compare(query, expectation, schema));
      return {
        ...difference,
        problems: [...this.#problems, ...difference.problems],
        scenario: scenario.name,
        fault,
        made: this.#made,
        runs,
        statuses: this.#statuses,
      };
    } finally {
      await server.query(`DROP DATABASE IF EXISTS ${this.#database} WITH (FORCE)`).catch(() => {});
      if (this.#cwd !== directory) await rm(this.#cwd, { recursive: true, force: true });
      if (isOnDisk) await this.#tools.disk?.close(server);
    }
  }

  #query<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return withQuery(this.#prepared.server, this.#database, work);
  }

  async #runUntilDone(): Promise<number> {
    const { scenario, server, expectation } = this.#prepared;
    for (let run = 1; run <= MAX_RUNS; run++) {
      const results = await this.#end(
        startAll(scenario, this.#cwd, server.url(this.#database), {}),
      );
      if (results.every(({ status }) => expectation.statuses.includes(status ?? -1))) return run;
      this.#statuses.push(lastLine(results.find(({ status }) => status !== 0 && status !== 3)!));
    }
    this.#problems.push(`not done after ${MAX_RUNS} runs: ${this.#statuses.at(-1)}`);
    return MAX_RUNS;
  }

  /** Waits for the end of commands, and looks at how they ended. */
  async #end(running: readonly RunningCommand[]): Promise<CommandResult[]> {
    const results = await Promise.all(running.map(({ ended }) => ended));
    for (const { status, signal, output, hasHung } of results) {
      if (hasHung) this.#problems.push(`a command hung: ${output.trim().split('\n').at(-1)}`);
      const isKnown = signal === 'SIGKILL' || [0, 1, 3, 130].includes(status ?? -1);
      if (!isKnown) this.#problems.push(`a command ended with ${status ?? signal}: ${output}`);
      if (/^ +at .+:\d+:\d+\)?$/m.test(output)) this.#problems.push(`a stack trace: ${output}`);
    }
    return results;
  }

  async #runWithFault(): Promise<void> {
    const fault = this.#fault;
    const { server, milliseconds, up, down } = this.#prepared;
    const url = server.url(this.#database);
    switch (fault.kind) {
      case 'failpoint':
        return this.#runWithFailpoints(describeFault(fault));
      case 'kill client':
        return this.#runAndStrike(url, fault.at * milliseconds, async ({ child }) =>
          child.kill('SIGKILL') ? 1 : 0,
        );
      case 'interrupt':
        return this.#runAndStrike(url, fault.at * milliseconds, async ({ child }) =>
          child.kill('SIGINT') ? 1 : 0,
        );
      case 'interrupt twice':
        return this.#runAndStrike(url, fault.at * milliseconds, async ({ child }) => {
          const hasStruck = child.kill('SIGINT');
          await sleep(30 * this.#tools.random.next());
          child.kill('SIGINT');
          return hasStruck ? 1 : 0;
        });
      case 'terminate backend':
        return this.#runAndStrike(url, fault.at * milliseconds, () => this.#terminateOne());
      case 'kill server':
      case 'stop server at once':
      case 'restart server': {
        const how = {
          'kill server': 'SIGKILL',
          'stop server at once': 'SIGQUIT',
          'restart server': 'SIGINT',
        } as const;
        return this.#runAndStrike(url, fault.at * milliseconds, async ({ ended }) => {
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
      case 'statement timeout':
        return this.#runWithSetting(
          `ALTER DATABASE ${this.#database} SET statement_timeout = ${fault.milliseconds}`,
          `ALTER DATABASE ${this.#database} RESET statement_timeout`,
          url,
        );
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
    const first = results[0]!;
    this.#statuses.push(lastLine(first));
  }

  async #runWithFailpoints(failpoints: string): Promise<void> {
    const { scenario, server } = this.#prepared;
    const log = path.join(path.dirname(this.#prepared.directory), `faults-${this.#database}.txt`);
    const env = { EDP_FAILPOINTS: failpoints, EDP_FAULT_LOG: log };
    const running = startAll(scenario, this.#cwd, server.url(this.#database), env);
    this.#note(await this.#end(running));
    const text = await readFile(log, 'utf8').catch(() => '');
    const point = this.#fault.kind === 'failpoint' ? this.#fault.point : '';
    this.#made = text.split('\n').filter((line) => line.startsWith(`${point} `)).length;
    await rm(log, { force: true });
  }

  async #runAndStrike(
    url: string,
    delayMs: number,
    strike: (running: RunningCommand) => Promise<number>,
  ): Promise<void> {
    const running = startAll(this.#prepared.scenario, this.#cwd, url, {});
    let hasEnded = false;
    const first = running[0]!;
    void first.ended.then(() => {
      hasEnded = true;
    });
    await sleep(delayMs);
    const struck = hasEnded ? 0 : await strike(first);
    this.#made += struck;
    this.#note(await this.#end(running));
  }

  async #terminateOne(): Promise<number> {
    const { server } = this.#prepared;
    for (let tries = 0; tries < 50; tries++) {
      const rows = await server.query(
        `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'edp %'`,
        [this.#database],
      );
      if (rows.length > 0) {
        const [pid] = this.#tools.random.pick(rows);
        const [[isDone]] = (await server.query('SELECT pg_terminate_backend($1)', [pid])) as [
          [boolean],
        ];
        return isDone ? 1 : 0;
      }
      await sleep(10);
    }
    return 0;
  }

  async #runBehindProxy(cut: Cut): Promise<void> {
    const { scenario, server } = this.#prepared;
    const proxy = await Wire.listen(server.socket);
    try {
      proxy.arm(cut);
      this.#note(await this.#end(startAll(scenario, this.#cwd, proxy.url(this.#database), {})));
      this.#made += proxy.cuts;
    } finally {
      await proxy.close();
    }
  }

  async #runWithSetting(set: string, reset: string, url: string): Promise<void> {
    const { server, scenario, expectation } = this.#prepared;
    await server.query(set);
    const results = await this.#end(startAll(scenario, this.#cwd, url, {}));
    this.#note(results);
    if (results.some(({ status }) => !expectation.statuses.includes(status ?? -1))) this.#made++;
    await server.query(reset);
  }

  /** As a role whose sessions are counted; superusers are not. */
  async #runWithTooManyConnections(limit: number): Promise<void> {
    const { server, scenario } = this.#prepared;
    const role = `${LOADER}_${this.#database}`;
    await server.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT ${limit}`);
    await server.query(`GRANT edp TO ${role}`);
    const results = await this.#end(
      startAll(scenario, this.#cwd, server.url(this.#database, role), {}),
    );
    this.#note(results);
    // Whether it was refused, or came through by trying again, is the command's own matter.
    this.#made++;
    await waitForIdle(server, this.#database);
    await server.query(`DROP ROLE ${role}`).catch(async () => {
      // What it made (the ledger) is the owner's from now on.
      await runScript(
        server,
        this.#database,
        `REASSIGN OWNED BY ${role} TO edp; DROP OWNED BY ${role}; DROP ROLE ${role}`,
      );
    });
  }

  /**
   * Somebody holds a key that a split is going to bring, and then wants one that the split has brought: the
   * split waits for the longest, and so it is the one that the server sends away.
   */
  async #runIntoDeadlock(url: string): Promise<void> {
    const { server, scenario } = this.#prepared;
    const client = new pg.Client({ ...server.config, database: this.#database });
    client.on('error', () => {});
    await client.connect();
    try {
      await client.query("SET deadlock_timeout = '1h'; BEGIN");
      const insert = (id: number) => client.query(`INSERT INTO events (id) VALUES (${id})`);
      await insert(200);
      const running = startAll(scenario, this.#cwd, url, {});
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
    const { scenario, expectation } = this.#prepared;
    const disk = this.#tools.disk!;
    await disk.fill(Math.floor(at * 400_000));
    const results = await this.#end(startAll(scenario, this.#cwd, url, {}));
    this.#note(results);
    if (results.some(({ status }) => !expectation.statuses.includes(status ?? -1))) this.#made++;
    await disk.empty();
  }

  async #runWithFullClient(url: string): Promise<void> {
    const { scenario, directory } = this.#prepared;
    const cwd = await this.#tools.disk!.mountSmall();
    await cp(path.join(directory, 'edp.yaml'), path.join(cwd, 'edp.yaml'));
    await mkdir(path.join(cwd, '.edp'), { recursive: true });
    const results = await this.#end(startAll(scenario, cwd, url, {}));
    this.#note(results);
    if (results[0]!.status === 1) this.#made++;
  }

  /** The file is another while a split is being read; afterwards it is what it was. */
  async #runAndChangeFile(url: string, how: string, at: number): Promise<void> {
    const { scenario, milliseconds } = this.#prepared;
    const name = scenario.commands[0]![1]!.split(',')[0]!;
    const file = path.join(this.#cwd, name);
    const original = await readFile(file);
    const { atime, mtime } = await stat(file);
    const running = startAll(scenario, this.#cwd, url, {
      EDP_FAILPOINTS: 'split.read=pause/120@1',
    });
    await sleep(milliseconds * (0.4 + 0.6 * at));
    const middle = Math.floor(original.length * at);
    if (how === 'rewrite') {
      const other = Buffer.from(original);
      other.fill('9', middle, middle + 5);
      await writeFile(file, other);
    } else if (how === 'shorten') await truncate(file, middle);
    else if (how === 'remove') await rm(file);
    else if (how === 'append')
      await writeFile(file, Buffer.concat([original, Buffer.from('1,2,3\n')]));
    else await utimes(file, new Date(), new Date());
    const results = await this.#end(running);
    this.#note(results);
    if (results[0]!.status === 1) this.#made++;
    await writeFile(file, original);
    await utimes(file, atime, mtime);
  }
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
