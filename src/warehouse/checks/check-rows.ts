/** The checks of a table that look at its rows, in one pass over them. */
import type pg from 'pg';
import type { Check } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import {
  binary,
  call,
  cast,
  column,
  type Expr,
  number,
  type Output,
  type Select,
  text,
} from '../../relational/tree.js';
import { naming } from './check-fault.js';
import { CHECKED, type CheckedRows, type CheckOutcome } from './outcome.js';
import { failsWhere, isRowCheck, isUnique } from './row-conditions.js';
import { ensureIndex, failingOfUnique, hasGroups } from './unique-rows.js';

/** Rows of a check that are kept, of each slice. */
export const MAX_SAMPLE = 100;
/** Of all slices together. */
const MAX_ROWS = 10_000;

const SLICE = 'edp_slice';
const PLACE = 'edp_place';
const SHOWN = 'edp_shown';

/** Slice → number of failing rows. */
type Counts = ReadonlyMap<string, number>;

/**
 * Checks of other kinds are left out.
 *
 * @returns slice → what the checks found there; '' for rows without slices. Slices without rows are left
 *   out: nothing fails there ({@link allPass})
 * @throws EdpError `task_failed` for a check that cannot be evaluated
 */
export async function checkRows(
  client: pg.Client,
  checks: readonly Check[],
  rows: CheckedRows,
): Promise<Map<string, CheckOutcome[]>> {
  const wanted = checks.filter((check) => isRowCheck(check) || isUnique(check));
  const conditions = new Map<Check, Expr>();
  for (const check of wanted) {
    if (!isRowCheck(check)) continue;
    const condition = naming(rows.place, [check], () => failsWhere(client, check, rows));
    conditions.set(check, await condition);
  }
  const { slices, counts } = await countFailing(client, conditions, rows);
  for (const check of wanted.filter(isUnique)) {
    counts.set(check, await naming(rows.place, [check], () => countGroups(client, check, rows)));
  }
  const samples = new Map<Check, ReadonlyMap<string, string[]>>();
  for (const [check, count] of counts) {
    if (count.size > 0) {
      const failing = failingRows(check, conditions.get(check), rows);
      samples.set(check, await sampleRows(client, failing, rows));
    }
  }
  const all = new Set([...slices, ...[...counts.values()].flatMap((count) => [...count.keys()])]);
  return new Map(
    [...all].map((slice) => [
      slice,
      wanted.map((check) => {
        const failing = counts.get(check)?.get(slice) ?? 0;
        return toOutcome(check, failing, samples.get(check)?.get(slice) ?? []);
      }),
    ]),
  );
}

/** What checks of rows find where there are none. */
export function allPass(checks: readonly Check[]): CheckOutcome[] {
  return checks
    .filter((check) => isRowCheck(check) || isUnique(check))
    .map((check) => toOutcome(check, 0, []));
}

export function toOutcome(
  { name, severity }: Check,
  failing: number,
  sample: readonly string[],
): CheckOutcome {
  return { name, severity, ok: failing === 0, failing, sample };
}

async function countFailing(
  client: pg.Client,
  conditions: ReadonlyMap<Check, Expr>,
  rows: CheckedRows,
): Promise<{ slices: string[]; counts: Map<Check, Counts> }> {
  const checks = [...conditions.keys()];
  if (checks.length === 0) return { slices: [], counts: new Map() };
  const count = (filter: Expr): Expr => ({ kind: 'aggregate', name: 'count', filter });
  const query: Select = {
    columns: [
      { of: rows.slice ?? text(''), as: SLICE },
      ...[...conditions.values()].map((filter, i) => ({ of: count(filter), as: `check_${i}` })),
    ],
    from: rows.from,
    ...(rows.slice === undefined ? {} : { groupBy: [rows.slice] }),
  };
  const { rows: found } = await naming(rows.place, checks, () =>
    client.query<Record<string, string | number>>(printSelect(query)),
  );
  const counts = checks.map((check, i): [Check, Counts] => {
    const failing = found.map((row) => [String(row[SLICE]), Number(row[`check_${i}`])] as const);
    return [check, new Map(failing.filter(([, each]) => each > 0))];
  });
  return { slices: found.map((row) => String(row[SLICE])), counts: new Map(counts) };
}

async function countGroups(
  client: pg.Client,
  check: Extract<Check, { kind: 'unique' }>,
  rows: CheckedRows,
): Promise<Counts> {
  if (rows.beside !== undefined) await ensureIndex(client, check, rows);
  if (!(await hasGroups(client, check, rows))) return new Map();
  const query: Select = {
    columns: [
      { of: column(SLICE, SHOWN), as: SLICE },
      { of: { kind: 'aggregate', name: 'count' }, as: 'failing' },
    ],
    from: { kind: 'query', query: failingOfUnique(check, rows, [sliceOf(rows)]), as: SHOWN },
    groupBy: [column(SLICE, SHOWN)],
  };
  const { rows: found } = await client.query<{ [SLICE]: string; failing: number }>(
    printSelect(query),
  );
  return new Map(found.map((row) => [row[SLICE], row.failing]));
}

function sliceOf({ slice }: CheckedRows): Output {
  return { of: slice ?? text(''), as: SLICE };
}

/** The rows that fail, with their slice. */
function failingRows(check: Check, condition: Expr | undefined, rows: CheckedRows): Select {
  // JSON as text, as jsonb does not take all of it.
  const outputs = [...rows.shape].map(([name, type]): Output => {
    const of = column(name, CHECKED);
    return { of: /^json\b/.test(type) ? cast(of, 'text') : of, as: name };
  });
  const columns = [...outputs, sliceOf(rows)];
  if (isUnique(check)) return failingOfUnique(check, rows, columns);
  return { columns, from: rows.from, ...(condition === undefined ? {} : { where: condition }) };
}

async function sampleRows(
  client: pg.Client,
  failing: Select,
  { shape }: CheckedRows,
): Promise<ReadonlyMap<string, string[]>> {
  const names = [...shape.keys()];
  const numbered: Select = {
    columns: [
      ...[...names, SLICE].map((name) => ({ of: column(name, 'edp_failing'), as: name })),
      {
        as: PLACE,
        of: {
          kind: 'row-number',
          partitionBy: [column(SLICE, 'edp_failing')],
          orderBy: [{ of: number(1) }],
        },
      },
    ],
    from: { kind: 'query', query: failing, as: 'edp_failing' },
  };
  const whole = call('to_jsonb', column(SHOWN));
  const without = [SLICE, PLACE].reduce(
    (row, name): Expr => binary(row, '-', cast(text(name), 'text')),
    whole,
  );
  const query: Select = {
    columns: [
      { of: column(SLICE, SHOWN), as: SLICE },
      { of: cast(without, 'text'), as: 'row' },
    ],
    from: { kind: 'query', query: numbered, as: SHOWN },
    where: binary(column(PLACE, SHOWN), '<=', number(MAX_SAMPLE)),
    limit: MAX_ROWS,
  };
  const { rows } = await client.query<{ [SLICE]: string; row: string }>(printSelect(query));
  const bySlice = new Map<string, string[]>();
  for (const { [SLICE]: slice, row } of rows) {
    const list = bySlice.get(slice);
    if (list === undefined) bySlice.set(slice, [row]);
    else list.push(row);
  }
  return bySlice;
}
