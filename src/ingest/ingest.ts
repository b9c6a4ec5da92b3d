/**
 * A run of `edp ingest`: discover → claim → cut → dispatch → settle → report.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../database/connection.js';
import type { Database } from '../database/database.js';
import { migrate } from '../database/migrate.js';
import { Session } from '../database/session.js';
import { ensureTable } from '../database/tables.js';
import { EdpError } from '../errors.js';
import type { CsvSettings } from '../model/csv.js';
import { matchTable } from '../model/match.js';
import { findTable, type Model, type Table } from '../model/model.js';
import type { RejectLimit } from '../options.js';
import type { MissingDimensions, OnConflict } from './copy/stage.js';
import { type CopyTarget, inspectTarget } from './copy/target.js';
import { isDecoded } from './decode/text.js';
import { placeName } from './detect/header.js';
import { Dispatcher } from './dispatch.js';
import {
  addCounts,
  addWorkingTime,
  type Claim,
  claimLoad,
  finishLoad,
  type LoadIdentity,
  releaseLoad,
} from './ledger/loads.js';
import { cutGap, findGaps } from './plan/cut.js';
import {
  describeFile,
  type FileDescription,
  listOddities,
  summarizeForm,
} from './plan/describe.js';
import type { InputFile } from './plan/discover.js';
import { type IdentifiedFile, identifyFile } from './plan/identify.js';
import { planTable, type TablePlan } from './plan/table-plan.js';
import { type SplitPool, withPool } from './pool.js';
import type { LoadTask, RowCounts } from './split.js';
import { type StreamOptions, streamSplits } from './streamed.js';

/** How often a file that another run is loading is asked for again. */
const BUSY_POLL_MS = 250;

/** Records read before `--max-rejects N%` may stop a run. */
const MIN_RECORDS_FOR_SHARE = 100;

export interface IngestOptions {
  readonly table: string | undefined;
  /** What the user said about the form of a table's files. */
  csvFor(table: Table): CsvSettings;
  readonly processCount: number;
  readonly readBatchSize: number;
  readonly writeBatchSize: number;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
  readonly maxRejects: RejectLimit | undefined;
  readonly force: boolean;
}

export interface FileResult {
  /** As the user named it. */
  readonly path: string;
  readonly table: string;
  readonly loadId: number | null;
  readonly status: 'loaded' | 'skipped' | 'failed';
  /** Of the whole load, also what earlier runs of it committed; nothing for a skipped file. */
  readonly rows: RowCounts;
  readonly bytes: number;
  /** The form it was read in; not there for a file that was not read. */
  readonly dialect?: object;
  /** Why it was skipped or failed. */
  readonly reason?: string;
}

export interface IngestResult {
  readonly seconds: number;
  /** Of the files that were loaded, wholly or in part, by this run. */
  readonly bytes: number;
  readonly rows: RowCounts;
  readonly unknownMetrics: Readonly<Record<string, number>>;
  readonly files: readonly FileResult[];
  /** What ended the run early, where something did. */
  readonly failure?: unknown;
  readonly isInterrupted: boolean;
}

export interface IngestProgress {
  start(totalBytes: number): void;
  /** Counts of what has just committed. */
  advance(bytes: number, rows: RowCounts): void;
  fileDone(result: FileResult): void;
  /** Something the user should know meanwhile. */
  note(text: string): void;
}

const NO_ROWS: RowCounts = { read: 0, loaded: 0, rejected: 0, duplicate: 0 };

function addRows(a: RowCounts, b: RowCounts): RowCounts {
  return {
    read: a.read + b.read,
    loaded: a.loaded + b.loaded,
    rejected: a.rejected + b.rejected,
    duplicate: a.duplicate + b.duplicate,
  };
}

export async function ingest(
  database: Database,
  model: Model,
  files: readonly InputFile[],
  options: IngestOptions,
  progress: IngestProgress,
  signal: AbortSignal,
): Promise<IngestResult> {
  // Every file has a table before any is loaded.
  const targets = files.map((file) => ({
    file,
    table: matchTable(model, file.path, options.table),
  }));
  return withClient(database.client, 'ingest', (client) =>
    withPool(options.processCount, async (pool) => {
      await migrate(client);
      const session = new Session(client);
      const run = new IngestRun(database, model, options, progress, { session, pool }, signal);
      return run.execute(targets);
    }),
  );
}

interface Target {
  readonly file: InputFile;
  readonly table: Table;
}

/** A file on its way into its table. */
interface ActiveLoad {
  readonly name: string;
  readonly table: string;
  readonly bytes: number;
  readonly claim: Extract<Claim, { kind: 'claimed' }>;
  readonly identity: LoadIdentity;
  readonly startedAt: number;
  readonly dialect: object;
  rows: RowCounts;
}

