/**
 * `edp ingest --dry-run`: a run against the real tables of which nothing stays.
 *
 * describe and identify all files → take the locks of their loads → one transaction on one connection, in
 * which every split goes the careful way, in the order in which a run lets them commit → ROLLBACK. So
 * what a split does is there for the next one to meet, as in a run, and the server's own checks decide.
 *
 * All locks are taken before the transaction begins: a run that waits for a key of ours must not hold one
 * that we wait for. Missing tables, and the ledger if there is none, are made in the transaction, too. The
 * loads have numbers below zero, so that no sequence moves.
 */

import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IHasher } from 'hash-wasm';
import pRetry from 'p-retry';
import type pg from 'pg';
import { compileAssembly } from '../../base/assembly.js';
import { EdpError } from '../../base/errors.js';
import type { FileDescription } from '../../formats/describe-file.js';
import { openFormat, type RecordForm } from '../../formats/record-form.js';
import { cutGap, findGaps } from '../../formats/text/cut-ranges.js';
import type { Segment } from '../../formats/text/cut-text.js';
import type { FileSplit } from '../../formats/text/file-split.js';
import type { RecordPlace } from '../../formats/text/ranges.js';
import { isDecoded, readText, type TextForm } from '../../formats/text/read-text.js';
import { rejectLongSegment, SegmentSource } from '../../formats/text/segment-source.js';
import { streamSplits } from '../../formats/text/stream-splits.js';
import { readSplit } from '../../formats/text/windows.js';
import { laneRemarks } from '../../lanes/corrected-fields.js';
import { LaneMemory } from '../../lanes/lane-memory.js';
import { RecordLoader } from '../../lanes/record-loader.js';
import type { RowCounts } from '../../ledger/counts.js';
import { addRows, NO_ROWS } from '../../ledger/counts.js';
import { hasLedger } from '../../ledger/ledger-queries.js';
import {
  type CommittedPart,
  findLoad,
  loadKey,
  readCommittedPart,
  tryLockLoad,
} from '../../ledger/loads.js';
import { NO_REMARK_COUNTS, RemarkTally } from '../../ledger/remarks.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import type { Model } from '../../model/model.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { migrateWithin } from '../../postgres/migrate.js';
import { isTransient } from '../../postgres/sqlstate.js';
import { inspectTable, type TableInCatalog } from '../../postgres/table-in-catalog.js';
import { ensureExtraColumn, ensureTableWithin } from '../../postgres/tables.js';
import type { InputFile } from '../../source/discover.js';
import type { IdentifiedFile } from '../../source/identify.js';
import { assertUnchanged, type ByteSource, withFile } from '../../source/open-file.js';
import {
  type FileResult,
  fileFaultReason,
  findRejectLimitFault,
  type IngestProgress,
  type IngestResult,
  isFileFault,
  summarizeFiles,
  unclaimedReason,
} from '../file-results.js';
import {
  findTargets,
  inLevels,
  type PreparedFile,
  prepareTarget,
  type Target,
} from '../prepare-files.js';
import type { IngestOptions } from '../run.js';
import { CarefulSink } from '../sinks/careful-sink.js';
import { StagingTable } from '../sinks/staging-table.js';
import { RejectSummary, type TriedReject, TriedRejects } from './dry-run-rejects.js';

const BUSY_POLL_MS = 250;
/** How often it begins anew after a deadlock, or when the connection is lost. */
const MAX_RETRIES = 4;
const RETRY_BASE_MS = 200;

export interface DryRunResult extends IngestResult {
  /** By code; with those that earlier runs of an interrupted load left. */
  readonly rejects: Readonly<Record<string, number>>;
  /** In the order of the files. */
  readonly firstRejects: readonly TriedReject[];
}

/** @param shownRejects how many of the rejects to give */
export async function dryRun(
  database: Database,
  model: Model,
  files: readonly InputFile[],
  options: IngestOptions,
  shownRejects: number,
  progress: IngestProgress,
  signal: AbortSignal,
): Promise<DryRunResult> {
  const targets = findTargets(model, files, options);
  const startedAt = performance.now();
  const run = () =>
    withClient(database.client, 'dry run', (client) =>
      new DryRun(client, model, options, shownRejects, progress, signal).execute(targets),
    );
  const result = await pRetry(run, {
    retries: MAX_RETRIES,
    minTimeout: RETRY_BASE_MS,
    randomize: true,
    shouldRetry: ({ error }) => !signal.aborted && mayPass(error as pg.DatabaseError),
  });
  return { ...result, seconds: (performance.now() - startedAt) / 1000 };
}

