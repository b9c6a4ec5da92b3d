/**
 * One batch of rejects, within one transaction. They are read, and go through the csv lane and the
 * careful sink, as in a load. Records that load now leave the rejects and move in the counts; the
 * others get their new reason.
 */
import type pg from 'pg';
import { failpoint } from '../../base/failpoints.js';
import { openFormat, type RecordForm } from '../../formats/open-format.js';
import type { RecordPlace } from '../../formats/text/ranges.js';
import { BufferSource } from '../../formats/text/read-split.js';
import { RecordBatch } from '../../formats/text/record-batch.js';
import type { TextFormat } from '../../formats/text/text-format.js';
import { readWindows } from '../../formats/text/windows.js';
import { RecordLoader } from '../../lanes/record-loader.js';
import { type ChangedRows, changesOf, recordChanges } from '../../ledger/changes.js';
import type { RowCounts } from '../../ledger/counts.js';
import type { HeldLoad } from '../../ledger/held-load.js';
import { storable, toStored } from '../../ledger/receipts.js';
import { RejectLog } from '../../ledger/reject-log.js';
import {
  NO_REMARKS,
  type RemarkCounts,
  RemarkTally,
  type RowRemarks,
} from '../../ledger/remarks.js';
import type { StagingOptions } from '../../load/sinks/staged-rows.js';
import { StagingTable } from '../../load/sinks/staging-table.js';
import type { TablePlan } from '../../mapping/table-plan.js';
import { CONFLICT_RULES, ON_CONFLICT, type OnConflict } from '../../model/load-rules.js';
import { Fault, type RejectCode } from '../../model/reject-codes.js';
import { ReplaySink } from './replay-sink.js';

const MAX_BATCH_RECORDS = 1000;
/** Where rejects may refer to each other: those of a batch may do so in any order. */
const MAX_RELATED_RECORDS = 100_000;
/** A longer record is a batch of its own. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const WRITE_BATCH_SIZE = 10_000;
const WINDOW_BYTES = 64 * 1024;

export interface ReplayPlan {
  readonly recordForm: RecordForm;
  /** Path of the file, for messages. */
  readonly path: string;
  /** Offset from which lines of the file look like a footer. */
  readonly footerStart: number | undefined;
  readonly plan: TablePlan;
  readonly stage: StagingOptions;
}

interface Reject {
  readonly byteOffset: number;
  /** Start of the split that read it, which identifies the receipt it is counted in. */
  readonly startByte: number;
  readonly raw: Buffer;
  readonly code: RejectCode;
  readonly reason: string;
  readonly column: string | null;
}

export interface BatchOutcome {
  readonly rows: RowCounts;
  readonly remarks: RemarkCounts;
  /** The rows that changed. */
  readonly changed: ChangedRows;
  /** Code → records that were rejected again. */
  readonly rejectCodes: Readonly<Record<string, number>>;
  /** Offset of the last reject tried. */
  readonly last: number;
}

/** @returns undefined where no reject lies behind `after` */
export async function replayBatch(
  client: pg.Client,
  hold: HeldLoad,
  plan: ReplayPlan,
  after: number,
): Promise<BatchOutcome | undefined> {
  const rejects = await readRejects(client, hold.loadId, after, plan.stage.target);
  if (rejects.length === 0) return undefined;
  await failpoint('replay.read', client);
  const tried = await tryAgain(client, plan, rejects);
  await failpoint('replay.tried', client);
  await updateRefused(client, hold.loadId, tried.refused);
  await failpoint('replay.refused', client);
  await takeOut(
    client,
    hold.loadId,
    rejects.filter(({ byteOffset }) => !tried.refused.has(byteOffset)),
  );
  await failpoint('replay.taken_out', client);
  const { target, loadId } = plan.stage;
  await recordChanges(client, changesOf(target.table, loadId, tried.changed));
  const moved = countMoved(rejects, tried);
  await updateReceipts(client, hold.loadId, plan.stage.onConflict, moved);
  await failpoint('replay.receipts', client);
  const sum = (count: 'loaded' | 'duplicate') =>
    [...moved.values()].reduce((total, receipt) => total + receipt[count], 0);
  const [loaded, duplicate] = [sum('loaded'), sum('duplicate')];
  await hold.addToCounts(client, { loaded, duplicate, rejected: -loaded - duplicate });
  await failpoint('replay.counted', client);
  const tally = new RemarkTally();
  for (const { remarks } of moved.values()) tally.addCounts(remarks.counts);
  return {
    rows: { read: rejects.length, loaded, rejected: tried.refused.size, duplicate },
    remarks: tally.counts,
    changed: tried.changed,
    rejectCodes: countCodes(tried.refused),
    last: rejects.at(-1)!.byteOffset,
  };
}

