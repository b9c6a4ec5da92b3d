/**
 * The files of a run or a dry run: counts, the limit of rejects, results. Both report through this
 * class, so that they use the same words and keys.
 */
import type { EdpError } from '../base/errors.js';
import { safeText } from '../base/safe-text.js';
import { listOddities, summarizeForm } from '../formats/describe-file.js';
import {
  type Accounting,
  addRows,
  NO_BYTES,
  NO_ROWS,
  type RowCounts,
  toAccountingCounts,
} from '../ledger/counts.js';
import type { Finding } from '../ledger/loads.js';
import { type RemarkCounts, RemarkTally } from '../ledger/remarks.js';
import { listDrift } from '../mapping/find-drift.js';
import type { RejectLimit } from '../model/load-rules.js';
import type { Table } from '../model/model.js';
import type { LocatedTable } from '../postgres/locate-table.js';
import type { InputFile } from '../source/discover.js';
import {
  type FileResult,
  fileFaultReason,
  findRejectLimitFault,
  type IngestProgress,
  type IngestResult,
  summarizeFiles,
  unclaimedReason,
} from './file-results.js';
import type { PreparedFile, Target } from './prepare-files.js';
import { type LoadWork, tellLoadEnded } from './tell-splits.js';

export class RunBook {
  readonly #progress: IngestProgress;
  readonly #maxRejects: RejectLimit | undefined;
  readonly #results = new Map<InputFile, FileResult>();
  readonly #remarks = new RemarkTally();
  /** The irregularities that were reported last, by table. */
  readonly #oddities = new Map<string, string>();
  readonly #located = new Map<Table, LocatedTable>();
  #rows: RowCounts = NO_ROWS;
  #failedCode: string | undefined;
  #committed = { bytes: 0, rows: NO_ROWS };

  readonly #isDryRun: boolean;

  /** @param isDryRun whether nothing is told of it to whoever listens */
  constructor(maxRejects: RejectLimit | undefined, progress: IngestProgress, isDryRun = false) {
    this.#isDryRun = isDryRun;
    this.#maxRejects = maxRejects;
    this.#progress = progress;
  }

  /** Says where a table is, for the results of its files. */
  locate(table: Table, located: LocatedTable): void {
    this.#located.set(table, located);
  }

