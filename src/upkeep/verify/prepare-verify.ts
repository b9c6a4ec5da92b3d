/** A load, its file and its table → what there is to verify, and the session that sees it at one moment. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { toShellWord } from '../../base/shell-word.js';
import { describeFile } from '../../formats/describe-file.js';
import { type FileLayout, openFormat } from '../../formats/open-format.js';
import { layoutOf } from '../../formats/stored-reading.js';
import { findGaps } from '../../formats/text/cut-ranges.js';
import type { PassedOver } from '../../formats/text/passed-over.js';
import type { Gap } from '../../formats/text/ranges.js';
import { isDecoded } from '../../formats/text/read-text.js';
import { RecordBatch } from '../../formats/text/record-batch.js';
import { readWindows } from '../../formats/text/windows.js';
import { WINDOW_BYTES } from '../../lanes/assembly/layout.js';
import { loadGone } from '../../ledger/former-tables.js';
import {
  getFileFormat,
  getLoad,
  type LoadSummary,
  type StoredFormat,
} from '../../ledger/ledger-queries.js';
import { listPromotions, withPromotions } from '../../ledger/promotions.js';
import { fitPlan } from '../../mapping/fit-plan.js';
import { planRecords } from '../../mapping/record-plan.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { withDrift } from '../../model/drift.js';
import { loadCommandOf } from '../../model/file-settings.js';
import { type OnConflict, REPLACING } from '../../model/load-rules.js';
import { findTableAt, type Model, type Table } from '../../model/model.js';
import { bareName, formatTableName } from '../../model/table-name.js';
import { listColumns } from '../../postgres/columns-in-catalog.js';
import { withClient } from '../../postgres/connection.js';
import { FAMILY } from '../../postgres/family.js';
import { inspectTable, type TableInCatalog } from '../../postgres/table-in-catalog.js';
import type { CopyOptions } from '../../source/copies.js';
import type { IdentifiedFile } from '../../source/identify.js';
import { withFile } from '../../source/open-file.js';
import type { Spool } from '../../source/spool.js';
import { otherSettings } from './find-file.js';
import { findLoadedFile } from './loaded-file.js';
import { type RowShape, shapeOf } from './shape.js';
import { listLooseColumns, readFoldedLetters } from './text-equality.js';
import type { FileRange } from './verify-task.js';

export interface VerifyRequest {
  readonly loadId: number;
  /** The file to compare; if undefined, the one named in the ledger. */
  readonly file: string | undefined;
  /** The project's directory. */
  readonly directory: string;
  readonly model: Model;
}

/** What stays the same while the database changes. */
export interface VerifySubject {
  readonly load: LoadSummary;
  /** Name of the file as given by the user or the ledger. */
  readonly name: string;
  /** The file that is read: the file itself, or one with its unpacked text. */
  readonly file: IdentifiedFile;
  /** The header and the ends of the text, as the ledger has them. */
  readonly stored: StoredFormat;
  /** The text behind the last record. @param end of the last record */
  readTail(end: number): Promise<Buffer>;
  /** How the load read the file; its records are read as the plan needs them. */
  readonly layout: FileLayout;
  readonly isSameContent: boolean;
  readonly table: Table;
  readonly target: TableInCatalog;
  /** Undefined for a file without a header. */
  readonly plan: TablePlan | undefined;
  readonly shape: RowShape;
  readonly promoted: readonly string[];
  /** Columns that are left out, because only the server can compare their values. */
  readonly uncompared: readonly string[];
}

/** @throws EdpError that says what is missing for the comparison */
export async function findSubject(
  client: pg.Client,
  request: VerifyRequest,
  spool: Spool,
  copying: CopyOptions,
): Promise<VerifySubject> {
  const load = await getLoad(client, request.loadId);
  const stored = await getFileFormat(client, load.loadId);
  assertNotUndone(load, loadCommandOf(stored.format.format));
  const place = { schema: load.schema, name: bareName(load.table) };
  const { format, header } = stored;
  const declared = findTableAt(request.model, place);
  if (declared === undefined) {
    throw new EdpError('unknown_table', `the model has no table "${load.table}" any more`, {
      hint: `load ${load.loadId} went into it; declare it in edp.yaml`,
    });
  }
  const promotions = await listPromotions(client, place);
  const table = withDrift(withPromotions(declared, promotions), format.drift);
  const target = await inspectTable(client, table, undefined, formatTableName(place));

  const { file: named, directory } = request;
  const found = await findLoadedFile(client, load, stored, named, directory, spool, copying);
  const { source, file, isSameContent, readTail } = found;
  const { name } = source;
  if (!isSameContent && request.file === undefined) {
    throw new EdpError('file_changed', `${name} is not what load ${load.loadId} loaded any more`, {
      hint: `name the file that was loaded; or compare this one all the same: edp verify ${load.loadId} ${toShellWord(name)}`,
    });
  }
  const read: FileLayout = isSameContent
    ? layoutOf(format, header)
    : {
        ...(await describeFile(source, name, table, otherSettings(format))),
        // The footer of a text is left out of what is read.
        ...(isDecoded(source.form) ? { dataEnd: undefined } : {}),
      };
  const { recordForm, plan: planned } = planRecords(table, read, name, format.drift?.onNew);
  const layout = { ...read, recordForm };
  const loose = await listLooseColumns(client, target.oid, load, isSameContent);
  const left = new Set([...target.others.keys(), ...loose]);
  const plan = planned.fieldCount === 0 ? undefined : comparedPlan(fitPlan(planned, target), left);
  return {
    load,
    name,
    file,
    stored,
    readTail,
    layout,
    isSameContent,
    table,
    target,
    plan,
    uncompared: [...left].filter((name) => planned.columns.some((column) => column.name === name)),
    shape:
      plan === undefined
        ? { columns: [], key: [], sources: [] }
        : shapeOf(plan, await listColumnTypes(client, target.oid), await readFoldedLetters(client)),
    promoted: promotions.map(({ column }) => column),
  };
}

