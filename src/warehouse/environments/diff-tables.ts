/** Rows that differ between a table of production and the same table of an environment. */
import type pg from 'pg';
import type { LookUp, Task } from '../../model/warehouse/task.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { unknownId } from '../compile/fact-rows.js';
import { findShape, quoteRelation, readShape, type Shape } from '../compile/relation-shape.js';
import { type DiffColumns, diffColumns, diffValue, type Side } from './diff-columns.js';

type Values = readonly (string | null)[];

export interface DiffRow {
  readonly key: Values;
  /** Of all other columns; null where a side has no such row. */
  readonly production: Values | null;
  readonly environment: Values | null;
}

export interface TableDiff {
  readonly columns: DiffColumns;
  readonly rows: { readonly production: number; readonly environment: number };
  readonly counts: {
    readonly onlyProduction: number;
    readonly onlyEnvironment: number;
    readonly changed: number;
  };
  /** Column → rows of one key in which it differs. */
  readonly changedColumns: Readonly<Record<string, number>>;
  /** The first of each kind. */
  readonly first: {
    readonly onlyProduction: readonly DiffRow[];
    readonly onlyEnvironment: readonly DiffRow[];
    readonly changed: readonly DiffRow[];
  };
}

const DIFF = 'pg_temp.edp_diff';

const CONDITIONS = {
  changed: 'production = 1 AND environment = 1',
  onlyProduction: 'production > 0 AND NOT (production = 1 AND environment = 1)',
  onlyEnvironment: 'environment > 0 AND NOT (production = 1 AND environment = 1)',
} as const;

/** @param limit rows of each kind that are listed */
export async function diffTables(
  client: pg.Client,
  task: Task,
  own: Task,
  limit: number,
): Promise<TableDiff> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  try {
    const [production, environment] = [await readSide(client, task), await readSide(client, own)];
    const columns = diffColumns(production, environment);
    const rows = {
      production: await countRows(client, production),
      environment: await countRows(client, environment),
    };
    await collect(client, production, environment, columns);
    return {
      columns,
      rows,
      counts: await countDifferences(client),
      changedColumns: await countColumns(client, columns),
      first: {
        onlyProduction: await listFirst(client, 'onlyProduction', limit),
        onlyEnvironment: await listFirst(client, 'onlyEnvironment', limit),
        changed: await listFirst(client, 'changed', limit),
      },
    };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

async function readSide(client: pg.Client, task: Task): Promise<Side> {
  const members = new Map<string, Shape>();
  const lookUps: readonly LookUp[] = task.kind === 'fact' ? task.lookUps : [];
  for (const { column, relation } of lookUps) {
    const shape = await findShape(client, relation);
    if (shape !== undefined) members.set(column, shape);
  }
  return { task, shape: await readShape(client, task.relation), members };
}

/** Without the unknown member, which all dimensions have. */
function rowsOf({ task }: Side): string {
  const table = `${quoteRelation(task.relation)} AS made`;
  if (task.kind !== 'dimension') return table;
  return `${table} WHERE made.id <> ${printExpr(unknownId('calendar' in task ? 'int' : task.idType))}`;
}

async function countRows(client: pg.Client, side: Side): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*) AS count FROM ${rowsOf(side)}`,
  );
  return rows[0]!.count;
}

/** A row for each key of which the sides have other rows. Without a key, whole rows are it. */
async function collect(
  client: pg.Client,
  production: Side,
  environment: Side,
  { key, rest }: DiffColumns,
): Promise<void> {
  const [keys, others] = key.length === 0 ? [rest, []] : [key, rest];
  const list = (side: Side, names: readonly string[]) =>
    `ARRAY[${names.map((name) => diffValue(side, name)).join(', ')}]::text[]`;
  const select = (side: Side, name: string) =>
    `SELECT '${name}' AS side, ${list(side, keys)} AS key, ${list(side, others)} AS rest FROM ${rowsOf(side)}`;
  await client.query(`DROP TABLE IF EXISTS ${DIFF}`);
  await client.query(
    `CREATE TEMP TABLE edp_diff ON COMMIT DROP AS
     WITH sides AS (${select(production, 'production')} UNION ALL ${select(environment, 'environment')}),
     counted AS (
       SELECT key, rest, count(*) FILTER (WHERE side = 'production') AS p,
         count(*) FILTER (WHERE side = 'environment') AS e
       FROM sides GROUP BY key, rest)
     SELECT key, sum(greatest(p - e, 0))::bigint AS production, sum(greatest(e - p, 0))::bigint AS environment,
       (array_agg(to_jsonb(rest)) FILTER (WHERE p > e))[1] AS p_rest,
       (array_agg(to_jsonb(rest)) FILTER (WHERE e > p))[1] AS e_rest
     FROM counted WHERE p <> e GROUP BY key`,
  );
}

async function countDifferences(client: pg.Client): Promise<TableDiff['counts']> {
  const { rows } = await client.query<TableDiff['counts']>(
    `SELECT coalesce(sum(production) FILTER (WHERE ${CONDITIONS.onlyProduction}), 0)::bigint AS "onlyProduction",
       coalesce(sum(environment) FILTER (WHERE ${CONDITIONS.onlyEnvironment}), 0)::bigint AS "onlyEnvironment",
       count(*) FILTER (WHERE ${CONDITIONS.changed}) AS changed FROM ${DIFF}`,
  );
  return rows[0]!;
}

async function countColumns(
  client: pg.Client,
  { key, rest }: DiffColumns,
): Promise<Record<string, number>> {
  if (key.length === 0 || rest.length === 0) return {};
  const { rows } = await client.query<{ place: number; count: number }>(
    `SELECT place, count(*) AS count FROM ${DIFF}, generate_series(0, $1::int - 1) AS place
     WHERE ${CONDITIONS.changed} AND (p_rest ->> place) IS DISTINCT FROM (e_rest ->> place) GROUP BY 1 ORDER BY 1`,
    [rest.length],
  );
  return Object.fromEntries(rows.map(({ place, count }) => [rest[place]!, count]));
}

async function listFirst(
  client: pg.Client,
  kind: keyof typeof CONDITIONS,
  limit: number,
): Promise<DiffRow[]> {
  const { rows } = await client.query<DiffRow>(
    `SELECT key, p_rest AS production, e_rest AS environment FROM ${DIFF}
     WHERE ${CONDITIONS[kind]} ORDER BY key LIMIT $1`,
    [limit],
  );
  return rows;
}
