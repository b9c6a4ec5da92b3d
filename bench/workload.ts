/** What a workload is: who loads what into where, and which figures are to be reached. */
import type { Contender } from './contenders/contender.js';
import type { Dataset } from './datasets/dataset.js';
import type { LoadTarget } from './tables.js';
import type { Workbench } from './workbench.js';

/** One line of a workload: measured once in every round. */
export interface Entry {
  /** Unique within the workload; goals name it. */
  readonly key: string;
  readonly title: string;
  readonly contender: Contender;
  readonly dataset: Dataset;
  readonly target: LoadTarget;
  /** Rounds at the most, for what takes long and varies little. */
  readonly maxRounds?: number;
}

/** A figure to be reached: speeds compared, seconds, or memory of the contender's processes. */
export type Goal = { readonly title: string } & (
  | {
      /** Speed of one entry as a multiple of another's, or of the slower of several. */
      readonly kind: 'speed';
      readonly of: string;
      readonly against: string | readonly string[];
      readonly atLeast: number;
      readonly aim: number;
    }
  | {
      /** Bytes of the files a second of one entry as a multiple of another's. */
      readonly kind: 'byte speed';
      readonly of: string;
      readonly against: string;
      readonly atLeast: number;
      readonly aim: number;
    }
  | {
      /** The slowest of them as a share of the fastest. */
      readonly kind: 'even speed';
      readonly of: readonly string[];
      readonly atLeast: number;
      readonly aim: number;
    }
  | {
      /** The greatest peak of RSS among them, in bytes. */
      readonly kind: 'memory';
      readonly of: readonly string[];
      readonly atMost: number;
      readonly aim: number;
    }
  | {
      /** Peak of RSS as a multiple of another's. */
      readonly kind: 'flat memory';
      readonly of: string;
      readonly against: string;
      readonly atMost: number;
      readonly aim: number;
    }
  | {
      /** Seconds of an entry. */
      readonly kind: 'seconds';
      readonly of: string;
      readonly atMost: number;
      readonly aim: number;
    }
  | {
      /** Seconds of tasks as a part of what is allowed: a share of another entry's, and so many seconds. */
      readonly kind: 'allowance';
      readonly of: string;
      readonly against: string;
      readonly share: number;
      readonly seconds: number;
      readonly atMost: number;
      readonly aim: number;
    }
);

export interface Workload {
  /** It is chosen by either. */
  readonly letter: string;
  readonly name: string;
  readonly title: string;
  /** What a reader has to know to judge the figures. */
  readonly notes: readonly string[];
  /** Rounds for each that was asked for: more where a small difference is to be told. */
  readonly roundFactor?: number;
  readonly goals: readonly Goal[];
  /** Disk it needs at a scale, beyond the server itself and the events of workload A. */
  diskBytes(scale: number): number;
  /** Makes data and tables. */
  prepare(bench: Workbench): Promise<readonly Entry[]>;
}

/** How a reader finds it: by letter and name, as in `A · bare-table`. Results of earlier runs have letters only. */
export function labelOf({ letter, name }: { letter: string; name?: string }): string {
  return name === undefined ? letter : `${letter} · ${name}`;
}

/** @param chosen letters or names, in any case */
export function isChosen({ letter, name }: Workload, chosen: readonly string[]): boolean {
  return chosen.some((text) => [letter.toLowerCase(), name].includes(text.toLowerCase()));
}
