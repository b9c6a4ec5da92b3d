/**
 * `edp ingest --dry-run`: a run against the real tables that is rolled back.
 *
 * describe and identify all files → take the locks of their loads → one transaction on one
 * connection, in which every split is loaded the careful way, in the order in which a run commits
 * them → ROLLBACK. So each split sees the effects of the earlier ones, as in a run, and the
 * server's own checks decide.
 *
 * All locks are taken before the transaction begins: a run that waits for a key of ours must not
 * hold one that we wait for. Missing tables and a missing ledger are created in the transaction,
 * too. The loads have negative numbers, so that no sequence changes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { retry } from '../../base/retry.js';
import { withoutHeader } from '../../formats/open-format.js';
import {
  addBytes,
  addRows,
  NO_BYTES,
  NO_ROWS,
  type Receipt,
  toAccountingCounts,
} from '../../ledger/counts.js';
import { markGone, settleFormerLoads } from '../../ledger/former-tables.js';
import { hasLedger } from '../../ledger/ledger-queries.js';
import { loadKey } from '../../ledger/load-key.js';
import {
  type CommittedPart,
  findLoad,
  insertTriedLoad,
  readCommittedPart,
  tryLockLoad,
} from '../../ledger/loads.js';
import { snapshotOf, writeMemberEnds } from '../../ledger/member-ends.js';
import { assertMayKeepLedger } from '../../ledger/privileges.js';
import { addPromotedColumns } from '../../ledger/promotions.js';
import { NO_REMARK_COUNTS } from '../../ledger/remarks.js';
import type { Model, Table } from '../../model/model.js';
import { formatTableName } from '../../model/table-name.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { type LocatedTable, locateTable } from '../../postgres/locate-table.js';
import { migrateWithin } from '../../postgres/migrate.js';
import { isTransient } from '../../postgres/sqlstate.js';
import { inspectTable, type TableInCatalog } from '../../postgres/table-in-catalog.js';
import {
  type DefinitionLog,
  ensureExtraColumnWithin,
  ensureTableWithin,
} from '../../postgres/tables.js';
import type { InputFile } from '../../source/discover.js';
import {
  fileFaultReason,
  type IngestProgress,
  type IngestResult,
  isFileFault,
} from '../file-results.js';
import { describeMemberEnds } from '../member-notes.js';
import type { LoadRules } from '../messages.js';
import { planSplits, type SplitPlan } from '../plan-splits.js';
import {
  findTargets,
  fitToTable,
  inLevels,
  type PreparedFile,
  prepareTarget,
  type Target,
} from '../prepare-files.js';
import { clearTable, explainReferrers, type ReplacedContent } from '../replace/clear-table.js';
import { theOnlyTable } from '../replace/replace-run.js';
import type { IngestOptions } from '../run.js';
import { formOf, RunBook } from '../run-book.js';
import { ruleFor } from '../sinks/staged-rows.js';
import { describeFormer, describeRule } from '../target-tables.js';
import { type CountedTail, countTail, withEnds } from '../text-ends.js';
import { RejectSummary, type TriedReject } from './dry-run-rejects.js';
import { isSameContent, type LoadedFile } from './same-content.js';
import { SplitTrial } from './split-trial.js';

const BUSY_POLL_MS = 250;
/** Attempts after a deadlock or a lost connection. */
const RETRY = { retries: 4, firstDelayMs: 200 };

export interface DryRunResult extends IngestResult {
  /** By code; includes the rejects of earlier runs of an interrupted load. */
  readonly rejects: Readonly<Record<string, number>>;
  /** In the order of the files. */
  readonly firstRejects: readonly TriedReject[];
}

/** @param shownRejects number of rejects to return */
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
  const result = await retry(
    run,
    (error) => !signal.aborted && mayPass(error as pg.DatabaseError),
    RETRY,
  );
  return { ...result, seconds: (performance.now() - startedAt) / 1000 };
}

function mayPass({ code, schema }: pg.DatabaseError): boolean {
  return (
    isTransient(code) ||
    // Another run has just created the same schema or table.
    code === '42P06' ||
    code === '42P07' ||
    code === '42710' ||
    (code === '23505' && schema === 'pg_catalog')
  );
}

