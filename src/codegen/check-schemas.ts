/** What the model's tables are to those of their schemas that are published, and what is to be done. */
import { pathSegment } from '../events/change-event.js';
import type { EventTable } from '../events/event-table.js';
import type { Catalogue } from './catalogue.js';
import { type Compatibility, compatibilityOf, type ShapeChange } from './compare-shapes.js';
import {
  findEdited,
  type Lock,
  listVersions,
  lockByTable,
  type PublishedFault,
} from './published.js';
import { compareWithModel, readPublished } from './schema-versions.js';

export const TABLE_STATES = [
  'unpublished',
  'published',
  'next',
  'changed',
  'behind',
  'damaged',
  'removed',
] as const;

export interface TableCheck {
  readonly table: string;
  /** Of the model; undefined for a table that it no longer has. */
  readonly version: number | undefined;
  /** The last published one. */
  readonly published: number | undefined;
  /**
   * `next`: the model has a newer version. `changed`: another table under the published version. `behind`: an older version.
   * `damaged`: a published file is not as it was.
   */
  readonly state: (typeof TABLE_STATES)[number];
  readonly compatibility: Compatibility | undefined;
  readonly changes: readonly ShapeChange[];
  readonly faults: readonly PublishedFault[];
  /** What the user must do; undefined for nothing. */
  readonly action: string | undefined;
}

export async function checkSchemas(
  directory: string,
  { tables }: Catalogue,
  lock: Lock,
): Promise<TableCheck[]> {
  const versions = listVersions(lock);
  const parts = lockByTable(lock);
  const lockOf = (table: string) => parts.get(pathSegment(table)) ?? new Map();
  const checks: TableCheck[] = [];
  for (const table of tables) {
    checks.push(await checkTable(directory, table, lockOf(table.name), versions.get(table.name)));
  }
  const names = new Set(tables.map(({ name }) => name));
  for (const [table, published] of versions) {
    if (names.has(table)) continue;
    const faults = await findEdited(directory, lockOf(table));
    const known = { ...NOTHING, table, published: published.at(-1), faults };
    checks.push(faults.length === 0 ? { ...known, state: 'removed' } : damaged(known));
  }
  return checks;
}

const NOTHING = {
  version: undefined,
  published: undefined,
  compatibility: undefined,
  changes: [],
  faults: [],
  action: undefined,
};

async function checkTable(
  directory: string,
  table: EventTable,
  /** Of the table alone. */
  lock: Lock,
  versions: readonly number[] = [],
): Promise<TableCheck> {
  const { name, version } = table;
  const published = versions.at(-1);
  const known = { ...NOTHING, table: name, version, published };
  if (published === undefined) return { ...known, state: 'unpublished' };
  const faults = await findEdited(directory, lock);
  if (faults.length > 0) return damaged({ ...known, faults });
  if (version < published) {
    const action = `the model has version ${version}, and version ${published} is published: declare version ${published} or ${published + 1}`;
    return { ...known, state: 'behind', action };
  }
  const shape = await readPublished(directory, name, published);
  const changes = compareWithModel(table, shape, published);
  const compatibility = compatibilityOf(changes);
  if (version === published && changes.length > 0) {
    const action = `declare version: ${published + 1}, since version ${published} is published`;
    return { ...known, state: 'changed', compatibility, changes, action };
  }
  const state = version === published ? 'published' : 'next';
  return { ...known, state, compatibility, changes, action: askForSteps(version, changes) };
}

function damaged(known: Omit<TableCheck, 'state' | 'action'>): TableCheck {
  const action = 'restore the published files from your version control';
  return { ...known, state: 'damaged', action };
}

/** Old events have attributes that the new version refuses, unless a step drops or renames them. */
function askForSteps(version: number, changes: readonly ShapeChange[]): string | undefined {
  const names = changes
    .filter(({ kind, breaks }) => kind === 'removed' && breaks.includes('backward'))
    .map(({ attribute }) => attribute!);
  if (names.length === 0) return undefined;
  return `declare under migrations: {${version}: …} what becomes of ${names.join(', ')} in older events: drop: [${names.join(', ')}], or rename: {${names[0]}: …}`;
}
