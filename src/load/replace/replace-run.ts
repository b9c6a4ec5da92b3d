/**
 * `edp ingest --replace`: files → the new content of one table, in one transaction.
 *
 * prepare all files → claim their loads → BEGIN, lock, clear the table → copy → receipts, ends of the loads → COMMIT.
 * Readers have the old content until the commit, and then the new one. Whatever goes wrong before it leaves the table
 * and the ledger as they were.
 *
 * The rows of all workers go through one COPY, as in a bulk load, but the indexes stay: readers need them. If the server
 * refuses a record, the copy is rolled back to the empty table, and the splits are loaded in order, the careful way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { tell } from '../../base/happenings.js';
import { withoutHeader } from '../../formats/open-format.js';
import { recordChanges } from '../../ledger/changes.js';
import {
  addBytes,
  addRows,
  NO_BYTES,
  NO_ROWS,
  negate,
  type RowCounts,
  toAccountingCounts,
} from '../../ledger/counts.js';
import { loadKey } from '../../ledger/load-key.js';
import { type Claim, claimLoads, releaseLoads } from '../../ledger/loads.js';
import { type MemberEnds, snapshotOf, writeMemberEnds } from '../../ledger/member-ends.js';
import { assertMayKeepLedger } from '../../ledger/privileges.js';
import { insertReceipts } from '../../ledger/receipts.js';
import { areComplete, completeLoads, dropEmptyLoads } from '../../ledger/replaced-loads.js';
import type { LoadingRun } from '../../ledger/runs.js';
import type { Model, Table } from '../../model/model.js';
import { formatTableName } from '../../model/table-name.js';
import { identifySession, type SessionIdentity, waitForBackend } from '../../postgres/backend.js';
import { withClient, withTransaction } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import type { LocatedTable } from '../../postgres/locate-table.js';
import { Session } from '../../postgres/session.js';
import { mayBeAboutRecord } from '../../postgres/sqlstate.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';
import { type InputFile, totalBytes } from '../../source/discover.js';
import { listLoaded } from '../bulk.js';
import { BulkCopy, type BulkFile, type CopiedSplit, Undo } from '../bulk-copy.js';
import { isSameContent } from '../dry-run/same-content.js';
import type { IngestProgress, IngestResult } from '../file-results.js';
import { isFileFault } from '../file-results.js';
import type { SplitPool } from '../load-pool.js';
import { describeMemberEnds } from '../member-notes.js';
import type { LoadTask } from '../messages.js';
import { planSplits, type SplitPlan } from '../plan-splits.js';
import {
  findTargets,
  fitToTable,
  type PreparedFile,
  prepareTarget,
  type Target,
} from '../prepare-files.js';
import { type IngestOptions, ofLoad } from '../run.js';
import { formOf, RunBook } from '../run-book.js';
import { RowsLeftOut } from '../sinks/left-out.js';
import { StaleCopy } from '../sinks/row-extender.js';
import { ruleFor } from '../sinks/staged-rows.js';
import { TargetTables } from '../target-tables.js';
import {
  type CommittedSplit,
  committedOf,
  tellLoadBegun,
  tellMemberEnds,
  tellSplit,
} from '../tell-splits.js';
import { type CountedTail, countTail, withEnds } from '../text-ends.js';
import { CarefulSplits } from './careful-splits.js';
import { clearTable, explainReferrers, type ReplacedContent } from './clear-table.js';

const BUSY_POLL_MS = 250;

/** @throws EdpError `usage` for files of several tables, and what a load throws before it begins */
export async function replaceContent(
  database: Database,
  { client, givePlace }: LoadingRun,
  pool: SplitPool,
  model: Model,
  files: readonly InputFile[],
  options: IngestOptions,
  progress: IngestProgress,
  signal: AbortSignal,
): Promise<IngestResult> {
  const targets = findTargets(model, files, options);
  const table = theOnlyTable(targets);
  // The rows of all workers go through the one session.
  await givePlace();
  await assertMayKeepLedger(client);
  const owner = await identifySession(client);
  const tables = new TargetTables(new Session(client), model, options.onConflict, (text) =>
    progress.note(text),
  );
  // The triggers of foreign keys check each row: nothing else knows which rows the transaction leaves.
  const inCatalog = { ...(await tables.prepare(table)), checksForeignKeys: false };
  const located = await tables.locate(table);
  const resources = { database, client, owner, pool, located, inCatalog };
  return new ReplaceRun(resources, table, targets, options, progress, signal).execute();
}

