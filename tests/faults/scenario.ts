/**
 * What is run under faults: files, a database in the state in which the command finds it, the command, and
 * what must be there once it has been run to the end.
 *
 * What must be there is computed here, record by record, while the files are written, and by nothing of
 * edp: the harness knows what it wrote.
 */
import type pg from 'pg';
import type { Failpoint } from '../../src/base/failpoints.js';

/** A row as the server prints it, column by column. */
export type Row = readonly (string | null)[];

export interface ExpectedReject {
  readonly line: number;
  readonly byteOffset: number;
  readonly code: string;
  readonly raw: Buffer;
}

export interface ExpectedLoad {
  readonly path: string;
  readonly state: 'loaded' | 'undone';
  readonly bytes: number;
  /** Where the first record starts. */
  readonly dataStart: number;
  /** Read, loaded, rejected, duplicate. */
  readonly counts: readonly [number, number, number, number];
  readonly rejects: readonly ExpectedReject[];
}

export interface Expectation {
  /** Select lists and rows by table; the lineage column is looked at apart. */
  readonly tables: readonly {
    readonly table: string;
    readonly columns: string;
    readonly rows: readonly Row[];
  }[];
  /** One for each load that must be in the ledger, and no other. */
  readonly loads: readonly ExpectedLoad[];
  /** Table whose lineage must agree with the ledger at every moment. */
  readonly lineageOf?: string;
}

export interface Workplace {
  /** Where the commands run. */
  readonly cwd: string;
  query(sql: string, values?: unknown[]): Promise<unknown[][]>;
  /** Runs a command to its end, without a fault. */
  edp(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<void>;
}

export interface Scenario {
  readonly name: string;
  /** Writes the files, makes the state of the database; called once, on an empty database. */
  prepare(place: Workplace): Promise<Expectation>;
  /** Run at the same time; the first one meets the fault. */
  readonly commands: readonly (readonly string[])[];
  /** File that comes in by standard input, of which every run is a process of its own. */
  readonly input?: string;
  /** Limits that hold in all runs. */
  readonly settings?: string;
  /** Failpoints that its commands pass, and more to bring them there. */
  readonly failpoints: readonly (Failpoint | readonly [Failpoint, string])[];
  /** Whether the commands write to their working directory. */
  readonly writesFiles?: boolean;
}

/** One of the faults of a scenario whose session is at hand. */
export type Client = pg.Client;
