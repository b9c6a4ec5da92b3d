/** A project of a test: its files, in a folder of its own → what loadWarehouse makes of it, or its faults. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../../src/base/errors.js';
import { loadWarehouse, type WarehouseProject } from '../../src/project/load-warehouse.js';
import { makeTemporary } from './temporary.js';

export type Files = Readonly<Record<string, string>>;

export async function loadFiles(files: Files): Promise<WarehouseProject> {
  const directory = await makeTemporary();
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(directory, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    return await loadWarehouse(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Each as `line: message` in edp.yaml, as `file:line: message` elsewhere; empty where there are none. */
export async function faultsOf(files: Files): Promise<string[]> {
  try {
    await loadFiles(files);
    return [];
  } catch (error) {
    if (!(error instanceof EdpError) || error.code !== 'config') throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/^edp\.yaml:/, ''));
  }
}
