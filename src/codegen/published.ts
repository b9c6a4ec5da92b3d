/**
 * Which schemas are published: schemas/lock.json has the hash of each. A published file is never written again, also where
 * its descriptions differ from those of the model.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { isObject } from '../base/is-object.js';
import { readSchemaPath } from '../events/change-event.js';

export const LOCK_FILE = 'schemas/lock.json';

/** Path of a schema from the root of the project → hash of its text. */
export type Lock = ReadonlyMap<string, string>;

/** @throws EdpError `config` for a lock file that is none */
export async function readLock(directory: string): Promise<Lock> {
  const text = await readText(directory, LOCK_FILE);
  if (text === undefined) return new Map();
  const entries = Object.entries(parseLock(text));
  if (entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    return new Map(entries);
  }
  throw damaged('a value is no hash');
}

function parseLock(text: string): object {
  try {
    const lock: unknown = JSON.parse(text);
    if (isObject(lock)) return lock;
  } catch (error) {
    throw damaged((error as Error).message);
  }
  throw damaged('it is no object');
}

function damaged(why: string): EdpError {
  return new EdpError('config', `${LOCK_FILE} cannot be read: ${why}`, {
    hint: 'restore it from your version control: it says which schemas are published',
  });
}

export function formatLock(lock: Lock): string {
  const sorted = [...lock].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
}

/** @returns undefined where there is no such file; lines as they are committed, whatever the checkout makes of them */
export async function readText(directory: string, file: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(directory, file), 'utf8')).replaceAll('\r\n', '\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdpError('io', `${file} cannot be read: ${(error as Error).message}`, {
      hint: 'make it a readable file, and run the command again',
      cause: error,
    });
  }
}

export function hashText(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Table → its published versions, in order. */
export function listVersions(lock: Lock): Map<string, number[]> {
  const versions = new Map<string, number[]>();
  for (const file of lock.keys()) {
    const found = readSchemaPath(file);
    if (found === undefined) continue;
    versions.set(found.table, [...(versions.get(found.table) ?? []), found.version]);
  }
  for (const list of versions.values()) list.sort((a, b) => a - b);
  return versions;
}

/** The folder of a table's schemas → those that are published. */
export function lockByTable(lock: Lock): Map<string, Lock> {
  const parts = new Map<string, Map<string, string>>();
  for (const [file, hash] of lock) {
    const folder = file.split('/')[1]!;
    const part = parts.get(folder);
    if (part === undefined) parts.set(folder, new Map([[file, hash]]));
    else part.set(file, hash);
  }
  return parts;
}

export const PUBLISHED_STATES = ['edited', 'gone', 'model-changed', 'older'] as const;
type PublishedState = (typeof PUBLISHED_STATES)[number];

/** Why a published schema is not to be relied on. */
export interface PublishedFault {
  readonly file: string;
  readonly state: PublishedState;
}

/** Published files that are not as they were, of all versions. @param lock all that is published, or part of it */
export async function findEdited(directory: string, lock: Lock): Promise<PublishedFault[]> {
  const faults: PublishedFault[] = [];
  for (const [file, hash] of lock) {
    const text = await readText(directory, file);
    if (text === undefined) faults.push({ file, state: 'gone' });
    else if (hashText(text) !== hash) faults.push({ file, state: 'edited' });
  }
  return faults;
}

/** @throws EdpError `published_schema` where there are such files */
export function refusePublished(faults: readonly PublishedFault[]): void {
  if (faults.length === 0) return;
  const isModel = faults.some(({ state }) => state === 'model-changed' || state === 'older');
  const isFile = faults.some(({ state }) => state === 'edited' || state === 'gone');
  const lines = faults.slice(0, SHOWN).map(({ file, state }) => `  ${file} ${SAYS[state]}`);
  if (faults.length > SHOWN) lines.push(`  and ${faults.length - SHOWN} more`);
  throw new EdpError('published_schema', `published schemas never change:\n${lines.join('\n')}`, {
    hint: [
      ...(isModel
        ? ['declare the next `version` of the table; edp schema diff shows what differs']
        : []),
      ...(isFile ? ['restore the files from your version control'] : []),
    ].join('; '),
  });
}

const SHOWN = 20;
const SAYS: Readonly<Record<PublishedState, string>> = {
  edited: 'was edited',
  gone: 'is gone',
  older: 'is of an older version than the last published one',
  'model-changed': 'is published, and the model has another table of the same version',
};
