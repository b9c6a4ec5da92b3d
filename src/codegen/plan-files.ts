/** What targets make of a catalogue, and what is on the disk → what is to be written or removed. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { GENERATED } from '../events/event-schema.js';
import type { Catalogue } from './catalogue.js';
import type { Target } from './codegen-target.js';
import { findEdited, type Lock, readText, refusePublished } from './published.js';
import { findChanged } from './schema-versions.js';

export interface FileChange {
  /** From the root of the project, with `/` on every system. */
  readonly path: string;
  readonly kind: 'new' | 'changed' | 'removed';
  /** What to write. */
  readonly text?: string;
}

export interface FilePlan {
  readonly changes: readonly FileChange[];
  readonly unchanged: number;
}

export interface Place {
  /** The root of the project. */
  readonly directory: string;
  /** `--out`, from there or absolute. */
  readonly out: string;
}

/**
 * What is published never changes: its file is left as it is, whatever a target makes of its name.
 *
 * @throws EdpError `published_schema` where that is not so any more
 */
export async function planFiles(
  { directory, out }: Place,
  targets: readonly Target[],
  catalogue: Catalogue,
  lock: Lock,
): Promise<FilePlan> {
  refusePublished(await findEdited(directory, lock));
  refusePublished(await findChanged(directory, lock, catalogue.tables));
  const changes: FileChange[] = [];
  let unchanged = 0;
  for (const target of targets) {
    const base = target.isAtRoot ? '' : fromRoot(directory, out);
    const wanted = new Set<string>();
    const locked = await readTargetLock(directory, base, target.lockedBy ?? target);
    for (const { path: name, text } of target.generate(catalogue, locked)) {
      const file = path.posix.join(base, name);
      wanted.add(file);
      const found = lock.has(file) ? text : await readText(directory, file);
      if (found === text) unchanged++;
      else changes.push({ path: file, kind: found === undefined ? 'new' : 'changed', text });
    }
    const isKept = (file: string) => wanted.has(file) || lock.has(file);
    changes.push(...(await findStale(directory, base, target, isKept)));
  }
  return { changes, unchanged };
}

/** @throws EdpError `config` where a target has made files, and has lost its lock file: numbers would be given anew */
async function readTargetLock(
  directory: string,
  base: string,
  target: Target,
): Promise<string | undefined> {
  const { lockFile, folder } = target;
  if (lockFile === undefined) return undefined;
  const file = path.posix.join(base, lockFile);
  const text = await readText(directory, file);
  if (text !== undefined) return text;
  const [made] = await findStale(directory, base, target, () => false);
  if (made === undefined) return undefined;
  throw new EdpError('config', `${file} is missing, and ${made.path} was made by it`, {
    hint: `restore it from version control; or remove ${path.posix.join(base, folder)}/ to begin anew, with other numbers`,
  });
}

function fromRoot(directory: string, out: string): string {
  return path.relative(directory, path.resolve(directory, out)).split(path.sep).join('/');
}

/** What an earlier codegen has made, and nothing refers to any more. */
async function findStale(
  directory: string,
  base: string,
  { folder, files }: Target,
  isKept: (file: string) => boolean,
): Promise<FileChange[]> {
  const stale: FileChange[] = [];
  for (const name of await listFiles(path.join(directory, base, folder), folder)) {
    const file = path.posix.join(base, name);
    if (!files.test(name) || isKept(file)) continue;
    // What others have put there is theirs.
    const isOurs = (await readText(directory, file))?.includes(GENERATED) === true;
    if (isOurs) stale.push({ path: file, kind: 'removed' });
  }
  return stale;
}

async function listFiles(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .map((name) => path.posix.join(folder, ...name.split(path.sep)))
    .sort();
}
