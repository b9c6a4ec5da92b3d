/**
 * A run of `edp ingest`: discover → claim → cut → dispatch → settle → report.
 */

import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { EdpError } from '../base/errors.js';
import { failpoint, tunable } from '../base/failpoints.js';
import { safeText } from '../base/safe-text.js';
import { listOddities, summarizeForm } from '../formats/describe-file.js';
import { openFormat } from '../formats/record-form.js';
import { cutGap, findGaps } from '../formats/text/cut-ranges.js';
import type { FileSplit } from '../formats/text/file-split.js';
import { isDecoded } from '../formats/text/read-text.js';
import { streamSplits } from '../formats/text/stream-splits.js';
import type { Receipt, RowCounts } from '../ledger/counts.js';
import { addRows, NO_ROWS, negate } from '../ledger/counts.js';
import { findCommonFault } from '../ledger/ledger-queries.js';
import {
  type Claim,
  claimLoads,
  type EndedLoad,
  endLoads,
  type LoadIdentity,
  loadKey,
} from '../ledger/loads.js';
import { holdModel } from '../ledger/model-lock.js';
import { listPromotions, unknownPromotions } from '../ledger/promotions.js';
import { RemarkTally } from '../ledger/remarks.js';
import { listDrift } from '../mapping/find-drift.js';
import type { Drift } from '../model/drift.js';
import type { FileSettings, Format } from '../model/file-settings.js';
import type {
  MissingDimensions,
  OnConflict,
  OnNewField,
  RejectLimit,
} from '../model/load-rules.js';
import type { Model, Table } from '../model/model.js';
import { identifySession, type SessionIdentity } from '../postgres/backend.js';
import { withClient } from '../postgres/connection.js';
import type { Database } from '../postgres/database.js';
import { planIndexes } from '../postgres/indexes.js';
import { migrate } from '../postgres/migrate.js';
import { Session } from '../postgres/session.js';
import { inspectTable, type TableInCatalog } from '../postgres/table-in-catalog.js';
import { ensureExtraColumn, ensureTable } from '../postgres/tables.js';
import type { InputFile } from '../source/discover.js';
import { loadInBulk } from './bulk.js';
import { Dispatcher, type PlannedSplit } from './dispatch.js';
import {
  type FileResult,
  fileFaultReason,
  findRejectLimitFault,
  type IngestProgress,
  type IngestResult,
  isFileFault,
  summarizeFiles,
  unclaimedReason,
} from './file-results.js';
import type { SplitPool } from './load-pool.js';
import type { LoadTask } from './messages.js';
import {
  findTargets,
  inLevels,
  type PreparedFile,
  prepareTarget,
  type Target,
} from './prepare-files.js';

/** How often a file that another run is loading is asked for again. */
const BUSY_POLL_MS = 250;

/** For how long the end of a small file waits for those of others. */
const END_GATHER_MS = 25;

export interface IngestOptions {
  readonly table: string | undefined;
  /** What the user said about the form of a table's files. */
  settingsFor(table: Table): FileSettings;
  readonly processCount: number;
  readonly readBatchSize: number;
  readonly writeBatchSize: number;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
  /** What becomes of fields that no column is declared for; by table where nothing was said. */
  readonly onNewColumn: OnNewField | undefined;
  readonly maxRejects: RejectLimit | undefined;
  readonly force: boolean;
}

export async function ingest(
  database: Database,
  pool: SplitPool,
  model: Model,
  files: readonly InputFile[],
  options: IngestOptions,
  progress: IngestProgress,
  signal: AbortSignal,
): Promise<IngestResult> {
  // Every file has a table before any is loaded.
  const targets = findTargets(model, files, options);
  pool.connect(database.client);
  return withClient(database.client, 'ingest', async (client) => {
    await failpoint('run.migrating', client);
    await migrate(client);
    await failpoint('run.migrated', client);
    const owner = await identifySession(client);
    const session = new Session(client);
    const run = new IngestRun(database, model, options, progress, { session, owner, pool }, signal);
    return run.execute(targets);
  });
}

