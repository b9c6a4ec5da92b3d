/** The files of tests of a project. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';

const FOLDER = 'tests';

export interface TestFile {
  /** As messages name it: relative to the project, with `/`. */
  readonly name: string;
  readonly text: string;
}

/** tests/*.yaml, in the order of their names; none where there is no such folder. */
export async function readTestFiles(directory: string): Promise<TestFile[]> {
  const names = await readdir(path.join(directory, FOLDER)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
      throw unreadable(FOLDER, error);
    },
  );
  const files = names.filter((name) => /\.ya?ml$/.test(name)).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = `${FOLDER}/${file}`;
      return { name, text: (await readTestFile(directory, name)) ?? '' };
    }),
  );
}

/** @returns undefined where it is not there */
export async function readTestFile(directory: string, name: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(directory, name), 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(name, error as Error);
  }
}

function unreadable(name: string, error: Error): EdpError {
  return new EdpError('config', `${name} cannot be read: ${error.message}`, {
    hint: `make ${name} readable`,
    cause: error,
  });
}
