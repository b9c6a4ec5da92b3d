/**
 * `edp ingest --on-new-column add`: adds columns for fields without one, before the files are
 * loaded.
 */
import path from 'node:path';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { isHeard, tell } from '../../base/happenings.js';
import { describeFile } from '../../formats/describe-file.js';
import { inferTable } from '../../infer/infer.js';
import { withInferencePool } from '../../infer/infer-pool.js';
import { takeColumnNames } from '../../infer/inferred-names.js';
import { recordDefinition } from '../../ledger/changes.js';
import { isFileFault } from '../../load/file-results.js';
import { findNewFields } from '../../mapping/find-drift.js';
import { knownFields } from '../../model/fields.js';
import type { FileSettings } from '../../model/file-settings.js';
import { matchTable } from '../../model/match.js';
import { type Column, type Model, physicalColumns, type Table } from '../../model/model.js';
import { formatTableName } from '../../model/table-name.js';
import { resolveFileSettings } from '../../options/resolve-options.js';
import { locateTable } from '../../postgres/locate-table.js';
import { addColumns } from '../../postgres/tables.js';
import { addToProject, listDeclared } from '../../project/edit.js';
import { editProjectFile } from '../../project/editable.js';
import { PROJECT_FILE } from '../../project/file.js';
import type { Project } from '../../project/project.js';
import { type InputFile, totalBytes } from '../../source/discover.js';
import { versionOf } from '../../source/sources.js';
import { safeText } from '../../terminal/output.js';
import type { Invocation } from '../command.js';
import { makeReadProgress } from '../shared/read-progress.js';

export interface NewColumnOptions {
  readonly table: string | undefined;
  readonly processCount: number;
}

/**
 * Infers the types of new fields from all records of the files that have them, adds the columns to
 * the table in the database and in edp.yaml (not in a dry run), and continues with the extended
 * project.
 *
 * @param client undefined for a dry run
 */
export async function addNewColumns(
  invocation: Invocation,
  client: pg.Client | undefined,
  files: readonly InputFile[],
  options: NewColumnOptions,
): Promise<Invocation> {
  let { project } = invocation;
  for (const found of await findWiderFiles(invocation, files, options)) {
    const { table } = found;
    const columns = await inferColumns({ ...invocation, project }, found, options);
    if (columns.length === 0) continue;
    const wider = { ...table, columns: [...table.columns, ...columns] };
    if (client !== undefined) {
      await addColumns(client, table, columns, recordDefinition);
      await tellAdded(client, table, columns);
      await declareColumns(project, table, columns);
    }
    const list = columns.map(({ name: column, type }) => `${safeText(column)} ${type}`).join(', ');
    const name = safeText(table.name);
    invocation.output.line(
      client === undefined
        ? `table ${name} would get new columns: ${list}; this dry run compares records without them`
        : `table ${name} has new columns: ${list}`,
    );
    if (client !== undefined) project = { ...project, model: replaceTable(project.model, wider) };
  }
  return { ...invocation, project };
}

async function tellAdded(
  client: pg.Client,
  { name }: Table,
  columns: readonly Column[],
): Promise<void> {
  if (!isHeard()) return;
  const { place } = await locateTable(client, name);
  const added = columns.map((column) => column.name);
  tell({ kind: 'schema_changed', table: formatTableName(place), added, missing: [] });
}

interface WiderFiles {
  readonly table: Table;
  /** The files that have new fields, or may have some in later records. */
  readonly own: InputFile[];
}

async function findWiderFiles(
  { given, project }: Invocation,
  files: readonly InputFile[],
  { table: said }: NewColumnOptions,
): Promise<WiderFiles[]> {
  const settingsFor = resolveFileSettings(given, project);
  const found = new Map<string, WiderFiles>();
  for (const file of files) {
    const table = matchTable(project.model, file.path, said);
    if (!(await mayHaveNewFields(file, table, settingsFor(table)))) continue;
    const entry = found.get(table.name) ?? { table, own: [] };
    found.set(table.name, entry);
    entry.own.push(file);
  }
  return [...found.values()];
}

/** None for a file with a fault, which the load reports. */
async function mayHaveNewFields(
  file: InputFile,
  table: Table,
  settings: FileSettings,
): Promise<boolean> {
  try {
    const version = await versionOf(file);
    const { fields, mayHaveMoreFields } = await describeFile(version, file.name, table, settings);
    return mayHaveMoreFields || findNewFields(table, fields).length > 0;
  } catch (error) {
    if (isFileFault(error)) return false;
    throw error;
  }
}

async function inferColumns(
  { given, project, output, signal }: Invocation,
  { table, own }: WiderFiles,
  { processCount }: NewColumnOptions,
): Promise<Column[]> {
  const settings = resolveFileSettings(given, project)(table);
  const bytes = await totalBytes(own);
  const progress = await makeReadProgress(output, bytes);
  const { columns } = await withInferencePool(processCount, bytes, (pool) =>
    inferTable(table.name, own, settings, pool, progress, signal),
  ).finally(() => progress.stop());
  const taken = new Set(physicalColumns(table).map(({ name }) => name));
  const known = knownFields(table);
  const fresh = columns.filter(({ field }) => !known.has(field));
  const names = takeColumnNames(
    fresh.map(({ field }) => field),
    (i) => `column_${i + 1}`,
    taken,
  );
  return fresh.map(({ field, type }, i) => ({ name: names[i]!, type, field, isNullable: true }));
}

async function declareColumns(
  { directory }: Project,
  table: Table,
  columns: readonly Column[],
): Promise<void> {
  const name = path.join(directory, PROJECT_FILE);
  await editProjectFile(name, table.name, ({ file, text, others }) => {
    // Another command may have declared some of them meanwhile.
    const present = listDeclared(text, others)?.find((one) => one.name === table.name) ?? table;
    const there = new Set(present.columns.map((column) => column.name));
    const missing = columns.filter((column) => !there.has(column.name));
    if (missing.length === 0 && text !== undefined) return text;
    const entries = Object.fromEntries(
      missing.map(({ name: column, type, field }) => [
        column,
        column === field ? type : { type, field },
      ]),
    );
    const place = () => ['tables', table.name, 'columns'];
    const wider = { ...present, columns: [...present.columns, ...missing] };
    const edited = addToProject(text, { place, entries }, wider, others);
    if (edited !== undefined) return edited;
    throw new EdpError('config', `${path.basename(file)} is not of a form that edp can edit`, {
      hint: `add by hand, under tables, ${table.name}, columns: ${JSON.stringify(entries)}; then run the command again`,
    });
  });
}

function replaceTable({ tables }: Model, table: Table): Model {
  return { tables: tables.map((other) => (other.name === table.name ? table : other)) };
}