/** A file that can be claimed: its table is there. */
interface ReadyFile extends PreparedFile {
  readonly tableInCatalog: TableInCatalog;
}

interface ClaimedFile {
  readonly prepared: ReadyFile;
  readonly claim: Claim;
}

interface ClaimedLoad extends ClaimedFile {
  readonly claim: Extract<Claim, { kind: 'claimed' }>;
}

/** A load that has its splits. */
interface PlannedLoad extends ClaimedLoad {
  readonly plan: LoadPlan;
}

interface LoadPlan {
  readonly load: LoadTask;
  /** Those of a file that is not plain text are made while it is read. */
  readonly splits: readonly PlannedSplit[] | AsyncIterable<PlannedSplit>;
  /** Bytes of the file that they stand for. */
  readonly openBytes: number;
  /** About how many bytes a worker is to take at a time. */
  readonly batchBytes: number;
  readonly dataStart: number;
  /** Undefined where it shows only when all is read. */
  readonly dataEnd: number | undefined;
  readonly dataLine: number;
}

/** A file on its way into its table. */
interface ActiveLoad {
  readonly name: string;
  readonly table: string;
  readonly bytes: number;
  readonly claim: Extract<Claim, { kind: 'claimed' }>;
  readonly identity: LoadIdentity;
  readonly startedAt: number;
  /** How much of the time since then it took, where others were loaded with it. */
  readonly share: number;
  readonly format: Format;
  readonly dialect: object;
  readonly drift: Drift | undefined;
  rows: RowCounts;
  /** Whether the run had rejected too much when the last of it was counted. */
  isOverRejectLimit: boolean;
}

class IngestRun {
  readonly #database: Database;
  readonly #model: Model;
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  /** Holds the locks of this run's loads. */
  readonly #session: Session;
  readonly #owner: SessionIdentity;
  readonly #pool: SplitPool;
  readonly #dispatcher: Dispatcher;
  readonly #targets = new Map<string, Promise<TableInCatalog>>();
  readonly #active = new Map<number, ActiveLoad>();
  /** Contents this run is loading now: its own lock would not keep it from claiming one twice. */
  readonly #inHand = new Set<string>();
  readonly #results = new Map<InputFile, FileResult>();
  /** The form that the user was last told of, by table. */
  readonly #toldOddities = new Map<string, string>();
  readonly #endings: Promise<void>[] = [];
  /** Loads whose end the ledger is still to be told. */
  readonly #ended: EndedLoad[] = [];
  #ending: Promise<void> | undefined;
  #sizes = new Map<InputFile, number>();
  readonly #remarks = new RemarkTally();
  /** Of the loads of this run, also what earlier runs of them committed. */
  #rows: RowCounts = NO_ROWS;
  #targetCount = 0;
  #isOverRejectLimit = false;