  #naming(table: Table): Pick<FileResult, 'schema' | 'table'> {
    const located = this.#located.get(table);
    return { schema: located?.place.schema ?? null, table: located?.shown ?? table.name };
  }

  /** Files with a result. */
  get settledCount(): number {
    return this.#results.size;
  }

  /** @param work undefined for a file that was not loaded */
  settle(
    { file, table }: Target,
    result: Partial<FileResult> & Pick<FileResult, 'status'>,
    work: LoadWork = { startedAt: performance.now(), seconds: 0 },
  ): void {
    const complete: FileResult = {
      path: file.name,
      ...this.#naming(table),
      loadId: null,
      rows: NO_ROWS,
      bytes: 0,
      ...toAccountingCounts(NO_BYTES),
      ...result,
    };
    this.#results.set(file, complete);
    if (result.status === 'failed') this.#failedCode ??= work.code;
    this.#progress.fileDone(complete);
    if (!this.#isDryRun) tellLoadEnded(complete, this.#located.get(table)?.place, work);
  }

  /** Sets the result of a file that cannot be read. */
  settleFault(target: Target, error: EdpError): void {
    this.settle(
      target,
      { status: 'failed', reason: fileFaultReason(error) },
      {
        startedAt: performance.now(),
        seconds: 0,
        code: error.code,
      },
    );
  }

  /**
   * Sets the result of a file that is not loaded because of the state of its content in the ledger.
   *
   * @param isLastVersion false where a table keeps versions, and later loads brought some
   */
  settleUnclaimed(
    prepared: PreparedFile,
    finding: Extract<Finding, { kind: 'known' | 'half_undone' | 'other_format' }>,
    isLastVersion = true,
  ): void {
    const { target } = prepared;
    const { loadId, kind } = finding;
    const found = unclaimedReason(finding, target.file.name);
    const later = 'other loads came behind it, so its versions are not the last ones';
    const reason = isLastVersion ? found : `${found} (${later})`;
    if (kind === 'known') this.skip(prepared, loadId, reason);
    else this.settle(target, { status: 'failed', loadId, reason });
  }

  skip({ target, file }: PreparedFile, loadId: number | null, reason: string): void {
    this.#progress.passOver(file.size);
    this.settle(target, { status: 'skipped', loadId, bytes: file.size, reason });
  }

  /**
   * Reports how a file is read, unless nothing is unusual or it is the same as for the previous
   * file.
   */
  reportForm({ target, description, drift, leftOut = [], unusedFlags }: PreparedFile): void {
    const { file, table } = target;
    if (description.format === 'csv' && description.fields.length === 0) {
      this.#progress.note(`${safeText(file.name)} has no header and no records`);
      return;
    }
    const oddities = [
      ...listOddities(description),
      ...listDrift(drift, table),
      ...leftOut.map(
        (name) => `column ${JSON.stringify(name)} left to the server, which computes it`,
      ),
      ...unusedFlags.map((flag) => `${flag} unused, as it is ${description.format}`),
    ].join(', ');
    if (oddities === (this.#oddities.get(table.name) ?? '')) return;
    this.#oddities.set(table.name, oddities);
    this.#progress.note(`${safeText(file.name)} is read with: ${oddities || 'no oddities'}`);
  }

  /**
   * Reports that the header line was among the records, as where files were put together.
   *
   * @param between of the whole load; undefined where it was not counted
   */
  reportHeaders({ target }: PreparedFile, between: Accounting | undefined, hint: string): void {
    const lines = between?.passedOver.header?.lines ?? 0;
    if (lines === 0) return;
    const times = lines === 1 ? 'once more' : `${lines} more times`;
    this.#progress.note(
      `${safeText(target.file.name)} has its header line ${times} among its records; it is no record, and was passed over${hint}`,
    );
  }

  /** Adds the remarks on records of this run, or of earlier runs of its loads. */
  count(rows: RowCounts, remarks: RemarkCounts): void {
    this.#rows = addRows(this.#rows, rows);
    this.#remarks.addCounts(remarks);
  }

  /** Adds what this run has read and committed (in a dry run, tried). */
  countCommitted(bytes: number, rows: RowCounts): void {
    this.#committed = {
      bytes: this.#committed.bytes + bytes,
      rows: addRows(this.#committed.rows, rows),
    };
  }

  /**
   * @param isEnd whether no more records follow
   * @param uncommitted counts of splits that have not committed yet
   * @returns the fault, if there are too many rejects
   */
  findRejectLimitFault(isEnd: boolean, uncommitted: RowCounts = NO_ROWS) {
    return findRejectLimitFault(this.#maxRejects, addRows(this.#rows, uncommitted), isEnd);
  }

  /** @param isInterrupted whether Ctrl-C ended the run */
  summarize(targets: readonly Target[], isInterrupted: boolean): Omit<IngestResult, 'seconds'> {
    return {
      ...summarizeFiles(targets, this.#results, ({ table }) => this.#naming(table), isInterrupted),
      thisRun: this.#committed,
      remarks: this.#remarks.counts,
      isInterrupted,
      ...(this.#failedCode === undefined ? {} : { failedCode: this.#failedCode }),
    };
  }
}

/** How a file was read, for its result. */
export function formOf({
  description,
  drift,
}: PreparedFile): Pick<FileResult, 'format' | 'dialect' | 'drift'> {
  return {
    format: description.format,
    dialect: summarizeForm(description),
    ...(drift === undefined ? {} : { drift }),
  };
}
