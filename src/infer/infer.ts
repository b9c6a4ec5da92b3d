/**
 * Files of one table → the types of its columns. Several workers read every record of every file.
 *
 * A file is cut into stretches, like the splits of a load. A worker guesses where the first record
 * of a stretch begins; the guess is verified here, when the end of the stretch before is known.
 */

import { EdpError } from '../base/errors.js';
import { describeFile, type FileDescription } from '../formats/describe-file.js';
import { openFormat } from '../formats/open-format.js';
import { cutGap, findGaps } from '../formats/text/cut-ranges.js';
import type { Segment } from '../formats/text/cut-text.js';
import type { SplitRange } from '../formats/text/ranges.js';
import { isDecoded } from '../formats/text/read-text.js';
import { streamSplits } from '../formats/text/stream-splits.js';
import type { FileSettings } from '../model/file-settings.js';
import type { RejectCode } from '../model/reject-codes.js';
import type { InputFile } from '../source/discover.js';
import type { FileIdentity } from '../source/file-identity.js';
import { versionOf } from '../source/sources.js';
import { type ChosenKey, chooseKey } from './choose-key.js';
import type { InferencePool } from './infer-pool.js';
import { type ColumnInference, inferType } from './infer-type.js';
import { type ColumnSummary, emptySummary, mergeSummaries } from './inferred-column.js';
import { rankTimeName } from './inferred-names.js';
import { checkUniqueness, type KeyHashes, MAX_HASHES, type Uniqueness } from './key-candidate.js';
import { rankKeyName } from './key-names.js';
import type { KeyTask, TupleFindings, WantedRecords } from './key-tuple.js';
import { FileFindings, type Stretch, type StretchTask } from './stretch.js';
import { findKeyFields, verifyKey } from './verify-key.js';

const MIN_STRETCH_BYTES = 1024 * 1024;
const MAX_STRETCH_BYTES = 16 * 1024 * 1024;
/** Stretches for each worker, so that all workers finish at about the same time. */
const STRETCHES_PER_WORKER = 4;

const MAX_KEY_FIELDS = 4;

/** A file that was read from its first record to its last. */
export interface InferredFile {
  readonly file: InputFile;
  readonly description: FileDescription;
  readonly bytes: number;
  readonly findings: FileFindings;
}

export interface InferredColumn extends ColumnInference {
  /** Its name in the files. */
  readonly field: string;
  /** Whether every record of every file has a value. */
  readonly isComplete: boolean;
  /**
   * Whether all values differ; undefined where that was not checked, since the name is no key's.
   */
  readonly uniqueness: Uniqueness | undefined;
  /** Whether its values are whole numbers without a gap, each once. */
  readonly isSerial: boolean;
}

export interface TableInference {
  readonly table: string;
  readonly files: readonly InferredFile[];
  readonly records: number;
  /** Number of records that a load would reject for their form, by code; types ignore them. */
  readonly odd: Readonly<Partial<Record<RejectCode, number>>>;
  readonly columns: readonly InferredColumn[];
  /** Undefined without a candidate. */
  readonly key: ChosenKey | undefined;
  /** A field; undefined without a candidate. */
  readonly time: string | undefined;
}

export interface InferenceProgress {
  advance(bytes: number, records: number): void;
}

interface FileToRead {
  readonly file: InputFile;
  readonly description: FileDescription;
  readonly identity: FileIdentity;
  readonly keyFields: readonly number[];
  /** The key that the user specified. */
  readonly key: KeyTask | undefined;
  /** Empty for a file that is not plain text, since it is cut while it is unpacked. */
  readonly ranges: readonly SplitRange[];
}

/**
 * @param table name of the table, by which a key is recognized
 * @param key the columns of a key that the user specified
 * @throws EdpError `not_csv`, `io`, `file_changed`, `interrupted`; `usage` where the specified key is none
 */
