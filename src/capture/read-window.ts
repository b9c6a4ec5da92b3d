/** The rows of the outbox that may be read, in order. */
import type pg from 'pg';
import { tunable } from '../base/failpoints.js';
import { withTransaction } from '../postgres/connection.js';
import { changeTexts, type Shape } from './change-texts.js';
import { BOTH_OUTBOXES, type Cursor } from './consumer.js';
import { OUTBOX_ROW, type OutboxRow } from './event-line.js';
import { readShapes } from './read-shapes.js';

const FETCH_ROWS = 5000;
const DIGITS = /^\d+$/;

/** What is read at once: all that transactions from the cursor up to `upto` wrote. */
export interface Window {
  readonly upto: string;
  batches(): AsyncIterable<readonly OutboxRow[]>;
}

/**
 * The window that the cursor is in, or the next one. Its rows are sorted once, and kept by the server until they are
 * read, outside of any transaction.
 */
export async function openWindow(client: pg.Client, cursor: Cursor): Promise<Window> {
  const upto = await withTransaction(client, async () => {
    // One snapshot for the decision and the rows.
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    const { rows } = await client.query<{ xmin: string }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin',
    );
    const end = cursor.upto ?? rows[0]!.xmin;
    await client.query(
      `DECLARE edp_window NO SCROLL CURSOR WITH HOLD FOR SELECT ${OUTBOX_ROW}, shape::text AS shape, array_to_json(changes)::text AS changes
       FROM ${BOTH_OUTBOXES} AS e
       WHERE ${conditions(cursor, end)} ORDER BY e.sequence, e.xid`,
    );
    return end;
  });
  return { upto, batches: () => fetchAll(client) };
}

function conditions({ lastXmin, position, positionXid }: Cursor, end: string): string {
  const parts = [`e.xid >= '${digits(lastXmin)}'`, `e.xid < '${digits(end)}'`];
  if (position !== null && positionXid !== null) {
    parts.push(`(e.sequence, e.xid) > (${digits(position)}, '${digits(positionXid)}'::xid8)`);
  }
  return parts.join(' AND ');
}

/** A cursor takes no parameters. */
function digits(text: string): string {
  if (!DIGITS.test(text)) throw new TypeError(`${text} is no number`);
  return text;
}

/** What a trigger has kept has a shape, and texts of its own yet to come. */
type KeptRow = OutboxRow & { readonly shape: string | null; readonly changes: string | null };

async function* fetchAll(client: pg.Client): AsyncGenerator<readonly OutboxRow[]> {
  const most = tunable('capture.fetch_rows', FETCH_ROWS);
  const shapes = new Map<string, Shape>();
  try {
    for (;;) {
      const { rows } = await client.query<KeptRow>(`FETCH ${most} FROM edp_window`);
      await readShapes(client, shapes, new Set(rows.flatMap(({ shape }) => shape ?? [])));
      if (rows.length > 0) yield rows.map((row) => withTexts(row, shapes));
      if (rows.length < most) break;
    }
  } finally {
    await client.query('CLOSE edp_window').catch(() => {});
  }
}

function withTexts(row: KeptRow, shapes: ReadonlyMap<string, Shape>): OutboxRow {
  const { shape, changes } = row;
  if (shape === null || changes === null) return row;
  return { ...row, ...changeTexts(row.op, shapes.get(shape)!, JSON.parse(changes)) };
}
