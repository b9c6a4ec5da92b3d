/** The tasks of a run: each behind what it reads, several at a time. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { readBy } from '../../model/warehouse/order-tasks.js';
import type { Task, Warehouse } from '../../model/warehouse/task.js';
import { withCancel } from '../../postgres/cancel.js';
import { connect } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { withSchemaLock } from '../../postgres/migrate.js';
import { NOTHING } from './make-table.js';
import { recordStatements } from './record-statements.js';
import { runTask } from './run-task.js';
import { readsOf } from './select-tasks.js';
import { keepResults, type TaskOrders, type TaskResult } from './task-results.js';
import { tellTask } from './tell-tasks.js';

export interface RunOrders extends TaskOrders {
  /** Tasks at the same time. */
  readonly parallel: number;
}

export interface RunProgress {
  started(task: string): void;
  ended(results: readonly TaskResult[]): void;
}

/**
 * Runs tasks. A task that fails leaves its table as it was; those that read it are skipped, the others
 * go on. So does one that the signal stops, which has no result.
 *
 * @param tasks in an order in which each comes behind what it reads
 */
export async function runTasks(
  database: Database,
  warehouse: Warehouse,
  tasks: readonly Task[],
  orders: RunOrders,
  runId: number,
  progress: RunProgress,
  signal: AbortSignal,
): Promise<TaskResult[]> {
  const width = orders.dryRun ? 1 : Math.max(1, Math.min(orders.parallel, tasks.length));
  const sessions: pg.Client[] = [];
  try {
    for (let i = 0; i < width; i++) sessions.push(await openSession(database));
    const [first] = sessions;
    const create = () => createSchemas(first!, warehouse);
    if (orders.dryRun) {
      await first!.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await create();
    } else if (await isSchemaMissing(first!, warehouse)) {
      await withSchemaLock(first!, create);
    }
    const queue = new TaskQueue(warehouse, tasks, orders, runId, progress, signal);
    if (!signal.aborted) {
      await withCancel(database.client, sessions, signal, () =>
        Promise.all(sessions.map((session) => queue.work(session))),
      );
    }
    if (orders.dryRun) await first!.query('ROLLBACK');
    return queue.results;
  } finally {
    await Promise.all(sessions.map((session) => session.end().catch(() => {})));
  }
}

async function openSession(database: Database): Promise<pg.Client> {
  const session = await connect(database.client, 'task');
  // A batch is one scan: its sorts and hashes are worth more memory than the default.
  await session.query("SET work_mem = '64MB'; SET maintenance_work_mem = '256MB'; SET jit = off");
  return session;
}

async function isSchemaMissing(client: pg.Client, { layers }: Warehouse): Promise<boolean> {
  const { rows } = await client.query<{ missing: boolean }>(
    'SELECT bool_or(to_regnamespace(quote_ident(name)) IS NULL) AS missing FROM unnest($1::text[]) AS name',
    [[layers.silver, layers.gold]],
  );
  return rows[0]!.missing;
}

