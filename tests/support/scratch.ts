/** For test files whose tests each begin with an empty database, and projects of their own. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach } from 'vitest';
import { edp, makeDirectory } from './cli.js';
import { type TestDatabase, useTestDatabase } from './database.js';

/** @returns the database of the test file, emptied before each test */
export function useEmptyDatabase(): TestDatabase {
  const database = useTestDatabase('empty');
  beforeEach(async () => {
    await database.query('DROP SCHEMA public CASCADE');
    await database.query('CREATE SCHEMA public');
    await database.query('DROP SCHEMA IF EXISTS edp CASCADE');
  });
  return database;
}

/** Runs commands with `--json` in that database. */
export function runnerFor(database: TestDatabase) {
  return <const A extends readonly string[]>(cwd: string, ...args: A) =>
    edp([...args, '--json', '--database-url', database.url], { cwd });
}

/** @param model text of edp.yaml; null for none */
export async function makeProject(
  model: string | null,
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<string> {
  const cwd = await makeDirectory();
  if (model !== null) await writeFile(path.join(cwd, 'edp.yaml'), model);
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(cwd, name), content);
  }
  return cwd;
}
