/**
 * Lists the reports: the built-in ones in sql/reports/ of the package, and those in sql/reports/ of
 * the project, which have precedence for equal names. The name of a report is that of its file
 * without `.sql`.
 */
import { readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { listNames, suggest } from '../base/nearest.js';
import { packageFile } from '../base/package-files.js';
import { parseReport, type Report } from './report.js';

const BUILTIN_DIRECTORY = packageFile('sql/reports/');
const PROJECT_DIRECTORY = path.join('sql', 'reports');
const EXTENSION = '.sql';

export interface CatalogEntry {
  readonly name: string;
  readonly source: 'built-in' | 'project';
  /** The project's is relative to the project, a built-in one's is absolute. */
  readonly file: string;
  /** Whether this report replaces a built-in one of the same name. */
  readonly replacesBuiltin: boolean;
  /** The report, or why it cannot be used. */
  readonly report: Report | EdpError;
}

/** Every report, by name; broken ones too. */
export async function readCatalog(projectDirectory: string): Promise<CatalogEntry[]> {
  const builtin = await readFolder(BUILTIN_DIRECTORY, 'built-in', (name) =>
    path.join(BUILTIN_DIRECTORY, name),
  );
  const own = path.join(projectDirectory, PROJECT_DIRECTORY);
  // Inside edp's own repository the two folders are one.
  const isSame = (await toRealPath(own)) === (await toRealPath(BUILTIN_DIRECTORY));
  const project = isSame
    ? []
    : await readFolder(own, 'project', (name) => path.join(PROJECT_DIRECTORY, name));
  const entries = new Map(builtin.map((entry) => [entry.name, entry]));
  for (const entry of project) {
    entries.set(entry.name, { ...entry, replacesBuiltin: entries.has(entry.name) });
  }
  return [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Only names of the catalog are looked up, so that no name leads out of the two folders.
 *
 * @throws EdpError `unknown_report` that lists the reports; `report_failed` for a broken one
 */
export function findReport(catalog: readonly CatalogEntry[], name: string): Report {
  const entry = catalog.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    throw new EdpError('unknown_report', `there is no report ${JSON.stringify(name)}`, {
      hint: suggest(
        name,
        catalog.map((candidate) => candidate.name),
        describeNames(catalog),
      ),
    });
  }
  if (entry.report instanceof EdpError) throw entry.report;
  return entry.report;
}

export function describeNames(catalog: readonly CatalogEntry[]): string {
  return `the reports are: ${listNames(catalog.map((entry) => entry.name))}; your own go to sql/reports/<name>.sql`;
}

async function toRealPath(directory: string): Promise<string | undefined> {
  return realpath(directory).catch(() => undefined);
}

async function readFolder(
  directory: string,
  source: CatalogEntry['source'],
  toFile: (name: string) => string,
): Promise<CatalogEntry[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new EdpError('io', `${directory} cannot be read: ${(error as Error).message}`, {
      hint: 'make it a readable folder of .sql files',
      cause: error,
    });
  }
  const entries: CatalogEntry[] = [];
  for (const fileName of names) {
    if (!fileName.endsWith(EXTENSION) || fileName.startsWith('.')) continue;
    const name = fileName.slice(0, -EXTENSION.length);
    const file = toFile(fileName);
    const report = await readReport(path.join(directory, fileName), name, file);
    entries.push({ name, source, file, replacesBuiltin: false, report });
  }
  return entries;
}

async function readReport(
  absoluteFile: string,
  name: string,
  file: string,
): Promise<Report | EdpError> {
  try {
    return parseReport(await readFile(absoluteFile, 'utf8'), name, file);
  } catch (error) {
    if (error instanceof EdpError) return error;
    return new EdpError('report_failed', `it cannot be read: ${(error as Error).message}`, {
      place: file,
      hint: 'make it a readable file, or remove it',
      cause: error,
    });
  }
}
