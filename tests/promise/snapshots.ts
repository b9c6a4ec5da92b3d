/** Loads of a table whose files hold all members, as edp's commands do them. */
import type pg from 'pg';
import type { SnapshotTable } from '../../src/ledger/member-ends.js';
import { quoteColumns, quoteIdentifier } from '../../src/model/ddl.js';
import { BRONZE, type BronzeName, type BronzeTable, type Row } from './bronze.js';

/** Bytes of a record. */
const RECORD = 10;

export async function snapshotTable(client: pg.Client, name: BronzeName): Promise<SnapshotTable> {
  const { rows } = await client.query<{ oid: number }>(
    `SELECT 'public.${name}'::regclass::oid::int AS oid`,
  );
  const { key }: BronzeTable = BRONZE[name];
  return { oid: rows[0]!.oid, name: `public.${name}`, key, lineageColumn: 'load_id' };
}

/**
 * Records that differ from the version before them; the others are noted as seen.
 *
 * @returns how many are versions
 */
export async function insertVersions(
  client: pg.Client,
  table: BronzeName,
  loadId: number,
  records: readonly Row[],
): Promise<number> {
  const names = Object.keys(BRONZE[table].columns);
  const { rows: ends } = await client.query<{ next: number }>(
    `SELECT coalesce(max(end_byte), 0)::int AS next FROM edp.receipts WHERE load_id = $1`,
    [loadId],
  );
  let offset = ends[0]!.next;
  let inserted = 0;
  for (const record of records) {
    const values = names.map((name) => record[name] ?? null);
    const before = await versionBefore(client, table, record);
    const isSame =
      before !== undefined &&
      before.is_ended === 'false' &&
      names.every((name, i) => before[name] === values[i]);
    if (isSame) {
      await client.query(
        'INSERT INTO edp.seen_versions VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [loadId, before.load_id, before.source_offset],
      );
    } else {
      await client.query(
        `INSERT INTO public.${table} (${quoteColumns(names)}, load_id, source_offset)
         VALUES (${names.map((_, i) => `$${i + 3}`).join(', ')}, $1, $2)`,
        [loadId, offset, ...values],
      );
      inserted++;
    }
    offset += RECORD;
  }
  await keepReceipt(client, loadId, ends[0]!.next, offset);
  return inserted;
}

async function versionBefore(
  client: pg.Client,
  table: BronzeName,
  record: Row,
): Promise<Row | undefined> {
  const { columns, key }: BronzeTable = BRONZE[table];
  const shown = [...Object.keys(columns), 'load_id', 'source_offset', 'is_ended'];
  const { rows } = await client.query<Row>(
    `SELECT ${shown.map((name) => `t.${name}::text AS ${name}`).join(', ')} FROM public.${table} t
     WHERE ${key.map((name, i) => `t.${quoteIdentifier(name)} = $${i + 1}`).join(' AND ')}
     ORDER BY t.load_id DESC, t.source_offset DESC LIMIT 1`,
    key.map((name) => record[name]),
  );
  return rows[0];
}

async function keepReceipt(
  client: pg.Client,
  loadId: number,
  start: number,
  end: number,
): Promise<void> {
  if (end === start) return;
  await client.query(
    `INSERT INTO edp.receipts (load_id, start_byte, end_byte, first_line, line_count, rows_read, rows_loaded,
       rows_rejected, rows_duplicate, content_hash) VALUES ($1, $2, $3, 1, 1, 0, 0, 0, 0, '')`,
    [loadId, start, end],
  );
}