function countCodes(refused: ReadonlyMap<number, Fault>): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { code } of refused.values()) codes[code] = (codes[code] ?? 0) + 1;
  return codes;
}

/** Reads as many as fit a batch, in the order of the file. */
async function readRejects(
  client: pg.Client,
  loadId: number,
  after: number,
  { refersToItself }: StagingOptions['target'],
): Promise<Reject[]> {
  const { rows: sizes } = await client.query<{ byte_offset: number; bytes: number }>(
    `SELECT byte_offset, octet_length(raw) AS bytes FROM edp.rejects
     WHERE load_id = $1 AND byte_offset > $2 ORDER BY byte_offset LIMIT $3`,
    [loadId, after, refersToItself ? MAX_RELATED_RECORDS : MAX_BATCH_RECORDS],
  );
  let bytes = 0;
  let last: number | undefined;
  for (const { byte_offset, bytes: length } of sizes) {
    bytes += length;
    if (last !== undefined && bytes > MAX_BATCH_BYTES) break;
    last = byte_offset;
  }
  if (last === undefined) return [];
  const { rows } = await client.query<Reject>(
    `SELECT byte_offset AS "byteOffset", start_byte AS "startByte", raw, code, reason, column_name AS "column"
     FROM edp.rejects
     WHERE load_id = $1 AND byte_offset > $2 AND byte_offset <= $3 ORDER BY byte_offset`,
    [loadId, after, last],
  );
  return rows;
}

interface Tried {
  /** The new fault of each record that is refused again, by byte offset. */
  readonly refused: ReadonlyMap<number, Fault>;
  readonly duplicates: ReadonlySet<number>;
  /** Remarks about the records that were staged, by byte offset. */
  readonly remarks: ReadonlyMap<number, RowRemarks>;
  readonly changed: ChangedRows;
}

/** Keeps the fault of each record, instead of writing it to the ledger. */
class Refusals extends RejectLog {
  readonly faults = new Map<number, Fault>();

  override add(place: RecordPlace, fault: Fault): void {
    this.faults.set(place.byteOffset, fault);
  }

  override async flush(): Promise<void> {}
}

async function tryAgain(
  client: pg.Client,
  { recordForm, path, footerStart, plan, stage }: ReplayPlan,
  rejects: readonly Reject[],
): Promise<Tried> {
  const refusals = new Refusals(client, stage.loadId, 0);
  const sink = new ReplaySink(new StagingTable(client, stage), refusals, NO_REMARKS, () => {});
  const loader = new RecordLoader(
    {
      plan,
      recordForm,
      footerStart,
      loadId: stage.loadId,
      writeBatchSize: WRITE_BATCH_SIZE,
      laneMemory: undefined,
    },
    sink,
    refusals,
  );
  const format = openFormat(recordForm);
  await sink.begin();
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
  for (const { byteOffset, raw, code, reason, column } of rejects) {
    // The ledger has only its first bytes.
    if (code === 'record_too_long') {
      refusals.faults.set(byteOffset, new Fault(code, reason));
      continue;
    }
    // Each has a window of its own: a record with an unclosed quote must not reach into the next.
    const bytes = format.endRecord(raw);
    if (!isOneRecord(bytes, raw.length, format)) {
      refusals.faults.set(byteOffset, new Fault(code, reason, column ?? undefined));
      continue;
    }
    const source = new BufferSource(bytes, byteOffset);
    const size = byteOffset + bytes.length;
    const range = { source, size, path, start: byteOffset, until: byteOffset + 1 };
    await readWindows(range, window, loader);
  }
  await loader.finish();
  await sink.settle(async () => Buffer.alloc(0));
  return {
    refused: refusals.faults,
    duplicates: new Set(sink.duplicates.map(({ byteOffset }) => byteOffset)),
    remarks: sink.remarks,
    changed: sink.changed,
  };
}

/**
 * Whether the bytes are one record. Without the lines that followed it in the file, a damaged
 * record may seem to end elsewhere.
 */
function isOneRecord(bytes: Buffer, length: number, format: TextFormat): boolean {
  const batch = new RecordBatch(2);
  const scanner = format.newScanner();
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  return batch.count === 1 && batch.start[0] === 0 && batch.end[0] === length;
}

