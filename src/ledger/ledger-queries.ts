/**
 * Queries of the ledger: loads, receipts and rejects. They only read (except openLedger), and also
 * work before anything was loaded.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { Reading } from '../formats/stored-reading.js';
import type { PassedOver } from '../formats/text/passed-over.js';
import type { Drift } from '../model/drift.js';
import type { RejectCode } from '../model/reject-codes.js';
import { showPlace } from '../postgres/locate-table.js';
import { migrate } from '../postgres/migrate.js';
import { isLockHeldSql } from '../postgres/named-lock.js';
import {
  type Accounting,
  type AccountingCounts,
  addBytes,
  type RowCounts,
  toAccountingCounts,
} from './counts.js';
import { isGone, TABLE_STATE_SQL, type TableState } from './former-tables.js';
import { keyOfRow, LOCK_NAME_SQL } from './load-key.js';
import { type LoadRow, rowCountsOf } from './load-row.js';
import type { LoadState } from './load-state.js';
import { groupCorrections } from './remarks.js';

export interface LoadSummary {
  readonly loadId: number;
  readonly path: string;
  readonly schema: string;
  /** With its schema, unless that is the first of the search path. */
  readonly table: string;
  /**
   * `loading` while a run works on it, `interrupted` when none does any more; `undoing` while an
   * undo works on it, `half_undone` when none does any more; `gone` when its table was dropped.
   */
  readonly state: LoadState | 'interrupted' | 'half_undone' | 'gone';
  readonly bytes: number;
  readonly rows: RowCounts;
  /** The lines of its text that are no records; null where they were not all counted, or are undone. */
  readonly passedOver: AccountingCounts['passedOver'];
  /** The bytes of its text so far. */
  readonly byteCounts: AccountingCounts['byteCounts'];
  readonly unknownMetrics: Readonly<Record<string, number>>;
  /** How often each correction acted: by column, then by correction. */
  readonly corrections: ReturnType<typeof groupCorrections>;
  /** How its fields differ from those of the table; undefined where they do not. */
  readonly drift: Drift | undefined;
  /** Rows of other loads whose values it replaced. */
  readonly rowsReplaced: number;
  /** Members that its file lacked; null where it is not to hold all, or could not show who is gone. */
  readonly membersEnded: number | null;
  /** Working time of all its runs. */
  readonly seconds: number;
  readonly contentHash: string;
  readonly startedAt: string;
  /** From when its records are valid. */
  readonly effectiveAt: string;
  readonly finishedAt: string | null;
  readonly undoneAt: string | null;
  /** The load whose content replaced its rows. */
  readonly replacedBy: number | null;
}

export interface ReceiptSummary {
  readonly startByte: number;
  readonly endByte: number;
  readonly firstLine: number;
  readonly rows: RowCounts;
  /** Null where an older edp did not count. */
  readonly passedOver: AccountingCounts['passedOver'];
  readonly byteCounts: AccountingCounts['byteCounts'];
  readonly committedAt: string;
}

export interface StoredReject {
  readonly loadId: number;
  readonly path: string;
  readonly line: number;
  readonly byteOffset: number;
  readonly column: string | null;
  readonly code: RejectCode;
  readonly reason: string;
  readonly raw: Buffer;
}

type LoadSummaryRow = LoadRow & {
  readonly is_held: boolean;
  readonly first_schema: string | null;
  readonly table_state: TableState;
  readonly unknown: Record<string, number> | null;
  readonly corrections: Record<string, number> | null;
  /** Of its receipts. */
  readonly record_bytes: number | null;
  readonly passed_over: PassedOver | null;
  readonly is_counted: boolean;
};

export async function hasLedger(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>(
    "SELECT to_regclass('edp.loads') IS NOT NULL AS exists",
  );
  return rows[0]?.exists === true;
}

/** Updates a ledger of an older edp, if there is one. Commands that only read call it first. */
export async function openLedger(client: pg.Client): Promise<void> {
  if (await hasLedger(client)) await migrate(client);
}

/** The state of a load that no command works on any more. */
const STATE_WHEN_LEFT: Readonly<Record<string, LoadSummary['state']>> = {
  loading: 'interrupted',
  undoing: 'half_undone',
};

/** Whether another session holds a load. Its advisory lock is a bigint, and pg_locks shows the two halves. */
export const IS_HELD = isLockHeldSql(LOCK_NAME_SQL, 'pid <> pg_backend_pid()');

