/** The checks of a table as a whole: how fresh it is, how many rows it has, and SQL of the user. */
import type pg from 'pg';
import type { Check } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import {
  all,
  binary,
  call,
  cast,
  column,
  type Expr,
  type From,
  type Select,
  text,
} from '../../relational/tree.js';
import { naming } from './check-fault.js';
import { MAX_SAMPLE, toOutcome } from './check-rows.js';
import { CHECKED, type CheckedRows, type CheckOutcome } from './outcome.js';
import { narrowing } from './row-conditions.js';

export type TableCheck = Extract<Check, { readonly kind: 'fresh' | 'row_count' | 'sql' }>;

export function isTableCheck(check: Check): check is TableCheck {
  return check.kind === 'fresh' || check.kind === 'row_count' || check.kind === 'sql';
}

/** Whether time, or somebody else, may make it fail while nothing is loaded. */
export function isOfTime({ kind }: Check): boolean {
  return kind === 'fresh' || kind === 'row_count';
}

/** Numbers of rows, before a change and after it. */
export interface RowCounts {
  /** Undefined where nothing is known. */
  readonly before: number | undefined;
  /** Undefined: to be counted. */
  readonly after: number | undefined;
}

/**
 * @param rows the table as it is now
 * @throws EdpError `task_failed` for a check that cannot be evaluated
 */
export function checkTable(
  client: pg.Client,
  check: TableCheck,
  rows: CheckedRows,
  counts: RowCounts,
): Promise<CheckOutcome> {
  return naming(rows.place, [check], () => {
    switch (check.kind) {
      case 'fresh':
        return checkFresh(client, check, rows);
      case 'row_count':
        return checkRowCount(client, check, rows, counts);
      case 'sql':
        return checkSql(client, check);
    }
  });
}

type Of<Kind extends Check['kind']> = Extract<Check, { readonly kind: Kind }>;

/**
 * A table without a time is not fresh. Infinite times are none. A table that is late would only come later
 * if it were held back.
 */
async function checkFresh(
  client: pg.Client,
  check: Of<'fresh'>,
  { from, shape }: CheckedRows,
): Promise<CheckOutcome> {
  const type = shape.get(check.column) ?? '';
  const time = column(check.column, CHECKED);
  const hasZone = type.endsWith('with time zone');
  const of = hasZone || type.startsWith('timestamp') ? time : cast(time, 'timestamp');
  const now = call('clock_timestamp');
  const today: Expr = hasZone ? now : { kind: 'at-zone', of: now, zone: 'UTC' };
  const limit = cast(text(check.within), 'interval');
  const oldest = binary(today, '-', limit);
  const latest: Expr = {
    kind: 'aggregate',
    name: 'max',
    of,
    filter: all([call('isfinite', of), ...narrowing(check)]),
  };
  const query: Select = {
    columns: [
      { of: cast(latest, 'text'), as: 'latest' },
      {
        of: call('coalesce', binary(latest, '>=', oldest), { kind: 'boolean', value: false }),
        as: 'ok',
      },
      { of: toSeconds(binary(today, '-', latest)), as: 'age' },
      { of: toSeconds(limit), as: 'limit' },
    ],
    from,
  };
  const { rows } = await client.query<{
    latest: string | null;
    ok: boolean;
    age: string | null;
    limit: string;
  }>(printSelect(query));
  const { latest: found, ok, age, limit: seconds } = rows[0]!;
  if (ok) return toOutcome(check, 0, []);
  const outcome = toOutcome(check, 1, [JSON.stringify({ latest: found })]);
  const latestFound = found === null ? 'there is none' : `the latest is ${found}`;
  const late = { ageSeconds: age === null ? null : Number(age), limitSeconds: Number(seconds) };
  return {
    ...outcome,
    late,
    onlyReports: true,
    found: `${latestFound}, not within ${check.within}`,
  };
}

/** Of an interval. */
function toSeconds(interval: Expr): Expr {
  return call('date_part', text('epoch'), interval);
}

export async function countRows(
  client: pg.Client,
  check: Pick<Check, 'where'>,
  from: From,
): Promise<number> {
  const query: Select = {
    columns: [{ of: { kind: 'aggregate', name: 'count' }, as: 'count' }],
    from,
    where: all(narrowing(check)),
  };
  const { rows } = await client.query<{ count: number }>(printSelect(query));
  return rows[0]!.count;
}

/** What was empty before may have any number of rows now. */
async function checkRowCount(
  client: pg.Client,
  check: Of<'row_count'>,
  { from }: CheckedRows,
  { before, after }: RowCounts,
): Promise<CheckOutcome> {
  const { min = 0, max = Number.POSITIVE_INFINITY, change } = check;
  const rows = after ?? (await countRows(client, check, from));
  const changed =
    before === undefined || before === 0 ? 0 : (Math.abs(rows - before) / before) * 100;
  // As edp.yaml has it, so that whoever finds the number right knows what to raise.
  const limit =
    rows < min
      ? `below min: ${min}`
      : rows > max
        ? `above max: ${max}`
        : change !== undefined && changed > change
          ? `beyond change: ${change}%`
          : undefined;
  if (limit === undefined) return toOutcome(check, 0, []);
  const outcome = toOutcome(check, 1, [JSON.stringify({ rows, before })]);
  const earlier = before === undefined ? '' : `, ${before} before`;
  return { ...outcome, found: `${rows} ${rows === 1 ? 'row' : 'rows'}${earlier}: ${limit}` };
}

/** Rows that the statement gives are failures. */
async function checkSql(client: pg.Client, check: Of<'sql'>): Promise<CheckOutcome> {
  const from: From = { kind: 'user', sql: check.sql, as: CHECKED };
  const failing = await countRows(client, check, from);
  if (failing === 0) return toOutcome(check, 0, []);
  // jsonb does not take all that a column of type json may hold.
  const row = cast(call('row_to_json', column(CHECKED)), 'text');
  const asJsonb: Expr = { kind: 'try-cast', of: row, type: 'jsonb' };
  const first: Select = {
    columns: [{ of: cast(call('coalesce', asJsonb, call('to_jsonb', row)), 'text'), as: 'row' }],
    from,
    where: all(narrowing(check)),
    limit: MAX_SAMPLE,
  };
  const { rows } = await client.query<{ row: string }>(printSelect(first));
  return toOutcome(
    check,
    failing,
    rows.map((each) => each.row),
  );
}
