/** A way to get a file's rows into a table. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Dataset } from '../datasets/dataset.js';
import type { Launch } from '../measure/launch.js';
import { cleanEnvironment } from '../repository.js';
import type { RunDatabase } from '../server.js';
import type { LoadTarget } from '../tables.js';

/** What holds for the whole run. */
export interface ContenderSettings {
  readonly processCount: number;
  /** Only where the user named one. */
  readonly givenProcessCount: number | undefined;
  readonly python: string;
  /** For files that a contender makes on its way; empty before each load. */
  readonly scratch: string;
}

export interface LoadTask {
  readonly dataset: Dataset;
  readonly target: LoadTarget;
  readonly database: RunDatabase;
  readonly settings: ContenderSettings;
  /** Starts processes whose time, memory and CPU count. */
  readonly launch: Launch;
  /** Notes the seconds that the program itself counts, behind its start. */
  tell?(taskSeconds: number): void;
}

/** Whether a contender can run here: what it is, or what would have to be installed. */
export type Presence =
  | { readonly isPresent: true; readonly version: string }
  | { readonly isPresent: false; readonly remedy: string };

export interface Contender {
  readonly name: string;
  readonly title: string;
  /** Which form of the rows it takes: as they came, flattened, encoded for the server, or in tables already. */
  readonly reads: 'files' | 'flat' | 'encoded' | 'tables';
  /** Whether it only reads the rows, and leaves the table as it was. */
  readonly loadsNothing?: boolean;
  find(settings: ContenderSettings): Promise<Presence>;
  /** Returns when all rows have committed. What it takes is what is measured. */
  load(task: LoadTask): Promise<void>;
}

const run = promisify(execFile);

/** First line of what a program prints; undefined where it is absent or fails. */
export async function ask(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, args, { env: cleanEnvironment() });
    return (stdout || stderr).trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

/** Presence of a program that is asked for its version. */
export async function askVersion(
  command: string,
  args: readonly string[],
  remedy: string,
): Promise<Presence> {
  const version = await ask(command, args);
  return version === undefined ? { isPresent: false, remedy } : { isPresent: true, version };
}

/** For what comes with this repository. */
export const ALWAYS_PRESENT = async (): Promise<Presence> => ({
  isPresent: true,
  version: `node ${process.versions.node}`,
});

/** @throws where a workload lets a contender load what it cannot */
export function flatFileOf({ name, flat }: Dataset) {
  if (flat === undefined) throw new TypeError(`${name} has no flat file`);
  return flat;
}
