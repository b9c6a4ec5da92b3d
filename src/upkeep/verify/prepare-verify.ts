/** A load, its file and its table → what there is to verify, and the session that sees it at one moment. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { describeFile, readTextHead } from '../../formats/describe-file.js';
import { bodyOf, layoutOf, type Reading, settingsOf } from '../../formats/reading.js';
import { type FileLayout, openFormat } from '../../formats/record-form.js';
import { findGaps } from '../../formats/text/cut-ranges.js';
import type { Gap } from '../../formats/text/ranges.js';
import { isDecoded, readText, type TextForm } from '../../formats/text/read-text.js';
import { RecordBatch } from '../../formats/text/record-batch.js';
import { readSplit } from '../../formats/text/windows.js';
import { WINDOW_BYTES } from '../../lanes/assembly/layout.js';
import { getFileFormat, getLoad, type LoadSummary } from '../../ledger/ledger-queries.js';
import { listHashedRanges } from '../../ledger/loads.js';
import { listPromotions, withPromotions } from '../../ledger/promotions.js';
import { planRecords } from '../../mapping/record-plan.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { withDrift } from '../../model/drift.js';
import type { FileSettings } from '../../model/file-settings.js';
import type { OnConflict } from '../../model/load-rules.js';
import { findTable, type Model, type Table } from '../../model/model.js';
import { withClient } from '../../postgres/connection.js';
import { inspectTable, type TableInCatalog } from '../../postgres/table-in-catalog.js';
import { hasContent, type IdentifiedFile, identifyFile } from '../../source/identify.js';
import { withFile } from '../../source/open-file.js';
import type { Spool } from '../../source/spool.js';
import { type RowShape, shapeOf } from './shape.js';
import type { FileRange } from './verify-task.js';

export interface VerifyRequest {
  readonly loadId: number;
  /** The file to compare; else the one that the ledger names. */
  readonly file: string | undefined;
  /** The project's directory. */
  readonly directory: string;
  readonly model: Model;
}

/** What stays the same while the database goes on. */
export interface Subject {
  readonly load: LoadSummary;
  /** As the user or the ledger names it. */
  readonly name: string;
  /** What is read: the file, or one with its text. */
  readonly file: IdentifiedFile;
  /** As the load read the file; records as the plan wants them. */
  readonly layout: FileLayout;
  readonly isSameContent: boolean;
  readonly table: Table;
  readonly target: TableInCatalog;
  /** Undefined for a file without a header. */
  readonly plan: TablePlan | undefined;
  readonly shape: RowShape;
  readonly promoted: readonly string[];
}

/** @throws EdpError that says what is to be compared with what, where it cannot be found */
export async function findSubject(
  client: pg.Client,
  request: VerifyRequest,
  spool: Spool,
  signal: AbortSignal,
): Promise<Subject> {
  const load = await getLoad(client, request.loadId);
  assertNotUndone(load);
  const { format } = await getFileFormat(client, load.loadId);
  const declared = findTable(request.model, load.table);
  if (declared === undefined) {
    throw new EdpError('unknown_table', `the model has no table "${load.table}" any more`, {
      hint: `load ${load.loadId} went into it; declare it in edp.yaml`,
    });
  }
  const promotions = await listPromotions(client, declared.name);
  const table = withDrift(withPromotions(declared, promotions), format.drift);
  const target = await inspectTable(client, table);

  const name = request.file ?? load.path;
  const source = await identify(request, load, name, format);
  const file = isDecoded(source.form) ? await unpack(source, name, format, spool, signal) : source;
  const ranges = await listHashedRanges(client, load.loadId);
  // A text is known by its beginning alone.
  const isWhole =
    !isDecoded(source.form) ||
    load.state !== 'loaded' ||
    (ranges.at(-1)?.end ?? format.dataStart) === file.size;
  const isSameContent =
    source.contentHash === load.contentHash && isWhole && (await hasContent(file.path, ranges));
  if (!isSameContent && request.file === undefined) {
    throw new EdpError('file_changed', `${name} is not what load ${load.loadId} loaded any more`, {
      hint: `name the file that was loaded; or compare this one all the same: edp verify ${load.loadId} ${name}`,
    });
  }
  const found: FileLayout = isSameContent
    ? layoutOf(format)
    : {
        ...(await describeFile(source.path, name, table, otherSettings(format))),
        // The footer of a text is left out of what is read.
        ...(isDecoded(source.form) ? { dataEnd: undefined } : {}),
      };
  const { recordForm, plan: planned } = planRecords(table, found, name, format.drift?.onNew);
  const layout = { ...found, recordForm };
  const plan = planned.fieldCount === 0 ? undefined : planned;
  return {
    load,
    name,
    file,
    layout,
    isSameContent,
    table,
    target,
    plan,
    shape:
      plan === undefined
        ? { columns: [], key: [], sources: [] }
        : shapeOf(plan, await listColumnTypes(client, target.table)),
    promoted: promotions.map(({ column }) => column),
  };
}

/** @throws EdpError `load_undone`: what an undo has begun to remove cannot be held against a file */
function assertNotUndone({ loadId, state }: LoadSummary): void {
  if (state === 'undone') {
    throw new EdpError('load_undone', `load ${loadId} is undone: there is nothing to verify`, {
      hint: 'load its file again: edp ingest',
    });
  }
  if (state === 'undoing' || state === 'half_undone') {
    throw new EdpError('load_undone', `load ${loadId} is half undone`, {
      hint: `finish that with edp undo ${loadId}, then load its file again`,
    });
  }
}

/** A file as it lies there. */
interface SourceFile extends IdentifiedFile {
  readonly form: TextForm;
}

