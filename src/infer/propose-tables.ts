/** Files of any number of tables → the declarations for edp.yaml. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { describeFile } from '../formats/describe-file.js';
import type { FileSettings } from '../model/file-settings.js';
import { tableName } from '../model/schema.js';
import type { InputFile } from '../source/discover.js';
import { findBeside, versionOf } from '../source/sources.js';
import { type InferenceProgress, inferTable, type TableInference } from './infer.js';
import type { InferencePool } from './infer-pool.js';
import { nameFile, nameSeries, stripSeries } from './inferred-names.js';
import { type Proposal, propose } from './propose.js';

export interface InferenceOptions {
  /** One table for all files; else tables are named after files, with one table for a series. */
  readonly table: string | undefined;
  /** The columns of the key of each table; undefined if it is chosen by names and values. */
  readonly key: readonly string[] | undefined;
  /** Names of other tables. */
  readonly taken: ReadonlySet<string>;
  /**
   * All settings for the form of the files, and those of them that were specified for these files.
   */
  readonly settings: FileSettings;
  readonly specified: FileSettings;
  /** Receives each empty file among others; without it, such a file is an error. */
  readonly passOverEmpty?: ((file: InputFile) => void) | undefined;
  /** Whether there are other files, so that all of these may be empty. */
  readonly hasOthers?: boolean;
}

/** @throws EdpError `usage`, `not_csv`, `io`, `file_changed`, `interrupted` */
export async function proposeTables(
  files: readonly InputFile[],
  options: InferenceOptions,
  pool: InferencePool,
  progress: InferenceProgress,
  signal: AbortSignal,
): Promise<Proposal[]> {
  const { table, key, settings, specified } = options;
  if (table !== undefined) assertName(table);
  const groups =
    table === undefined
      ? await groupFiles(files, options)
      : new Map(files.length === 0 ? [] : [[table, files]]);
  const proposals: Proposal[] = [];
  const empty: TableInference[] = [];
  for (const [name, group] of groups) {
    const inference = await inferTable(name, group, settings, pool, progress, signal, key);
    if (inference.columns.length === 0 && inference.records === 0) empty.push(inference);
    else proposals.push(propose(inference, specified));
  }
  const { passOverEmpty, hasOthers = false } = options;
  for (const inference of empty) {
    if (passOverEmpty === undefined || (proposals.length === 0 && !hasOthers)) {
      return [propose(inference, specified)];
    }
    for (const { file } of inference.files) passOverEmpty(file);
  }
  return proposals;
}

function assertName(table: string): void {
  const { error } = tableName.safeParse(table);
  if (error === undefined) return;
  throw new EdpError('usage', `--table: ${error.issues.map(({ message }) => message).join('; ')}`, {
    hint: 'take a name such as sales',
  });
}

/** Share of the fields that two files must have in common to belong to one table. */
const MIN_COMMON = 0.5;

/**
 * Groups files by table. `sales-1.csv` and `sales-2.csv` belong to one table, `sales`, if they have
 * enough fields in common; `sp500.csv` and `sp500-2000.csv`, which have not, get a table each.
 */
async function groupFiles(
  files: readonly InputFile[],
  { taken, settings }: InferenceOptions,
): Promise<Map<string, InputFile[]>> {
  const groups = new Map<string, InputFile[]>();
  const fieldsOf = new Map<string, readonly string[]>();
  const read = async (file: InputFile) =>
    (await describeFile(await versionOf(file), file.name, undefined, settings)).fields;
  const empty: InputFile[] = [];
  for (const file of files) {
    const fields = await read(file);
    if (fields.length === 0) {
      empty.push(file);
      continue;
    }
    const series = nameSeries(file.path);
    let first = fieldsOf.get(series);
    if (first === undefined && nameFile(file.path) !== series) {
      const namesake = await findNamesake(file);
      if (namesake !== undefined) first = await read(namesake);
    }
    const isOfSeries = !taken.has(series) && (first === undefined || areAlike(first, fields));
    const name = isOfSeries ? series : nameFile(file.path);
    const own = groups.get(name) ?? [];
    if (own.length > 0) assertAlike(name, [own[0]!, fieldsOf.get(name)!], [file, fields]);
    else fieldsOf.set(name, fields);
    groups.set(name, [...own, file]);
  }
  // An empty file of a series belongs to it; any other has a group of its own.
  for (const file of empty) {
    const series = nameSeries(file.path);
    const name = groups.has(series) ? series : nameFile(file.path);
    groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}

/** Finds the file in the same folder that has the name of the series. */
async function findNamesake(file: InputFile): Promise<InputFile | undefined> {
  const base = path.basename(file.path);
  const dot = base.indexOf('.');
  const extension = dot < 0 ? '' : base.slice(dot);
  return findBeside(file, `${stripSeries(dot < 0 ? base : base.slice(0, dot))}${extension}`);
}

type FileFields = readonly [InputFile, readonly string[]];

/** `a/export.csv` and `b/export.csv` with different fields cannot both be named after the file. */
function assertAlike(name: string, [first, own]: FileFields, [file, fields]: FileFields): void {
  if (areAlike(own, fields)) return;
  throw new EdpError(
    'header_mismatch',
    `${file.name} has other fields than ${first.name}, and the tables of both would be named "${name}"`,
    { hint: 'load each file by itself, and name its table with --table' },
  );
}

function areAlike(a: readonly string[], b: readonly string[]): boolean {
  const common = b.filter((field) => a.includes(field)).length;
  return common >= new Set([...a, ...b]).size * MIN_COMMON;
}
