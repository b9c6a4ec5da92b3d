/** `unique`: the rows beyond the first of each group. */
import type pg from 'pg';
import { quoteColumns } from '../../model/ddl.js';
import type { Check } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import {
  all,
  binary,
  cast,
  column,
  type Expr,
  type From,
  number,
  type Output,
  type Select,
  some,
} from '../../relational/tree.js';
import { isComparable, quoteRelation } from '../compile/relation-shape.js';
import { CHECKED, type CheckedRows, STAYING } from './outcome.js';
import { narrowing } from './row-conditions.js';

type Unique = Extract<Check, { readonly kind: 'unique' }>;

const RANKED = 'edp_ranked';
const RANK = 'edp_rank';

/** Whether there is a group of several; a cheap question, which is mostly answered with no. */
export async function hasGroups(
  client: pg.Client,
  check: Unique,
  rows: CheckedRows,
): Promise<boolean> {
  const groups: Select = {
    columns: [],
    from: rows.from,
    where: isCounted(check, CHECKED),
    groupBy: check.columns.map((name) => comparable(name, CHECKED, rows)),
    having: binary({ kind: 'aggregate', name: 'count' }, '>', number(1)),
  };
  const taken: Select = {
    columns: [],
    from: rows.from,
    where: all([isCounted(check, CHECKED), isTaken(check, rows)]),
  };
  const query: Select = {
    columns: [
      {
        as: 'found',
        of: some([
          { kind: 'exists', query: groups },
          ...(rows.beside === undefined ? [] : [{ kind: 'exists', query: taken } as const]),
        ]),
      },
    ],
  };
  const { rows: found } = await client.query<{ found: boolean }>(printSelect(query));
  return found[0]!.found;
}

/** @param outputs what to give of each row, as columns of {@link CHECKED} */
export function failingOfUnique(
  check: Unique,
  rows: CheckedRows,
  outputs: readonly Output[],
): Select {
  const first = rows.slice ?? number(1);
  const ranked: Select = {
    columns: [
      ...outputs,
      { of: isTaken(check, rows), as: 'edp_taken' },
      {
        as: RANK,
        of: {
          kind: 'row-number',
          partitionBy: check.columns.map((name) => comparable(name, CHECKED, rows)),
          orderBy: [{ of: first }],
        },
      },
    ],
    from: rows.from,
    where: isCounted(check, CHECKED),
  };
  return {
    columns: outputs.map(({ as }) => ({ of: column(as, RANKED), as })),
    from: { kind: 'query', query: ranked, as: RANKED },
    where: some([binary(column(RANK, RANKED), '>', number(1)), column('edp_taken', RANKED)]),
  };
}

/** As in a constraint of the server, NULL equals nothing. */
function isCounted(check: Unique, of: string): Expr {
  return all([
    ...check.columns.map(
      (name): Expr => ({ kind: 'is-null', of: column(name, of), isNegated: true }),
    ),
    ...narrowing(check),
  ]);
}

/** Whether a row that stays beside these has the same values. */
function isTaken(check: Unique, rows: CheckedRows): Expr {
  const { beside } = rows;
  if (beside === undefined) return { kind: 'boolean', value: false };
  const isSame = check.columns.map((name) =>
    binary(comparable(name, STAYING, rows), '=', comparable(name, CHECKED, rows)),
  );
  return {
    kind: 'exists',
    query: { columns: [], from: staying(check, rows), where: all([...isSame, beside]) },
  };
}

/** What narrows the check names columns without their table. */
function staying(check: Unique, { relation, shape }: CheckedRows): From {
  const narrowed = narrowing(check);
  if (narrowed.length === 0) return { kind: 'table', ...relation, as: STAYING };
  const query: Select = {
    columns: [...shape.keys()].map((name) => ({ of: column(name, 'edp_narrowed'), as: name })),
    from: { kind: 'table', ...relation, as: 'edp_narrowed' },
    where: all(narrowed),
  };
  return { kind: 'query', query, as: STAYING };
}

function comparable(name: string, of: string, { shape }: CheckedRows): Expr {
  const value = column(name, of);
  return isComparable(shape.get(name) ?? '') ? value : cast(value, 'text');
}

/** Rows that stay are looked up by an index, which is made where there is none. */
export async function ensureIndex(
  client: pg.Client,
  { columns }: Unique,
  { relation, shape }: CheckedRows,
): Promise<void> {
  if (!columns.every((name) => isComparable(shape.get(name) ?? ''))) return;
  const table = quoteRelation(relation);
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indpred IS NULL AND i.indisvalid
       AND (SELECT array_agg(a.attname::text) FROM unnest((i.indkey::int2[])[0:cardinality($2::text[]) - 1]) AS k
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k) @> $2::text[]) AS found`,
    [table, columns],
  );
  if (rows[0]!.found) return;
  await client.query(`CREATE INDEX ON ${table} (${quoteColumns(columns)})`);
}
