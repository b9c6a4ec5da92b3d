/** Where things are: this code runs compiled, from bench/build/bench. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** The command line as it is published. */
export const CLI = path.join(REPOSITORY, 'dist', 'cli.js');

/** A file beside the sources that is not compiled. */
export function sourceFile(name: string): string {
  return path.join(REPOSITORY, 'bench', name);
}

/** A program of the benchmark that runs as a process of its own. */
export function clientProgram(name: string): string {
  return fileURLToPath(new URL(`./clients/${name}.js`, import.meta.url));
}

/** The environment without anything that names a database or sets an option of edp. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(PG|POSTGRES_|EDP_|DATABASE_URL|NODE_OPTIONS|FORCE_COLOR)/.test(name),
    ),
  );
}