function mayPass({ code, schema }: pg.DatabaseError): boolean {
  return (
    isTransient(code) ||
    // Another run made the same schema or table just before.
    code === '42P06' ||
    code === '42P07' ||
    code === '42710' ||
    (code === '23505' && schema === 'pg_catalog')
  );
}

function isStop(error: unknown): boolean {
  return error instanceof EdpError && error.code === 'interrupted';
}

/** A file, and how its text is got out of it. */
interface LoadedFile {
  readonly file: InputFile;
  readonly form: TextForm;
}

const NO_HASHER = { update: () => NO_HASHER } as unknown as IHasher;

class DryRun {
  readonly #client: pg.Client;
  readonly #model: Model;
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  readonly #signal: AbortSignal;
  readonly #rejects: RejectSummary;
  readonly #results = new Map<InputFile, FileResult>();
  readonly #tablesInCatalog = new Map<string, TableInCatalog>();
  readonly #remarks = new RemarkTally();
  /** Files that were loaded in this run, by what they look like. */
  readonly #loaded = new Map<string, LoadedFile[]>();
  #rows: RowCounts = NO_ROWS;
  #lastLoadId = 0;
  #laneMemory: LaneMemory | undefined;
  /** The stage that is there, and what it was made for. */
  #staged: { readonly stage: StagingTable; readonly signature: string } | undefined;

  constructor(
    client: pg.Client,
    model: Model,
    options: IngestOptions,
    shownRejects: number,
    progress: IngestProgress,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#model = model;
    this.#options = options;
    this.#progress = progress;
    this.#signal = signal;
    this.#rejects = new RejectSummary(shownRejects);
  }

