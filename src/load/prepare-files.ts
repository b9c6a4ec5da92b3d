/**
 * Determines everything about a file before it is claimed: its form, plan, identity and position in
 * the order.
 */
import { EdpError } from '../base/errors.js';
import type { CsvDescription } from '../formats/csv/describe-csv.js';
import { describeDelimiter } from '../formats/csv/detect/explain.js';
import { placeName } from '../formats/csv/detect/header.js';
import { describeFile, type FileDescription, listUnusedFlags } from '../formats/describe-file.js';
import type { RecordForm } from '../formats/open-format.js';
import { type Reading, readingOf } from '../formats/stored-reading.js';
import { toText } from '../formats/text/transcode.js';
import type { LoadIdentity } from '../ledger/loads.js';
import { assertDeclaredValues } from '../mapping/declared-values.js';
import { findDrift, findKeyDrift } from '../mapping/find-drift.js';
import { fitPlan, listLeftOut } from '../mapping/fit-plan.js';
import { assertKeysFit, planRecords, type RecordPlan } from '../mapping/record-plan.js';
import type { TablePlan } from '../mapping/table-plan.js';
import { type Drift, defaultOnNew, withExtraColumn } from '../model/drift.js';
import { declaredFields } from '../model/fields.js';
import type { FileSettings } from '../model/file-settings.js';
import { hashTable } from '../model/hash.js';
import type { OnNewField } from '../model/load-rules.js';
import { matchTable } from '../model/match.js';
import { findTable, type Model, neededTables, type Table } from '../model/model.js';
import type { TablePlace } from '../model/table-name.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { InputFile } from '../source/discover.js';
import { type IdentifiedFile, identifyFile } from '../source/identify.js';
import { versionOf } from '../source/sources.js';

export interface Target {
  readonly file: InputFile;
  readonly table: Table;
}

/** A file with everything that is known before any write. */
export interface PreparedFile {
  readonly target: Target;
  readonly description: FileDescription;
  readonly plan: TablePlan;
  /** How its records are read for the plan. */
  readonly recordForm: RecordForm;
  /** How its fields differ from those of its table. */
  readonly drift: Drift | undefined;
  /** Fields whose columns the server computes. */
  readonly leftOut?: readonly string[];
  /** Flags of the command line that are for files of another format. */
  readonly unusedFlags: readonly string[];
  readonly file: IdentifiedFile;
  readonly identity: LoadIdentity;
}

/** The settings for all files that a user may specify. */
export interface TargetOptions {
  readonly table: string | undefined;
  settingsFor(table: Table): FileSettings;
  readonly onNewColumn: OnNewField | undefined;
  readonly effectiveAt?: string | undefined;
}

/**
 * Assigns a table to every file before any is loaded. @throws EdpError `unknown_table`, `config`
 */
export function findTargets(
  model: Model,
  files: readonly InputFile[],
  { table: name, onNewColumn }: TargetOptions,
): Target[] {
  const tables = new Map<Table, Table>();
  return files.map((file) => {
    const matched = matchTable(model, file.path, name);
    let table = tables.get(matched);
    if (table === undefined) {
      assertDeclaredValues(matched);
      table = onNewColumn === 'keep' ? withExtraColumn(matched) : matched;
      tables.set(matched, table);
    }
    return { file, table };
  });
}

/**
 * @param place of the table
 * @throws EdpError for a fault of the file (`isFileFault`) or the disk
 */
export async function prepareTarget(
  target: Target,
  { settingsFor, onNewColumn, effectiveAt }: TargetOptions,
  place: TablePlace,
): Promise<PreparedFile> {
  const settings = settingsFor(target.table);
  const onNew = onNewColumn ?? defaultOnNew(target.table);
  const { name } = target.file;
  const version = await versionOf(target.file);
  const description = await describeFile(version, name, target.table, settings);
  const { plan, recordForm } = planFor(target.table, description, name, onNew);
  const drift = driftOf(target.table, description, onNew);
  const file = await identifyFile(version, description.textHead);
  const reading = readingOf(description, settings, drift);
  const identity = {
    ...toIdentity(target, place, description, file, reading),
    ...(effectiveAt === undefined ? {} : { effectiveAt }),
  };
  const unusedFlags = listUnusedFlags(settings, description.format);
  return { target, description, plan, recordForm, drift, unusedFlags, file, identity };
}

