/** A project of a test in a folder and a database of its own, and `edp` in it. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type CliResult, edp } from './cli.js';
import { type TestDatabase, useTestDatabase } from './database.js';
import type { CommandOf } from './json.js';
import { makeTemporary } from './temporary.js';

export interface WarehouseFolder {
  readonly database: TestDatabase;
  readonly directory: string;
  write(name: string, text: string): Promise<void>;
  /** With `--json`. */
  edp<const A extends readonly string[]>(...args: A): Promise<CliResult<CommandOf<A>>>;
  /** Without. */
  plain(...args: string[]): Promise<CliResult>;
  /** With a fault at a failpoint. */
  killed(args: readonly string[], failpoints: string): Promise<CliResult>;
  /** Writes a file of records and loads it. */
  load(table: string, csv: string, ...options: string[]): Promise<void>;
}

export function useWarehouseFolder(files: Readonly<Record<string, string>>): WarehouseFolder {
  const database = useTestDatabase('empty');
  let directory = '';
  let count = 0;
  const write = async (name: string, text: string) => {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  beforeAll(async () => {
    directory = await makeTemporary();
    for (const [name, text] of Object.entries(files)) await write(name, text);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const call = <const A extends readonly string[]>(args: A) =>
    edp(args, { cwd: directory, env: { DATABASE_URL: database.url } });
  return {
    get database() {
      return database;
    },
    get directory() {
      return directory;
    },
    write,
    edp: <const A extends readonly string[]>(...args: A) =>
      call([...args, '--json']) as Promise<CliResult<CommandOf<A>>>,
    plain: (...args) => call(args) as Promise<CliResult>,
    killed: (args, failpoints) =>
      edp(args, {
        cwd: directory,
        env: { DATABASE_URL: database.url, EDP_FAILPOINTS: failpoints },
      }) as Promise<CliResult>,
    async load(table, csv, ...options) {
      const name = `${table}-${++count}.csv`;
      await write(name, csv);
      const { status, stderr } = await call(['ingest', name, '--table', table, ...options]);
      if (status !== 0) throw new Error(`${table} was not loaded: ${stderr}`);
    },
  };
}
