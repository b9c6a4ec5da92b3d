/** Generated files and those on the disk → what is to be written or removed. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { GENERATED } from '../events/event-schema.js';
import type { EventTable } from '../events/event-table.js';
import { schemaFiles } from './json-schema.js';
import { findEdited, type Lock, readText, refusePublished } from './published.js';
import { findChanged, isPublished } from './schema-versions.js';

export interface FileChange {
  readonly path: string;
  readonly kind: 'new' | 'changed' | 'removed';
  /** What to write. */
  readonly text?: string;
}

export interface FilePlan {
  readonly changes: readonly FileChange[];
  readonly unchanged: number;
}

/** Of schemas/. @throws EdpError `published_schema` */
export async function planSchemas(
  directory: string,
  tables: readonly EventTable[],
  lock: Lock,
): Promise<FilePlan> {
  refusePublished(await findEdited(directory, lock));
  refusePublished(await findChanged(directory, lock, tables));
  const changes: FileChange[] = [];
  const wanted = new Set<string>();
  for (const table of tables) {
    for (const { path: file, text } of schemaFiles(table)) {
      wanted.add(file);
      if (isPublished(lock, table)) continue;
      const found = await readText(directory, file);
      if (found === text) continue;
      changes.push({ path: file, kind: found === undefined ? 'new' : 'changed', text });
    }
  }
  const unchanged = wanted.size - changes.length;
  const stale = await findStale(directory, (file) => wanted.has(file) || lock.has(file));
  return { changes: [...changes, ...stale], unchanged };
}

/** What an earlier codegen has made, and nothing refers to any more. */
async function findStale(
  directory: string,
  isWanted: (file: string) => boolean,
): Promise<FileChange[]> {
  const stale: FileChange[] = [];
  for (const file of await listSchemas(directory)) {
    if (isWanted(file)) continue;
    // What others have put there is theirs.
    const isOurs = (await readText(directory, file))?.includes(JSON.stringify(GENERATED)) === true;
    if (isOurs) stale.push({ path: file, kind: 'removed' });
  }
  return stale;
}

const SCHEMA_FILE = /^schemas\/[^/]+\/(?:change|realized)\/v\d+\.json$/;

async function listSchemas(directory: string): Promise<string[]> {
  const found = await readdir(path.join(directory, 'schemas'), { recursive: true }).catch(() => []);
  return found
    .map((name) => path.posix.join('schemas', ...name.split(path.sep)))
    .filter((name) => SCHEMA_FILE.test(name))
    .sort();
}
