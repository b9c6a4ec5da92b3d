/**
 * Active loads, and their ends: in the ledger and in the run's book, with the fault of a failed
 * one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { safeText } from '../base/safe-text.js';
import { isDecoded } from '../formats/text/read-text.js';
import {
  type Accounting,
  addBytes,
  addRows,
  NO_ROWS,
  type Receipt,
  type RowCounts,
  toAccountingCounts,
} from '../ledger/counts.js';
import {
  countForeignBytes,
  countRejects,
  findCommonFault,
  hasLeftLoads,
  listLeftLoads,
} from '../ledger/ledger-queries.js';
import { type EndedLoad, endLoads } from '../ledger/loads.js';
import { snapshotOf, writeMemberEnds } from '../ledger/member-ends.js';
import { loadCommandOf } from '../model/file-settings.js';
import { withTransaction } from '../postgres/connection.js';
import type { Session } from '../postgres/session.js';
import type { ClaimedLoad, FileQueue } from './file-queue.js';
import { fileFaultReason, type IngestProgress, isFileFault } from './file-results.js';
import { describeMemberEnds } from './member-notes.js';
import type { SplitPlan } from './plan-splits.js';
import { formOf, type RunBook } from './run-book.js';
import { tellLoadBegun, tellMemberEnds } from './tell-splits.js';
import { type CountedTail, countTail, withEnds } from './text-ends.js';

/** How long the end of a small file waits, so that several ends are written together. */
const END_GATHER_MS = 25;

/** A file whose splits are known. */
export interface LoadToBegin extends ClaimedLoad {
  readonly plan: Pick<SplitPlan, 'areRelated' | 'dataStart' | 'readTail'>;
}

/** A file that is being loaded. */
export interface ActiveLoad extends LoadToBegin {
  readonly startedAt: number;
  /** Its share of the time since then, if others were loaded with it. */
  readonly share: number;
  rows: RowCounts;
  /** The bytes of its splits; undefined where an older edp did not count those of some. */
  between: Accounting | undefined;
  /** End of the last split. */
  end: number;
  /** Whether the run had rejected too many records when its last split was counted. */
  isOverRejectLimit: boolean;
}

/** The state of the run that owns the loads. */
export interface RunState {
  readonly isStopped: boolean;
  /** Whether Ctrl-C has stopped it. */
  readonly isInterrupted: boolean;
  readonly isOverRejectLimit: boolean;
  /** The error that made it fail, if one did. */
  readonly failure: unknown;
  stop(reason: unknown): void;
  enforceRejectLimit(isEnd: boolean): void;
}

export class LoadEndings {
  #hasLeftLoads: Promise<boolean> | undefined;
  readonly #session: Session;
  readonly #queue: FileQueue;
  readonly #book: RunBook;
  readonly #progress: IngestProgress;
  readonly #run: RunState;
  readonly #fileCount: number;
  readonly #mayEndAll: boolean;
  readonly #active = new Map<number, ActiveLoad>();
  /** Loads whose beginning was told. */
  readonly #told = new Set<number>();
  readonly #endings: Promise<void>[] = [];
  /** Loads whose end is not in the ledger yet. */
  readonly #ended: EndedLoad[] = [];
  #ending: Promise<void> | undefined;

  /**
   * @param fileCount of the whole run
   * @param mayEndAll whether a file without records ends all members of its table
   */
  constructor(
    resources: {
      readonly session: Session;
      readonly queue: FileQueue;
      readonly book: RunBook;
      readonly progress: IngestProgress;
    },
    run: RunState,
    fileCount: number,
    mayEndAll: boolean,
  ) {
    this.#mayEndAll = mayEndAll;
    this.#session = resources.session;
    this.#queue = resources.queue;
    this.#book = resources.book;
    this.#progress = resources.progress;
    this.#run = run;
    this.#fileCount = fileCount;
  }

  /** Waits for all loads that were given to {@link finish}. */
  async settled(): Promise<void> {
    await Promise.all(this.#endings);
  }

  begin(load: LoadToBegin, startedAt = performance.now(), share = 1): ActiveLoad {
    const { prepared, claim } = load;
    const { target } = prepared;
    const active: ActiveLoad = {
      ...load,
      startedAt,
      share,
      rows: claim.rows,
      between: claim.accounting,
      end: claim.committed.at(-1)?.end ?? load.plan.dataStart,
      isOverRejectLimit: false,
    };
    this.#active.set(claim.loadId, active);
    this.tellBegun(load, startedAt);
    this.#book.reportForm(prepared);
    if (claim.hadOtherModel) {
      this.#progress.note(
        `load ${claim.loadId} of ${safeText(target.file.name)} was begun with another model of "${safeText(target.table.name)}"; what is left of it loads with the present one`,
      );
    }
    this.#book.count(claim.rows, claim.remarks);
    return active;
  }