function isStop(error: unknown): boolean {
  return error instanceof EdpError && error.code === 'interrupted';
}

const NOTHING_BEFORE: CommittedPart = {
  loadId: 0,
  committed: [],
  rows: NO_ROWS,
  remarks: NO_REMARK_COUNTS,
  accounting: NO_BYTES,
  passesHeaders: true,
  hadOtherModel: false,
};

class DryRun {
  readonly #client: pg.Client;
  readonly #model: Model;
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  readonly #signal: AbortSignal;
  readonly #book: RunBook;
  readonly #rejects: RejectSummary;
  readonly #trial: SplitTrial;
  readonly #located = new Map<string, LocatedTable>();
  readonly #tables = new Map<string, TableInCatalog>();
  #replaced: ReplacedContent | undefined;
  /** Files that were loaded in this run, by the key of their load. */
  readonly #loaded = new Map<string, LoadedFile[]>();
  #lastLoadId = 0;

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
    this.#book = new RunBook(options.maxRejects, progress, true);
    this.#rejects = new RejectSummary(shownRejects);
    this.#trial = new SplitTrial(client, this.#rejects, () => this.#assertGoing());
  }

  async execute(targets: readonly Target[]): Promise<DryRunResult> {
    let failure: unknown;
    try {
      const levels: PreparedFile[][] = [];
      for (const level of inLevels(targets, this.#model)) levels.push(await this.#describe(level));
      const described = levels.flat();
      this.#progress.start(described.reduce((sum, { file }) => sum + file.size, 0));
      await this.#lock(described);
      await this.#client.query('BEGIN');
      const hadLedger = await hasLedger(this.#client);
      await migrateWithin(this.#client);
      await assertMayKeepLedger(this.#client);
      if (this.#options.replace === true) await this.#clear(targets);
      for (const file of described) {
        if (this.#signal.aborted) break;
        await this.#load(file, hadLedger);
      }
      this.#assertRejectLimit(true);
      if (this.#options.replace === true && !this.#signal.aborted) {
        await explainReferrers(theOnlyTable(targets).name, () =>
          this.#client.query('SET CONSTRAINTS ALL IMMEDIATE'),
        );
      }
    } catch (error) {
      // Starts again if that may help; otherwise reports the results so far.
      if (mayPass(error as pg.DatabaseError)) throw error;
      if (!(this.#signal.aborted && isStop(error))) failure = error;
    } finally {
      await this.#client.query('ROLLBACK').catch(() => {});
    }
    return {
      seconds: 0,
      ...this.#book.summarize(targets, this.#signal.aborted && failure === undefined),
      rejects: this.#rejects.byCode,
      firstRejects: this.#rejects.first,
      ...(failure === undefined ? {} : { failure }),
      ...(this.#replaced === undefined ? {} : { replaced: this.#replaced }),
    };
  }

  async #clear(targets: readonly Target[]): Promise<void> {
    const { name } = theOnlyTable(targets);
    const { table } = await this.#prepareTable(targets[0]!);
    const { place } = await this.#locate(targets[0]!.table);
    const { content, checked } = await clearTable(this.#client, { name, table, place }, []);
    this.#replaced = content;
    this.#trial.checked = checked;
  }

  #assertGoing(): void {
    if (this.#signal.aborted) throw new EdpError('interrupted', 'the run was stopped');
  }

  #assertRejectLimit(isEnd: boolean): void {
    const fault = this.#book.findRejectLimitFault(isEnd);
    if (fault !== undefined) throw fault;
  }

  async #describe(targets: readonly Target[]): Promise<PreparedFile[]> {
    const described: PreparedFile[] = [];
    for (const target of targets) {
      if (this.#signal.aborted) break;
      try {
        const { place } = await this.#locate(target.table);
        described.push(await prepareTarget(target, this.#options, place));
      } catch (error) {
        if (!isFileFault(error)) throw error;
        this.#book.settleFault(target, error);
      }
    }
    return described;
  }

  /** Takes the locks always in the same order, so that two dry runs do not wait for each other. */
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

  async #load(described: PreparedFile, hadLedger: boolean): Promise<void> {
    const { target, file: version, identity } = described;
    const { force, replace = false } = this.#options;
    const table = await this.#prepareTable(target);
    const loadedAs = await this.#findLoaded(described);
    if (loadedAs !== undefined && !force) {
      this.#book.skip(described, null, `the same content as ${loadedAs.name}`);
      return;
    }
    const finding =
      hadLedger && loadedAs === undefined
        ? await findLoad(this.#client, identity, force || replace)
        : { kind: 'new' as const };
    if (finding.kind !== 'new' && finding.kind !== 'interrupted') {
      this.#book.settleUnclaimed(described, finding);
      return;
    }
    const before =
      finding.kind === 'interrupted'
        ? await this.#readBefore(finding.loadId, identity.modelHash)
        : NOTHING_BEFORE;
    const alike = this.#loaded.get(loadKey(identity)) ?? [];
    this.#loaded.set(loadKey(identity), [
      ...alike,
      { file: target.file, version, form: identity.form },
    ]);
    await this.#loadFile(described, table, before);
  }

  /** The file with the same content that this run has loaded. */
  async #findLoaded({
    target,
    file: version,
    identity,
  }: PreparedFile): Promise<InputFile | undefined> {
    // Also for a text with the same beginning.
    for (const file of this.#loaded.get(loadKey(identity)) ?? []) {
      if (await isSameContent(file, { file: target.file, version, form: identity.form }))
        return file.file;
    }
    return undefined;
  }

  async #readBefore(loadId: number, modelHash: string): Promise<CommittedPart> {
    const { rows } = await this.#client.query<{ code: string; count: number }>(
      'SELECT code, count(*) FROM edp.rejects WHERE load_id = $1 GROUP BY code',
      [loadId],
    );
    for (const { code, count } of rows) this.#rejects.count(code, count);
    return readCommittedPart(this.#client, loadId, modelHash);
  }

  /** Where a table is, or would be. */
  async #locate(table: Table): Promise<LocatedTable> {
    let located = this.#located.get(table.name);
    if (located === undefined) {
      located = await locateTable(this.#client, table.name);
      this.#located.set(table.name, located);
      this.#book.locate(table, located);
    }
    return located;
  }

  async #prepareTable({ table }: Target): Promise<TableInCatalog> {
    let found = this.#tables.get(table.name);
    if (found === undefined) {
      const { place } = await this.#locate(table);
      // No change is entered: all is rolled back, and no sequence may move.
      const log: DefinitionLog = async (client, name, isNew) => {
        if (!isNew) return;
        await markGone(client, name);
        await addPromotedColumns(client, name);
      };
      await ensureTableWithin(this.#client, this.#model, table, log);
      await ensureExtraColumnWithin(this.#client, table, log);
      const note = describeRule(table, this.#options.onConflict);
      if (note !== undefined) this.#progress.note(note);
      // Only an attempt shows whether the role may skip triggers.
      await this.#client.query('SAVEPOINT edp_inspect');
      found = await inspectTable(
        this.#client,
        table,
        this.#options.onConflict,
        formatTableName(place),
      );
      await this.#client.query('ROLLBACK TO edp_inspect; RELEASE edp_inspect');
      const former = await settleFormerLoads(this.#client, place, table.lineageColumn);
      if (former !== undefined) {
        this.#progress.note(describeFormer(formatTableName(place), former));
      }
      this.#tables.set(table.name, found);
    }
    return found;
  }

  async #loadFile(
    described: PreparedFile,
    table: TableInCatalog,
    before: CommittedPart,
  ): Promise<void> {
    const prepared = fitToTable(described, table);
    const { target, file } = prepared;
    let { rows, accounting } = before;
    const count = (receipt: Receipt) => {
      rows = addRows(rows, receipt.rows);
      accounting = accounting && addBytes(accounting, receipt);
    };
    const bytes = file.size;
    this.#book.reportForm(prepared);
    this.#book.count(before.rows, before.remarks);
    let reason: string | undefined = 'not tried to the end';
    let tail: CountedTail | undefined;
    let hasFault = false;
    const counts = () =>
      toAccountingCounts(withEnds(prepared, accounting, reason === undefined, tail));
    try {
      const load = await this.#insertLoad(prepared, table, before);
      const plan = planSplits(prepared, before.committed, {
        ...this.#options,
        processCount: 1,
        areRelated: table.refersToItself,
      });
      const end = await this.#trySplits(prepared, load, plan, before, count);
      if (end !== undefined) {
        tail = await countTail(prepared, plan, end);
        await this.#endMembers(prepared, load.loadId);
        reason = undefined;
      }
    } catch (error) {
      if (!isFileFault(error)) {
        const status = this.#signal.aborted && isStop(error) ? 'interrupted' : 'failed';
        const form = { ...counts(), ...formOf(prepared) };
        this.#book.settle(target, { status, rows, bytes, ...form, reason });
        throw error;
      }
      reason = fileFaultReason(error);
      hasFault = true;
    }
    this.#book.reportHeaders(prepared, accounting, '');
    const unfinished = this.#signal.aborted && !hasFault ? 'interrupted' : 'failed';
    this.#book.settle(target, {
      status: reason === undefined ? 'loaded' : unfinished,
      rows,
      bytes,
      ...counts(),
      ...formOf(prepared),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /** Where the file holds all members: those that it lacks would end. */
  async #endMembers({ target }: PreparedFile, loadId: number): Promise<void> {
    const snapshot = snapshotOf(target.table, this.#tables.get(target.table.name)!);
    if (snapshot === undefined) return;
    const load = { loadId, attempt: 0 };
    const ends = await writeMemberEnds(this.#client, snapshot, load, this.#options.force);
    const note = describeMemberEnds(ends, target, undefined);
    if (note !== undefined) this.#progress.note(note);
  }

  /** Inserts the load that foreign keys of the ledger require. */
  async #insertLoad(
    { description, plan, recordForm, file, identity }: PreparedFile,
    target: TableInCatalog,
    { passesHeaders }: CommittedPart,
  ): Promise<LoadRules> {
    const { writeBatchSize, onConflict, missingDimensions } = this.#options;
    const loadId = --this.#lastLoadId;
    await insertTriedLoad(this.#client, loadId, identity);
    return {
      file,
      recordForm: passesHeaders ? recordForm : withoutHeader(recordForm),
      footerStart: description.footer?.start,
      plan,
      target,
      loadId,
      writeBatchSize,
      onConflict: ruleFor(target, onConflict),
      missingDimensions,
    };
  }

  /** @returns the end of the last split; undefined where not all were tried */
  async #trySplits(
    prepared: PreparedFile,
    load: LoadRules,
    { splits, openBytes, dataStart }: SplitPlan,
    before: CommittedPart,
    count: (receipt: Receipt) => void,
  ): Promise<number | undefined> {
    const { target, file } = prepared;
    this.#progress.passOver(file.size - openBytes);
    let from = 0;
    let end = before.committed.at(-1)?.end ?? dataStart;
    let firstLine = 1;
    for await (const { range, segment, sourceBytes, release, ...split } of splits) {
      if (this.#signal.aborted) return undefined;
      // The first record of a split is known after the previous split has been read.
      if (range.isExact) from = range.from;
      firstLine = split.firstLine ?? firstLine;
      if (from >= range.until) continue;
      const part = { load, range: { from, until: range.until, isExact: true }, segment };
      const receipt = await this.#trial.run(part, target.file.name, firstLine);
      release?.();
      const bytes = sourceBytes ?? receipt.end - receipt.start;
      this.#book.countCommitted(bytes, receipt.rows);
      this.#progress.advance(bytes, receipt.rows);
      from = receipt.end;
      end = Math.max(end, receipt.end);
      firstLine += receipt.lineCount;
      count(receipt);
      this.#book.count(receipt.rows, receipt.remarks);
      this.#assertRejectLimit(false);
    }
    return end;
  }
}