async function updateRefused(
  client: pg.Client,
  loadId: number,
  refused: ReadonlyMap<number, Fault>,
): Promise<void> {
  if (refused.size === 0) return;
  const faults = [...refused.values()];
  await client.query(
    `UPDATE edp.rejects j SET code = n.code, reason = n.reason, column_name = n.column_name
     FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
       AS n (byte_offset, code, reason, column_name)
     WHERE j.load_id = $1 AND j.byte_offset = n.byte_offset
       AND (j.code, j.reason, j.column_name) IS DISTINCT FROM (n.code, n.reason, n.column_name)`,
    [
      loadId,
      [...refused.keys()],
      faults.map(({ code }) => code),
      faults.map(({ reason }) => storable(reason)),
      faults.map(({ column }) => (column === undefined ? null : storable(column))),
    ],
  );
}

async function takeOut(
  client: pg.Client,
  loadId: number,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return;
  const { rowCount } = await client.query(
    'DELETE FROM edp.rejects WHERE load_id = $1 AND byte_offset = ANY ($2)',
    [loadId, rejects.map(({ byteOffset }) => byteOffset)],
  );
  // Another session that removed one of them has loaded it, too.
  if (rowCount !== rejects.length) {
    throw new Error(`rejects of load ${loadId} were removed by somebody else meanwhile`);
  }
}

interface Moved {
  loaded: number;
  duplicate: number;
  readonly remarks: RemarkTally;
}

/** What moves in each receipt, by the start of its split. */
function countMoved(rejects: readonly Reject[], tried: Tried): Map<number, Moved> {
  const moved = new Map<number, Moved>();
  for (const { byteOffset, startByte } of rejects) {
    if (tried.refused.has(byteOffset)) continue;
    const receipt = moved.get(startByte) ?? { loaded: 0, duplicate: 0, remarks: new RemarkTally() };
    moved.set(startByte, receipt);
    if (tried.duplicates.has(byteOffset)) {
      receipt.duplicate++;
      continue;
    }
    receipt.loaded++;
    receipt.remarks.add(tried.remarks.get(byteOffset) ?? NO_REMARKS, 1);
  }
  return moved;
}

/** SQL for the sum of two objects of counts by name, either of which may be null. */
function sumOf(counts: string, added: string): string {
  return `CASE WHEN ${added} IS NULL THEN ${counts} ELSE (
    SELECT jsonb_object_agg(name, total) FROM (
      SELECT name, sum(records::bigint) AS total FROM (
        SELECT * FROM jsonb_each_text(coalesce(${counts}, '{}'))
        UNION ALL SELECT * FROM jsonb_each_text(${added})) AS counts (name, records)
      GROUP BY name) AS totals) END`;
}

/**
 * A receipt has the rule by which the keys of its split were settled: the most lenient of those it
 * was loaded and replayed with. If a replay replaced rows, its time is that of the receipt.
 */
async function updateReceipts(
  client: pg.Client,
  loadId: number,
  onConflict: OnConflict,
  moved: ReadonlyMap<number, Moved>,
): Promise<void> {
  if (moved.size === 0) return;
  const receipts = [...moved.values()];
  const { rowCount } = await client.query(
    `UPDATE edp.receipts r SET rows_loaded = r.rows_loaded + n.loaded,
       rows_duplicate = r.rows_duplicate + n.duplicate,
       rows_rejected = r.rows_rejected - n.loaded - n.duplicate,
       on_conflict = ($8::text[])[greatest(array_position($8, r.on_conflict), array_position($8, $6))],
       committed_at = CASE WHEN $9 THEN clock_timestamp() ELSE r.committed_at END,
       unknown_metrics = ${sumOf('r.unknown_metrics', 'n.unknown_metrics')},
       corrections = ${sumOf('r.corrections', 'n.corrections')}
     FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::jsonb[], $7::jsonb[])
       AS n (start_byte, loaded, duplicate, unknown_metrics, corrections)
     WHERE r.load_id = $1 AND r.start_byte = n.start_byte`,
    [
      loadId,
      [...moved.keys()],
      receipts.map(({ loaded }) => loaded),
      receipts.map(({ duplicate }) => duplicate),
      receipts.map(({ remarks }) => toStored(remarks.counts.unknownMetrics)),
      onConflict,
      receipts.map(({ remarks }) => toStored(remarks.counts.corrections)),
      ON_CONFLICT,
      CONFLICT_RULES[onConflict].replacesRow,
    ],
  );
  if (rowCount !== moved.size) throw new Error(`receipts of load ${loadId} are missing`);
}