class IngestRun {
  readonly #database: Database;
  readonly #model: Model;
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  /** Holds the locks of this run's loads. */
  readonly #session: Session;
  readonly #dispatcher: Dispatcher;
  readonly #targets = new Map<string, CopyTarget>();
  readonly #active = new Map<number, ActiveLoad>();
  /** Contents this run is loading now: its own lock would not keep it from claiming one twice. */
  readonly #inHand = new Set<string>();
  readonly #results = new Map<InputFile, FileResult>();
  readonly #endings: Promise<void>[] = [];
  readonly #unknownMetrics: Record<string, number> = {};
  #rows: RowCounts = NO_ROWS;

  constructor(
    database: Database,
    model: Model,
    options: IngestOptions,
    progress: IngestProgress,
    resources: { session: Session; pool: SplitPool },
    signal: AbortSignal,
  ) {
    this.#database = database;
    this.#model = model;
    this.#options = options;
    this.#progress = progress;
    this.#session = resources.session;
    this.#dispatcher = new Dispatcher({
      pool: resources.pool,
      processCount: options.processCount,
      session: resources.session,
      signal,
      onCommitted: ({ load, sourceBytes }, receipt) => {
        const active = this.#active.get(load.loadId)!;
        active.rows = addRows(active.rows, receipt.rows);
        this.#rows = addRows(this.#rows, receipt.rows);
        addCounts(this.#unknownMetrics, receipt.unknownMetrics);
        progress.advance(sourceBytes ?? receipt.end - receipt.start, receipt.rows);
        this.#enforceRejectLimit(false);
      },
    });
  }

  async execute(targets: readonly Target[]): Promise<IngestResult> {
    const startedAt = performance.now();
    let failure: unknown;
    try {
      const sizes = await Promise.all(
        targets.map(async ({ file }) => (await stat(file.path)).size),
      );
      this.#progress.start(sizes.reduce((sum, size) => sum + size, 0));
      for (const stage of inStages(targets, this.#model)) await this.#loadStage(stage);
      this.#enforceRejectLimit(true);
      this.#dispatcher.assertNotFailed();
    } catch (error) {
      failure = error;
      this.#dispatcher.stop(error);
    }
    await Promise.all(this.#endings);

    const files = targets.map(
      ({ file, table }): FileResult =>
        this.#results.get(file) ?? {
          path: file.name,
          table: table.name,
          loadId: null,
          status: 'failed',
          rows: NO_ROWS,
          bytes: 0,
          reason: 'the run ended before its turn',
        },
    );
    return {
      seconds: (performance.now() - startedAt) / 1000,
      bytes: files.reduce((sum, file) => sum + (file.status === 'skipped' ? 0 : file.bytes), 0),
      rows: files.reduce((sum, { rows }) => addRows(sum, rows), NO_ROWS),
      unknownMetrics: this.#unknownMetrics,
      files,
      ...(failure === undefined ? {} : { failure }),
      isInterrupted: this.#dispatcher.isStopped && failure === undefined,
    };
  }

  /** Loads files until each is done, by this run or by another that has it in hand. */
  async #loadStage(targets: readonly Target[]): Promise<void> {
    let open = targets;
    while (open.length > 0 && !this.#dispatcher.isStopped) {
      const busy = await this.#loadAll(open);
      // What this run has in hand ends first: a file may be busy with this very run.
      await Promise.all(this.#endings);
      if (busy.length === open.length) await sleep(BUSY_POLL_MS);
      if (busy.length > 0 && open === targets) {
        const names = busy.map(({ file }) => file.name).join(', ');
        this.#progress.note(`waiting for another run that loads ${names}`);
      }
      open = busy;
    }
  }

  /** @returns the files that another run has in hand */
  async #loadAll(targets: readonly Target[]): Promise<Target[]> {
    const busy: Target[] = [];
    for (const target of targets) {
      if (this.#dispatcher.isStopped) break;
      try {
        if (!(await this.#load(target))) busy.push(target);
      } catch (error) {
        // One file's fault is no reason to give up the others; anything else is.
        if (!(error instanceof EdpError) || !FILE_FAULTS.has(error.code)) throw error;
        this.#settle(target, {
          status: 'failed',
          loadId: null,
          rows: NO_ROWS,
          bytes: 0,
          reason: explainFailure(error),
        });
      }
    }
    return busy;
  }

  #settle({ file, table }: Target, result: Omit<FileResult, 'path' | 'table'>): void {
    const complete: FileResult = { path: file.name, table: table.name, ...result };
    this.#results.set(file, complete);
    this.#progress.fileDone(complete);
  }

  /** @returns false where another run has the file in hand */
  async #load(target: Target): Promise<boolean> {
    const { file, table } = target;
    const csv = this.#options.csvFor(table);
    const description = await describeFile(file.path, file.name, table, csv);
    const copyTarget = await this.#prepareTable(table);
    const plan = planFor(table, description, file.name);
    const identified = await identifyFile(file.path);
    const identity: LoadIdentity = {
      path: file.name,
      table: table.name,
      size: identified.size,
      contentHash: identified.contentHash,
      header: description.headerBytes,
      delimiter: description.dialect.delimiter,
      modelHash: createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 32),
    };
    if (this.#inHand.has(contentKey(identity))) return false;
    const { force } = this.#options;
    const claim = await this.#session.run((client) => claimLoad(client, identity, force));
    if (claim.kind === 'busy') return false;
    if (claim.kind === 'known') {
      const asWhat = claim.path === file.name ? '' : ` as ${claim.path}`;
      this.#progress.advance(identified.size, NO_ROWS);
      this.#settle(target, {
        status: 'skipped',
        loadId: claim.loadId,
        rows: NO_ROWS,
        bytes: identified.size,
        reason: `the same content was loaded${asWhat} by load ${claim.loadId}; --force loads it again`,
      });
      return true;
    }
    await this.#send(target, description, copyTarget, plan, identified, identity, claim);
    return true;
  }

  async #prepareTable(table: Table): Promise<CopyTarget> {
    let target = this.#targets.get(table.name);
    if (target === undefined) {
      target = await this.#session.run(async (client) => {
        await ensureTable(client, this.#model, table);
        return inspectTarget(client, table);
      });
      this.#targets.set(table.name, target);
    }
    return target;
  }

  async #send(
    target: Target,
    description: FileDescription,
    copyTarget: CopyTarget,
    plan: TablePlan,
    file: IdentifiedFile,
    identity: LoadIdentity,
    claim: Extract<Claim, { kind: 'claimed' }>,
  ): Promise<void> {
    const active: ActiveLoad = {
      name: target.file.name,
      table: target.table.name,
      bytes: file.size,
      claim,
      identity,
      startedAt: performance.now(),
      dialect: summarizeForm(description),
      rows: claim.rows,
    };
    const { form, dialect, dataStart, dataLine, dataEnd, footer, recordBytes } = description;
    const oddities = listOddities(description);
    if (oddities.length > 0) {
      this.#progress.note(`${target.file.name} is read with: ${oddities.join(', ')}`);
    }
    this.#active.set(claim.loadId, active);
    this.#inHand.add(contentKey(identity));
    addCounts(this.#unknownMetrics, claim.unknownMetrics);
    const { writeBatchSize, readBatchSize, onConflict, missingDimensions } = this.#options;
    const load: LoadTask = {
      database: this.#database.client,
      file,
      dialect,
      footerStart: footer?.start,
      plan,
      target: copyTarget,
      loadId: claim.loadId,
      attempt: claim.attempt,
      writeBatchSize,
      onConflict,
      missingDimensions,
    };
    const splitBytes = Math.max(1, Math.round(readBatchSize * recordBytes));
    if (isDecoded(form)) {
      // How long the text is shows only at its end.
      const gaps = findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, claim.committed);
      await this.#sendStream(target, active, load, { form, gaps, splitBytes });
      return;
    }
    const gaps = findGaps(dataStart, dataLine, dataEnd ?? file.size, claim.committed);
    this.#progress.advance(
      file.size - gaps.reduce((sum, { start, end }) => sum + end - start, 0),
      NO_ROWS,
    );
    const splits = gaps.flatMap((gap) =>
      cutGap(gap, splitBytes).map((range) => ({
        load,
        range,
        firstLine: range.isExact ? gap.firstLine : undefined,
      })),
    );
    const endings: Promise<boolean>[] = [];
    for (const split of splits) {
      if (this.#dispatcher.isStopped) break;
      endings.push((await this.#dispatcher.send(split)).ended);
    }
    this.#endings.push(this.#finish(target, active, endings, endings.length === splits.length));
  }

  /** Sends the splits of a text that is made while it is read. */
  async #sendStream(
    target: Target,
    active: ActiveLoad,
    load: LoadTask,
    text: Pick<StreamOptions, 'form' | 'gaps' | 'splitBytes'>,
  ): Promise<void> {
    const splits = streamSplits(load, {
      ...text,
      name: target.file.name,
      processCount: this.#options.processCount,
      skipFooter: this.#options.csvFor(target.table).skipFooter ?? 0,
    });
    const endings: Promise<boolean>[] = [];
    let isAllSent = false;
    let fault: EdpError | undefined;
    try {
      for await (const split of splits) {
        if (this.#dispatcher.isStopped) break;
        const { ended } = await this.#dispatcher.send(split);
        endings.push(ended);
        void ended.then(() => split.release());
      }
      isAllSent = !this.#dispatcher.isStopped;
    } catch (error) {
      // What was sent before may commit; the same command goes on behind it.
      if (!(error instanceof EdpError) || !FILE_FAULTS.has(error.code)) throw error;
      fault = error;
    } finally {
      this.#endings.push(this.#finish(target, active, endings, isAllSent, fault));
    }
  }

  async #finish(
    target: Target,
    active: ActiveLoad,
    endings: readonly Promise<boolean>[],
    isAllSent: boolean,
    fault?: EdpError,
  ): Promise<void> {
    const committed = await Promise.all(endings);
    const isComplete = isAllSent && committed.every((isCommitted) => isCommitted);
    const { claim, identity, bytes } = active;
    const seconds = (performance.now() - active.startedAt) / 1000;
    try {
      await this.#session.run(async (client) => {
        if (isComplete) await finishLoad(client, claim.loadId, claim.attempt, seconds);
        else await addWorkingTime(client, claim.loadId, seconds);
        await releaseLoad(client, identity);
      });
    } catch (error) {
      this.#dispatcher.stop(error);
    }
    this.#inHand.delete(contentKey(identity));
    this.#settle(target, {
      status: isComplete ? 'loaded' : 'failed',
      loadId: claim.loadId,
      rows: active.rows,
      bytes,
      dialect: active.dialect,
      ...(isComplete ? {} : { reason: explainFailure(fault) }),
    });
  }

  /** @param isEnd whether nothing more is to come */
  #enforceRejectLimit(isEnd: boolean): void {
    const { maxRejects } = this.#options;
    if (maxRejects === undefined) return;
    const { read, rejected } = this.#rows;
    // A share of a few records says nothing yet.
    if (maxRejects.percent !== undefined && read < MIN_RECORDS_FOR_SHARE && !isEnd) return;
    const limit = maxRejects.count ?? (read * (maxRejects.percent ?? 100)) / 100;
    if (rejected <= limit) return;
    const allowed = maxRejects.count ?? `${maxRejects.percent}%`;
    this.#dispatcher.stop(
      new EdpError(
        'too_many_rejects',
        `${rejected} of ${read} records rejected, more than --max-rejects ${allowed}`,
        {
          hint: 'edp status and edp rejects show why; run again with another limit to go on',
        },
      ),
    );
  }
}

