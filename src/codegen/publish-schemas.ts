/** Freezes the versions that the model has. */
import type { EventTable } from '../events/event-table.js';
import { schemaFiles } from './json-schema.js';
import type { FileChange } from './plan-files.js';
import {
  formatLock,
  hashText,
  LOCK_FILE,
  type Lock,
  listVersions,
  type PublishedFault,
  refusePublished,
} from './published.js';
import { findFaults } from './schema-versions.js';

export interface Publication {
  /** Tables whose version is published now. */
  readonly tables: readonly EventTable[];
  readonly unchanged: number;
  /** The schemas, and then the lock file. */
  readonly changes: readonly FileChange[];
}

/** @throws EdpError `published_schema` where a table's version is published as something else */
export async function planPublication(
  directory: string,
  tables: readonly EventTable[],
  lock: Lock,
): Promise<Publication> {
  const faults: PublishedFault[] = [];
  const published: EventTable[] = [];
  const changes: FileChange[] = [];
  const next = new Map(lock);
  const versions = listVersions(lock);
  for (const table of tables) {
    const ofPublished = await findFaults(directory, lock, table);
    if (ofPublished !== undefined) {
      faults.push(...ofPublished);
      continue;
    }
    const files = schemaFiles(table);
    if (table.version < (versions.get(table.name)?.at(-1) ?? 0)) {
      faults.push({ file: files[0]!.path, state: 'older' });
      continue;
    }
    published.push(table);
    for (const { path, text } of files) {
      next.set(path, hashText(text));
      changes.push({ path, kind: 'new', text });
    }
  }
  refusePublished(faults);
  if (published.length > 0) {
    changes.push({ path: LOCK_FILE, kind: 'changed', text: formatLock(next) });
  }
  return { tables: published, unchanged: tables.length - published.length, changes };
}
