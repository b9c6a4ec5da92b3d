/** What every command module gives to the CLI, and what it gets. */
import type { Argv } from 'yargs';
import type { OptionName } from '../options/options.js';
import type { Project } from '../project/project.js';
import type { Output } from '../terminal/output.js';
import type { CommandResult } from './json/results.js';

export interface Invocation {
  /** Values of flags and positionals as yargs read them, by option name. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly project: Project;
  /** Takes only what docs/json.schema.json describes. */
  readonly output: Output<CommandResult>;
  /** Aborts at the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal;
}

/** How a command is called. Such a file imports nothing that takes long to load, since help needs all of them. */
export interface CommandUsage {
  /** Its name, and what stands behind it. */
  readonly call: string;
  readonly describe: string;
  readonly options: readonly OptionName[];
  /** Whether it takes the settings of files, too. */
  readonly takesFileSettings?: boolean;
  /** Adds positionals and examples. */
  build?(yargs: Argv): Argv;
  /** Whether it stops in order when told to (Ctrl-C); otherwise the process simply ends. */
  readonly stopsInOrder?: boolean;
}

export interface Command {
  /** @returns the exit status */
  run(invocation: Invocation): Promise<number>;
}