export async function inferTable(
  table: string,
  files: readonly InputFile[],
  settings: FileSettings,
  pool: InferencePool,
  progress: InferenceProgress,
  signal: AbortSignal,
  key?: readonly string[],
): Promise<TableInference> {
  const prepared: FileToRead[] = [];
  for (const file of files)
    prepared.push(await describeAndCut(file, table, settings, pool.processCount, key));
  const inferred = await readFiles(prepared, pool, progress, signal);
  // An empty file has no fields, and no key.
  const specified = prepared.some((file) => file.key !== undefined)
    ? await settleKey(prepared, inferred, pool, signal)
    : undefined;
  return concludeTable(table, inferred, specified);
}

async function readFiles(
  prepared: readonly FileToRead[],
  pool: InferencePool,
  progress: InferenceProgress,
  signal: AbortSignal,
): Promise<InferredFile[]> {
  const stretches = await readStretches(prepared, pool, progress, signal);
  const inferred: InferredFile[] = [];
  for (const [i, one] of prepared.entries()) {
    inferred.push({
      file: one.file,
      description: one.description,
      bytes: one.identity.size,
      findings: await joinStretches(one, stretches[i]!, pool),
    });
  }
  return inferred;
}

/** @throws EdpError `usage` where the records do not differ in the specified key */
async function settleKey(
  prepared: readonly FileToRead[],
  inferred: readonly InferredFile[],
  pool: InferencePool,
  signal: AbortSignal,
): Promise<ChosenKey> {
  const first = prepared.find((file) => file.key !== undefined)!;
  const fields = first.key!.fields.map((i) => first.description.fields[i]!);
  const names = inferred.map(({ file }) => file.name);
  const readAgain = async (wanted: WantedRecords) => {
    const files = prepared.map((file) => ({ ...file, key: file.key && { ...file.key, wanted } }));
    const read = await readFiles(files, pool, { advance() {} }, signal);
    return read.map(({ findings }) => ({ ...joinTuples(findings.tuples), empty: 0 }));
  };
  const types = fields.map((field) => inferType(gatherField(field, inferred).summary).type);
  const tuples = inferred.map(({ findings }, file) => {
    const places = (prepared[file]!.key?.fields ?? []).filter((_, i) => types[i] !== 'text');
    const empty = places.reduce((sum, i) => sum + findings.columns[i]!.emptyStrings, 0);
    return { ...joinTuples(findings.tuples), empty };
  });
  const isVerified = await verifyKey(fields, names, tuples, readAgain);
  const records = inferred.reduce((sum, { findings }) => sum + findings.records, 0);
  const why = isVerified
    ? `--key names it, and all ${records} records differ in it`
    : '--key names it; there are too many records to verify that all differ';
  return { fields, why };
}

function joinTuples(parts: readonly TupleFindings[]): TupleFindings {
  const length = parts.reduce((sum, { hashes }) => sum + (hashes?.length ?? 0), 0);
  const hashes = parts.some((part) => part.hashes === undefined)
    ? undefined
    : new BigUint64Array(length);
  let at = 0;
  for (const part of parts) {
    hashes?.set(part.hashes!, at);
    at += part.hashes?.length ?? 0;
  }
  return {
    hashes,
    missing: parts.reduce((sum, { missing }) => sum + missing, 0),
    long: parts.reduce((sum, { long }) => sum + long, 0),
    found: parts.flatMap(({ found }) => found),
  };
}

