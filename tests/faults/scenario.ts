/**
 * What runs under faults: files, a database in the state in which the command finds it, the
 * command, and what must be there once it has completed.
 *
 * The expected state is computed here, record by record, while the files are written, without using
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
  /** Offset of the first record. */
  readonly dataStart: number;
  /** Read, loaded, rejected, duplicate. */
  readonly counts: readonly [number, number, number, number];
  readonly rejects: readonly ExpectedReject[];
}

export interface Expectation {
  /** Select lists and rows by table; the lineage column is checked separately. */
  readonly tables: readonly {
    readonly table: string;
    readonly columns: string;
    readonly rows: readonly Row[];
  }[];
  /** One for each load that must be in the ledger; there must be no others. */
  readonly loads: readonly ExpectedLoad[];
  /** Table whose lineage must agree with the ledger at every moment. */
  readonly lineageOf?: string;
}

export interface Workplace {
  /** Working directory of the commands. */
  readonly cwd: string;
  query(sql: string, values?: unknown[]): Promise<unknown[][]>;
  /** Runs a command to its end, without a fault. */
  edp(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<void>;
}

export interface Scenario {
  readonly name: string;
  /** Writes the files and prepares the database; called once, on an empty database. */
  prepare(place: Workplace): Promise<Expectation>;
  /** Commands run at the same time; the fault happens in the first. */
  readonly commands: readonly (readonly string[])[];
  /** A file for standard input; then every run is a process of its own. */
  readonly input?: string;
  /** Limits for all runs. */
  readonly settings?: string;
  /** Failpoints that its commands reach, with the faults needed to reach them. */
  readonly failpoints: readonly (Failpoint | readonly [Failpoint, string])[];
  /** Whether the commands write to their working directory. */
  readonly writesFiles?: boolean;
}

/** A session of a fault that needs one. */
export type Client = pg.Client;
