/** The first rows of a view. */
import type pg from 'pg';
import type { ViewTask } from '../model/warehouse/task.js';
import { printSelect } from '../relational/postgres-sql.js';
import { call, cast, column, type Expr, type Output } from '../relational/tree.js';
import { readShape } from './compile/relation-shape.js';

export interface ViewSample {
  readonly columns: readonly string[];
  /** As the server prints them. */
  readonly texts: readonly (readonly (string | null)[])[];
  /** Each an object, as JSON. */
  readonly rows: readonly string[];
  readonly hasMore: boolean;
}

const VIEW = 'edp_view';

/** @throws EdpError `missing_source` for a view that was not made yet */
export async function sampleView(
  client: pg.Client,
  { relation }: ViewTask,
  limit: number,
): Promise<ViewSample> {
  const columns = [...(await readShape(client, relation)).keys()];
  const whole: Expr = cast(call('row_to_json', column(VIEW)), 'text');
  const outputs: Output[] = columns.map((name, i) => ({
    of: cast(column(name, VIEW), 'text'),
    as: `value_${i}`,
  }));
  const query = printSelect({
    columns: [...outputs, { of: whole, as: 'row' }],
    from: { kind: 'table', ...relation, as: VIEW },
    limit: limit + 1,
  });
  const { rows: found } = await client.query<(string | null)[]>({ text: query, rowMode: 'array' });
  const rows = found.slice(0, limit);
  return {
    columns,
    hasMore: found.length > limit,
    texts: rows.map((row) => row.slice(0, -1)),
    rows: rows.map((row) => row.at(-1)!),
  };
}