async function describeAndCut(
  file: InputFile,
  table: string,
  settings: FileSettings,
  processCount: number,
  key: readonly string[] | undefined,
): Promise<FileToRead> {
  const identity = await versionOf(file);
  const { size } = identity;
  const description = await describeFile(identity, file.name, undefined, settings);
  const { fields, dataStart, dataEnd = size, dataLine } = description;
  const wanted = Math.ceil(size / (processCount * STRETCHES_PER_WORKER));
  const stretchBytes = Math.min(MAX_STRETCH_BYTES, Math.max(MIN_STRETCH_BYTES, wanted));
  const keyFields = fields
    .map((name, field) => ({ field, rank: rankKeyName(name, table) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .slice(0, MAX_KEY_FIELDS)
    .map(({ field }) => field);
  return {
    file,
    description,
    identity,
    keyFields,
    key:
      key === undefined || fields.length === 0
        ? undefined
        : { fields: findKeyFields(key, fields, file.name) },
    ranges:
      dataStart >= dataEnd || isDecoded(description.form)
        ? []
        : cutGap({ start: dataStart, end: dataEnd, firstLine: dataLine }, stretchBytes),
  };
}

function makeTask(file: FileToRead, range: SplitRange, segment?: Segment): StretchTask {
  const { description, identity, keyFields, key } = file;
  return {
    file: identity,
    recordForm: description.recordForm,
    range,
    columnCount: description.fields.length,
    keyFields,
    ...(key === undefined ? {} : { key }),
    ...(segment === undefined ? {} : { segment }),
  };
}

/** A stretch to be read. */
interface Job {
  readonly file: FileToRead;
  /** Index of the file, and index of the stretch in the file. */
  readonly of: number;
  readonly index: number;
  readonly range: SplitRange;
  readonly segment?: Segment;
  readonly sourceBytes: number;
  readonly release?: (() => void) | undefined;
}

async function* listJobs(files: readonly FileToRead[], processCount: number): AsyncGenerator<Job> {
  for (const [of, file] of files.entries()) {
    for (const [index, range] of file.ranges.entries()) {
      yield { file, of, index, range, sourceBytes: range.until - range.from };
    }
    if (!isDecoded(file.description.form)) continue;
    const { description, identity } = file;
    const { recordForm, dataStart, dataLine, form, textBytes, skipFooter } = description;
    let index = 0;
    const splits = streamSplits(identity, openFormat(recordForm), {
      name: file.file.name,
      form,
      gaps: findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, []),
      splitBytes: MAX_STRETCH_BYTES,
      textBytes,
      processCount,
      skipFooter,
    });
    for await (const { range, segment, sourceBytes = 0, release } of splits) {
      yield { file, of, index: index++, range, segment: segment!, sourceBytes, release };
    }
  }
}

/** @returns the stretches of each file, in the order of its ranges */
async function readStretches(
  files: readonly FileToRead[],
  pool: InferencePool,
  progress: InferenceProgress,
  signal: AbortSignal,
): Promise<Stretch[][]> {
  const stretches: Stretch[][] = files.map(() => []);
  const jobs = listJobs(files, pool.processCount);
  let hashes = 0;
  let isStopped = false;
  const read = async ({ file, of, index, range, segment, sourceBytes, release }: Job) => {
    try {
      const stretch = await pool.read(makeTask(file, range, segment));
      // Memory is limited: if there are more values, their uniqueness is not verified.
      hashes += stretch.keys.reduce((sum, key) => sum + (key.hashes?.length ?? 0), 0);
      hashes += stretch.tuples?.hashes?.length ?? 0;
      stretches[of]![index] =
        hashes > MAX_HASHES
          ? {
              ...stretch,
              keys: stretch.keys.map(withoutHashes),
              tuples: stretch.tuples && { ...stretch.tuples, hashes: undefined },
            }
          : stretch;
      progress.advance(sourceBytes, stretch.records);
    } finally {
      release?.();
    }
  };
  const work = async () => {
    for (let next = await jobs.next(); next.done !== true; next = await jobs.next()) {
      if (isStopped) next.value.release?.();
      else await read(next.value);
      if (signal.aborted) throw new EdpError('interrupted', 'the inference was stopped');
      if (isStopped) return;
    }
  };
  try {
    await Promise.all(
      Array.from({ length: pool.processCount }, () =>
        work().catch((error: unknown) => {
          isStopped = true;
          throw error;
        }),
      ),
    );
  } finally {
    // This also ends the unpacking of a file.
    await jobs.return(undefined);
  }
  return stretches;
}

function withoutHashes({ field, isNoKey }: KeyHashes): KeyHashes {
  return { field, isNoKey, hashes: undefined };
}

/** Merges the stretches of a file; a stretch that began at a wrong place is read again. */
async function joinStretches(
  file: FileToRead,
  stretches: readonly Stretch[],
  pool: InferencePool,
): Promise<FileFindings> {
  const { dataStart, dataLine, fields } = file.description;
  const findings = new FileFindings(fields);
  let start = dataStart;
  let line = dataLine;
  for (const [i, guessed] of stretches.entries()) {
    // The start of a stretch that was cut while it was unpacked is exact.
    const { until } = file.ranges[i] ?? { until: guessed.end };
    // A record that began earlier covers the whole stretch.
    if (start >= until) continue;
    const stretch =
      guessed.start === start
        ? guessed
        : await pool.read(makeTask(file, { from: start, until, isExact: true }));
    findings.add(stretch, line);
    start = stretch.end;
    line += stretch.lineCount;
  }
  return findings;
}

function concludeTable(
  table: string,
  files: readonly InferredFile[],
  specified: ChosenKey | undefined,
): TableInference {
  const fields = [...new Set(files.flatMap(({ findings }) => findings.fields))];
  const columns = fields.map((field): InferredColumn => {
    const { summary, keys, isEverywhere } = gatherField(field, files);
    const inference = inferType(summary);
    const isComplete =
      isEverywhere &&
      inference.nulls === 0 &&
      (inference.emptyStrings === 0 || inference.type === 'text') &&
      inference.values + countTokens(inference) > 0;
    return {
      field,
      ...inference,
      isComplete,
      uniqueness:
        keys.length === 0 || inference.corrections !== undefined
          ? undefined
          : isEverywhere
            ? checkUniqueness(keys)
            : 'not_unique',
      isSerial: summary.values > 1 && summary.maximum - summary.minimum + 1 === summary.values,
    };
  });
  const odd: Partial<Record<RejectCode, number>> = {};
  for (const { findings } of files) {
    for (const [code, count] of Object.entries(findings.odd) as [RejectCode, number][]) {
      odd[code] = (odd[code] ?? 0) + count;
    }
  }
  const records = files.reduce((sum, { findings }) => sum + findings.records, 0);
  return {
    table,
    files,
    records,
    odd,
    columns,
    key: specified ?? chooseKey(columns, table, records),
    time: chooseTime(columns),
  };
}

function countTokens({ nullTokens }: ColumnInference): number {
  return Object.values(nullTokens).reduce((sum, count) => sum + count, 0);
}

/** Merges what is known of a field in all files. */
function gatherField(field: string, files: readonly InferredFile[]) {
  const summary: ColumnSummary = emptySummary();
  const keys: KeyHashes[] = [];
  let isEverywhere = true;
  for (const { file, findings } of files) {
    const index = findings.fields.indexOf(field);
    if (index < 0) {
      isEverywhere = false;
      continue;
    }
    const name = files.length > 1 ? file.name : undefined;
    mergeSummaries(summary, findings.columns[index]!, 0, name);
    keys.push(...findings.keys.filter((key) => key.field === index));
  }
  return { summary, keys, isEverywhere };
}

const TIME_RANK: Readonly<Partial<Record<string, number>>> = {
  timestamptz: 0.5,
  timestamp: 0.5,
  date: 0.25,
};

function chooseTime(columns: readonly InferredColumn[]): string | undefined {
  const rank = ({ field, type, isComplete }: InferredColumn) =>
    rankTimeName(field) + TIME_RANK[type]! + (isComplete ? 1 : 0);
  return columns
    .filter(({ type, values }) => TIME_RANK[type] !== undefined && values > 0)
    .sort((a, b) => rank(b) - rank(a))[0]?.field;
}