/** @throws EdpError `usage` where the files belong to several tables */
export function theOnlyTable(targets: readonly Target[]): Table {
  const tables = [...new Set(targets.map(({ table }) => table))];
  if (tables.length === 1) return tables[0]!;
  throw new EdpError(
    'usage',
    `--replace replaces one table at a time, and these files belong to ${tables.map(({ name }) => name).join(', ')}`,
    { hint: 'run it once for each table' },
  );
}

interface Resources {
  readonly database: Database;
  /** The session of the transaction, which also holds the locks of the loads. */
  readonly client: pg.Client;
  readonly owner: SessionIdentity;
  readonly pool: SplitPool;
  readonly located: LocatedTable;
  readonly inCatalog: TableInCatalog;
}

interface OwnLoad {
  readonly prepared: PreparedFile;
  readonly loadId: number;
  readonly attempt: number;
  /** Whether a record that equals the header is none. */
  readonly passesHeaders: boolean;
}

/** A load whose splits are known. */
interface PlannedLoad extends BulkFile, Pick<SplitPlan, 'readTail'> {}

type DoneSplit = Omit<CommittedSplit, 'loadId' | 'file'>;

/** What a transaction has done to the table. */
interface Outcome {
  readonly replaced: ReplacedContent;
  /** By load, in the order of its splits. */
  readonly splits: readonly (readonly DoneSplit[])[];
  /** By load, where it has looked which members its file lacks. */
  readonly ends: readonly MemberEnds[];
  /** By load: what lies behind its last record. */
  readonly tails: readonly (CountedTail | undefined)[];
}

class ReplaceRun {
  readonly #resources: Resources;
  readonly #table: Table;
  readonly #targets: readonly Target[];
  readonly #options: IngestOptions;
  readonly #progress: IngestProgress;
  readonly #signal: AbortSignal;
  readonly #book: RunBook;
  /** Set to 1 to stop the workers. */
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  #scanned: { bytes: number; rows: RowCounts } = { bytes: 0, rows: NO_ROWS };
  #overLimit: EdpError | undefined;

  constructor(
    resources: Resources,
    table: Table,
    targets: readonly Target[],
    options: IngestOptions,
    progress: IngestProgress,
    signal: AbortSignal,
  ) {
    this.#resources = resources;
    this.#table = table;
    this.#targets = targets;
    this.#options = options;
    this.#progress = progress;
    this.#signal = signal;
    this.#book = new RunBook(options.maxRejects, progress);
    this.#book.locate(table, resources.located);
    signal.addEventListener('abort', () => Atomics.store(this.#stop, 0, 1), { once: true });
    if (signal.aborted) this.#stop[0] = 1;
  }

  async execute(): Promise<IngestResult> {
    const startedAt = performance.now();
    const { client } = this.#resources;
    let loads: readonly OwnLoad[] = [];
    let outcome: Outcome | undefined;
    let failure: unknown;
    try {
      this.#progress.start(await totalBytes(this.#targets.map(({ file }) => file)));
      const prepared = await this.#prepare();
      loads = await this.#claim(prepared);
      for (const load of loads) tellLoadBegun(load.loadId, load.prepared, performance.now());
      outcome = await this.#replaceWhenFree(loads, startedAt);
      await failpoint('replace.acknowledged');
    } catch (error) {
      failure = error;
    }
    const isInterrupted =
      this.#signal.aborted &&
      outcome === undefined &&
      (failure instanceof Undo || (failure as EdpError).code === 'interrupted');
    this.#settle(loads, outcome, startedAt);
    await this.#release(client, loads);
    return {
      seconds: (performance.now() - startedAt) / 1000,
      ...this.#book.summarize(this.#targets, isInterrupted),
      ...(failure === undefined || isInterrupted ? {} : { failure }),
      replaced: outcome?.replaced,
    };
  }

  /** @throws the fault of the first file that cannot be loaded: nothing is replaced by a part */
  async #prepare(): Promise<PreparedFile[]> {
    const { located, inCatalog } = this.#resources;
    const prepared: PreparedFile[] = [];
    for (const target of this.#targets) {
      this.#assertGoing();
      try {
        const prepare = prepareTarget(target, this.#options, located.place);
        const one = fitToTable(await prepare, inCatalog);
        const same = await findSame(prepared, one);
        if (same === undefined) prepared.push(one);
        else this.#book.skip(one, null, `the same content as ${same.target.file.name}`);
      } catch (error) {
        if (isFileFault(error)) this.#book.settleFault(target, error);
        throw error;
      }
    }
    return prepared;
  }

  /** Claims the files, also those whose content was loaded before. */
  async #claim(prepared: readonly PreparedFile[]): Promise<OwnLoad[]> {
    const { client } = this.#resources;
    for (let isFirst = true; ; isFirst = false) {
      this.#assertGoing();
      const identities = prepared.map(({ identity }) => identity);
      const claims = await claimLoads(client, identities, true);
      const refused = claims.findIndex(({ kind }) => kind !== 'claimed' && kind !== 'busy');
      if (refused >= 0) {
        const { kind, loadId } = claims[refused] as Extract<Claim, { kind: 'half_undone' }>;
        this.#book.settleUnclaimed(prepared[refused]!, { kind, loadId });
        throw new EdpError(
          'load_busy',
          `nothing is replaced: load ${loadId} has a part of ${prepared[refused]!.target.file.name}`,
          { hint: `edp undo ${loadId} removes that part; then run the command again` },
        );
      }
      if (claims.every(({ kind }) => kind === 'claimed')) {
        return claims.map((claim, i) => ({
          prepared: prepared[i]!,
          ...(claim as Extract<Claim, { kind: 'claimed' }>),
        }));
      }
      await releaseLoads(
        client,
        identities.filter((_, i) => claims[i]!.kind === 'claimed'),
      );
      if (isFirst) this.#noteWait('another run loads the same content');
      await sleep(BUSY_POLL_MS);
    }
  }

  #noteWait(why: string): void {
    this.#progress.note(`waiting to replace table "${this.#table.name}": ${why}`);
  }