/**
 * @param command that loads such files
 * @throws EdpError `load_gone`; `load_undone`: after an undo has begun to remove rows, there is nothing to
 *   compare
 */
function assertNotUndone({ loadId, state, table }: LoadSummary, command: string): void {
  if (state === 'gone') throw loadGone(loadId, table, command);
  if (state === 'undone') {
    throw new EdpError('load_undone', `load ${loadId} is undone: there is nothing to verify`, {
      hint: `load its file again: ${command}`,
    });
  }
  if (state === 'undoing' || state === 'half_undone') {
    throw new EdpError('load_undone', `load ${loadId} is half undone`, {
      hint: `finish that with edp undo ${loadId}, then load its file again`,
    });
  }
}

/** The types that columns have; of a domain, the type that it is made of. */
async function listColumnTypes(client: pg.Client, oid: number): Promise<Map<string, string>> {
  const columns = await listColumns(client, oid);
  return new Map(columns.map(({ name, baseType }) => [name, baseType]));
}

/**
 * Leaves out columns whose values only the server can compare: a text of the file and another one of
 * the table may be the same value.
 *
 * @throws EdpError `table_mismatch` where nothing can be compared without them
 */
function comparedPlan(plan: TablePlan, left: ReadonlySet<string>): TablePlan {
  const columns = plan.columns.filter(({ name }) => !left.has(name));
  const key = plan.key.filter((name) => left.has(name));
  if (key.length === 0 && columns.some(({ from }) => from !== 'load')) return { ...plan, columns };
  const names = key.length > 0 ? key : [...left];
  throw new EdpError(
    'table_mismatch',
    `rows of table "${plan.table}" cannot be compared without ${names.join(', ')}, whose values only the server can compare`,
    { hint: 'compare them by a query; docs/verify.md lists what is compared' },
  );
}

/** The ledger and the table in one snapshot. */
export interface Snapshot {
  readonly client: pg.Client;
  /** Identifies the exported snapshot, so that other sessions can use it. */
  readonly snapshotId: string;
  readonly load: LoadSummary;
  readonly receipts: readonly StoredReceipt[];
  /** Blocks of the table, or of its largest partition or child. */
  readonly blocks: number;
  /** Loads that came later and replaced rows. */
  readonly laterUpdates: ReadonlySet<number>;
  /** Loads of the table that began before this one ended, and were undone since: its duplicates may have been of them. */
  readonly undoneSince: readonly number[];
}

export interface StoredReceipt {
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lineCount: number;
  readonly rowsRead: number;
  readonly rowsRejected: number;
  readonly rowsDuplicate: number;
  readonly onConflict: OnConflict;
  readonly contentHash: string;
  /** Null where an older edp did not count. */
  readonly recordBytes: number | null;
  readonly passedOver: PassedOver | null;
}

