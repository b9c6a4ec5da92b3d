/** A sequence: a project, steps, and after each whole run the judgement of all tables. */
import type pg from 'pg';
import type { Warehouse } from '../../src/model/warehouse/task.js';
import { Random } from '../faults/random.js';
import { type Files, loadFiles } from '../support/warehouse-project.js';
import { promote, runBeside } from './beside.js';
import { relationOf } from './dump.js';
import { compareIds, type Ids, judge, type Place, readIds } from './judge.js';
import { Bronze, emptyDatabase } from './place.js';
import { filesOf, makeProject, type Project } from './project.js';
import { compareEntries, compareReceipts, snapshot } from './receipts.js';
import { run, runKilled } from './runs.js';
import { makeStep, type Step } from './steps.js';

export interface Sequence {
  readonly seed: number;
  readonly project: Project;
  readonly steps: readonly Step[];
}

export function makeSequence(seed: number): Sequence {
  const random = new Random(seed);
  const project = makeProject(random);
  const steps: Step[] = [];
  let promoted = 0;
  for (let i = 6 + random.below(14); i > 0; i--) {
    const step = makeStep(random, project, promoted);
    if (step.op === 'promote') promoted++;
    steps.push(step);
  }
  return { seed, project, steps };
}

/** @returns what is wrong; empty where the promise holds */
export async function runSequence(
  config: pg.ClientConfig,
  client: pg.Client,
  { project, steps }: Sequence,
): Promise<string[]> {
  const { model, warehouse } = await loadFiles(filesOf(project) as Files);
  await emptyDatabase(client, model);
  const actor = new Actor({ config, client, bronze: new Bronze(client) }, project, warehouse);
  for (const [i, step] of [...steps, { op: 'run', full: false } as const].entries()) {
    const problems = await actor.act(step).catch((error: Error) => [`it failed: ${error.stack}`]);
    if (problems.length > 0)
      return problems.map((problem) => `step ${i + 1} (${step.op}): ${problem}`);
  }
  return [];
}

class Actor {
  readonly #place: Place;
  #project: Project;
  #warehouse: Warehouse;
  #ids: Ids = new Map();
  readonly #extra: string[] = [];
  #asides = 0;

  constructor(place: Place, project: Project, warehouse: Warehouse) {
    this.#place = place;
    this.#project = project;
    this.#warehouse = warehouse;
  }

  async act(step: Step): Promise<string[]> {
    const { bronze, config } = this.#place;
    // In a run between, a member may go and come again; another table has other ids.
    const isRun =
      ['part', 'kill', 'aside'].includes(step.op) || (step.op === 'load' && step.halves);
    if (isRun) this.#ids = new Map();
    switch (step.op) {
      case 'load':
        await bronze.load(
          step.table,
          step,
          step.updates,
          step.halves ? async () => void (await this.#runOnly()) : undefined,
        );
        return [];
      case 'undo':
        await bronze.undo(step.which);
        return [];
      case 'replace':
        await bronze.replace(step.table, step);
        return [];
      case 'promote':
        await bronze.promote(step.column, step.value);
        this.#extra.push(step.column);
        return this.#declare(this.#project);
      case 'declare': {
        const section = { ...this.#project[step.section], [step.name]: step.spec };
        return this.#declare({ ...this.#project, [step.section]: section });
      }
      case 'part': {
        const { op: _, ...options } = step;
        return this.#checked(options, false);
      }
      case 'aside':
        await this.#setAside(step.task);
        return [];
      case 'kill':
        await runKilled(config, this.#warehouse, step.after);
        return [];
      case 'two': {
        const both = await Promise.all([
          run(config, this.#warehouse, { full: step.full }),
          run(config, this.#warehouse),
        ]);
        return [...failuresOf(both.flat()), ...(await this.#judged())];
      }
      case 'beside':
        return runBeside(this.#place, this.#warehouse, step.full);
      case 'swap':
        return promote(this.#place, this.#warehouse);
      case 'run':
        return this.#checked({ full: step.full }, true);
    }
  }

  async #setAside(name: string): Promise<void> {
    const task = this.#warehouse.tasks.find((each) => each.name === name);
    if (task === undefined) return;
    const aside = `aside_${++this.#asides}`;
    await this.#place.client.query(`ALTER TABLE IF EXISTS ${relationOf(task)} RENAME TO ${aside}`);
  }

  async #runOnly(): Promise<void> {
    await run(this.#place.config, this.#warehouse);
  }

  async #declare(project: Project): Promise<string[]> {
    this.#project = project;
    this.#warehouse = (await loadFiles(filesOf(project, this.#extra) as Files)).warehouse;
    return [];
  }

  async #checked(options: Parameters<typeof run>[2], isWhole: boolean): Promise<string[]> {
    const { client, config } = this.#place;
    const before = await snapshot(client, this.#warehouse);
    const { rows } = await client.query<{ last: number }>(
      'SELECT coalesce(max(change_id), 0) AS last FROM edp.changes',
    );
    const results = await run(config, this.#warehouse, options);
    // Of tasks selected alone, what they read may not be there.
    const failures = isWhole ? failuresOf(results) : [];
    const { problems, reckoned } = isWhole
      ? await judge(this.#place, this.#warehouse, this.#project)
      : { problems: [], reckoned: undefined };
    return [
      ...failures,
      ...problems,
      ...(await compareReceipts(client, this.#warehouse, results, before, reckoned)),
      ...(await compareEntries(client, this.#warehouse, this.#project, before, rows[0]!.last)),
      ...(isWhole ? await this.#again() : []),
    ];
  }

  async #judged(): Promise<string[]> {
    const { problems } = await judge(this.#place, this.#warehouse, this.#project);
    return [...problems, ...(await this.#again())];
  }

  /** Members keep their ids, and a second run changes nothing. */
  async #again(): Promise<string[]> {
    const { client, config } = this.#place;
    const ids = await readIds(client, this.#warehouse);
    const moved = compareIds(this.#ids, ids);
    this.#ids = ids;
    const results = await run(config, this.#warehouse);
    const changed = results.filter(({ state, kind, rows, reason }) => {
      // What reads a relation that edp does not load is compared each time.
      const isCompared =
        state === 'done' &&
        rows.inserted + rows.updated + rows.deleted === 0 &&
        /does not load/.test(reason ?? '');
      return state !== 'unchanged' && !isCompared && kind !== undefined;
    });
    return [
      ...moved,
      ...changed.map(
        ({ task, slice, state, reason, rows }) =>
          `again: ${task} ${slice} ${state}, ${reason} ${JSON.stringify(rows)}`,
      ),
    ];
  }
}

function failuresOf(results: Awaited<ReturnType<typeof run>>): string[] {
  return results
    .filter(({ state }) => state === 'failed' || state === 'skipped')
    .map(
      ({ task, state, reason, error }) =>
        `${task} ${state}: ${reason ?? ''} ${error?.message ?? ''}`,
    );
}
