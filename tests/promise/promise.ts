/**
 * The promise of the warehouse: after any sequence of loads, undone loads, changed declarations, killed runs
 * and so on, one run leaves what a rebuild from nothing would give, and what plain computation gives.
 */
import type pg from 'pg';
import { connect, withClient } from '../../src/postgres/connection.js';
import { migrate } from '../../src/postgres/migrate.js';
import { makeSequence, runSequence, type Sequence } from './sequence.js';
import { describeSequence, shrink } from './shrink.js';

export interface PromiseOptions {
  /** Where databases can be made. */
  readonly server: pg.ClientConfig;
  readonly seed: number;
  readonly count: number;
  readonly atOnce: number;
  readonly deadline: number;
  readonly isShrunk: boolean;
  say(text: string): void;
}

export interface PromiseResults {
  readonly seed: number;
  readonly seconds: number;
  readonly sequences: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

const MAX_FAILURES = 10;

export async function runPromise(options: PromiseOptions): Promise<PromiseResults> {
  const { server, seed, count, atOnce, deadline, isShrunk, say } = options;
  const startedAt = Date.now();
  const failures: string[] = [];
  const steps: Record<string, number> = {};
  let next = seed;
  let sequences = 0;
  const work = async (worker: number) => {
    const name = `edp_promise_${process.pid}_${worker}`;
    await withClient(server, 'test', (client) =>
      client.query(`CREATE DATABASE ${name} TEMPLATE template0`),
    );
    const config = { ...server, database: name };
    const client = await connect(config, 'test');
    try {
      await migrate(client);
      while (next < seed + count && Date.now() < deadline && failures.length < MAX_FAILURES) {
        const sequence = makeSequence(next++);
        const problems = await runSequence(config, client, sequence);
        sequences++;
        for (const { op } of sequence.steps) steps[op] = (steps[op] ?? 0) + 1;
        if (problems.length > 0) {
          say(`seed ${sequence.seed}: ${problems.slice(0, 4).join('\n  ').slice(0, 1500)}`);
          const small: { sequence: Sequence; problems: readonly string[] } = isShrunk
            ? await shrink(sequence, problems, (each) => runSequence(config, client, each))
            : { sequence, problems };
          const text = describeSequence(small.sequence, small.problems);
          failures.push(text);
          say(text);
        }
        if (sequences % 20 === 0) say(`${sequences} sequences, ${failures.length} bad`);
      }
    } finally {
      await client.end();
      await withClient(server, 'test', (admin) =>
        admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, i) => work(i)));
  return { seed, seconds: (Date.now() - startedAt) / 1000, sequences, steps, failures };
}