/** Runs `work` with one snapshot, in which changes by others do not appear. */
export async function withSnapshot<T>(
  database: pg.ClientConfig,
  { load, target }: VerifySubject,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  return withClient(database, 'verify', async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows: exported } = await client.query<{ snapshotId: string }>(
      'SELECT pg_export_snapshot() AS "snapshotId"',
    );
    const { rows: receipts } = await client.query<StoredReceipt>(
      `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
              line_count AS "lineCount", rows_read AS "rowsRead", rows_rejected AS "rowsRejected",
              rows_duplicate AS "rowsDuplicate", on_conflict AS "onConflict", content_hash AS "contentHash",
              record_bytes AS "recordBytes", passed_over AS "passedOver"
       FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
      [load.loadId],
    );
    const { rows: sizes } = await client.query<{ blocks: number }>(
      `${FAMILY}
       SELECT max(pg_relation_size(oid)) / current_setting('block_size')::int AS blocks FROM family`,
      [target.oid],
    );
    const { rows: updates } = await client.query<{ load_id: number }>(
      `SELECT l.load_id FROM edp.loads own
       JOIN edp.loads l USING (schema_name, table_name)
       WHERE own.load_id = $1 AND l.load_id <> $1
         AND EXISTS (SELECT FROM edp.receipts r
                     WHERE r.load_id = l.load_id AND r.on_conflict = ANY ($2)
                       AND r.committed_at > own.started_at)`,
      [load.loadId, REPLACING],
    );
    const { rows: undone } = await client.query<{ load_id: number }>(
      `SELECT l.load_id FROM edp.loads own
       JOIN edp.loads l USING (schema_name, table_name)
       WHERE own.load_id = $1 AND l.load_id <> $1 AND l.state IN ('undoing', 'undone')
         AND (l.undone_at IS NULL OR l.undone_at > own.started_at)
         AND (own.finished_at IS NULL OR l.started_at < own.finished_at)
       ORDER BY 1`,
      [load.loadId],
    );
    return work({
      client,
      snapshotId: exported[0]!.snapshotId,
      load: await getLoad(client, load.loadId),
      receipts,
      blocks: sizes[0]?.blocks ?? 0,
      laterUpdates: new Set(updates.map(({ load_id }) => load_id)),
      undoneSince: undone.map(({ load_id }) => load_id),
    });
  });
}

/** Parts of the loaded file for which a complete load must have receipts, but has none. */
export function findUncovered(
  { layout, file }: VerifySubject,
  { receipts, load }: Snapshot,
): Gap[] {
  if (load.state !== 'loaded') return [];
  const { dataStart, dataLine, dataEnd } = layout;
  return findGaps(dataStart, dataLine, dataEnd ?? file.size, receipts);
}

/** The ranges of the receipts. */
export function rangesOfReceipts({ receipts }: Snapshot): FileRange[] {
  return receipts.map((receipt) => ({
    start: receipt.start,
    end: receipt.end,
    firstLine: receipt.firstLine,
    receipt,
  }));
}

/** Approximate size of a range in a file that has no receipts, in bytes. */
const RANGE_BYTES = 16 * 1024 * 1024;
const BATCH_RECORDS = 1024;

/** Cuts a file without receipts at the ends of records, by reading it once. */
export async function cutFile({ file, layout }: VerifySubject): Promise<FileRange[]> {
  const { recordForm, dataStart, dataLine, dataEnd } = layout;
  const { path, size } = file;
  const scanner = openFormat(recordForm).newScanner();
  const batch = new RecordBatch(BATCH_RECORDS);
  const ranges: FileRange[] = [];
  let start = dataStart;
  let firstLine = dataLine;
  let line = dataLine;
  const cutAt = (end: number) => {
    if (end > start) ranges.push({ start, end, firstLine, receipt: undefined });
    start = end;
    firstLine = line;
  };
  let isInRecord = false;
  /**
   * The scanner stays in a record that is too long, while the bytes that it has scanned are
   * dropped.
   */
  const leaveWindow = () => {
    const { position } = scanner;
    scanner.shift(position);
    return position;
  };
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
  const end = await withFile(file, (handle) =>
    readWindows({ source: handle, size, path, start: dataStart, until: dataEnd ?? size }, window, {
      async take({ bytes, filled, limit, isLast, base }) {
        let position = 0;
        if (isInRecord) {
          isInRecord = !scanner.pass(bytes, filled, isLast);
          if (isInRecord) return leaveWindow();
          line += scanner.nextLine;
          position = scanner.nextRecord;
        }
        for (;;) {
          scanner.reset(position);
          batch.count = 0;
          scanner.scan(bytes, filled, limit, isLast, batch);
          line += scanner.nextLine;
          if (base + scanner.nextRecord - start >= RANGE_BYTES) cutAt(base + scanner.nextRecord);
          if (scanner.nextRecord === position || batch.count < batch.limit) break;
          position = scanner.nextRecord;
        }
        return scanner.nextRecord;
      },
      cutLongRecord({ bytes, filled, limit }) {
        scanner.reset(0);
        batch.count = 0;
        scanner.scan(bytes, filled, limit, false, batch);
        isInRecord = !scanner.cutLongRecord(bytes, filled, batch);
        if (isInRecord) return leaveWindow();
        line += scanner.nextLine;
        return scanner.nextRecord;
      },
      get isInRecord() {
        return isInRecord;
      },
    }),
  );
  cutAt(end);
  return ranges;
}