  /** Tells that a load begins: of a bulk load before {@link begin}, which comes when it has committed. */
  tellBegun({ prepared, claim: { loadId } }: ClaimedLoad, startedAt: number): void {
    if (this.#told.has(loadId)) return;
    this.#told.add(loadId);
    tellLoadBegun(loadId, prepared, startedAt);
  }

  activeLoad(loadId: number): ActiveLoad {
    return this.#active.get(loadId)!;
  }

  /** Counts committed splits. */
  count(active: ActiveLoad, receipt: Receipt): void {
    const { rows, remarks, end } = receipt;
    active.rows = addRows(active.rows, rows);
    active.between = active.between && addBytes(active.between, receipt);
    active.end = Math.max(active.end, end);
    this.#book.count(rows, remarks);
  }

  /**
   * Ends a load after all its splits have ended.
   *
   * @param splits whether each has committed
   * @param isAllSent whether these are all of its splits
   * @param fault fault of the file because of which the rest was not dispatched
   */
  finish(
    active: ActiveLoad,
    splits: readonly Promise<boolean>[],
    isAllSent: boolean,
    fault?: EdpError,
  ): void {
    const end = this.#finish(active, splits, isAllSent, fault);
    // It may fail long before anybody waits for it.
    this.#endings.push(end.catch((error: unknown) => this.#run.stop(error)));
  }

  async #finish(
    active: ActiveLoad,
    splits: readonly Promise<boolean>[],
    isAllSent: boolean,
    faultBefore: EdpError | undefined,
  ): Promise<void> {
    let fault = faultBefore;
    const committed = await Promise.all(splits);
    const isLast = this.#book.settledCount === this.#fileCount - 1;
    if (isLast) this.#run.enforceRejectLimit(true);
    // Over the limit, the load stays open, so that the next run checks it against its own limit.
    const isOver = active.isOverRejectLimit || (isLast && this.#run.isOverRejectLimit);
    let isComplete = isAllSent && committed.every((isCommitted) => isCommitted) && !isOver;
    let tail: CountedTail | undefined;
    try {
      if (isComplete) {
        tail = await countTail(active.prepared, active.plan, active.end);
        await this.#endMembers(active);
      }
    } catch (error) {
      isComplete = false;
      if (isFileFault(error)) fault = error;
      else this.#run.stop(error);
    }
    const isInterrupted = this.#run.isInterrupted && fault === undefined && !isOver;
    const { prepared, claim } = active;
    const { loadId, attempt } = claim;
    const seconds = ((performance.now() - active.startedAt) * active.share) / 1000;
    try {
      await this.#end({
        loadId,
        attempt,
        key: prepared.identity,
        isComplete,
        seconds,
        tail: tail?.passedOver,
        textBytes: tail?.textBytes,
      });
    } catch (error) {
      this.#run.stop(error);
    }
    const { read, rejected } = active.rows;
    if (isComplete && rejected > 0) {
      const report = rejected === read ? this.#reportMisfit(active) : this.#reportEncoding(active);
      await report.catch(() => {});
    }
    const hasKey = prepared.target.table.key.length > 0;
    if (isComplete && !hasKey) await this.#reportLeftLoads(active).catch(() => {});
    if (active.plan.areRelated && splits.length > 1 && rejected > 0) {
      await this.#reportLateParents(active).catch(() => {});
    }
    this.#book.reportHeaders(
      prepared,
      active.between,
      `: edp rejects ${loadId} --passed-over shows it`,
    );
    this.#queue.release(active);
    const result = {
      status: isComplete ? 'loaded' : isInterrupted ? 'interrupted' : 'failed',
      loadId,
      rows: active.rows,
      bytes: prepared.file.size,
      ...toAccountingCounts(withEnds(prepared, active.between, isComplete, tail)),
      ...formOf(prepared),
      ...(isComplete ? {} : { reason: this.#unfinishedReason(loadId, hasKey, fault) }),
    } as const;
    const { startedAt } = active;
    const besideBytes = isComplete ? bytesBeside(active) : 0;
    this.#book.countCommitted(besideBytes, NO_ROWS);
    const work = { startedAt, seconds, code: fault?.code, besideBytes };
    this.#book.settle(prepared.target, result, work);
  }

  /** Where the file holds all members: adds the ends of those that it lacks. */
  async #endMembers({ prepared, claim }: ActiveLoad): Promise<void> {
    const table = snapshotOf(prepared.target.table, prepared.tableInCatalog);
    if (table === undefined) return;
    const ends = await this.#session.run((client) =>
      withTransaction(client, async () => {
        const written = await writeMemberEnds(client, table, claim, this.#mayEndAll);
        await failpoint('end.members', client);
        return written;
      }),
    );
    tellMemberEnds(ends, prepared.identity.place, claim.loadId);
    const note = describeMemberEnds(ends, prepared.target, claim.loadId);
    if (note !== undefined) this.#progress.note(note);
  }

  /** If no record fits, the whole file has likely changed; the most frequent fault shows how. */
  async #reportMisfit(active: ActiveLoad): Promise<void> {
    const {
      prepared: { target, identity },
      claim,
    } = active;
    const fault = await this.#session.run((client) => findCommonFault(client, claim.loadId));
    if (fault === undefined) return;
    const { code, column, records } = fault;
    if (code === 'invalid_utf8') return this.#reportEncoding(active);
    const where = column === null ? '' : ` in column "${safeText(column)}"`;
    const file = safeText(target.file.name);
    if (loadCommandOf(identity.format.format) === 'edp realize') {
      this.#progress.note(
        `no event of ${file} was taken: ${records} × ${code}${where}. edp rejects ${claim.loadId} has the reasons; when edp.yaml knows the tables and attributes, edp replay ${claim.loadId} takes them. Where the events are wrong: edp undo ${claim.loadId}, correct them, and edp realize ${file}`,
      );
      return;
    }
    this.#progress.note(
      `no record of ${file} fits table "${safeText(target.table.name)}": ${records} × ${code}${where}. If its types have changed, edp model infer ${file} shows which it needs`,
    );
  }

  /** Bytes in another encoding may come first where no sample was taken. */
  async #reportEncoding({ prepared: { target }, claim: { loadId } }: ActiveLoad): Promise<void> {
    const records = await this.#session.run((client) => countForeignBytes(client, loadId));
    if (records === 0) return;
    const some = records === 1 ? 'one record' : `${records} records`;
    this.#progress.note(
      `${some} of ${safeText(target.file.name)} had bytes that are no text in its encoding. If it is in another one: edp undo ${loadId}, and load it with --encoding windows-1252 (or whichever it is)`,
    );
  }

  /** What a run left of the file before its content changed stays beside the new rows; no key tells them apart. */
  async #reportLeftLoads({ prepared: { target }, claim: { loadId } }: ActiveLoad): Promise<void> {
    // Asked once: what is left was there before this run.
    this.#hasLeftLoads ??= this.#session.run(hasLeftLoads);
    if (!(await this.#hasLeftLoads)) return;
    const file = safeText(target.file.name);
    for (const left of await this.#session.run((client) => listLeftLoads(client, loadId))) {
      const rows = left.rows === 1 ? 'its row is' : `its ${left.rows} rows are`;
      this.#progress.note(
        `load ${left.loadId} of ${file} stopped before the file changed: ${rows} in the table, besides those of load ${loadId}; edp undo ${left.loadId} removes them`,
      );
    }
  }

  /** A record whose parent comes in a later split is a reject, as one whose parent does not come. */
  async #reportLateParents({ prepared: { target }, claim: { loadId } }: ActiveLoad): Promise<void> {
    const records = await this.#session.run((client) =>
      countRejects(client, loadId, 'missing_dimension'),
    );
    if (records === 0) return;
    this.#progress.note(
      `${records} ${records === 1 ? 'record' : 'records'} of ${safeText(target.file.name)} ${records === 1 ? 'refers' : 'refer'} to rows that had not come yet. Where they came later in the file, edp replay ${loadId} loads ${records === 1 ? 'it' : 'them'}`,
    );
  }

  /**
   * Writes the end of a load into the ledger, together with others that end at almost the same
   * time.
   */
  #end(load: EndedLoad): Promise<void> {
    this.#ended.push(load);
    this.#ending ??= this.#endTogether();
    return this.#ending;
  }

  async #endTogether(): Promise<void> {
    const isLast = this.#book.settledCount >= this.#fileCount - 1;
    if (!isLast && !this.#run.isStopped) await sleep(END_GATHER_MS);
    await this.#session.run(async (client) => {
      this.#ending = undefined;
      await endLoads(client, this.#ended.splice(0));
    });
  }

  #unfinishedReason(loadId: number, hasKey: boolean, fault: EdpError | undefined): string {
    if (fault !== undefined) {
      return `${fileFaultReason(fault)}\n  → the records before it are loaded, as load ${loadId}: the whole file continues from there; edp undo ${loadId} removes it`;
    }
    return this.#run.isOverRejectLimit
      ? 'stopped by --max-rejects; with another limit, the same command continues where it stopped'
      : this.#whatIsNext(loadId, hasKey);
  }

  /** A changed file is loaded from its beginning; without a key, beside what is there of its former content. */
  #whatIsNext(loadId: number, hasKey: boolean): string {
    const { failure } = this.#run;
    return failure instanceof EdpError && failure.code === 'file_changed' && !hasKey
      ? `not finished; the same command continues where it stopped, if the file has its former content again. Otherwise, edp undo ${loadId} removes what is loaded of it`
      : 'not finished; the same command continues where it stopped';
  }
}

/** Bytes of a complete file that are in no split: header and footer. Splits of text that is decoded have all of it. */
function bytesBeside({ prepared, plan: { dataStart }, end }: ActiveLoad): number {
  const { file, description } = prepared;
  if (end === dataStart) return file.size;
  return isDecoded(description.form) ? 0 : dataStart + file.size - end;
}