  constructor(
    database: Database,
    model: Model,
    options: IngestOptions,
    progress: IngestProgress,
    resources: { session: Session; owner: SessionIdentity; pool: SplitPool },
    signal: AbortSignal,
  ) {
    this.#database = database;
    this.#model = model;
    this.#options = options;
    this.#progress = progress;
    this.#session = resources.session;
    this.#owner = resources.owner;
    this.#pool = resources.pool;
    this.#dispatcher = new Dispatcher({
      pool: resources.pool,
      processCount: options.processCount,
      session: resources.session,
      signal,
      onCommitted: (splits, receipts) => {
        const loads = splits.map(({ load }) => this.#active.get(load.loadId)!);
        for (const [i, { sourceBytes }] of splits.entries()) {
          const receipt = receipts[i]!;
          this.#count(loads[i]!, receipt);
          progress.advance(sourceBytes ?? receipt.end - receipt.start, receipt.rows);
        }
        // What has committed together is judged together.
        this.#enforceRejectLimit(false);
        for (const active of loads) active.isOverRejectLimit = this.#isOverRejectLimit;
      },
    });
  }

  async execute(targets: readonly Target[]): Promise<IngestResult> {
    const startedAt = performance.now();
    this.#targetCount = targets.length;
    let failure: unknown;
    try {
      const sizes = await Promise.all(
        targets.map(async ({ file }) => [file, (await stat(file.path)).size] as const),
      );
      this.#sizes = new Map(sizes);
      this.#progress.start(sizes.reduce((sum, [, size]) => sum + size, 0));
      for (const level of inLevels(targets, this.#model)) await this.#loadLevel(level);
      this.#enforceRejectLimit(true);
      this.#dispatcher.assertNotFailed();
    } catch (error) {
      failure = error;
      this.#dispatcher.stop(error);
    }
    await Promise.all(this.#endings);

    return {
      seconds: (performance.now() - startedAt) / 1000,
      ...summarizeFiles(targets, this.#results),
      remarks: this.#remarks.counts,
      ...(failure === undefined ? {} : { failure }),
      isInterrupted: this.#dispatcher.isStopped && failure === undefined,
    };
  }

  /** Loads files until each is done, by this run or by another that has it in hand. */
  async #loadLevel(targets: readonly Target[]): Promise<void> {
    let isWaiting = false;
    let open = await this.#loadTablesInBulk(targets);
    while (open.length > 0 && !this.#dispatcher.isStopped) {
      const busy = await this.#loadAll(open);
      // What this run has in hand ends first: a file may be busy with this very run.
      await Promise.all(this.#endings);
      if (busy.length === open.length) await sleep(BUSY_POLL_MS);
      if (busy.length > 0 && !isWaiting) {
        isWaiting = true;
        const names = busy.map(({ file }) => file.name).join(', ');
        this.#progress.note(`waiting for another run that loads ${names}`);
      }
      open = busy;
    }
  }

  /** @returns the files that are to be loaded split by split */
  async #loadTablesInBulk(targets: readonly Target[]): Promise<readonly Target[]> {
    let open = targets;
    for (const table of new Set(targets.map((target) => target.table))) {
      const own = open.filter((target) => target.table === table);
      const bytes = own.reduce((sum, { file }) => sum + (this.#sizes.get(file) ?? 0), 0);
      const minBytes = tunable('bulk.min_bytes', MIN_BULK_BYTES);
      if (bytes < minBytes || own.length > MAX_BULK_FILES) continue;
      const left = await this.#loadTableInBulk(own);
      open = open.filter((target) => target.table !== table || left.includes(target));
    }
    return open;
  }

  /**
   * Loads all files of a table in one transaction, where that is possible.
   *
   * @returns the files that are still to be loaded
   */
  async #loadTableInBulk(targets: readonly Target[]): Promise<readonly Target[]> {
    const tableInCatalog = await this.#prepareTable(targets[0]!.table);
    if (tableInCatalog.foreignKeys.length > 0 && !tableInCatalog.checksForeignKeys) return targets;
    const indexes = await this.#session.run((client) => planIndexes(client, tableInCatalog.table));
    if (indexes === undefined) return targets;
    const left: Target[] = [];
    const claimed: ClaimedLoad[] = [];
    for (const wave of inWaves(targets, this.#sizes, this.#options.processCount)) {
      for (const { prepared, claim } of await this.#claimWave(wave)) {
        if (claim.kind === 'busy') left.push(prepared.target);
        else if (claim.kind === 'claimed') claimed.push({ prepared, claim });
        else this.#settleUnclaimed(prepared, claim);
      }
    }
    const isFit =
      claimed.length > 0 &&
      claimed.every((load) => isAlike(load, claimed[0]!) && load.claim.committed.length === 0);
    if (isFit && !this.#dispatcher.isStopped && (await this.#copyInBulk(claimed))) return left;
    await this.#sendAll(claimed);
    return left;
  }

  /** @returns whether the files are loaded */
  async #copyInBulk(claimed: readonly ClaimedLoad[]): Promise<boolean> {
    const plans = claimed.map(({ prepared, claim }) => this.#plan(prepared, claim));
    const startedAt = performance.now();
    let scanned = { bytes: 0, rows: NO_ROWS };
    const outcome = await loadInBulk(plans, {
      pool: this.#pool,
      processCount: this.#options.processCount,
      stop: this.#dispatcher.stopFlag,
      onScanned: (bytes, rows) => {
        scanned = { bytes: scanned.bytes + bytes, rows: addRows(scanned.rows, rows) };
        this.#progress.advance(bytes, rows);
        this.#enforceRejectLimit(false, scanned.rows);
      },
      mayCommit: () => {
        const isEnd = this.#results.size + claimed.length === this.#targetCount;
        this.#enforceRejectLimit(isEnd, scanned.rows);
        return !this.#dispatcher.isStopped;
      },
    });
    if (outcome.kind === 'undone') {
      this.#progress.advance(-scanned.bytes, negate(scanned.rows));
      if (outcome.reason !== undefined && !this.#dispatcher.isStopped) {
        this.#progress.note(
          `loading split by split, since at once it was refused: ${outcome.reason}`,
        );
      }
      return false;
    }
    await failpoint('bulk.committed');
    const totalBytes = sumBytes(claimed);
    for (const [i, { prepared, claim }] of claimed.entries()) {
      const share = prepared.file.size / totalBytes;
      const active = this.#activate(prepared, claim, startedAt, share);
      for (const receipt of outcome.receipts[i]!) this.#count(active, receipt);
      this.#endings.push(this.#finish(prepared.target, active, [], true));
    }
    return true;
  }

  /**
   * Sends files on their way, in their order, a wave at a time: while the splits of one wave wait for
   * workers, the next is claimed.
   *
   * @returns the files that another run has in hand
   */
  async #loadAll(targets: readonly Target[]): Promise<Target[]> {
    const busy: Target[] = [];
    const waves = inWaves(targets, this.#sizes, this.#options.processCount);
    let next = waves[0] === undefined ? undefined : this.#claimWave(waves[0]);
    for (let i = 0; next !== undefined; i++) {
      const claimed: readonly ClaimedFile[] = await next;
      const following = waves[i + 1];
      next = following === undefined ? undefined : this.#claimWave(following);
      // Whoever waits for it meets its failure; until then it is nobody's.
      next?.catch(() => {});
      const open: ClaimedLoad[] = [];
      for (const { prepared, claim } of claimed) {
        if (claim.kind === 'busy') busy.push(prepared.target);
        else if (claim.kind === 'claimed') open.push({ prepared, claim });
        else this.#settleUnclaimed(prepared, claim);
      }
      await this.#sendAll(open);
    }
    return busy;
  }

  /** Files that cannot be loaded are settled here, and are not among those returned. */
  async #claimWave(targets: readonly Target[]): Promise<ClaimedFile[]> {
    if (this.#dispatcher.isStopped) return [];
    const prepared = (
      await Promise.all(targets.map((target) => this.#prepareUnlessFaulty(target)))
    ).filter((file) => file !== undefined);
    const claims: Claim[] = prepared.map(() => ({ kind: 'busy' }));
    // One after the other where a wave has the same content twice; so is one that is still in hand.
    const chosen = new Map<string, number>();
    for (const [i, { identity }] of prepared.entries()) {
      const key = loadKey(identity);
      if (!this.#inHand.has(key) && !chosen.has(key)) chosen.set(key, i);
    }
    const indexes = [...chosen.values()];
    for (const key of chosen.keys()) this.#inHand.add(key);
    if (indexes.length === 0)
      return prepared.map((file) => ({ prepared: file, claim: { kind: 'busy' } }));
    const results = await this.#session.run((client) =>
      claimLoads(
        client,
        indexes.map((i) => prepared[i]!.identity),
        this.#options.force,
      ),
    );
    for (const [n, i] of indexes.entries()) {
      claims[i] = results[n]!;
      if (claims[i].kind !== 'claimed') this.#inHand.delete(loadKey(prepared[i]!.identity));
    }
    return prepared.map((file, i) => ({ prepared: file, claim: claims[i]! }));
  }

  async #prepareUnlessFaulty(target: Target): Promise<ReadyFile | undefined> {
    try {
      const prepared = await prepareTarget(target, this.#options);
      return { ...prepared, tableInCatalog: await this.#prepareTable(target.table) };
    } catch (error) {
      // One file's fault is no reason to give up the others; anything else is.
      if (!isFileFault(error)) throw error;
      this.#settle(target, {
        status: 'failed',
        loadId: null,
        rows: NO_ROWS,
        bytes: 0,
        reason: fileFaultReason(error),
      });
      return undefined;
    }
  }

  #settle({ file, table }: Target, result: Omit<FileResult, 'path' | 'table'>): void {
    const complete: FileResult = { path: file.name, table: table.name, ...result };
    this.#results.set(file, complete);
    this.#progress.fileDone(complete);
  }

  #settleUnclaimed(
    { target, file }: ReadyFile,
    claim: Exclude<Claim, { kind: 'busy' | 'claimed' }>,
  ): void {
    const { loadId } = claim;
    const reason = unclaimedReason(claim, target.file.name);
    if (claim.kind !== 'known') {
      this.#settle(target, { status: 'failed', loadId, rows: NO_ROWS, bytes: 0, reason });
      return;
    }
    this.#progress.advance(file.size, NO_ROWS);
    this.#settle(target, { status: 'skipped', loadId, rows: NO_ROWS, bytes: file.size, reason });
  }

  #prepareTable(table: Table): Promise<TableInCatalog> {
    let target = this.#targets.get(table.name);
    if (target === undefined) {
      target = this.#session.run(async (client) => {
        await ensureTable(client, this.#model, table);
        await ensureExtraColumn(client, table);
        await failpoint('run.table', client);
        await holdModel(client, table, this.#options.onConflict);
        await failpoint('run.model_held', client);
        await this.#warnOfPromotions(client, table);
        return inspectTable(client, table);
      });
      this.#targets.set(table.name, target);
    }
    return target;
  }

  /** Looked at once the model is held: a promotion either waits for this run, or is seen by it. */
  async #warnOfPromotions(client: pg.Client, table: Table): Promise<void> {
    const promotions = await listPromotions(client, table.name);
    for (const { metric, column } of unknownPromotions(table, promotions)) {
      this.#progress.note(
        `warning: metric ${safeText(JSON.stringify(metric))} of "${safeText(table.name)}" was promoted to column "${safeText(column)}", which this model does not declare: it is kept beside the rows. Declare it in edp.yaml; edp promote moves what is kept`,
      );
    }
  }

  #activate(
    { target, description, drift, file, identity }: ReadyFile,
    claim: Extract<Claim, { kind: 'claimed' }>,
    startedAt = performance.now(),
    share = 1,
  ): ActiveLoad {
    const active: ActiveLoad = {
      name: target.file.name,
      table: target.table.name,
      bytes: file.size,
      claim,
      identity,
      startedAt,
      share,
      format: description.format,
      dialect: summarizeForm(description),
      drift,
      rows: claim.rows,
      isOverRejectLimit: false,
    };
    this.#active.set(claim.loadId, active);
    this.#tell(target, [...listOddities(description), ...listDrift(drift, target.table)]);
    if (claim.hadOtherModel) {
      this.#progress.note(
        `load ${claim.loadId} of ${safeText(target.file.name)} was begun with another model of "${safeText(target.table.name)}"; what is left of it loads with the present one`,
      );
    }
    this.#remarks.addCounts(claim.remarks);
    this.#rows = addRows(this.#rows, claim.rows);
    return active;
  }

  /** Tells how a file is read, unless that is as usual, or as the file before. */
  #tell({ file, table }: Target, oddities: readonly string[]): void {
    const told = oddities.join(', ');
    if (told === (this.#toldOddities.get(table.name) ?? '')) return;
    this.#toldOddities.set(table.name, told);
    this.#progress.note(`${safeText(file.name)} is read with: ${told || 'no oddities'}`);
  }

  /** Counts what has committed. */
  #count(active: ActiveLoad, { rows, remarks }: Receipt): void {
    active.rows = addRows(active.rows, rows);
    this.#rows = addRows(this.#rows, rows);
    this.#remarks.addCounts(remarks);
  }

  /** What is left of a load, cut into splits. */
  #plan(
    { target, description, tableInCatalog, plan, recordForm, file }: ReadyFile,
    claim: Extract<Claim, { kind: 'claimed' }>,
  ): LoadPlan {
    const { form, dataStart, dataLine, recordBytes, footer, skipFooter } = description;
    const { processCount, writeBatchSize, readBatchSize, onConflict, missingDimensions } =
      this.#options;
    const load: LoadTask = {
      database: this.#database.client,
      file,
      recordForm,
      footerStart: footer?.start,
      plan,
      target: tableInCatalog,
      loadId: claim.loadId,
      attempt: claim.attempt,
      owner: this.#owner,
      writeBatchSize,
      onConflict,
      missingDimensions,
    };
    const batchBytes = Math.max(1, Math.round(readBatchSize * recordBytes));
    if (isDecoded(form)) {
      const text = streamSplits(file, openFormat(recordForm), {
        name: target.file.name,
        form,
        gaps: findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, claim.committed),
        splitBytes: batchBytes,
        textBytes: description.textBytes,
        processCount,
        skipFooter,
      });
      const splits = ofLoad(load, text);
      const openBytes = file.size;
      return { load, splits, openBytes, batchBytes, dataStart, dataLine, dataEnd: undefined };
    }
    const { dataEnd = file.size } = description;
    // A file of a few long records keeps all workers busy, too.
    const share = Math.max(MIN_SHARE_BYTES, Math.ceil(file.size / processCount));
    const splitBytes = Math.min(batchBytes, share);
    const gaps = findGaps(dataStart, dataLine, dataEnd, claim.committed);
    const splits = gaps.flatMap((gap) =>
      cutGap(gap, splitBytes).map((range) => ({
        load,
        range,
        firstLine: range.isExact ? gap.firstLine : undefined,
      })),
    );
    const openBytes = gaps.reduce((sum, { start, end }) => sum + end - start, 0);
    return { load, splits, openBytes, batchBytes, dataStart, dataLine, dataEnd };
  }

  /** Sends loads on their way, in their order; small ones of a table several at a time. */
  async #sendAll(claimed: readonly ClaimedLoad[]): Promise<void> {
    const planned = claimed.map((load) => ({
      ...load,
      plan: this.#plan(load.prepared, load.claim),
    }));
    for (const group of inGroups(planned, this.#options.processCount)) {
      if (group.length === 1) await this.#send(group[0]!);
      else await this.#sendTogether(group);
    }
  }

  /** Sends small loads to one worker. */
  async #sendTogether(loads: readonly PlannedLoad[]): Promise<void> {
    const totalBytes = sumBytes(loads);
    const active = loads.map((load) => this.#begin(load, load.prepared.file.size / totalBytes));
    await failpoint('run.planned');
    const splits = loads.flatMap(({ plan }) => plan.splits as readonly PlannedSplit[]);
    const ended = this.#dispatcher.isStopped
      ? Promise.resolve(0)
      : (await this.#dispatcher.send(splits)).ended;
    for (const [i, { prepared }] of loads.entries()) {
      const isCommitted = ended.then((committed) => i < committed);
      this.#endings.push(this.#finish(prepared.target, active[i]!, [isCommitted], true));
    }
  }

  #begin({ prepared, claim, plan }: PlannedLoad, share = 1): ActiveLoad {
    const active = this.#activate(prepared, claim, performance.now(), share);
    this.#enforceRejectLimit(false);
    this.#progress.advance(prepared.file.size - plan.openBytes, NO_ROWS);
    return active;
  }

  async #send(load: PlannedLoad): Promise<void> {
    const { prepared, plan } = load;
    const active = this.#begin(load);
    await failpoint('run.planned');
    const endings: Promise<boolean>[] = [];
    let isAllSent = false;
    let fault: EdpError | undefined;
    try {
      for await (const split of plan.splits) {
        if (this.#dispatcher.isStopped) break;
        const { ended } = await this.#dispatcher.send([split]);
        endings.push(ended.then((committed) => committed === 1));
        if (split.release !== undefined) void ended.then(split.release);
      }
      isAllSent = !this.#dispatcher.isStopped;
    } catch (error) {
      // What was sent before may commit; the same command goes on behind it.
      if (!isFileFault(error)) throw error;
      fault = error;
    } finally {
      this.#endings.push(this.#finish(prepared.target, active, endings, isAllSent, fault));
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
    const isLast = this.#results.size === this.#targetCount - 1;
    if (isLast) this.#enforceRejectLimit(true);
    // Over the limit it stays open, so that the next run holds it against its own limit again.
    const isOver = active.isOverRejectLimit || (isLast && this.#isOverRejectLimit);
    const isComplete = isAllSent && committed.every((isCommitted) => isCommitted) && !isOver;
    const { claim, identity, bytes } = active;
    const seconds = ((performance.now() - active.startedAt) * active.share) / 1000;
    try {
      const { loadId, attempt } = claim;
      await this.#end({ loadId, attempt, key: identity, isComplete, seconds });
    } catch (error) {
      this.#dispatcher.stop(error);
    }
    if (isComplete && active.rows.loaded === 0 && active.rows.rejected > 0) {
      await this.#tellMisfit(active).catch(() => {});
    }
    this.#inHand.delete(loadKey(identity));
    this.#settle(target, {
      status: isComplete ? 'loaded' : 'failed',
      loadId: claim.loadId,
      rows: active.rows,
      bytes,
      format: active.format,
      dialect: active.dialect,
      ...(active.drift === undefined ? {} : { drift: active.drift }),
      ...(isComplete ? {} : { reason: this.#unfinishedReason(claim.loadId, fault) }),
    });
  }

  /** A file of which nothing fits has likely changed altogether; what is most often wrong tells how. */
  async #tellMisfit({ name, table, claim }: ActiveLoad): Promise<void> {
    const fault = await this.#session.run((client) => findCommonFault(client, claim.loadId));
    if (fault === undefined) return;
    const { code, column, records } = fault;
    const where = column === null ? '' : ` in column "${safeText(column)}"`;
    const file = safeText(name);
    this.#progress.note(
      `no record of ${file} fits table "${safeText(table)}": ${records} × ${code}${where}. If its types have changed, edp model infer ${file} shows which it needs`,
    );
  }

  /** Tells the ledger of a load's end; of all at once that end within a moment of each other. */
  #end(load: EndedLoad): Promise<void> {
    this.#ended.push(load);
    this.#ending ??= this.#endTogether();
    return this.#ending;
  }

  async #endTogether(): Promise<void> {
    const isLast = this.#results.size >= this.#targetCount - 1;
    if (!isLast && !this.#dispatcher.isStopped) await sleep(END_GATHER_MS);
    await this.#session.run(async (client) => {
      this.#ending = undefined;
      await endLoads(client, this.#ended.splice(0));
    });
  }

  #unfinishedReason(loadId: number, fault: EdpError | undefined): string {
    if (fault !== undefined) {
      return `${fileFaultReason(fault)}\n  → what comes before is loaded, as load ${loadId}: the whole file goes on from there; edp undo ${loadId} removes it`;
    }
    return this.#isOverRejectLimit
      ? 'stopped by --max-rejects; with another limit the same command goes on where it stopped'
      : 'not finished; the same command goes on where it stopped';
  }

  /**
   * @param isEnd whether nothing more is to come
   * @param uncommitted counts of what is still to commit
   */
  #enforceRejectLimit(isEnd: boolean, uncommitted: RowCounts = NO_ROWS): void {
    const rows = addRows(this.#rows, uncommitted);
    const fault = findRejectLimitFault(this.#options.maxRejects, rows, isEnd);
    if (fault === undefined) return;
    this.#isOverRejectLimit = true;
    this.#dispatcher.stop(fault);
  }
}

