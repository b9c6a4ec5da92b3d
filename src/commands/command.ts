/** The interface between the CLI and its commands. */
import type { Argv } from 'yargs';
import type { OptionName } from '../options/option-definitions.js';
import type { Project } from '../project/project.js';
import type { Output } from '../terminal/output.js';
import type { CommandResult } from './json/results.js';

export interface Invocation {
  /** Values of flags and positionals as yargs read them, by option name. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly project: Project;
  /** Accepts only the objects of docs/json.schema.json. */
  readonly output: Output<CommandResult>;
  /** Aborts at the first Ctrl-C (or SIGTERM, SIGHUP). */
  readonly signal: AbortSignal;
}

/** The groups in which `edp --help` lists the commands, in that order, and what each is for. */
export const COMMAND_GROUPS = {
  load: 'Load files',
  look: 'Look at what is there',
  mend: 'Mend',
  warehouse: 'Make the warehouse',
  capture: 'Follow a production database',
  server: 'Keep the server',
} as const;

/** What words of a command line are completed with: `data` is a file, or the word `events`. */
export type CompletionKind =
  | 'data'
  | 'environment'
  | 'file'
  | 'folder'
  | 'load'
  | 'relation'
  | 'report'
  | 'table'
  | 'task'
  | 'view';

export type CommandGroup = keyof typeof COMMAND_GROUPS;

/**
 * The call of a command. Help files import nothing that loads slowly, because help needs all of
 * them.
 */
export interface CommandHelp {
  /** Its name and positionals. */
  readonly call: string;
  readonly group: CommandGroup;
  /** What shells complete its positionals with; the last one stands for all behind it. */
  readonly completes?: readonly (CompletionKind | readonly string[])[];
  readonly describe: string;
  readonly options: readonly OptionName[];
  /**
   * When it ends with a status that not every command has, or with 1 though nothing went wrong, for
   * docs/codes.md. Each begins with a verb or a noun, and has no full stop.
   */
  readonly statuses?: Readonly<
    Partial<Record<'failed' | 'doneWithRejects' | 'difference', string>>
  >;
  /** Whether it also accepts the settings of files. */
  readonly takesFileSettings?: boolean;
  /** Whether its positionals are names of files, `-` among them, though it does not accept their settings. */
  readonly takesFiles?: boolean;
  /** Adds positionals and examples. */
  build?(yargs: Argv): Argv;
  /** Whether it works beside a faulty edp.yaml, of which it needs the address of the database alone. */
  readonly needsNoModel?: boolean;
  /** Whether Ctrl-C stops it in order; otherwise the process ends at once. */
  readonly stopsInOrder?: boolean;
}

export interface Command {
  /** @returns the exit status */
  run(invocation: Invocation): Promise<number>;
}