  /** Waits for other commands that write to the table. */
  async #replaceWhenFree(loads: readonly OwnLoad[], startedAt: number): Promise<Outcome> {
    const { client, database, owner } = this.#resources;
    for (let isFirst = true; ; isFirst = false) {
      this.#assertGoing();
      let committing: Outcome | undefined;
      try {
        return await explainReferrers(this.#table.name, () =>
          withTransaction(client, async () => {
            const outcome = await this.#replace(loads);
            const seconds = (performance.now() - startedAt) / 1000;
            const ended = loads.map(({ loadId, attempt }, i) => {
              const { passedOver: tail, textBytes } = outcome.tails[i] ?? {};
              return { loadId, attempt, tail, textBytes };
            });
            if (!(await completeLoads(client, ended, seconds))) throw takenOver();
            await failpoint('replace.before_commit', client);
            this.#assertGoing();
            committing = outcome;
            return outcome;
          }),
        );
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'load_busy') {
          if (isFirst) this.#noteWait((error as Error).message);
          await sleep(BUSY_POLL_MS);
          continue;
        }
        // The acknowledgement of a commit may get lost; the ledger shows whether it happened.
        const ids = loads.map(({ loadId }) => loadId);
        const hasCommitted =
          committing !== undefined &&
          ids.length > 0 &&
          (await withClient(database.client, 'ingest', async (other) => {
            await waitForBackend(other, owner.backend);
            return areComplete(other, ids);
          }).catch(() => false));
        if (hasCommitted) return committing!;
        throw this.#overLimit ?? error;
      }
    }
  }

  /** The work of the transaction. */
  async #replace(loads: readonly OwnLoad[]): Promise<Outcome> {
    const { client, inCatalog, located } = this.#resources;
    const { place } = located;
    const { name } = this.#table;
    const ids = loads.map(({ loadId }) => loadId);
    const { table } = inCatalog;
    const { content, checked } = await clearTable(client, { name, table, place }, ids);
    if (content.rows > 0) {
      await recordChanges(client, [{ relation: table, kind: 'deleted', rows: content.rows }]);
    }
    await client.query('SAVEPOINT edp_replace');
    let copied: Omit<Outcome, 'replaced'>;
    try {
      // One COPY would let records refer to each other in a circle, or not see those before them.
      // A version is compared with the one before it.
      const { refersToItself, looksAtRows, hasVersions } = inCatalog;
      if (refersToItself || looksAtRows || hasVersions) throw new Undo();
      copied = await this.#copy(loads, checked);
    } catch (error) {
      const isRefused =
        mayBeAboutRecord(error) ||
        [Undo, RowsLeftOut, StaleCopy].some((kind) => error instanceof kind);
      if (!isRefused || this.#stop[0] === 1) throw this.#overLimit ?? error;
      await client.query('ROLLBACK TO edp_replace');
      this.#progress.advance(-this.#scanned.bytes, negate(this.#scanned.rows));
      this.#scanned = { bytes: 0, rows: NO_ROWS };
      copied = await this.#loadCarefully(loads, checked);
    }
    this.#assertLoadable(
      copied.splits.flat().reduce((sum, { receipt }) => addRows(sum, receipt.rows), NO_ROWS),
    );
    return { replaced: content, ...copied };
  }

  async #copy(loads: readonly OwnLoad[], checked: string): Promise<Omit<Outcome, 'replaced'>> {
    const { client, pool, inCatalog } = this.#resources;
    const files = loads.map((load) => this.#plan(load));
    const options = {
      pool,
      processCount: this.#options.processCount,
      stop: this.#stop,
      totalBytes: loads.reduce((sum, { prepared }) => sum + prepared.file.size, 0),
      isAllOrNothing: true,
      onScanned: (_: number, bytes: number, rows: RowCounts) => this.#count(bytes, rows),
    };
    const receipts: (readonly CopiedSplit[])[] = [];
    // One COPY has one list of columns.
    for (let from = 0; from < files.length; from = receipts.length) {
      const isAlike = ({ load: { plan } }: PlannedLoad) =>
        isDeepStrictEqual(plan.columns, files[from]!.load.plan.columns);
      const next = files.findIndex((file, i) => i > from && !isAlike(file));
      const group = files.slice(from, next < 0 ? undefined : next);
      receipts.push(...(await new BulkCopy(client, inCatalog, group, 0, options).run()).receipts);
    }
    if (checked !== '') await client.query(`SET CONSTRAINTS ${checked} IMMEDIATE`);
    await insertReceipts(client, listLoaded(files, receipts));
    const splits = receipts.map((own) => own.map(committedOf));
    return { splits, ends: [], tails: await this.#countTails(loads, files, splits) };
  }

  async #loadCarefully(
    loads: readonly OwnLoad[],
    checked: string,
  ): Promise<Omit<Outcome, 'replaced'>> {
    const { client } = this.#resources;
    const splits = new CarefulSplits(client, checked, () => this.#assertGoing());
    const files = loads.map((load) => this.#plan(load));
    const all: DoneSplit[][] = [];
    const ends: MemberEnds[] = [];
    for (const [i, { splits: planned, dataLine }] of files.entries()) {
      const done: DoneSplit[] = [];
      await splits.load(planned, dataLine, ({ sourceBytes }, loaded) => {
        const { start, end, rows } = loaded.receipt;
        const bytes = sourceBytes ?? end - start;
        done.push({ ...loaded, bytes });
        this.#count(bytes, rows);
      });
      all.push(done);
      ends.push(await this.#endMembers(loads[i]!));
    }
    return { splits: all, ends, tails: await this.#countTails(loads, files, all) };
  }

  /** Where each file holds all members: those that it lacks, and one before it had, have ended. */
  async #endMembers(load: OwnLoad): Promise<MemberEnds> {
    const { client, inCatalog } = this.#resources;
    const snapshot = snapshotOf(this.#table, inCatalog);
    if (snapshot === undefined) return { kind: 'settled' };
    const ends = await writeMemberEnds(client, snapshot, load, this.#options.force);
    const note = describeMemberEnds(ends, load.prepared.target, load.loadId);
    if (note !== undefined) this.#progress.note(note);
    return ends;
  }

  /** @param files whose splits were read */
  #countTails(
    loads: readonly OwnLoad[],
    files: readonly PlannedLoad[],
    splits: readonly (readonly DoneSplit[])[],
  ): Promise<(CountedTail | undefined)[]> {
    return Promise.all(
      files.map((plan, i) => {
        const end = splits[i]!.at(-1)?.receipt.end ?? plan.dataStart;
        return countTail(loads[i]!.prepared, plan, end);
      }),
    );
  }

  #plan({ prepared, loadId, attempt, passesHeaders }: OwnLoad): PlannedLoad {
    const { database, owner, inCatalog } = this.#resources;
    const { description, plan: columns, recordForm, file } = prepared;
    const { writeBatchSize, onConflict, missingDimensions } = this.#options;
    const load: LoadTask = {
      database: database.client,
      file,
      recordForm: passesHeaders ? recordForm : withoutHeader(recordForm),
      footerStart: description.footer?.start,
      plan: columns,
      target: inCatalog,
      loadId,
      attempt,
      owner,
      writeBatchSize,
      onConflict: ruleFor(inCatalog, onConflict),
      missingDimensions,
    };
    const plan = planSplits(prepared, [], {
      ...this.#options,
      areRelated: inCatalog.refersToItself,
    });
    return { ...plan, load, splits: ofLoad(load, plan.splits) };
  }

  #count(bytes: number, rows: RowCounts): void {
    this.#scanned = {
      bytes: this.#scanned.bytes + bytes,
      rows: addRows(this.#scanned.rows, rows),
    };
    this.#progress.advance(bytes, rows);
    this.#overLimit ??= this.#findLimitFault(false, this.#scanned.rows);
    if (this.#overLimit !== undefined) Atomics.store(this.#stop, 0, 1);
  }

  /** @throws EdpError `too_many_rejects` where the new content is not what the user wants for the old */
  #assertLoadable(rows: RowCounts): void {
    const fault = this.#findLimitFault(true, rows);
    if (fault !== undefined) throw fault;
    if (rows.read === 0 || rows.rejected < rows.read) return;
    throw new EdpError(
      'too_many_rejects',
      `all ${rows.read} records would be rejected, so table "${this.#table.name}" is not replaced`,
      { hint: 'the same command with --dry-run shows why' },
    );
  }

  #findLimitFault(isEnd: boolean, rows: RowCounts): EdpError | undefined {
    const fault = this.#book.findRejectLimitFault(isEnd, rows);
    // The rejects are rolled back, too.
    const hint = 'nothing is replaced; the same command with --dry-run shows the rejects';
    return fault && new EdpError('too_many_rejects', fault.message, { hint });
  }

  #assertGoing(): void {
    if (this.#overLimit !== undefined) throw this.#overLimit;
    if (this.#stop[0] === 1) throw new EdpError('interrupted', 'the run was stopped');
  }

  #settle(loads: readonly OwnLoad[], outcome: Outcome | undefined, startedAt: number): void {
    const seconds = (performance.now() - startedAt) / 1000;
    const work = { startedAt, seconds: loads.length === 0 ? 0 : seconds / loads.length };
    this.#tellReplaced(outcome);
    for (const [i, { prepared, loadId }] of loads.entries()) {
      const form = formOf(prepared);
      if (outcome === undefined) {
        const reason = 'nothing is replaced: the table has its old content';
        this.#book.settle(prepared.target, { status: 'failed', ...form, reason }, work);
        continue;
      }
      const splits = outcome.splits[i]!;
      const receipts = splits.map(({ receipt }) => receipt);
      const rows = receipts.reduce((sum, receipt) => addRows(sum, receipt.rows), NO_ROWS);
      for (const receipt of receipts) this.#book.count(receipt.rows, receipt.remarks);
      this.#book.reportForm(prepared);
      const bytes = prepared.file.size;
      this.#book.countCommitted(bytes, rows);
      for (const split of splits) tellSplit({ ...split, loadId, file: prepared });
      const ends = outcome.ends[i];
      if (ends !== undefined) tellMemberEnds(ends, prepared.identity.place, loadId);
      const between = receipts.reduce(addBytes, NO_BYTES);
      const tail = outcome.tails[i];
      const counts = toAccountingCounts(withEnds(prepared, between, true, tail));
      const hint = `: edp rejects ${loadId} --passed-over shows it`;
      this.#book.reportHeaders(prepared, between, hint);
      const result = { status: 'loaded', loadId, rows, bytes, ...counts, ...form } as const;
      const besideBytes = bytes - splits.reduce((sum, split) => sum + split.bytes, 0);
      this.#book.settle(prepared.target, result, { ...work, besideBytes });
    }
  }

  #tellReplaced(outcome: Outcome | undefined): void {
    const deleted = outcome?.replaced.rows ?? 0;
    if (deleted === 0) return;
    const change = { inserted: 0, updated: 0, deleted };
    tell({ kind: 'rows_changed', table: formatTableName(this.#resources.located.place), change });
  }

  /** The end of the session releases the loads, too. */
  async #release(client: pg.Client, loads: readonly OwnLoad[]): Promise<void> {
    try {
      await dropEmptyLoads(
        client,
        loads.map(({ loadId }) => loadId),
      );
      await releaseLoads(
        client,
        loads.map(({ prepared }) => prepared.identity),
      );
    } catch {
      // The connection is lost, and with it the locks.
    }
  }
}

async function findSame(
  prepared: readonly PreparedFile[],
  one: PreparedFile,
): Promise<PreparedFile | undefined> {
  const toLoaded = ({ target, file, identity }: PreparedFile) => ({
    file: target.file,
    version: file,
    form: identity.form,
  });
  const key = loadKey(one.identity);
  for (const other of prepared.filter(({ identity }) => loadKey(identity) === key)) {
    if (await isSameContent(toLoaded(other), toLoaded(one))) return other;
    throw new EdpError(
      'usage',
      `${one.target.file.name} and ${other.target.file.name} begin alike, and cannot be told apart in one run`,
      { hint: 'join the two files into one' },
    );
  }
  return undefined;
}

function takenOver(): EdpError {
  return new EdpError('interrupted', 'another command took over a load of this run', {
    hint: 'edp status shows it; nothing is replaced',
  });
}
