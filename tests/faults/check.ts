/** Compares a database with what must be in it: rows, ledger, rejects, and nothing left behind. */
import type { Expectation, ExpectedLoad, Row } from './scenario.js';

export type Query = (sql: string, values?: unknown[]) => Promise<unknown[][]>;

export interface Difference {
  /** Rows that are missing. */
  readonly lost: number;
  /** Rows that exist once more than they should. */
  readonly repeated: number;
  /** Rows that exist and should not, in place of expected ones. */
  readonly altered: number;
  readonly problems: readonly string[];
}

/** The indexes and constraints of the tables, none of which may change. */
export async function describeSchema(query: Query): Promise<string> {
  const rows = await query(`
    SELECT 'table ' || c.oid::regclass::text || ' ' || c.relkind::text || ' ' || (
             SELECT coalesce(string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '
                                        ORDER BY attname), '')
             FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S', 'v') AND n.nspname IN ('public', 'edp')
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(indexrelid) || ' ' || indisvalid::text || indisready::text FROM pg_index
    WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY 1`);
  return rows.map(([line]) => line).join('\n');
}

/**
 * Checks the equation of the ledger, and whether the rows that it counts exist. Both must hold at
 * any moment.
 */
export async function findImbalances(query: Query, table: string | undefined): Promise<string[]> {
  const problems: string[] = [];
  const [[hasLedger]] = (await query(`SELECT to_regclass('edp.rejects') IS NOT NULL`)) as [
    [boolean],
  ];
  if (!hasLedger) return [];
  const [[hasTable]] = (await query(`SELECT to_regclass($1) IS NOT NULL`, [table ?? 'none'])) as [
    [boolean],
  ];
  const inTable = hasTable
    ? `(SELECT count(*) FROM ${table} t WHERE t.load_id = l.load_id)`
    : table === undefined
      ? 'l.rows_loaded'
      : '0';
  const rows = await query(`
    SELECT l.load_id, l.state, l.rows_read, l.rows_loaded, l.rows_rejected, l.rows_duplicate,
      ${inTable}, (SELECT count(*) FROM edp.rejects j WHERE j.load_id = l.load_id),
      (SELECT coalesce(sum(rows_read), 0) FROM edp.receipts r WHERE r.load_id = l.load_id)
    FROM edp.loads l WHERE ${table === undefined ? 'true' : `l.table_name = '${table}'`}`);
  for (const row of rows) {
    const [load, state, ...counts] = row;
    const [read, loaded, rejected, duplicate, there, rejects, receipts] = counts.map(Number);
    const where = `load ${load} (${state})`;
    if (read !== loaded! + rejected! + duplicate!)
      problems.push(`${where}: the equation does not hold`);
    if (there !== loaded) problems.push(`${where}: ${there} rows, counted as ${loaded}`);
    if (rejects !== rejected) problems.push(`${where}: ${rejects} rejects, counted as ${rejected}`);
    if (state !== 'undoing' && receipts !== read) {
      problems.push(`${where}: receipts of ${receipts} records, counted as ${read}`);
    }
  }
  for (const [load, textBytes, accounted] of await query(UNACCOUNTED)) {
    problems.push(`load ${load}: ${accounted} bytes are accounted for, of ${textBytes}`);
  }
  return problems;
}

/** Complete loads of which records and lines passed over are not the whole text. */
const UNACCOUNTED = `
  SELECT load_id, text_bytes, accounted FROM edp.loads l CROSS JOIN LATERAL (
    SELECT coalesce(sum((value ->> 'bytes')::bigint), 0) + (
        SELECT coalesce(sum(record_bytes), 0) FROM edp.receipts r WHERE r.load_id = l.load_id
      ) AS accounted
    FROM (
      VALUES (head_passed_over), (tail_passed_over) UNION ALL
      SELECT passed_over FROM edp.receipts r WHERE r.load_id = l.load_id
    ) AS parts (counts), jsonb_each(counts)) AS sums
  WHERE state = 'loaded' AND text_bytes IS DISTINCT FROM accounted`;

export async function compare(
  query: Query,
  { tables, loads, lineageOf }: Expectation,
  schema: string,
): Promise<Difference> {
  const problems: string[] = [];
  let lost = 0;
  let repeated = 0;
  let altered = 0;
  for (const { table, columns, rows } of tables) {
    const actual = (await query(`SELECT ${columns} FROM ${table}`)) as Row[];
    const difference = compareRows(actual, rows);
    lost += difference.lost;
    repeated += difference.repeated;
    altered += difference.altered;
    if (difference.example !== undefined) problems.push(`${table}: ${difference.example}`);
  }
  problems.push(...(await findImbalances(query, lineageOf)));
  problems.push(...(await compareLoads(query, loads)));
  problems.push(...(await findLeftovers(query)));
  const now = await describeSchema(query);
  if (now !== schema)
    problems.push(`the schema is not what it was: ${firstDifference(schema, now)}`);
  return { lost, repeated, altered, problems };
}

