/** Files of `edp capture … --to table`: each is loaded and then removed, so nobody can load or compare it again. */
import path from 'node:path';

/** They wait below this folder of the project, each in the folder of its writer and in that of its table. */
export const BATCH_FOLDER = path.join('.edp', 'capture');

/** @param name of a load's file @returns the table of its events, as edp.yaml writes it; undefined where it is no such file */
export function tableOfBatch(name: string): string | undefined {
  const parts = path.relative(BATCH_FOLDER, name).split(path.sep);
  const [first, table] = parts;
  if (first === '..' || parts.length !== 3 || path.isAbsolute(name)) return undefined;
  return decodeURIComponent(table!);
}
