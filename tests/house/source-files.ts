/** The files of src, their lines, and what each imports. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';

export interface SourceFile {
  /** From src, with slashes. */
  readonly path: string;
  readonly lines: number;
  /** Files of src that it imports, types included. */
  readonly imports: readonly string[];
}

const ROOT = path.join(import.meta.dirname, '../..');

/** `from '…'`, `import '…'`, `import('…')`, each with a path of its own. */
const IMPORT = /\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

export function readSourceFiles(): SourceFile[] {
  return globSync('src/**/*.ts', { cwd: ROOT }).map((name) => {
    const text = readFileSync(path.join(ROOT, name), 'utf8');
    const file = path.posix.relative('src', name.replaceAll(path.sep, '/'));
    return { path: file, lines: text.split('\n').length - 1, imports: importedFiles(text, file) };
  });
}

/** The files that a file imports by a path. @param file where it stands itself */
export function importedFiles(text: string, file: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, target]) =>
    path.posix.join(path.posix.dirname(file), target!.replace(/(\.js|\.ts)?$/, '.ts')),
  );
}

/** A room of the table in docs/architecture.md. */
export interface Room {
  readonly name: string;
  /** Undefined where all rooms above may import it. */
  readonly importedBy: readonly string[] | undefined;
}

/** From the top of the house to its ground. */
export function readRooms(): Room[] {
  const text = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Rooms'));
  const table = section.slice(0, section.indexOf('\n## ', 1));
  return [...table.matchAll(/^\| `([^`]+)` \| .+ \| ([^|]+) \|$/gm)].map(([, name, by]) => ({
    name: name!,
    importedBy:
      by === 'above' ? undefined : [...by!.matchAll(/`([^`]+)`/g)].map(([, room]) => room!),
  }));
}

/** The room a file is in: the longest name that its path begins with. */
export function roomOf(file: string, rooms: readonly Room[]): Room | undefined {
  return rooms
    .filter(({ name }) => file === name || file.startsWith(`${name}/`))
    .sort((a, b) => b.name.length - a.name.length)[0];
}