async function createSchemas(client: pg.Client, { layers }: Warehouse): Promise<void> {
  for (const name of [layers.silver, layers.gold]) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)}`);
  }
}

class TaskQueue {
  readonly results: TaskResult[] = [];
  readonly #warehouse: Warehouse;
  readonly #orders: RunOrders;
  readonly #runId: number;
  readonly #progress: RunProgress;
  readonly #signal: AbortSignal;
  readonly #waiting: Task[];
  /** Place of each task in the order. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #running = new Set<string>();
  /** Tasks that failed, or were skipped. */
  readonly #broken = new Map<string, 'failed' | 'skipped'>();
  /** Tasks that ran, and whose checks wait for tables that come behind. */
  readonly #again = new Set<Task>();
  #wake: (() => void)[] = [];

  constructor(
    warehouse: Warehouse,
    tasks: readonly Task[],
    orders: RunOrders,
    runId: number,
    progress: RunProgress,
    signal: AbortSignal,
  ) {
    this.#warehouse = warehouse;
    this.#waiting = [...tasks];
    this.#places = new Map(warehouse.tasks.map(({ name }, i) => [name, i]));
    this.#orders = orders;
    this.#runId = runId;
    this.#progress = progress;
    this.#signal = signal;
  }

  async work(session: pg.Client): Promise<void> {
    while (this.#waiting.length > 0 && !this.#signal.aborted) {
      const i = this.#waiting.findIndex((task) => this.#isReady(task));
      if (i < 0) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      const [task] = this.#waiting.splice(i, 1);
      await this.#run(session, task!);
    }
  }

  #isReady(task: Task): boolean {
    const waiting = this.#waiting.filter((each) => !this.#again.has(each));
    const pending = new Set([...this.#running, ...waiting.map(({ name }) => name)]);
    const isAgain = this.#again.has(task);
    const isBefore = (name: string) =>
      isAgain || this.#places.get(name)! < this.#places.get(task.name)!;
    // Checks may read each other's tables in a circle: those that come behind are as they were.
    return readsOf(task).every((name) => !pending.has(name) || !isBefore(name));
  }

  async #run(session: pg.Client, task: Task): Promise<void> {
    const isAgain = this.#again.has(task);
    this.#running.add(task.name);
    if (!isAgain) this.#progress.started(task.name);
    const startedAt = performance.now();
    let results: TaskResult[];
    const broken = this.#describeBroken(task);
    const statements: string[] = [];
    try {
      results =
        broken !== undefined
          ? [await this.#end(session, task, 'skipped', broken, startedAt)]
          : await this.#record(session, statements, () =>
              runTask(session, task, this.#warehouse, this.#ordersOf(task), this.#runId),
            );
    } catch (thrown) {
      if (this.#signal.aborted) {
        this.#waiting.length = 0;
        this.#wakeOthers();
        return;
      }
      if (!(thrown instanceof EdpError) || thrown.code === 'database_unreachable') {
        this.#waiting.length = 0;
        this.#wakeOthers();
        throw thrown;
      }
      const failed = await this.#end(session, task, 'failed', undefined, startedAt, thrown);
      results = [this.#orders.withSql ? { ...failed, sql: statements } : failed];
    }
    for (const { state, isHeldBack } of results) {
      if (state === 'failed' && isHeldBack !== true) this.#broken.set(task.name, 'failed');
      if (state === 'skipped') this.#broken.set(task.name, 'skipped');
    }
    this.#running.delete(task.name);
    if (isAgain) results = results.filter(isNews);
    this.results.push(...results);
    if (!this.#orders.dryRun) tellTask(task, results);
    if (!isAgain) this.#progress.ended(results);
    if (!isAgain && this.#orders.slices === undefined && results.every(isStillToCheck)) {
      this.#again.add(task);
      this.#waiting.push(task);
    }
    this.#wakeOthers();
  }

  #ordersOf(task: Task): TaskOrders {
    return this.#again.has(task) ? { ...this.#orders, full: false } : this.#orders;
  }

  /** Why a task cannot be made: by what fails itself, if anything that it reads does. */
  #describeBroken(task: Task): string | undefined {
    const broken = [...new Set(readBy(task))].filter((name) => this.#broken.has(name));
    if (broken.length === 0) return undefined;
    const failed = broken.filter((name) => this.#broken.get(name) === 'failed');
    return failed.length > 0 ? `${failed.join(', ')} failed` : `${broken.join(', ')} skipped`;
  }

  /** Adds the statements of a task to its first result, if they are wanted. @param made those until a fault */
  async #record(
    session: pg.Client,
    made: string[],
    run: () => Promise<TaskResult[]>,
  ): Promise<TaskResult[]> {
    if (!this.#orders.withSql) return run();
    const { statements, stop } = recordStatements(session);
    try {
      const [first, ...rest] = await run();
      const isUnchanged = first!.state === 'unchanged';
      return [{ ...first!, ...(isUnchanged ? {} : { sql: [...statements] }) }, ...rest];
    } finally {
      made.push(...statements);
      stop();
    }
  }

  #wakeOthers(): void {
    const woken = this.#wake;
    this.#wake = [];
    for (const resolve of woken) resolve();
  }

  async #end(
    session: pg.Client,
    { name, kind }: Task,
    state: 'failed' | 'skipped',
    reason: string | undefined,
    startedAt: number,
    error?: EdpError,
  ): Promise<TaskResult> {
    const seconds = (performance.now() - startedAt) / 1000;
    const result: TaskResult = {
      task: name,
      kind,
      slice: '',
      state,
      reason,
      rows: NOTHING,
      checks: [],
      seconds,
      ...(error === undefined ? {} : { error }),
    };
    await keepResults(session, this.#runId, [result]);
    return result;
  }
}

/** Whether all is made, and a check is still to be asked. */
function isStillToCheck({ state, isPutOff }: TaskResult): boolean {
  return state !== 'failed' && isPutOff === true;
}

/** Of a task that ran before in the same run, which had nothing left but checks. */
function isNews({ state, checks }: TaskResult): boolean {
  return state !== 'unchanged' || checks.some(({ ok }) => !ok);
}