/** Its text, as a file to read. */
async function unpack(
  { path: file, form, contentHash }: SourceFile,
  name: string,
  format: Reading,
  spool: Spool,
  signal: AbortSignal,
): Promise<IdentifiedFile> {
  const body = bodyOf(readText(file, name, form), format);
  return { ...(await identifyFile(await spool.write(body, signal))), contentHash };
}

/** The same text may be packed in another way than it was. */
function otherSettings(reading: Reading): FileSettings {
  const { format, csv, jsonl } = settingsOf(reading);
  const isPlain = reading.encoding !== 'utf-16le' && reading.encoding !== 'utf-16be';
  const text = { compression: undefined, encoding: isPlain ? reading.encoding : undefined };
  return { format: format!, csv: { ...csv, ...text }, jsonl: { ...jsonl, ...text } };
}

async function identify(
  { file, directory }: VerifyRequest,
  load: LoadSummary,
  name: string,
  format: Reading,
): Promise<SourceFile> {
  if (file === undefined && load.path === '-') {
    throw new EdpError('usage', `load ${load.loadId} came from standard input`, {
      hint: `name a file with the same content: edp verify ${load.loadId} FILE`,
    });
  }
  const absolute = path.resolve(directory, name);
  try {
    // Whether it is there at all is told before it is looked at.
    await access(absolute, constants.R_OK);
    const { form, textHead } = await readTextHead(absolute, name, otherSettings(format));
    return { ...(await identifyFile(absolute, textHead)), form };
  } catch (error) {
    if (error instanceof EdpError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const isGone = code === 'ENOENT' || code === 'ENOTDIR';
    const what = isGone ? 'is not there' : `cannot be read: ${(error as Error).message}`;
    if (file !== undefined) {
      throw new EdpError('no_such_file', `${name} ${what}`, {
        hint: `looked in ${directory}`,
        cause: error,
      });
    }
    throw new EdpError('file_changed', `${name}, which load ${load.loadId} loaded, ${what}`, {
      hint: `if it is elsewhere by now: edp verify ${load.loadId} FILE`,
      cause: error,
    });
  }
}

async function listColumnTypes(client: pg.Client, table: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/** The ledger and the table at one moment. */
export interface Moment {
  readonly client: pg.Client;
  /** For other sessions to see the same. */
  readonly snapshot: string;
  readonly load: LoadSummary;
  readonly receipts: readonly StoredReceipt[];
  /** Blocks of the table, or of its largest partition. */
  readonly blocks: number;
  /** Loads that came later and replaced rows. */
  readonly laterUpdates: ReadonlySet<number>;
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
}

/** Runs `work` while nothing that others do can be seen. */
export async function withMoment<T>(
  database: pg.ClientConfig,
  { load, target }: Subject,
  work: (moment: Moment) => Promise<T>,
): Promise<T> {
  return withClient(database, 'verify', async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows: exported } = await client.query<{ snapshot: string }>(
      'SELECT pg_export_snapshot() AS snapshot',
    );
    const { rows: receipts } = await client.query<StoredReceipt>(
      `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
              line_count AS "lineCount", rows_read AS "rowsRead", rows_rejected AS "rowsRejected",
              rows_duplicate AS "rowsDuplicate", on_conflict AS "onConflict", content_hash AS "contentHash"
       FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
      [load.loadId],
    );
    const { rows: sizes } = await client.query<{ blocks: number }>(
      // Only a partitioned table has a tree.
      `SELECT greatest(pg_relation_size($1::regclass), max(pg_relation_size(relid)))
              / current_setting('block_size')::int AS blocks
       FROM pg_partition_tree($1::regclass)`,
      [target.table],
    );
    const { rows: updates } = await client.query<{ load_id: number }>(
      `SELECT l.load_id FROM edp.loads l
       WHERE l.table_name = $1 AND l.load_id <> $2
         AND EXISTS (SELECT FROM edp.receipts r
                     WHERE r.load_id = l.load_id AND r.on_conflict = 'update'
                       AND r.committed_at > (SELECT started_at FROM edp.loads own
                                             WHERE own.load_id = $2))`,
      [load.table, load.loadId],
    );
    return work({
      client,
      snapshot: exported[0]!.snapshot,
      load: await getLoad(client, load.loadId),
      receipts,
      blocks: sizes[0]?.blocks ?? 0,
      laterUpdates: new Set(updates.map(({ load_id }) => load_id)),
    });
  });
}

/** Parts of the loaded file that a complete load must have receipts for, and has not. */
export function findUncovered({ layout, file }: Subject, { receipts, load }: Moment): Gap[] {
  if (load.state !== 'loaded') return [];
  const { dataStart, dataLine, dataEnd } = layout;
  return findGaps(dataStart, dataLine, dataEnd ?? file.size, receipts);
}

/** The ranges that the receipts tell. */
export function rangesOfReceipts({ receipts }: Moment): FileRange[] {
  return receipts.map((receipt) => ({
    start: receipt.start,
    end: receipt.end,
    firstLine: receipt.firstLine,
    receipt,
  }));
}

/** Bytes of a range of a file that has no receipts, about. */
const RANGE_BYTES = 16 * 1024 * 1024;
const BATCH_RECORDS = 1024;

/** Cuts a file that no receipts are about, at the ends of records, by walking through it once. */
export async function cutFile({ file, layout }: Subject): Promise<FileRange[]> {
  const { recordForm, dataStart, dataLine, dataEnd } = layout;
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
  /** The scanner stays in a record that is too long, while what it has seen of it goes. */
  const leaveWindow = () => {
    const { position } = scanner;
    scanner.shift(position);
    return position;
  };
  const nothing = { update: () => nothing } as never;
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
  const end = await withFile(file, (handle) =>
    readSplit(handle, file, dataStart, dataEnd ?? file.size, window, nothing, {
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