  async execute(targets: readonly Target[]): Promise<DryRunResult> {
    let failure: unknown;
    try {
      const levels: PreparedFile[][] = [];
      for (const level of inLevels(targets, this.#model)) levels.push(await this.#describe(level));
      const described = levels.flat();
      this.#progress.start(described.reduce((sum, { file }) => sum + file.size, 0));
      await this.#lock(described);
      await this.#client.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
      const hadLedger = await hasLedger(this.#client);
      await migrateWithin(this.#client);
      for (const file of described) {
        if (this.#signal.aborted) break;
        await this.#load(file, hadLedger);
      }
      this.#assertRejectLimit(true);
    } catch (error) {
      // Begins anew where that may help; else tells what was found so far.
      if (mayPass(error as pg.DatabaseError)) throw error;
      if (!(this.#signal.aborted && isStop(error))) failure = error;
    } finally {
      await this.#client.query('ROLLBACK').catch(() => {});
    }
    return {
      seconds: 0,
      ...summarizeFiles(targets, this.#results),
      remarks: this.#remarks.counts,
      rejects: this.#rejects.byCode,
      firstRejects: this.#rejects.first,
      ...(failure === undefined ? {} : { failure }),
      isInterrupted: this.#signal.aborted && failure === undefined,
    };
  }

  async #describe(targets: readonly Target[]): Promise<PreparedFile[]> {
    const described: PreparedFile[] = [];
    for (const target of targets) {
      if (this.#signal.aborted) break;
      try {
        described.push(await prepareTarget(target, this.#options));
      } catch (error) {
        if (!isFileFault(error)) throw error;
        this.#settle(target, { status: 'failed', reason: fileFaultReason(error) });
      }
    }
    return described;
  }

  /** Always in the same order, so that two dry runs do not wait for each other. */
  async #lock(described: readonly PreparedFile[]): Promise<void> {
    const open = new Map(described.map((file) => [loadKey(file.identity), file]));
    for (const [, { identity, target }] of [...open].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (let isFirst = true; !(await tryLockLoad(this.#client, identity)); isFirst = false) {
        if (this.#signal.aborted) return;
        if (isFirst) {
          this.#progress.note(`waiting for another run that loads ${target.file.name}`);
        }
        await sleep(BUSY_POLL_MS);
      }
    }
  }

  #settle({ file, table }: Target, result: Partial<FileResult> & Pick<FileResult, 'status'>): void {
    const complete: FileResult = {
      path: file.name,
      table: table.name,
      loadId: null,
      rows: NO_ROWS,
      bytes: 0,
      ...result,
    };
    this.#results.set(file, complete);
    this.#progress.fileDone(complete);
  }

  async #load(described: PreparedFile, hadLedger: boolean): Promise<void> {
    const { target, file, identity } = described;
    const { force } = this.#options;
    const tableInCatalog = await this.#prepareTable(target);
    const loadedAs = await this.#findLoaded(described);
    if (loadedAs !== undefined && !force) {
      this.#skip(described, null, `the same content as ${loadedAs.name}`);
      return;
    }
    const finding =
      hadLedger && loadedAs === undefined
        ? await findLoad(this.#client, identity, force)
        : { kind: 'new' as const };
    if (finding.kind === 'known') {
      this.#skip(described, finding.loadId, unclaimedReason(finding, target.file.name));
      return;
    }
    if (finding.kind === 'half_undone' || finding.kind === 'other_format') {
      const reason = unclaimedReason(finding, target.file.name);
      this.#settle(target, { status: 'failed', loadId: finding.loadId, reason });
      return;
    }
    const before: CommittedPart =
      finding.kind === 'interrupted'
        ? await this.#readBefore(finding.loadId, identity.modelHash)
        : {
            loadId: 0,
            committed: [],
            rows: NO_ROWS,
            remarks: NO_REMARK_COUNTS,
            hadOtherModel: false,
          };
    const alike = this.#loaded.get(loadKey(identity)) ?? [];
    this.#loaded.set(loadKey(identity), [...alike, { file: target.file, form: identity.form }]);
    await this.#loadFile(described, tableInCatalog, before, file.size);
  }

  /** The file with the same content that this run has loaded. */
  async #findLoaded({ target, identity }: PreparedFile): Promise<InputFile | undefined> {
    // Of a text that has the same beginning, too.
    for (const file of this.#loaded.get(loadKey(identity)) ?? []) {
      if (await isSameContent(file, { file: target.file, form: identity.form })) return file.file;
    }
    return undefined;
  }

  #skip({ target, file }: PreparedFile, loadId: number | null, reason: string): void {
    this.#progress.advance(file.size, NO_ROWS);
    this.#settle(target, { status: 'skipped', loadId, bytes: file.size, reason });
  }

  async #readBefore(loadId: number, modelHash: string): Promise<CommittedPart> {
    const { rows } = await this.#client.query<{ code: string; count: number }>(
      'SELECT code, count(*) FROM edp.rejects WHERE load_id = $1 GROUP BY code',
      [loadId],
    );
    for (const { code, count } of rows) this.#rejects.count(code, count);
    return readCommittedPart(this.#client, loadId, modelHash);
  }

  async #prepareTable({ table }: Target): Promise<TableInCatalog> {
    let tableInCatalog = this.#tablesInCatalog.get(table.name);
    if (tableInCatalog === undefined) {
      await ensureTableWithin(this.#client, this.#model, table);
      await ensureExtraColumn(this.#client, table);
      // Whether the role may skip triggers is found out by trying.
      await this.#client.query('SAVEPOINT edp_inspect');
      tableInCatalog = await inspectTable(this.#client, table);
      await this.#client.query('ROLLBACK TO edp_inspect; RELEASE edp_inspect');
      this.#tablesInCatalog.set(table.name, tableInCatalog);
    }
    return tableInCatalog;
  }

  async #loadFile(
    { target, description, plan, recordForm, file }: PreparedFile,
    tableInCatalog: TableInCatalog,
    before: CommittedPart,
    bytes: number,
  ): Promise<void> {
    const loadId = await this.#insertLoad(target, description, bytes);
    const splits = this.#cut(target, description, recordForm, file, before);
    let rows = before.rows;
    this.#rows = addRows(this.#rows, rows);
    this.#remarks.addCounts(before.remarks);
    let isComplete = true;
    let fault: EdpError | undefined;
    try {
      await withFile(file, async (handle) => {
        let start = 0;
        let firstLine = 1;
        for await (const split of splits) {
          if (this.#signal.aborted) {
            isComplete = false;
            return;
          }
          const { range, segment, sourceBytes } = split;
          if (range.isExact) start = range.from;
          firstLine = split.firstLine ?? firstLine;
          if (start >= range.until) continue;
          const source = segment === undefined ? handle : new SegmentSource(segment);
          const done = await this.#loadSplit(
            target,
            recordForm,
            plan,
            tableInCatalog,
            loadId,
            file,
            handle,
            { source, segment, start, until: range.until, firstLine },
          );
          split.release?.();
          this.#progress.advance(sourceBytes ?? done.end - start, done.rows);
          start = done.end;
          firstLine += done.lineCount;
          rows = addRows(rows, done.rows);
          this.#rows = addRows(this.#rows, done.rows);
          this.#assertRejectLimit(false);
        }
      });
    } catch (error) {
      if (isFileFault(error)) {
        fault = error;
      } else {
        this.#settle(target, { status: 'failed', rows, bytes, reason: 'not tried to the end' });
        throw error;
      }
    }
    const reason = fault === undefined ? 'not tried to the end' : fileFaultReason(fault);
    this.#settle(
      target,
      isComplete && fault === undefined
        ? { status: 'loaded', rows, bytes }
        : { status: 'failed', rows, bytes, reason },
    );
  }

  /** What is left of a file, in the order in which it is to be read. */
  #cut(
    target: Target,
    { form, dataStart, dataLine, dataEnd, recordBytes, textBytes, skipFooter }: FileDescription,
    recordForm: RecordForm,
    file: IdentifiedFile,
    { committed }: CommittedPart,
  ): Iterable<FileSplit> | AsyncIterable<FileSplit> {
    const splitBytes = Math.max(1, Math.round(this.#options.readBatchSize * recordBytes));
    if (isDecoded(form)) {
      return streamSplits(file, openFormat(recordForm), {
        name: target.file.name,
        form,
        gaps: findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, committed),
        splitBytes,
        textBytes,
        processCount: 1,
        skipFooter,
      });
    }
    const gaps = findGaps(dataStart, dataLine, dataEnd ?? file.size, committed);
    const openBytes = gaps.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#progress.advance(file.size - openBytes, NO_ROWS);
    return gaps.flatMap((gap) =>
      cutGap(gap, splitBytes).map((range) => ({
        range,
        firstLine: range.isExact ? gap.firstLine : undefined,
      })),
    );
  }

  /** Foreign keys of the ledger want a load. Its content is that of no file, so nobody waits for it. */
  async #insertLoad(target: Target, description: FileDescription, bytes: number): Promise<number> {
    const loadId = --this.#lastLoadId;
    await this.#client.query(
      `INSERT INTO edp.loads (load_id, path, table_name, size_bytes, content_hash, header, file_format, model_hash)
       OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, '')`,
      [
        loadId,
        target.file.name,
        target.table.name,
        bytes,
        `dry run ${randomUUID()}`,
        description.headerBytes,
        '{}',
      ],
    );
    return loadId;
  }

  async #loadSplit(
    target: Target,
    recordForm: RecordForm,
    plan: TablePlan,
    tableInCatalog: TableInCatalog,
    loadId: number,
    identity: IdentifiedFile,
    handle: FileHandle,
    {
      source,
      segment,
      start,
      until,
      firstLine,
    }: {
      source: ByteSource;
      segment: Segment | undefined;
      start: number;
      until: number;
      firstLine: number;
    },
  ): Promise<{ end: number; lineCount: number; rows: RowCounts }> {
    this.#laneMemory ??= new LaneMemory(await compileAssembly('byte-lane'));
    const laneMemory = this.#laneMemory;
    const rejects = new TriedRejects(this.#client, this.#rejects);
    const stage = await this.#prepareStage(tableInCatalog, plan, loadId);
    const sink = new CarefulSink(stage, rejects, laneRemarks(plan), (remarks) =>
      loader.uncount(remarks),
    );
    const loader = new RecordLoader(
      {
        plan,
        recordForm,
        loadId,
        writeBatchSize: this.#options.writeBatchSize,
        laneMemory,
      },
      sink,
      rejects,
    );
    const extent = segment === undefined ? identity : { ...identity, size: segment.end };
    const end =
      segment?.longRecord !== undefined
        ? rejectLongSegment(loader, segment)
        : await readSplit(source, extent, start, until, laneMemory.window, NO_HASHER, {
            take: (window) => {
              if (this.#signal.aborted) throw new EdpError('interrupted', 'the run was stopped');
              return loader.take(window);
            },
            cutLongRecord: (window) => loader.cutLongRecord(window),
            get isInRecord() {
              return loader.isInRecord;
            },
          });
    await loader.finish();
    await assertUnchanged(handle, identity);
    const isShown = this.#rejects.room > 0;
    const duplicate = await sink.settle(async (place) =>
      isShown ? readRaw(source, place) : Buffer.alloc(0),
    );
    await rejects.finish(target.file.name, firstLine);
    await this.#checkDeferred(tableInCatalog);
    const read = loader.recordCount;
    this.#remarks.addCounts(loader.remarkCounts);
    return {
      end,
      lineCount: loader.lineCount,
      rows: { read, loaded: read - rejects.count - duplicate, rejected: rejects.count, duplicate },
    };
  }

  /** The stage is used over and over: each table a transaction makes is locked until its end. */
  async #prepareStage(
    target: TableInCatalog,
    plan: TablePlan,
    loadId: number,
  ): Promise<StagingTable> {
    // The split before may have skipped the triggers of its table.
    if ([...this.#tablesInCatalog.values()].some(({ checksForeignKeys }) => checksForeignKeys)) {
      await this.#client.query('SET LOCAL session_replication_role TO DEFAULT');
    }
    const { onConflict, missingDimensions } = this.#options;
    const { columns } = plan;
    const stage = new StagingTable(this.#client, {
      target,
      columns,
      onConflict,
      missingDimensions,
      loadId,
    });
    const signature = JSON.stringify([target.table, columns]);
    if (this.#staged?.signature === signature) {
      await stage.clear();
    } else {
      await this.#staged?.stage.drop();
      await stage.create();
    }
    this.#staged = { stage, signature };
    return stage;
  }

  /** What the server would check at the commit. */
  async #checkDeferred({ table }: TableInCatalog): Promise<void> {
    const { rowCount } = await this.#client.query(
      'SELECT FROM pg_trigger WHERE tgrelid = $1::regclass AND tginitdeferred LIMIT 1',
      [table],
    );
    if (rowCount !== 0) await this.#client.query('SET CONSTRAINTS ALL IMMEDIATE');
  }

  #assertRejectLimit(isEnd: boolean): void {
    const fault = findRejectLimitFault(this.#options.maxRejects, this.#rows, isEnd);
    if (fault !== undefined) throw fault;
  }
}

async function readRaw(file: ByteSource, { byteOffset, byteLength }: RecordPlace): Promise<Buffer> {
  const raw = Buffer.allocUnsafeSlow(byteLength);
  const { bytesRead } = await file.read(raw, 0, byteLength, byteOffset);
  return raw.subarray(0, bytesRead);
}

/** Whether two files are the same, byte for byte; of those that are not plain text, what is in them. */
async function isSameContent(left: LoadedFile, right: LoadedFile): Promise<boolean> {
  if (isDecoded(left.form) !== isDecoded(right.form)) return false;
  const texts = [left, right].map(({ file, form }) =>
    readText(file.path, file.name, isDecoded(form) ? form : PLAIN)[Symbol.asyncIterator](),
  );
  const rests: Buffer[] = texts.map(() => Buffer.alloc(0));
  try {
    for (;;) {
      for (const [i, text] of texts.entries()) {
        while (rests[i]!.length === 0) {
          const { value, done } = await text.next();
          if (done === true) break;
          rests[i] = value;
        }
      }
      const length = Math.min(...rests.map((rest) => rest.length));
      const [a, b] = rests.map((rest) => rest.subarray(0, length));
      if (length === 0 || !a!.equals(b!)) return rests.every((rest) => rest.length === 0);
      for (const [i, rest] of rests.entries()) rests[i] = rest.subarray(length);
    }
  } catch (error) {
    // One that cannot be unpacked to its end is like no other.
    if (isFileFault(error)) return false;
    throw error;
  } finally {
    for (const text of texts) await text.return(undefined);
  }
}

const PLAIN: TextForm = { compression: 'none', encoding: 'utf-8', markBytes: 0 };