/** Bytes of a file that are worth a split of their own, whatever the number of records. */
const MIN_SHARE_BYTES = 4 * 1024 * 1024;

/** For less, taking the indexes off and putting them back is not worth it. */
const MIN_BULK_BYTES = 32 * 1024 * 1024;
/** A run holds a lock for every load it has in hand, and the server has room for some thousands. */
const MAX_BULK_FILES = 2000;

/** Small files that a worker takes together. */
const MAX_GROUP_FILES = 16;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/** Groups for each worker among the files claimed at once, so that none waits for another's last one. */
const GROUPS_PER_WORKER = 2;

/** Files claimed at once: small ones share round trips; big ones are left to other runs until their turn. */
function inWaves(
  targets: readonly Target[],
  sizes: ReadonlyMap<InputFile, number>,
  processCount: number,
): Target[][] {
  const groups = GROUPS_PER_WORKER * processCount;
  const waves: Target[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const size = sizes.get(target.file) ?? 0;
    const last = waves.at(-1);
    if (
      last === undefined ||
      last.length >= groups * MAX_GROUP_FILES ||
      bytes + size > groups * MAX_GROUP_BYTES
    ) {
      waves.push([target]);
      bytes = size;
    } else {
      last.push(target);
      bytes += size;
    }
  }
  return waves;
}

