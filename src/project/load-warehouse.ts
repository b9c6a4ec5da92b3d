/** edp.yaml of a directory, with the warehouse that it declares. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { withRealized } from '../model/realized-model.js';
import { tableSchema, toModel } from '../model/schema.js';
import {
  hasSql,
  listSqlFiles,
  SQL_FOLDERS,
  type SqlFolder,
  sqlFile,
} from '../model/warehouse/project-sql.js';
import { type ResolvedWarehouse, resolveWarehouse } from '../model/warehouse/resolve-warehouse.js';
import type { WarehouseFault } from '../model/warehouse/resolving.js';
import { type SoundSections, soundSections } from '../model/warehouse/sound-sections.js';
import { loadSqlReader } from '../model/warehouse/sql-reader.js';
import type { Warehouse } from '../model/warehouse/task.js';
import { PROJECT_FILE, readProjectText } from './file.js';
import { withIncluded } from './include.js';
import { type ProjectReading, readProject } from './parse.js';
import type { Project } from './project.js';

export interface WarehouseProject extends Project {
  readonly warehouse: Warehouse;
  /** Files of SQL that nothing declares. */
  readonly unusedSql: readonly string[];
  /** For faults that are found later. @throws EdpError `config` that lists them */
  readonly refuse: (faults: readonly WarehouseFault[]) => void;
}

/**
 * A project without these sections has an empty warehouse.
 *
 * @throws EdpError `config` with all faults of edp.yaml, and of the SQL that it names
 */
export async function loadWarehouse(directory = process.cwd()): Promise<WarehouseProject> {
  const file = path.join(directory, PROJECT_FILE);
  const text = await readProjectText(file);
  const reading = readProject(text === undefined ? NOTHING : await withIncluded(file, text));
  const { warehouse, faults, unusedSql } = await resolve(directory, reading);
  // What is missing in a text that cannot be read brings about faults elsewhere.
  if (!reading.parts.some((part) => part.isBroken || part.mayLackTables(true))) {
    addFaults(reading, faults);
  }
  const { options, csv, tables, capture } = reading.finish();
  const refuse = (later: readonly WarehouseFault[]) => {
    addFaults(reading, later);
    reading.finish();
  };
  const model = await toProjectModel(tables, capturedTables(reading.merged));
  const ofCapture = capture === undefined ? {} : { capture };
  return { directory, options, csv, model, ...ofCapture, warehouse, unusedSql, refuse };
}

function addFaults(reading: ProjectReading, faults: readonly WarehouseFault[]): void {
  for (const fault of faults) {
    if ('file' in fault) reading.addFileFault(fault);
    else reading.addFault(fault);
  }
}

const NOTHING = [{ name: PROJECT_FILE, text: '' }];

async function toProjectModel(
  tables: ProjectReading['sound']['tables'] | undefined,
  captured: readonly string[],
) {
  return tables === undefined
    ? (await import('../model/builtin.js')).BUILTIN_MODEL
    : withRealized(toModel(tables), captured);
}

/** Whatever else may be wrong with that section. */
function capturedTables(merged: unknown): string[] {
  const { capture } = (merged ?? {}) as { capture?: { tables?: unknown } | null };
  const tables = capture?.tables;
  return typeof tables === 'object' && tables !== null ? Object.keys(tables) : [];
}

async function resolve(
  directory: string,
  reading: ProjectReading,
): Promise<ResolvedWarehouse & { readonly unusedSql: readonly string[] }> {
  const { merged, parts, sound } = reading;
  const sections = soundSections(merged, (path) =>
    parts.some((part) => part.declares(path) && part.lacksVariables(path)),
  );
  const tables = (merged as { tables?: Record<string, unknown> } | null)?.tables;
  const declarations = {
    ...sections,
    model: await toProjectModel(
      tables === undefined ? undefined : sound.tables,
      capturedTables(merged),
    ),
    isUnsure: (table: string, column?: string) =>
      column === undefined
        ? tables !== undefined && !tableSchema.safeParse(tables[table]).success
        : sound.isUnsure(table, column),
  };
  const [sql, texts, found] = await Promise.all([
    hasSql(sections.input) ? loadSqlReader() : undefined,
    readTexts(directory, sections),
    findSqlFiles(directory),
  ]);
  const unusedSql = found.filter((file) => !texts.has(file));
  return { ...resolveWarehouse(declarations, sql, texts), unusedSql };
}

async function findSqlFiles(directory: string): Promise<string[]> {
  const list = async (folder: SqlFolder) => {
    const names = await readdir(path.join(directory, 'sql', folder)).catch(() => []);
    return names
      .filter((name) => name.endsWith('.sql'))
      .map((name) => sqlFile(folder, name.slice(0, -'.sql'.length)))
      .sort();
  };
  return (await Promise.all(SQL_FOLDERS.map(list))).flat();
}

async function readTexts(directory: string, { input }: SoundSections) {
  const files = listSqlFiles(input);
  const read = async (file: string) => [file, await readSql(directory, file)] as const;
  return new Map(await Promise.all(files.map(read)));
}

/** @returns undefined where there is no such file */
async function readSql(directory: string, file: string): Promise<string | undefined> {
  try {
    const text = await readFile(path.join(directory, file), 'utf8');
    // These are no part of the SQL, and do not change the numbers of lines.
    return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdpError('config', `${file} cannot be read: ${(error as Error).message}`, {
      hint: `make ${file} a readable file`,
      cause: error,
    });
  }
}
