/**
 * A run of `edp ingest`: discover → claim → cut → dispatch → settle → report.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EdpError } from '../base/errors.js';
import { failpoint, tunable } from '../base/failpoints.js';
import { withoutHeader } from '../formats/open-format.js';
import { addRows, NO_ROWS, negate, type Receipt, type RowCounts } from '../ledger/counts.js';
import { assertMayKeepLedger } from '../ledger/privileges.js';
import type { LoadingRun } from '../ledger/runs.js';
import type { FileSettings } from '../model/file-settings.js';
import {
  DEFAULT_READ_BATCH,
  type MissingDimensions,
  type OnConflict,
  type OnNewField,
  type RejectLimit,
} from '../model/load-rules.js';
import type { Model, Table } from '../model/model.js';
import { identifySession, type SessionIdentity } from '../postgres/backend.js';
import type { Database } from '../postgres/database.js';
import { planIndexes } from '../postgres/indexes.js';
import { describeOtherRange } from '../postgres/partitions-in-catalog.js';
import { Session } from '../postgres/session.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { InputFile } from '../source/discover.js';
import { type BulkFile, loadInBulk, withFirstLines } from './bulk.js';
import { copiesByServer, Dispatcher, type PlannedSplit } from './dispatch.js';
import { type ClaimedLoad, FileQueue } from './file-queue.js';
import {
  type FileResult,
  type IngestProgress,
  type IngestResult,
  isFileFault,
  type RepeatedLoad,
} from './file-results.js';
import { findRepeats } from './find-repeats.js';
import { inGroups, isAlike, sumBytes } from './groups.js';
import { type ActiveLoad, LoadEndings } from './load-endings.js';
import type { SplitPool } from './load-pool.js';
import type { LoadTask } from './messages.js';
import { PartitionMaker } from './partition-maker.js';
import { planSplits, type SplitPlan, withoutBytes } from './plan-splits.js';
import { findTargets, inLevels, type Target } from './prepare-files.js';
import { RunBook } from './run-book.js';
import { ruleFor } from './sinks/staged-rows.js';
import { TargetTables } from './target-tables.js';
import { committedOf, tellSplit } from './tell-splits.js';

/** Interval of the attempts to claim a file that another run is loading. */
const BUSY_POLL_MS = 250;

/** For fewer rows, dropping the indexes and building them again is not worth it. */
const MIN_BULK_BYTES = 32 * 1024 * 1024;
/**
 * A run holds a lock for every load in progress, and the server has room for some thousands of
 * locks.
 */
const MAX_BULK_FILES = 2000;

export interface IngestOptions {
  readonly table: string | undefined;
  /** The settings that the user specified for the files of a table. */
  settingsFor(table: Table): FileSettings;
  readonly processCount: number;
  readonly readBatchSize: number;
  readonly writeBatchSize: number;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
  /** What happens to fields without a declared column; undefined if the table decides. */
  readonly onNewColumn: OnNewField | undefined;
  readonly maxRejects: RejectLimit | undefined;
  /** From when the records are valid. */
  readonly effectiveAt?: string | undefined;
  readonly force: boolean;
  /** Whether the files become the whole content of their table. */
  readonly replace?: boolean;
}

/** @param run its session holds the locks of the loads */
export async function ingest(
  database: Database,
  { client, givePlace }: LoadingRun,
  pool: SplitPool,
  model: Model,
  files: readonly InputFile[],
  options: IngestOptions,
  progress: IngestProgress,
  signal: AbortSignal,
): Promise<IngestResult> {
  // Each file must have a table before the first one is loaded.
  const targets = findTargets(model, files, options);
  pool.connect(database.client);
  await assertMayKeepLedger(client);
  const owner = await identifySession(client);
  const resources = { database, session: new Session(client), owner, pool, givePlace };
  return new IngestRun(resources, model, targets, options, progress, signal).execute();
}

export type PlannedSplits = readonly PlannedSplit[] | AsyncIterable<PlannedSplit>;

/** A load with its splits. */
interface PlannedLoad extends ClaimedLoad {
  readonly plan: Omit<SplitPlan, 'splits'> & BulkFile & { readonly splits: PlannedSplits };
}

interface Resources {
  readonly database: Database;
  /** Holds the locks of this run's loads. */
  readonly session: Session;
  readonly owner: SessionIdentity;
  readonly pool: SplitPool;
  /** Ends a connection, so that the first one that loads finds one. */
  givePlace(): Promise<void>;
}

