/**
 * Rounds in turn: every entry once, then every entry again, so that what the machine does meanwhile hits all
 * alike. Each round begins with another entry. Entries that are compared with each other most closely stand in a
 * group: they follow one another, in every other round the other way round.
 */
import { mkdir, rm } from 'node:fs/promises';
import type pg from 'pg';
import type { LoadTask } from './contenders/contender.js';
import { warmFile } from './datasets/dataset.js';
import { makeLaunch } from './measure/launch.js';
import { type GroupUsage, Sampler } from './measure/sampler.js';
import { addTotals, assertGuards, assertTotals, readGuards, readTotals } from './tables.js';
import type { Workbench } from './workbench.js';
import type { Entry } from './workload.js';

/** One load, from the start of its first process to the end of its last. */
export interface Measurement {
  readonly seconds: number;
  readonly client: GroupUsage;
  readonly server: GroupUsage;
  /** Of its tasks alone, where the contender tells. */
  readonly taskSeconds?: number;
}

export interface EntryResult {
  readonly entry: Entry;
  readonly rounds: readonly Measurement[];
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  onMeasured(entry: Entry, round: number, measurement: Measurement): void;
}

export async function runRounds(
  bench: Workbench,
  groups: readonly (readonly Entry[])[],
  { rounds, signal, onMeasured }: RoundsOptions,
): Promise<EntryResult[][]> {
  const results = groups.map((group) =>
    group.map((entry) => ({ entry, rounds: [] as Measurement[] })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const result of turnsOf(results, round)) {
      if (round >= (result.entry.maxRounds ?? rounds)) continue;
      signal.throwIfAborted();
      const measurement = await measure(bench, result.entry);
      result.rounds.push(measurement);
      onMeasured(result.entry, round, measurement);
    }
  }
  return results;
}

/** The order of a round. */
export function turnsOf<T>(groups: readonly (readonly T[])[], round: number): T[] {
  const turns = groups.map((_, turn) => groups[(turn + round) % groups.length]!);
  return turns.flatMap((group) => (round % 2 === 0 ? group : group.toReversed()));
}

/** @throws where the load fails, or leaves anything else in the table than it should */
async function measure(bench: Workbench, entry: Entry): Promise<Measurement> {
  const { contender, dataset, target } = entry;
  const { server, settings } = bench;
  await rm(settings.scratch, { recursive: true, force: true });
  await mkdir(settings.scratch, { recursive: true });
  if (contender.reads !== 'tables') {
    for (const file of [...dataset.files, ...(dataset.flat ? [dataset.flat.path] : [])]) {
      await warmFile(file);
    }
  }
  await target.making?.ready();
  const database = await server.createRunDatabase(target.template);

  const inDatabase = <T>(work: (client: pg.Client) => Promise<T>) =>
    server.withClient(database.config.database!, work);
  const assertRight = await expectRight(entry, inDatabase);

  const sampler = new Sampler(server.postmaster);
  const launch = makeLaunch((pid) => sampler.addClient(pid));
  let told: { taskSeconds: number } | undefined;
  const tell = (taskSeconds: number) => {
    told = { taskSeconds };
  };
  const task: LoadTask = { dataset, target, database, settings, launch, tell };
  const startedAt = performance.now();
  try {
    await contender.load(task);
  } finally {
    sampler.stop();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const usage = sampler.usage();
  await inDatabase(assertRight);
  return { seconds, ...usage, ...told };
}

/** Before a load. @returns what throws where it leaves anything else than it should */
async function expectRight(
  { contender, dataset, target, title }: Entry,
  inDatabase: <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>,
): Promise<(client: pg.Client) => Promise<void>> {
  const { making } = target;
  if (target.assertDone !== undefined) return (client) => target.assertDone!(client);
  if (making !== undefined) return (client) => making.assertMade(client);
  const guards = await inDatabase((client) => readGuards(client, target.table));
  const expected =
    contender.loadsNothing === true ? target.existing : addTotals(target.existing, dataset.totals);
  return async (client) => {
    const withHash = expected.hash !== undefined;
    assertTotals(title, await readTotals(client, target.table, dataset, withHash), expected);
    assertGuards(title, await readGuards(client, target.table), guards);
  };
}
