/**
 * The commands, in the order in which help lists them.
 *
 * Start-up is felt by users, so a command's module is loaded when it is called and not before.
 */
import type { Command } from './command.js';

export interface CommandEntry {
  /** Its name, and what stands behind it. */
  readonly usage: string;
  readonly describe: string;
  load(): Promise<{ command: Command }>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    usage: 'ingest <files...>',
    describe: 'Load CSV files into PostgreSQL, each record accounted for',
    load: () => import('./ingest/ingest.command.js'),
  },
  {
    usage: 'inspect <file>',
    describe: 'What a CSV file is: dialect, columns, types, oddities; loads nothing',
    load: () => import('./inspect.command.js'),
  },
  {
    usage: 'model <action> <files...>',
    describe: 'A model for edp.yaml, inferred from all records of CSV files',
    load: () => import('./model.command.js'),
  },
  {
    usage: 'seed-dimensions',
    describe: 'Load first_dimensions.csv and second_dimensions.csv',
    load: () => import('./seed-dimensions.command.js'),
  },
  {
    usage: 'generate-data',
    describe: 'Write event CSVs to try edp with, clean or dirty',
    load: () => import('./generate-data.command.js'),
  },
  {
    usage: 'generate-report [name]',
    describe: 'Write a report as CSV, JSON or a table',
    load: () => import('./generate-report.command.js'),
  },
  {
    usage: 'status [load]',
    describe: 'What was loaded, newest first; one load in detail',
    load: () => import('./status.command.js'),
  },
  {
    usage: 'rejects <load>',
    describe: 'The records a load rejected, and why',
    load: () => import('./rejects.command.js'),
  },
  {
    usage: 'replay <load>',
    describe: 'Try the rejects of a load again, exactly once',
    load: () => import('./replay.command.js'),
  },
  {
    usage: 'undo <load>',
    describe: 'Remove exactly the rows of a load, so that its file can be loaded again',
    load: () => import('./undo.command.js'),
  },
  {
    usage: 'verify <load> [file]',
    describe: 'Hold a file against what its load left in the table, by content',
    load: () => import('./verify.command.js'),
  },
  {
    usage: 'promote <metric>',
    describe: 'Make a metric that was kept beside the rows a column of its own',
    load: () => import('./promote.command.js'),
  },
  {
    usage: 'db <action> [args..]',
    describe: 'The embedded PostgreSQL: start, stop, url, psql',
    load: () => import('./db.command.js'),
  },
];

export function nameOf({ usage }: CommandEntry): string {
  return usage.split(' ', 1)[0]!;
}