/** Fits a file to its table as it is in the database. @throws EdpError `table_mismatch` */
export function fitToTable<File extends PreparedFile>(
  prepared: File,
  target: TableInCatalog,
): File {
  const plan = fitPlan(prepared.plan, target);
  if (plan === prepared.plan) return prepared;
  return { ...prepared, plan, leftOut: listLeftOut(prepared.plan, target) };
}

function driftOf(table: Table, description: FileDescription, onNew: OnNewField): Drift | undefined {
  // Without them, the header names the fields of all records.
  if (!('sampledObjects' in description)) {
    // An empty file has no header, so its columns are not known to be others.
    return description.fields.length === 0
      ? undefined
      : findDrift(table, description.fields, onNew);
  }
  const { fields, sampledObjects, mayHaveMoreFields } = description;
  return findKeyDrift(table, sampledObjects > 0 ? fields : undefined, onNew, mayHaveMoreFields);
}

/** The data of a file for the ledger. */
function toIdentity(
  { file, table }: Target,
  place: TablePlace,
  description: FileDescription,
  identified: IdentifiedFile,
  format: Reading,
): LoadIdentity {
  return {
    path: file.name,
    file: identified,
    place,
    size: identified.size,
    contentHash: identified.contentHash,
    header: description.headerBytes,
    head: description.head,
    form: description.form,
    format,
    modelHash: hashTable(table),
  };
}

const MAX_LINE_SHOWN = 80;

/** @throws EdpError `header_mismatch` */
export function planFor(
  table: Table,
  description: FileDescription,
  name: string,
  onNew?: OnNewField,
): RecordPlan {
  if (description.format === 'csv') assertNamed(table, description, name);
  else if ('sampledObjects' in description && description.sampledObjects > 0)
    assertKeysFit(table, description.fields, name, onNew);
  return planRecords(table, description, name, onNew);
}

/** @throws EdpError `header_mismatch` for a file without a header and without specified fields */
function assertNamed(
  table: Table,
  { fields, recordForm, detection }: CsvDescription,
  name: string,
): void {
  const isNameless = fields.length > 0 && !detection.hasHeader && fields[0] === placeName(0);
  const declared = declaredFields(table);
  if (!isNameless || fields.some((field) => declared.has(field))) return;
  const { records, preamble } = detection.evaluation ?? { records: [], preamble: 0 };
  const line = toText((records[preamble]?.raw ?? '').slice(0, MAX_LINE_SHOWN), 'utf-8');
  throw new EdpError(
    'header_mismatch',
    `the first line does not name the fields: ${detection.why.header}: ${JSON.stringify(line)}`,
    {
      place: `${name}:${detection.skippedLines + 1}`,
      hint: `specify its fields with --columns a,b,c; or specify --header if the first line has their names, and --delimiter if it is not ${describeDelimiter(recordForm.dialect)}`,
    },
  );
}

/**
 * Files by level: the files of a table that other tables refer to are loaded completely before the
 * files of those tables.
 */
export function inLevels(targets: readonly Target[], model: Model): Target[][] {
  const levels: Target[][] = [];
  for (const target of targets) {
    const depth = referenceDepth(target.table, model, []);
    levels[depth] ??= [];
    levels[depth].push(target);
  }
  return levels.filter((level) => level !== undefined);
}

/** Length of the longest chain of references from a table; a cycle counts once. */
function referenceDepth(table: Table, model: Model, trail: readonly Table[]): number {
  const depths = table.columns.flatMap(neededTables).map((name) => {
    const referred = findTable(model, name);
    if (referred === undefined || referred === table || trail.includes(referred)) return 0;
    return 1 + referenceDepth(referred, model, [...trail, table]);
  });
  return Math.max(0, ...depths);
}
