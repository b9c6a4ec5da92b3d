/**
 * Random tables and files: what edp says of a load, and what is in the table afterwards, must be what the
 * server makes of the same records, one INSERT after the other.
 */
import path from 'node:path';
import { Host } from '../faults/command.js';
import { FaultServer } from '../faults/server.js';
import { type Batch, makeBatch } from './case.js';
import { Databases } from './databases.js';
import type { Division } from './division.js';
import { describeFailure, shrink } from './shrink.js';
import { type Place, runCases } from './trial.js';

export interface AgreementOptions {
  readonly directory: string;
  readonly seed: number;
  /** Cases in all. */
  readonly count: number;
  readonly atOnce: number;
  readonly deadline: number;
  /** Whether all tables have partitions that edp makes. */
  readonly alwaysDivides?: boolean;
  say(text: string): void;
}

export interface AgreementResults {
  readonly seed: number;
  readonly seconds: number;
  readonly cases: number;
  readonly records: number;
  /** Tables that the server did not make, by its message. */
  readonly refusedTables: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** Failures after which the campaign ends: one fault makes many. */
const MAX_FAILURES = 25;

export async function runAgreement(options: AgreementOptions): Promise<AgreementResults> {
  const server = await FaultServer.create();
  const campaign = new Campaign(options, server);
  try {
    return await campaign.run();
  } finally {
    await server.remove();
  }
}

class Campaign {
  readonly #options: AgreementOptions;
  readonly #server: FaultServer;
  readonly #failures: string[] = [];
  readonly #kinds: Record<string, number> = {};
  #cases = 0;
  #planned = 0;
  #records = 0;
  readonly #refused: Record<string, number> = {};
  #nextSeed: number;

  constructor(options: AgreementOptions, server: FaultServer) {
    this.#options = options;
    this.#server = server;
    this.#nextSeed = options.seed;
  }

  async run(): Promise<AgreementResults> {
    const startedAt = Date.now();
    const { atOnce, seed } = this.#options;
    await Promise.all(Array.from({ length: atOnce }, (_, i) => this.#work(i)));
    return {
      seed,
      seconds: (Date.now() - startedAt) / 1000,
      cases: this.#cases,
      records: this.#records,
      refusedTables: this.#refused,
      kinds: this.#kinds,
      failures: this.#failures,
    };
  }

  get #isDone(): boolean {
    const { count, deadline } = this.#options;
    return this.#planned >= count || Date.now() > deadline || this.#failures.length >= MAX_FAILURES;
  }

  async #work(worker: number): Promise<void> {
    const { directory } = this.#options;
    const host = new Host(path.join(directory, `rules-agreement-${worker}`));
    const databases = new Databases(this.#server, host, directory, `agreement_${worker}`);
    try {
      while (!this.#isDone) {
        const batch = makeBatch(this.#nextSeed++, this.#options.alwaysDivides);
        await this.#runBatch(batch, await databases.take(batch.options));
      }
    } finally {
      host.close();
      await databases.remove();
    }
  }

  async #runBatch({ seed, cases, options }: Batch, place: Place): Promise<void> {
    this.#planned += cases.length;
    const outcomes = await runCases(cases, options, place);
    for (const [i, { differences, refusal }] of outcomes.entries()) {
      const each = cases[i]!;
      if (refusal !== undefined) {
        count(this.#refused, refusal);
        continue;
      }
      this.#cases++;
      this.#records += each.file.records.length;
      const { division } = each.setup;
      if (division !== undefined) count(this.#kinds, describeDivision(division));
      for (const { what } of each.setup.pieces)
        count(
          this.#kinds,
          what.replace(/ [a-z]+$/, (word) => (word.length > 3 ? word : '')),
        );
      if (differences.length === 0) continue;
      const failure = describeFailure(await shrink(seed, each, options, differences, place));
      this.#failures.push(failure);
      this.#options.say(failure);
    }
    if (seed % 20 === 0) {
      this.#options.say(`${this.#cases} cases, ${this.#failures.length} differ`);
    }
  }
}

function describeDivision({ list, time, hasGuard }: Division): string {
  const by = [list === undefined ? [] : ['list'], time === undefined ? [] : [time.every]].flat();
  return `made partitions, ${by.join(' and ')}${hasGuard ? ', guard' : ''}`;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