async function* ofLoad(
  load: LoadTask,
  splits: AsyncIterable<FileSplit>,
): AsyncGenerator<PlannedSplit> {
  for await (const split of splits) yield { load, ...split };
}

/** Loads that go to a worker together: what can be loaded in one transaction. */
function inGroups(loads: readonly PlannedLoad[], processCount: number): PlannedLoad[][] {
  const fairShare = Math.ceil(loads.length / (GROUPS_PER_WORKER * processCount));
  const maxFiles = Math.min(MAX_GROUP_FILES, fairShare);
  const groups: PlannedLoad[][] = [];
  let bytes = 0;
  for (const load of loads) {
    const last = groups.at(-1);
    const { size } = load.prepared.file;
    if (
      last !== undefined &&
      last.length < maxFiles &&
      bytes + size <= Math.min(MAX_GROUP_BYTES, load.plan.batchBytes) &&
      isWholeInOneSplit(load) &&
      isWholeInOneSplit(last[0]!) &&
      isAlike(load, last[0]!)
    ) {
      last.push(load);
      bytes += size;
    } else {
      groups.push([load]);
      bytes = size;
    }
  }
  return groups;
}

function isWholeInOneSplit({ plan: { splits } }: PlannedLoad): boolean {
  return Array.isArray(splits) && splits.length === 1 && splits[0].range.isExact;
}

function sumBytes(loads: readonly ClaimedLoad[]): number {
  return loads.reduce((sum, { prepared }) => sum + prepared.file.size, 0);
}

/** Whether the rows of two files can go through one COPY. */
function isAlike({ prepared: a }: ClaimedLoad, { prepared: b }: ClaimedLoad): boolean {
  return a.target.table === b.target.table && isDeepStrictEqual(a.plan.columns, b.plan.columns);
}
