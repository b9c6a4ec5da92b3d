/** The files of a dbt project. Nothing in them is run. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';

/** Folders that dbt fills itself. */
const MADE_BY_DBT: ReadonlySet<string> = new Set(['target', 'dbt_packages', 'dbt_modules', 'logs']);
/** No file of SQL or YAML that people write is as big. */
const MAX_BYTES = 16 * 1024 * 1024;

export class DbtFolder {
  readonly path: string;
  readonly #files: readonly string[];

  private constructor(folder: string, files: readonly string[]) {
    this.path = folder;
    this.#files = files;
  }

  /** @throws EdpError `usage` where it is no dbt project */
  static async open(folder: string): Promise<DbtFolder> {
    const names = await readdir(folder).catch((error: Error) => {
      throw new EdpError('usage', `${folder} cannot be read: ${error.message}`, {
        hint: 'name the folder of a dbt project, which has a dbt_project.yml',
        cause: error,
      });
    });
    if (!names.includes('dbt_project.yml') && !names.includes('dbt_project.yaml')) {
      throw new EdpError('usage', `${folder} is no dbt project: it has no dbt_project.yml`, {
        hint: 'name the folder that has one',
      });
    }
    return new DbtFolder(folder, await listFiles(folder));
  }

  /** Paths of all files below one of the folders that end so, in sorted order. */
  list(folders: readonly string[], endings: readonly string[]): string[] {
    return this.#files.filter(
      (file) =>
        folders.some((folder) => folder === '.' || file.startsWith(`${folder}/`)) &&
        endings.some((ending) => file.toLowerCase().endsWith(ending)),
    );
  }

  /** @returns undefined where there is no such file. @throws EdpError `io` */
  async read(file: string): Promise<string | undefined> {
    if (!this.#files.includes(file)) return undefined;
    try {
      const bytes = await readFile(this.pathOf(file));
      if (bytes.length > MAX_BYTES) {
        throw new EdpError('io', `${file} is too big to be read as text`, {
          hint: 'move it out of the folder',
        });
      }
      return bytes
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .replaceAll('\r\n', '\n');
    } catch (error) {
      if (error instanceof EdpError) throw error;
      throw new EdpError('io', `${file} cannot be read: ${(error as Error).message}`, {
        hint: 'make it readable',
        cause: error,
      });
    }
  }

  pathOf(file: string): string {
    return path.join(this.path, ...file.split('/'));
  }
}

async function listFiles(root: string, below = ''): Promise<string[]> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    const isLeftOut = entry.name.startsWith('.') || entry.name === 'node_modules';
    if (entry.isFile()) files.push(name);
    else if (entry.isDirectory() && !isLeftOut && !(below === '' && MADE_BY_DBT.has(entry.name))) {
      files.push(...(await listFiles(root, name)));
    }
  }
  return files;
}