/** Lists loads, newest first. */
export async function listLoads(client: pg.Client, limit: number): Promise<LoadSummary[]> {
  if (!(await hasLedger(client))) return [];
  return queryLoads(client, 'true', [], limit);
}

/** Lists loads that no command works on any more, though they are not at their end. */
export async function listUnfinished(client: pg.Client, limit: number): Promise<LoadSummary[]> {
  const condition = `state IN ('loading', 'undoing') AND gone_at IS NULL AND NOT ${IS_HELD}`;
  return queryLoads(client, condition, [], limit);
}

/** Lists loads with rejects, newest first. */
export async function listRejecting(client: pg.Client, limit: number): Promise<LoadSummary[]> {
  return queryLoads(
    client,
    "state = 'loaded' AND gone_at IS NULL AND rows_rejected > 0",
    [],
    limit,
  );
}

export async function countLoads(client: pg.Client): Promise<number> {
  if (!(await hasLedger(client))) return 0;
  const { rows } = await client.query<{ count: number }>('SELECT count(*) FROM edp.loads');
  return rows[0]?.count ?? 0;
}

/** @throws EdpError `unknown_load` */
export async function getLoad(client: pg.Client, loadId: number): Promise<LoadSummary> {
  const found = (await hasLedger(client))
    ? await queryLoads(client, 'load_id = $1', [loadId], 1)
    : [];
  if (found[0] !== undefined) return found[0];
  throw unknownLoad(loadId);
}

export function unknownLoad(loadId: number): EdpError {
  return new EdpError('unknown_load', `there is no load ${loadId}`, {
    hint: 'edp status lists the loads',
  });
}

/** @throws EdpError `usage` for text that is not the number of a load */
export function parseLoadId(text: unknown): number {
  const loadId = toNumber(text);
  if (loadId !== undefined) return loadId;
  throw new EdpError('usage', `${JSON.stringify(text)} is not the number of a load`, {
    hint: 'edp status lists the loads with their numbers',
  });
}

/** @throws EdpError `usage` */
export function parseRunId(text: unknown): number {
  const runId = toNumber(text);
  if (runId !== undefined) return runId;
  throw new EdpError('usage', `${JSON.stringify(text)} is not the number of a run`, {
    hint: 'edp status --runs lists the runs with their numbers',
  });
}

function toNumber(text: unknown): number | undefined {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : undefined;
}

/** The fault that most rejects of a load have. */
export async function findCommonFault(
  client: pg.Client,
  loadId: number,
): Promise<{ code: string; column: string | null; records: number } | undefined> {
  const { rows } = await client.query<{ code: string; column: string | null; records: number }>(
    `SELECT code, column_name AS column, count(*) AS records FROM edp.rejects WHERE load_id = $1
     GROUP BY code, column_name ORDER BY records DESC, code, column_name LIMIT 1`,
    [loadId],
  );
  return rows[0];
}

export async function countRejects(
  client: pg.Client,
  loadId: number,
  code: RejectCode,
): Promise<number> {
  const { rows } = await client.query<{ records: number }>(
    'SELECT count(*) AS records FROM edp.rejects WHERE load_id = $1 AND code = $2',
    [loadId, code],
  );
  return rows[0]!.records;
}

/** Counts rejects with bytes above ASCII that are no text; an escape in JSON may be none either. */
export async function countForeignBytes(client: pg.Client, loadId: number): Promise<number> {
  const { rows } = await client.query<{ records: number }>(
    String.raw`SELECT count(*) AS records FROM edp.rejects WHERE load_id = $1 AND code = 'invalid_utf8'
       AND encode(raw, 'escape') ~ '(^|[^\\])(\\\\)*\\[23][0-7]'`,
    [loadId],
  );
  return rows[0]!.records;
}

/** A load with rows that stopped before the content of its file changed: nothing will continue it. */
export interface LeftLoad {
  readonly loadId: number;
  readonly rows: number;
}

/** Loads `l` that a run left unfinished, with rows in the table. */
const IS_LEFT = `state = 'loading' AND rows_loaded > 0 AND gone_at IS NULL AND path <> '-' AND NOT ${IS_HELD}`;

