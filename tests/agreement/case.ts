/** A case: a table, a file, and the options of the load. */
import { Random } from '../faults/random.js';
import { type CaseFile, makeFile } from './records.js';
import { makeSetup, type Setup, type Situation } from './setup.js';

export interface Case {
  readonly setup: Setup;
  readonly file: CaseFile;
}

/** Options that all cases of one command share. */
export interface Options extends Situation {
  readonly workers: number;
  readonly splitRecords: number;
  readonly triesFirst: boolean;
  /** Whether the files are loaded as big ones are. */
  readonly isBulk: boolean;
  readonly encoding: 'UTF8' | 'LATIN1';
  /** Whether the role of edp owns the tables and may do no more than that. */
  readonly isPlainRole: boolean;
  /** Whether edp makes the tables, with partitions. */
  readonly isDivided: boolean;
  /** Whether replay, undo, another load, `edp verify` and --replace follow. */
  readonly goesOn: boolean;
}

export interface Batch {
  readonly seed: number;
  readonly options: Options;
  readonly cases: readonly Case[];
}

const CASES_PER_BATCH = 8;

export function makeBatch(seed: number, alwaysDivides = false): Batch {
  const random = new Random(seed);
  const options: Options = {
    onConflict: random.pick(['reject', 'skip', 'update']),
    missingDimensions: random.next() < 0.3 ? 'infer' : 'reject',
    workers: 1 + random.below(3),
    splitRecords: random.pick([2, 7, 20, 20, 100_000, 100_000, 100_000]),
    triesFirst: random.next() < 0.25,
    isBulk: random.next() < 0.15,
    encoding: random.next() < 0.1 ? 'LATIN1' : 'UTF8',
    isPlainRole: random.next() < 0.25,
    isDivided: random.next() < 0.3 || alwaysDivides,
    goesOn: random.next() < 0.5,
  };
  const cases = Array.from({ length: CASES_PER_BATCH }, (_, i) => {
    const own = new Random(random.below(2 ** 31));
    const setup = makeSetup(own, `t${seed}x${i}`, options);
    return { setup, file: makeFile(own, setup, options) };
  });
  return { seed, options, cases };
}

/** The same case with a table of another name, for the same database. */
export function renamed({ setup, file }: Case, table: string): Case {
  const text = JSON.stringify(setup).replaceAll(setup.table, table);
  return { setup: JSON.parse(text) as Setup, file };
}