class IngestRun {
  readonly #resources: Resources;
  readonly #model: Model;
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  readonly #dispatcher: Dispatcher;
  readonly #partitions: PartitionMaker;
  readonly #tables: TargetTables;
  readonly #book: RunBook;
  readonly #queue: FileQueue;
  readonly #endings: LoadEndings;
  readonly #targets: readonly Target[];
  readonly #signal: AbortSignal;
  #isOverRejectLimit = false;

  constructor(
    resources: Resources,
    model: Model,
    targets: readonly Target[],
    options: IngestOptions,
    progress: IngestProgress,
    signal: AbortSignal,
  ) {
    const { session, pool } = resources;
    this.#resources = resources;
    this.#model = model;
    this.#options = options;
    this.#progress = progress;
    this.#targets = targets;
    this.#signal = signal;
    this.#book = new RunBook(options.maxRejects, progress);
    this.#tables = new TargetTables(session, model, options.onConflict, (text) =>
      progress.note(text),
    );
    this.#queue = new FileQueue(session, this.#tables, this.#book, options);
    const { processCount } = options;
    this.#partitions = new PartitionMaker(
      resources.database.client,
      () => this.isStopped,
      (text) => progress.note(text),
    );
    this.#dispatcher = new Dispatcher({
      pool,
      processCount,
      givePlace: resources.givePlace,
      session,
      signal,
      partitions: this.#partitions,
      onCommitted: (splits, { receipts, changed, times }) => {
        const loads = splits.map(({ load }) => this.#endings.activeLoad(load.loadId));
        const lengths = splits.map(({ sourceBytes }, i) => sourceBytes ?? lengthOf(receipts[i]!));
        const total = lengths.reduce((sum, length) => sum + length, 0);
        for (const [i, bytes] of lengths.entries()) {
          const receipt = receipts[i]!;
          const { claim, prepared: file } = loads[i]!;
          const share = splits.length === 1 ? 1 : bytes / total;
          this.#endings.count(loads[i]!, receipt);
          this.#book.countCommitted(bytes, receipt.rows);
          progress.advance(bytes, receipt.rows);
          const { loadId } = claim;
          tellSplit({ loadId, file, bytes, receipt, changed: changed[i]!, times, share });
        }
        // The limit of rejects applies to splits that have committed together as a whole.
        this.enforceRejectLimit(false);
        for (const active of loads) active.isOverRejectLimit = this.#isOverRejectLimit;
      },
    });
    const parts = { session, queue: this.#queue, book: this.#book, progress };
    this.#endings = new LoadEndings(parts, this, targets.length, options.force);
  }

  get isStopped(): boolean {
    return this.#dispatcher.isStopped;
  }

  get isInterrupted(): boolean {
    return this.#signal.aborted && !this.#dispatcher.hasFailed;
  }

  get isOverRejectLimit(): boolean {
    return this.#isOverRejectLimit;
  }

  get failure(): unknown {
    return this.#dispatcher.failure;
  }

  stop(reason: unknown): void {
    this.#dispatcher.stop(reason);
  }

  async execute(): Promise<IngestResult> {
    const startedAt = performance.now();
    let failure: unknown;
    try {
      this.#progress.start(await this.#queue.measure(this.#targets));
      for (const level of inLevels(this.#targets, this.#model)) await this.#loadLevel(level);
      this.enforceRejectLimit(true);
      this.#dispatcher.assertNotFailed();
    } catch (error) {
      failure = error;
      this.stop(error);
    }
    await this.#endings.settled();
    await this.#partitions.close();
    // The end of a load can fail, too, and what stopped the run is no interruption.
    failure ??= this.#dispatcher.failure;
    const seconds = (performance.now() - startedAt) / 1000;
    const isInterrupted = this.isStopped && failure === undefined;
    const summary = this.#book.summarize(this.#targets, isInterrupted);
    if (failure !== undefined) return { seconds, ...summary, failure };
    const repeats = isInterrupted ? [] : await this.#findRepeats(summary.files);
    return { seconds, ...summary, ...(repeats.length === 0 ? {} : { repeats }) };
  }

  async #findRepeats(results: readonly FileResult[]): Promise<RepeatedLoad[]> {
    // With --force, somebody wants the records a second time.
    if (this.#options.force) return [];
    const repeats: RepeatedLoad[] = [];
    for (const table of new Set(this.#targets.map((target) => target.table))) {
      // There is a result for each target.
      const own = results.filter(
        ({ status }, i) => this.#targets[i]!.table === table && status === 'loaded',
      );
      if (own.length === 0) continue;
      const inCatalog = await this.#tables.prepare(table);
      const { place } = await this.#tables.locate(table);
      const { session } = this.#resources;
      // The files are loaded, whatever comes of this.
      const found = session.run((client) => findRepeats(client, table, { place, inCatalog }, own));
      repeats.push(...(await found.catch(() => [])));
    }
    return repeats;
  }

  /** Loads files until each is done, by this run or by another run that is loading it. */
  async #loadLevel(targets: readonly Target[]): Promise<void> {
    await this.#noteRanges(targets);
    let isWaiting = false;
    let open = await this.#loadTablesInBulk(targets);
    while (open.length > 0 && !this.isStopped) {
      const busy = await this.#loadAll(open);
      // Loads of this run end first, because this run itself may hold the file.
      await this.#endings.settled();
      if (busy.length === open.length) await sleep(BUSY_POLL_MS);
      if (busy.length > 0 && !isWaiting) {
        isWaiting = true;
        const names = busy.map(({ file }) => file.name).join(', ');
        this.#progress.note(`waiting for another run that loads ${names}`);
      }
      open = busy;
    }
  }

  /** Notes tables whose partitions are for other days than edp.yaml says. */
  async #noteRanges(targets: readonly Target[]): Promise<void> {
    for (const table of new Set(targets.map((target) => target.table))) {
      if (table.partitions?.range?.given === undefined) continue;
      const { partitions } = await this.#tables.prepare(table);
      const note = partitions && describeOtherRange(table, partitions);
      if (note !== undefined) this.#progress.note(note);
    }
  }

  /** @returns the files that must be loaded split by split */
  async #loadTablesInBulk(targets: readonly Target[]): Promise<readonly Target[]> {
    let open = targets;
    for (const table of new Set(targets.map((target) => target.table))) {
      const own = open.filter((target) => target.table === table);
      const bytes = own.reduce((sum, target) => sum + this.#queue.sizeOf(target), 0);
      const minBytes = tunable('bulk.min_bytes', MIN_BULK_BYTES);
      if (bytes < minBytes || own.length > MAX_BULK_FILES) continue;
      const left = await this.#loadTableInBulk(own);
      open = open.filter((target) => target.table !== table || left.includes(target));
    }
    return open;
  }

  /**
   * Loads all files of a table in one transaction, if that is possible.
   *
   * @returns the files that are not loaded yet
   */
  async #loadTableInBulk(targets: readonly Target[]): Promise<readonly Target[]> {
    const tableInCatalog = await this.#tables.prepare(targets[0]!.table);
    const { foreignKeys, checksForeignKeys, looksAtRows, partitions, hasVersions } = tableInCatalog;
    if (partitions?.isOpen === false) return targets;
    if (looksAtRows || hasVersions || (foreignKeys.length > 0 && !checksForeignKeys))
      return targets;
    const { session } = this.#resources;
    const indexes = await session.run((client) => planIndexes(client, tableInCatalog.table));
    if (indexes === undefined) return targets;
    const busy: Target[] = [];
    const claimed: ClaimedLoad[] = [];
    for await (const wave of this.#queue.claim(targets, () => this.isStopped)) {
      busy.push(...wave.busy);
      claimed.push(...wave.claimed);
    }
    const isFit =
      claimed.length > 0 &&
      claimed.every((load) => isAlike(load, claimed[0]!) && load.claim.committed.length === 0) &&
      !copiesByServer({ plan: claimed[0]!.prepared.plan, target: tableInCatalog });
    if (isFit && !this.isStopped && (await this.#copyInBulk(claimed))) return busy;
    await this.#sendAll(claimed);
    return busy;
  }

  /** @returns whether the files are loaded */
  async #copyInBulk(claimed: readonly ClaimedLoad[]): Promise<boolean> {
    const planned = claimed.map((load) => this.#plan(load));
    const plans = planned.map(({ plan }) => plan);
    const startedAt = performance.now();
    const totalBytes = sumBytes(claimed);
    const scannedBytes = claimed.map(() => 0);
    let scannedRows = NO_ROWS;
    for (const load of claimed) this.#endings.tellBegun(load, startedAt);
    await this.#resources.givePlace();
    const outcome = await loadInBulk(plans, {
      pool: this.#resources.pool,
      processCount: this.#options.processCount,
      stop: this.#dispatcher.stopFlag,
      totalBytes,
      onScanned: (file, bytes, rows) => {
        scannedBytes[file]! += bytes;
        scannedRows = addRows(scannedRows, rows);
        this.#progress.advance(bytes, rows);
        this.enforceRejectLimit(false, scannedRows);
      },
      onCopied: (rows) => {
        if (!this.isStopped) return;
        this.#progress.note(
          `building the indexes over the ${rows.toLocaleString('en-US')} rows that are copied, so that they stay`,
        );
      },
      onCommit: (isComplete) => {
        const isLast = this.#book.settledCount + claimed.length === this.#targets.length;
        this.enforceRejectLimit(isComplete && isLast, scannedRows);
      },
    });
    if (outcome.kind === 'undone') {
      const bytes = scannedBytes.reduce((sum, one) => sum + one, 0);
      this.#progress.advance(-bytes, negate(scannedRows));
      if (outcome.reason !== undefined && !this.isStopped) {
        this.#progress.note(
          `loading split by split, because the server refused the bulk load: ${outcome.reason}`,
        );
      }
      return false;
    }
    const committedBytes = scannedBytes.reduce((sum, one) => sum + one, 0);
    this.#book.countCommitted(committedBytes, scannedRows);
    await failpoint('bulk.committed');
    const { receipts, completeFiles } = outcome;
    for (const [i, load] of planned.entries()) {
      const own = receipts[i]!;
      const isComplete = i < completeFiles;
      if (!isComplete && own.length === 0) continue;
      const share = load.prepared.file.size / totalBytes;
      // What lies behind the last record is known to the plan that reads it.
      const rest = isComplete ? undefined : this.#planRest(load, own);
      const active = this.#endings.begin(rest ?? load, startedAt, share);
      for (const receipt of own) {
        this.#endings.count(active, receipt);
        const { loadId } = load.claim;
        tellSplit({ loadId, file: load.prepared, ...committedOf(receipt) });
      }
      active.isOverRejectLimit = this.#isOverRejectLimit;
      if (rest === undefined) {
        this.#progress.passOver(load.prepared.file.size - load.plan.openBytes);
        this.#endings.finish(active, [], true);
      } else await this.#sendRest(rest, active, scannedBytes[i]!);
    }
    await this.#sendAll(claimed.filter((_, i) => i >= completeFiles && receipts[i]!.length === 0));
    return true;
  }

  /** Plans what a bulk load has not copied of a file. */
  #planRest(load: ClaimedLoad, receipts: readonly Receipt[]): PlannedLoad {
    const { claim, prepared } = load;
    const committed = withFirstLines(receipts, prepared.description.dataLine);
    return this.#plan({ ...load, claim: { ...claim, committed } });
  }

  async #sendRest(rest: PlannedLoad, active: ActiveLoad, scannedBytes: number): Promise<void> {
    const { prepared } = rest;
    const { splits, openBytes } = rest.plan;
    // A file that is not plain text is read again from its beginning, but counts once.
    const bytesAgain = Math.max(0, openBytes + scannedBytes - prepared.file.size);
    this.#progress.passOver(prepared.file.size + bytesAgain - openBytes - scannedBytes);
    const plan = { ...rest.plan, splits: withoutBytes(splits, bytesAgain) };
    await this.#sendSplits({ ...rest, plan }, active);
  }

  /**
   * Dispatches files in their order.
   *
   * @returns the files that another run is loading
   */
  async #loadAll(targets: readonly Target[]): Promise<Target[]> {
    const open: Target[] = [];
    for await (const { claimed, busy } of this.#queue.claim(targets, () => this.isStopped)) {
      open.push(...busy);
      await this.#sendAll(claimed);
    }
    return open;
  }

  /** Divides the rest of a load into splits. */
  #plan(claimed: ClaimedLoad): PlannedLoad {
    const { prepared, claim } = claimed;
    const { description, tableInCatalog, plan: columns, recordForm, file } = prepared;
    const { writeBatchSize, onConflict, missingDimensions } = this.#options;
    const load: LoadTask = {
      database: this.#resources.database.client,
      file,
      recordForm: claim.passesHeaders ? recordForm : withoutHeader(recordForm),
      footerStart: description.footer?.start,
      plan: columns,
      target: tableInCatalog,
      loadId: claim.loadId,
      attempt: claim.attempt,
      owner: this.#resources.owner,
      writeBatchSize,
      onConflict: ruleFor(tableInCatalog, onConflict),
      missingDimensions,
    };
    const plan = planSplits(prepared, claim.committed, {
      ...this.#options,
      readBatchSize: readBatchSizeFor(tableInCatalog, this.#options),
      areRelated: tableInCatalog.refersToItself,
    });
    return { ...claimed, plan: { ...plan, load, splits: ofLoad(load, plan.splits) } };
  }

  /** Dispatches loads in their order; small ones of the same table together. */
  async #sendAll(claimed: readonly ClaimedLoad[]): Promise<void> {
    if (claimed.some(({ prepared }) => prepared.tableInCatalog.hasVersions)) {
      return this.#sendInTurn(claimed);
    }
    const planned = claimed.map((load) => this.#plan(load));
    for (const group of inGroups(planned, this.#options.processCount)) {
      if (group.length === 1) await this.#send(group[0]!);
      else await this.#sendTogether(group);
    }
  }

  /** Of a table with versions, a load begins when those before it have ended: its records are compared with theirs. */
  async #sendInTurn(claimed: readonly ClaimedLoad[]): Promise<void> {
    for (const load of claimed) {
      if (load.prepared.tableInCatalog.hasVersions) await this.#endings.settled();
      await this.#send(this.#plan(load));
    }
  }

  /** Sends small loads to one worker. */
  async #sendTogether(loads: readonly PlannedLoad[]): Promise<void> {
    const totalBytes = sumBytes(loads);
    const active = loads.map((load) => this.#begin(load, load.prepared.file.size / totalBytes));
    await failpoint('run.planned');
    const splits = loads.flatMap(({ plan }) => plan.splits as readonly PlannedSplit[]);
    const ended = this.isStopped ? Promise.resolve(0) : (await this.#dispatcher.send(splits)).ended;
    for (const [i, load] of active.entries()) {
      this.#endings.finish(load, [ended.then((committed) => i < committed)], true);
    }
  }

  #begin(load: PlannedLoad, share?: number): ActiveLoad {
    const active = this.#endings.begin(load, performance.now(), share);
    this.enforceRejectLimit(false);
    this.#progress.passOver(load.prepared.file.size - load.plan.openBytes);
    return active;
  }

  async #send(load: PlannedLoad): Promise<void> {
    const active = this.#begin(load);
    await failpoint('run.planned');
    await this.#sendSplits(load, active);
  }

  async #sendSplits(load: PlannedLoad, active: ActiveLoad): Promise<void> {
    const committed: Promise<boolean>[] = [];
    let isAllSent = false;
    let fault: EdpError | undefined;
    try {
      for await (const split of load.plan.splits) {
        if (this.isStopped) break;
        const { ended } = await this.#dispatcher.send([split]);
        committed.push(ended.then((count) => count === 1));
        if (split.release !== undefined) void ended.then(split.release);
      }
      isAllSent = !this.isStopped;
    } catch (error) {
      // Splits that were dispatched before may commit; the same command continues after them.
      if (!isFileFault(error)) throw error;
      fault = error;
    } finally {
      this.#endings.finish(active, committed, isAllSent, fault);
    }
  }

  /**
   * Stops the run if it has rejected too many records.
   *
   * @param isEnd whether no more records follow
   * @param uncommitted counts of splits that have not committed yet
   */
  enforceRejectLimit(isEnd: boolean, uncommitted?: RowCounts): void {
    const fault = this.#book.findRejectLimitFault(isEnd, uncommitted);
    if (fault === undefined) return;
    this.#isOverRejectLimit = true;
    this.stop(fault);
  }
}

/** With more rows of each partition together, the server gets fewer COPY statements. */
const PARTITIONED_READ_BATCH = 400_000;

/** What the user asks for holds. */
function readBatchSizeFor(
  { partitions }: TableInCatalog,
  { readBatchSize }: Pick<IngestOptions, 'readBatchSize'>,
): number {
  const isDefault = readBatchSize === DEFAULT_READ_BATCH;
  return isDefault && partitions?.isOpen === true ? PARTITIONED_READ_BATCH : readBatchSize;
}

function lengthOf({ start, end }: Receipt): number {
  return end - start;
}

/** The splits of a load, each with the load. */
export function ofLoad(load: LoadTask, splits: SplitPlan['splits']): PlannedSplits {
  if (!(Symbol.asyncIterator in splits)) return splits.map((split) => ({ load, ...split }));
  return (async function* () {
    for await (const split of splits) yield { load, ...split };
  })();
}