/** Whether any load was left, of whatever file. */
export async function hasLeftLoads(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT EXISTS (SELECT FROM edp.loads l WHERE ${IS_LEFT}) AS has`,
  );
  return rows[0]!.has;
}

/** Lists the left loads of the path of a load, into the same table. */
export async function listLeftLoads(client: pg.Client, loadId: number): Promise<LeftLoad[]> {
  const { rows } = await client.query<LeftLoad>(
    `SELECT load_id AS "loadId", rows_loaded AS rows FROM edp.loads l
     WHERE ${IS_LEFT}
       AND EXISTS (SELECT FROM edp.loads own WHERE own.load_id = $1 AND l.load_id < own.load_id
                   AND (l.path, l.schema_name, l.table_name) = (own.path, own.schema_name, own.table_name)
                   AND l.content_hash <> own.content_hash)
     ORDER BY 1`,
    [loadId],
  );
  return rows;
}

/** SQL that adds up the counts by name over the receipts of load `l`. */
function sumOfReceipts(column: string): string {
  return `(SELECT jsonb_object_agg(name, total) FROM (
     SELECT key AS name, sum(value::bigint) AS total
     FROM edp.receipts r, jsonb_each_text(r.${column})
     WHERE r.load_id = l.load_id GROUP BY key) AS counts)`;
}

/** SQL that adds up the bytes of load `l`, over its receipts, and its lines and bytes passed over, by kind. */
const SUM_OF_BYTES = `(SELECT coalesce(sum(record_bytes), 0)::bigint FROM edp.receipts r
     WHERE r.load_id = l.load_id) AS record_bytes,
   NOT EXISTS (SELECT FROM edp.receipts r WHERE r.load_id = l.load_id AND record_bytes IS NULL) AS is_counted,
   (SELECT jsonb_object_agg(kind, jsonb_build_object('lines', lines, 'bytes', bytes)) FROM (
     SELECT key AS kind, sum((value ->> 'lines')::bigint) AS lines, sum((value ->> 'bytes')::bigint) AS bytes
     FROM edp.receipts r, jsonb_each(r.passed_over)
     WHERE r.load_id = l.load_id GROUP BY key) AS kinds) AS passed_over`;

/** @returns undefined where an older edp did not count, or an undo has removed the receipts */
function accountingOf(row: LoadSummaryRow): Accounting | undefined {
  const { state, is_counted, record_bytes, passed_over, head_passed_over, tail_passed_over } = row;
  const isIncomplete = state === 'loaded' && row.text_bytes === null;
  const isGone = state === 'undone' || state === 'undoing';
  if (head_passed_over === null || !is_counted || isIncomplete || isGone) return undefined;
  const parts = [passed_over, head_passed_over, tail_passed_over];
  return parts.reduce(
    (sum: Accounting, passedOver) =>
      addBytes(sum, { recordBytes: 0, passedOver: passedOver ?? {} }),
    { recordBytes: record_bytes ?? 0, passedOver: {} },
  );
}

/**
 * SQL for the working time of load `l`. A run that is killed writes none, but the times at which its splits
 * committed show it: all that lies between two of them, unless nothing happened for a minute.
 */
const SECONDS = `CASE WHEN l.attempt <= 1 THEN l.seconds ELSE greatest(l.seconds, (
  SELECT sum(gap) FILTER (WHERE gap <= 60) FROM (
    SELECT extract(epoch FROM r.committed_at
        - lag(r.committed_at, 1, l.started_at) OVER (ORDER BY r.committed_at)) AS gap
    FROM edp.receipts r WHERE r.load_id = l.load_id) AS gaps)) END`;

async function queryLoads(
  client: pg.Client,
  condition: string,
  values: readonly unknown[],
  limit: number,
): Promise<LoadSummary[]> {
  const { rows } = await client.query<LoadSummaryRow>(
    `SELECT l.*, ${SECONDS} AS seconds, ${IS_HELD} AS is_held, current_schema() AS first_schema, ${TABLE_STATE_SQL} AS table_state, ${sumOfReceipts('unknown_metrics')} AS unknown,
       ${sumOfReceipts('corrections')} AS corrections, ${SUM_OF_BYTES}
     FROM edp.loads l WHERE ${condition} ORDER BY load_id DESC LIMIT ${limit}`,
    [...values],
  );
  const states: LoadSummary['state'][] = [];
  for (const row of rows) {
    const left = STATE_WHEN_LEFT[row.state] ?? row.state;
    states.push(row.is_held ? row.state : (await isGone(client, row)) ? 'gone' : left);
  }
  return rows.map((row, i) => ({
    loadId: row.load_id,
    path: row.path,
    schema: row.schema_name,
    table: showPlace(keyOfRow(row).place, row.first_schema),
    state: states[i]!,
    bytes: row.size_bytes,
    rows: rowCountsOf(row),
    ...toAccountingCounts(accountingOf(row)),
    unknownMetrics: row.unknown ?? {},
    corrections: groupCorrections(row.corrections ?? {}),
    drift: row.file_format.drift,
    rowsReplaced: row.rows_replaced,
    membersEnded: row.rows_ended ?? null,
    seconds: Number(row.seconds),
    contentHash: row.content_hash,
    startedAt: row.started_at,
    effectiveAt: row.effective_at,
    finishedAt: row.finished_at,
    undoneAt: row.undone_at,
    replacedBy: row.replaced_by,
  }));
}

export async function listReceipts(client: pg.Client, loadId: number): Promise<ReceiptSummary[]> {
  const { rows } = await client.query<{
    start_byte: number;
    end_byte: number;
    first_line: number;
    rows_read: number;
    rows_loaded: number;
    rows_rejected: number;
    rows_duplicate: number;
    record_bytes: number | null;
    passed_over: PassedOver | null;
    committed_at: string;
  }>('SELECT * FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte', [loadId]);
  return rows.map((row) => ({
    startByte: row.start_byte,
    endByte: row.end_byte,
    firstLine: row.first_line,
    rows: rowCountsOf(row),
    ...toAccountingCounts(
      row.record_bytes === null
        ? undefined
        : { recordBytes: row.record_bytes, passedOver: row.passed_over ?? {} },
    ),
    committedAt: row.committed_at,
  }));
}

const REJECTS_PER_FETCH = 500;

/** Reads the rejects of a load in the order of the file, a few at a time: there may be millions. */
export async function* readRejects(
  client: pg.Client,
  loadId: number,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<StoredReject> {
  let after = -1;
  let left = limit;
  while (left > 0) {
    const { rows } = await client.query<StoredReject>(
      `SELECT j.load_id AS "loadId", l.path, r.first_line + j.line_in_split AS line,
              j.byte_offset AS "byteOffset", j.column_name AS column, j.code, j.reason, j.raw
       FROM edp.rejects j
       JOIN edp.loads l USING (load_id)
       JOIN edp.receipts r ON r.load_id = j.load_id AND r.start_byte = j.start_byte
       WHERE j.load_id = $1 AND j.byte_offset > $2 ORDER BY j.byte_offset LIMIT $3`,
      [loadId, after, Math.min(left, REJECTS_PER_FETCH)],
    );
    if (rows.length === 0) return;
    yield* rows;
    left -= rows.length;
    after = rows.at(-1)!.byteOffset;
  }
}

export interface StoredFormat {
  /** The file's header record, byte for byte; empty where it has none. */
  readonly header: Buffer;
  readonly format: Reading;
  /** Lines before the first record and behind the last one; null where they were not counted. */
  readonly head: PassedOver | null;
  readonly tail: PassedOver | null;
}

/** @param loadId an existing load */
export async function getFileFormat(client: pg.Client, loadId: number): Promise<StoredFormat> {
  const { rows } = await client.query<StoredFormat>(
    `SELECT header, file_format AS format, head_passed_over AS head, tail_passed_over AS tail
     FROM edp.loads WHERE load_id = $1`,
    [loadId],
  );
  return rows[0]!;
}

/**
 * Counts dimension members that a fact referred to and no file has brought yet, by table.
 *
 * @param loadId counts only those inferred by this load
 */
export async function countInferred(
  client: pg.Client,
  loadId?: number,
): Promise<Record<string, number>> {
  if (!(await hasLedger(client))) return {};
  const { rows } = await client.query<{ table_name: string; count: number }>(
    `SELECT table_name, count(*) FROM edp.inferred_members
     WHERE arrived_at IS NULL AND ($1::bigint IS NULL OR load_id = $1) GROUP BY 1 ORDER BY 1`,
    [loadId ?? null],
  );
  return Object.fromEntries(rows.map(({ table_name, count }) => [table_name, count]));
}