function contentKey({ table, contentHash }: LoadIdentity): string {
  return `${table} ${contentHash}`;
}

/**
 * Files in the order in which they may load: those of a table that others refer to come before theirs,
 * and are done before theirs begin.
 */
function inStages(targets: readonly Target[], model: Model): Target[][] {
  const stages: Target[][] = [];
  for (const target of targets) {
    const depth = referenceDepth(target.table, model, []);
    stages[depth] ??= [];
    stages[depth].push(target);
  }
  return stages.filter((stage) => stage !== undefined);
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

const FILE_FAULTS: ReadonlySet<string> = new Set([
  'header_mismatch',
  'not_csv',
  'corrupt_file',
  'io',
]);

function explainFailure(fault: EdpError | undefined): string {
  if (fault === undefined) return 'not finished; the same command goes on where it stopped';
  const place = fault.place === undefined ? '' : `${fault.place}: `;
  const hint = fault.hint === undefined ? '' : `\n  → ${fault.hint}`;
  return `${place}${fault.message}${hint}`;
}

/** An empty file has no header to plan by, and no records to plan for. */
function planFor(table: Table, { header, detection }: FileDescription, name: string): TablePlan {
  if (header.length === 0) {
    return { table: table.name, columns: [], sources: [], key: table.key, fieldCount: 0 };
  }
  const isMadeUp = !detection.hasHeader && header[0] === placeName(0);
  const fields = new Set(table.columns.map(({ field }) => field));
  if (isMadeUp && !header.some((field) => fields.has(field))) {
    throw new EdpError(
      'header_mismatch',
      `the first line does not name the fields: ${detection.why.header}`,
      {
        place: `${name}:${detection.skippedLines + 1}`,
        hint: 'name its fields with --columns a,b,c; or say --header if the first line names them',
      },
    );
  }
  return planTable(table, header, name);
}
