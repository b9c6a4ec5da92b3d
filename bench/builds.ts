/** Builds of edp that are measured: that of this repository, and with --against that of another checkout. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from './options.js';
import { REPOSITORY } from './repository.js';

export interface Build {
  /** Of the checkout. */
  readonly directory: string;
  /** Behind the titles of its contenders; none for this repository's. */
  readonly label?: string;
}

export const OWN_BUILD: Build = { directory: REPOSITORY };

/** @throws UsageError where nothing is built there */
export function findBuild(directory: string): Build {
  const build = { directory, label: path.basename(directory) };
  if (!existsSync(cliOf(build))) {
    throw new UsageError(`--against ${directory}: there is no dist/cli.js; run npm ci there`);
  }
  return build;
}

/** The command line as it is published. */
export function cliOf({ directory }: Build): string {
  return path.join(directory, 'dist', 'cli.js');
}

/** A program of that checkout's benchmark, which `npm run bench` compiles. */
export function clientProgramOf({ directory }: Build, name: string): string {
  return path.join(directory, 'bench/build/bench/clients', `${name}.js`);
}

/** A contender's name and title, told from those of another build. */
export function nameFor({ label }: Build, name: string, title: string) {
  return label === undefined
    ? { name, title }
    : { name: `${name} of ${label}`, title: `${title} of ${label}` };
}
