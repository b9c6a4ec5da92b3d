/** Freezes the versions that the model has. */
import { schemaPath } from '../events/change-event.js';
import type { EventTable } from '../events/event-table.js';
import type { FileChange } from './plan-files.js';
import {
  findEdited,
  formatLock,
  hashText,
  LOCK_FILE,
  type Lock,
  listVersions,
  refusePublished,
} from './published.js';
import { findChanged, isPublished } from './schema-versions.js';
import { schemaFiles } from './targets/json-schema/json-schema.js';

interface Publication {
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
  refusePublished(await findEdited(directory, lock));
  const open = tables.filter((table) => !isPublished(lock, table));
  const versions = listVersions(lock);
  const older = open
    .filter(({ name, version }) => version < (versions.get(name)?.at(-1) ?? 0))
    .map(({ name, version }) => ({ file: schemaPath(name, version), state: 'older' as const }));
  refusePublished([...(await findChanged(directory, lock, tables)), ...older]);
  const next = new Map(lock);
  const changes: FileChange[] = [];
  for (const { path, text } of open.flatMap(schemaFiles)) {
    next.set(path, hashText(text));
    changes.push({ path, kind: 'new', text });
  }
  if (open.length > 0) {
    changes.push({ path: LOCK_FILE, kind: 'changed', text: formatLock(next) });
  }
  return { tables: open, unchanged: tables.length - open.length, changes };
}
