/**
 * What is to be known of a file before it is claimed: its form, its plan, its identity, and when its turn is.
 */
import { EdpError } from '../base/errors.js';
import { describeFile, type FileDescription } from '../formats/csv/describe.js';
import { describeDelimiter, toText } from '../formats/csv/detect/detect.js';
import { placeName } from '../formats/csv/detect/header.js';
import { type Reading, readingOf } from '../formats/csv/reading.js';
import type { LoadIdentity } from '../ledger/loads.js';
import { assertDeclaredValues } from '../mapping/declared-values.js';
import { findDrift } from '../mapping/find-drift.js';
import { planTable, type TablePlan } from '../mapping/table-plan.js';
import type { CsvSettings } from '../model/csv-settings.js';
import { type Drift, defaultOnNew, withExtraColumn } from '../model/drift.js';
import { declaredFields } from '../model/fields.js';
import { hashTable } from '../model/hash.js';
import type { OnNewField } from '../model/load-rules.js';
import { matchTable } from '../model/match.js';
import { findTable, type Model, type Table } from '../model/model.js';
import type { InputFile } from '../source/discover.js';
import { type IdentifiedFile, identifyFile } from '../source/identify.js';
import { versionOf } from '../source/sources.js';

export interface Target {
  readonly file: InputFile;
  readonly table: Table;
}

/** A file with all that can be known without writing. */
export interface PreparedFile {
  readonly target: Target;
  readonly description: FileDescription;
  readonly plan: TablePlan;
  /** How its fields differ from those of its table. */
  readonly drift: Drift | undefined;
  readonly file: IdentifiedFile;
  readonly identity: LoadIdentity;
}

/** What a user may say of all files. */
export interface TargetOptions {
  readonly table: string | undefined;
  csvFor(table: Table): CsvSettings;
  readonly onNewColumn: OnNewField | undefined;
}

/** Every file has a table before any is loaded. @throws EdpError `unknown_table`, `config` */
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

/** @throws EdpError by the fault of the file (`isFileFault`), or of the disk */
export async function prepareTarget(
  target: Target,
  { csvFor, onNewColumn }: TargetOptions,
): Promise<PreparedFile> {
  const csv = csvFor(target.table);
  const onNew = onNewColumn ?? defaultOnNew(target.table);
  const { name } = target.file;
  const version = await versionOf(target.file);
  const description = await describeFile(version, name, target.table, csv);
  const plan = planFor(target.table, description, name, onNew);
  const drift = findDrift(target.table, description.header, onNew);
  const file = await identifyFile(version, description.textHead);
  const identity = toIdentity(target, description, file, readingOf(description, csv, drift));
  return { target, description, plan, drift, file, identity };
}

/** What the ledger is to know of a file. */
function toIdentity(
  { file, table }: Target,
  description: FileDescription,
  identified: IdentifiedFile,
  format: Reading,
): LoadIdentity {
  return {
    path: file.name,
    file: identified,
    table: table.name,
    size: identified.size,
    contentHash: identified.contentHash,
    header: description.headerBytes,
    form: description.form,
    format,
    modelHash: hashTable(table),
  };
}

const MAX_LINE_SHOWN = 80;

/** An empty file has no header to plan by, and no records to plan for. */
export function planFor(
  table: Table,
  { header, detection }: FileDescription,
  name: string,
  onNew?: OnNewField,
): TablePlan {
  if (header.length === 0) {
    return { table: table.name, columns: [], sources: [], key: table.key, fieldCount: 0 };
  }
  const isMadeUp = !detection.hasHeader && header[0] === placeName(0);
  const fields = declaredFields(table);
  if (isMadeUp && !header.some((field) => fields.has(field))) {
    const { records, preamble } = detection.evaluation ?? { records: [], preamble: 0 };
    const line = toText((records[preamble]?.raw ?? '').slice(0, MAX_LINE_SHOWN), 'utf-8');
    throw new EdpError(
      'header_mismatch',
      `the first line does not name the fields: ${detection.why.header}: ${JSON.stringify(line)}`,
      {
        place: `${name}:${detection.skippedLines + 1}`,
        hint: `name its fields with --columns a,b,c; or say --header if the first line names them, and --delimiter if it is not ${describeDelimiter(detection.dialect)}`,
      },
    );
  }
  return planTable(table, header, name, onNew);
}

/**
 * Files in the order in which they may load: those of a table that others refer to come before theirs,
 * and are done before theirs begin.
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

/** How many references lead on from a table, at the most; a cycle counts once. */
function referenceDepth(table: Table, model: Model, trail: readonly Table[]): number {
  const depths = table.columns.map(({ references }) => {
    const referred = references && findTable(model, references.table);
    if (referred === undefined || referred === table || trail.includes(referred)) return 0;
    return 1 + referenceDepth(referred, model, [...trail, table]);
  });
  return Math.max(0, ...depths);
}
