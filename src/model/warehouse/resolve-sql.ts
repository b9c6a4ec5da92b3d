/** `models:` and `views:` → tasks. */
import { toNotes } from '../notes.js';
import { type FileReading, readSqlFile, type SqlFolder } from './project-sql.js';
import { checkColumns, type Path, type Resolving } from './resolving.js';
import { toList } from './schema-parts.js';
import type { ModelTask, ViewTask } from './task.js';
import { readViewHeader } from './view-header.js';
import type { ModelInput, ViewInput } from './view-schema.js';

/** Reads its file. @returns undefined where that cannot be used; there is a fault then */
function readTask(
  resolving: Resolving,
  folder: Exclude<SqlFolder, 'checks'>,
  name: string,
): FileReading | undefined {
  const reading = readSqlFile(resolving, folder, name, [folder, name]);
  resolving.columns.learn(`gold.${name}`, reading?.columns);
  const { file, columns = [] } = reading ?? {};
  const twice = columns.find((column, i) => columns.indexOf(column) < i);
  if (file !== undefined && twice !== undefined) {
    const message = `"${twice}" is the name of two columns; give one of them another name (AS)`;
    resolving.add({ file, line: 1, message });
  }
  return reading;
}

export function resolveModel(
  resolving: Resolving,
  name: string,
  input: ModelInput,
): ModelTask | undefined {
  const reading = readTask(resolving, 'models', name);
  if (reading === undefined) return undefined;
  checkOwnColumns(resolving, ['models', name], reading, { key: input.key, date: input.date });
  const { file, sql, sources, asksMoment } = reading;
  return {
    kind: 'model',
    name: `gold.${name}`,
    relation: { schema: resolving.catalog.layers.gold, name },
    ...toNotes(input).notes,
    file,
    sql,
    sources,
    asksMoment,
    key: toList(input.key),
    ...(input.date === undefined ? {} : { date: input.date }),
    checks: [],
  };
}

export function resolveView(
  resolving: Resolving,
  name: string,
  declared: ViewInput | null,
): ViewTask | undefined {
  const reading = readTask(resolving, 'views', name);
  if (reading === undefined) return undefined;
  const input = declared ?? {};
  const path = ['views', name];
  checkOwnColumns(resolving, path, reading, { unique: input.unique });
  input.indexes?.forEach((index, i) => {
    checkOwnColumns(resolving, [...path, 'indexes'], reading, { [i]: index });
  });
  const { file, sql, sources, asksMoment } = reading;
  const { header, faults } = readViewHeader(sql);
  for (const fault of faults) resolving.add({ file, ...fault });
  return {
    kind: 'view',
    name: `gold.${name}`,
    relation: { schema: resolving.catalog.layers.gold, name },
    ...header,
    ...toNotes(input).notes,
    file,
    sql,
    sources,
    asksMoment,
    isMaterialized: input.materialized ?? false,
    unique: toList(input.unique),
    indexes: (input.indexes ?? []).map(toList),
    checks: [],
  };
}

function checkOwnColumns(
  resolving: Resolving,
  path: Path,
  { columns, file }: FileReading,
  parts: Readonly<Record<string, string | readonly string[] | undefined>>,
): void {
  const known = columns && new Map(columns.map((column) => [column, undefined]));
  for (const [part, value] of Object.entries(parts)) {
    checkColumns(resolving, value, known, [...path, part], file);
  }
}