function firstDifference(expected: string, actual: string): string {
  const known = new Set(expected.split('\n'));
  const found = new Set(actual.split('\n'));
  const missing = [...known].find((line) => !found.has(line));
  const extra = [...found].find((line) => !known.has(line));
  return `missing ${missing ?? 'nothing'}; added ${extra ?? 'nothing'}`;
}

function compareRows(actual: readonly Row[], expected: readonly Row[]) {
  const open = new Map<string, number>();
  const wanted = new Set<string>();
  for (const row of expected) {
    const key = JSON.stringify(row);
    wanted.add(key);
    open.set(key, (open.get(key) ?? 0) + 1);
  }
  let repeated = 0;
  let strange = 0;
  let example: string | undefined;
  for (const row of actual) {
    const key = JSON.stringify(row);
    const left = open.get(key) ?? 0;
    if (left > 0) {
      open.set(key, left - 1);
      continue;
    }
    example ??= `${key} is ${wanted.has(key) ? 'there too often' : 'not expected'}`;
    if (wanted.has(key)) repeated++;
    else strange++;
  }
  let missing = 0;
  for (const [key, count] of open) {
    missing += count;
    if (count > 0) example ??= `${key} is missing`;
  }
  // An unexpected row, where one is missing, is counted as the missing one, altered.
  const altered = Math.min(strange, missing);
  return { lost: missing - altered, repeated: repeated + strange - altered, altered, example };
}

async function compareLoads(query: Query, expected: readonly ExpectedLoad[]): Promise<string[]> {
  const problems: string[] = [];
  const loads = await query(
    `SELECT load_id, path, state, size_bytes, rows_read, rows_loaded, rows_rejected, rows_duplicate
     FROM edp.loads ORDER BY load_id`,
  );
  if (loads.length !== expected.length) {
    problems.push(`${loads.length} loads, not ${expected.length}`);
  }
  for (const load of expected) {
    const pattern = new RegExp(`^${load.path}$`);
    const found = loads.find(([, path]) => pattern.test(String(path)));
    if (found === undefined) {
      problems.push(`no load of ${load.path}`);
      continue;
    }
    const [id, , state, size, ...counts] = found;
    const where = `load ${id} of ${load.path}`;
    if (state !== load.state) problems.push(`${where} is ${state}`);
    if (Number(size) !== load.bytes) problems.push(`${where} has ${size} bytes`);
    if (counts.map(Number).join() !== load.counts.join()) {
      problems.push(`${where} counts ${counts.join()}, not ${load.counts.join()}`);
    }
    problems.push(...(await compareReceipts(query, Number(id), load, where)));
    problems.push(...(await compareRejects(query, Number(id), load, where)));
  }
  return problems;
}

/** Checks that receipts cover the file from its first record to its end, without gap or overlap. */
async function compareReceipts(
  query: Query,
  loadId: number,
  { state, bytes, dataStart }: ExpectedLoad,
  where: string,
): Promise<string[]> {
  const receipts = await query(
    'SELECT start_byte, end_byte, first_line FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte',
    [loadId],
  );
  if (state === 'undone') return receipts.length === 0 ? [] : [`${where} has receipts still`];
  let at = dataStart;
  for (const [start, end] of receipts) {
    if (Number(start) !== at) return [`${where}: a receipt begins at ${start}, not at ${at}`];
    at = Number(end);
  }
  return at === bytes ? [] : [`${where}: receipts end at ${at}, not at ${bytes}`];
}

async function compareRejects(
  query: Query,
  loadId: number,
  { rejects }: ExpectedLoad,
  where: string,
): Promise<string[]> {
  const found = await query(
    `SELECT r.first_line + j.line_in_split, j.byte_offset, j.code, j.raw
     FROM edp.rejects j LEFT JOIN edp.receipts r USING (load_id, start_byte)
     WHERE j.load_id = $1 ORDER BY j.byte_offset`,
    [loadId],
  );
  if (found.length !== rejects.length) {
    return [`${where} has ${found.length} rejects, not ${rejects.length}`];
  }
  for (const [i, { line, byteOffset, code, raw }] of rejects.entries()) {
    const [foundLine, foundOffset, foundCode, foundRaw] = found[i]!;
    if (Number(foundLine) !== line || Number(foundOffset) !== byteOffset || foundCode !== code) {
      return [
        `${where}: reject ${foundCode} at line ${foundLine}, byte ${foundOffset}; not ${code} at line ${line}, byte ${byteOffset}`,
      ];
    }
    if (!raw.equals(foundRaw as Buffer)) return [`${where}: the bytes of line ${line} are others`];
  }
  return [];
}

/** Checks that nothing is left behind: no temporary table, no lock, no prepared transaction. */
async function findLeftovers(query: Query): Promise<string[]> {
  const rows = await query(`
    SELECT 'temporary table ' || relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'
    UNION ALL
    SELECT 'lock ' || locktype || ' of ' || coalesce(pid::text, 'nobody') FROM pg_locks l
    WHERE locktype = 'advisory'
      -- Where a process runs several commands, its threads stay, each with the lock of its run.
      AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid AND a.application_name = 'edp worker'
                      AND l.mode = 'ShareLock')
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL
    SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database()`);
  return rows.map(([what]) => `left behind: ${what}`);
}
