/** The first row of a source that brings a fault about: its value, its load and its key. */
import type pg from 'pg';
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import {
  all,
  binary,
  call,
  cast,
  column,
  type Expr,
  type From,
  number,
  type Order,
  type Select,
} from '../../relational/tree.js';
import { SOURCE } from '../compile/blueprint.js';
import { readShape, type Shape } from '../compile/relation-shape.js';
import { cleaned } from '../compile/silver-columns.js';
import { silverBlueprint } from '../compile/silver-rows.js';

const SUSPECTS = 'edp_suspects';
const PLACE = 'edp_place';
const MAX_SHOWN = 60;

/** A value that cannot be cast, with what the server says of it. @returns undefined where none is found */
export async function findBadValue(
  client: pg.Client,
  task: SilverTask,
): Promise<string | undefined> {
  const shape = await readShape(client, task.source.relation);
  const count = await collectSuspects(client, task, shape);
  for (const silver of task.columns) {
    const of = cleaned(silver, shape);
    const refusal = (from: number, to: number) => findRefusal(client, of, from, to);
    if (count === 0 || (await refusal(1, count)) === undefined) continue;
    let [first, last] = [1, count];
    while (first < last) {
      const middle = Math.floor((first + last) / 2);
      if ((await refusal(first, middle)) !== undefined) last = middle;
      else first = middle + 1;
    }
    // Of all rows, the server may have refused another one first.
    return `${await refusal(first, first)}: ${await describe(client, task, silver, first)}`;
  }
  return undefined;
}

/** Rows that count, numbered in the order in which they came. */
async function collectSuspects(
  client: pg.Client,
  { source, where }: SilverTask,
  shape: Shape,
): Promise<number> {
  const orderBy: Order[] = [
    { of: source.lineageColumn === undefined ? number(1) : column(source.lineageColumn, SOURCE) },
  ];
  const query: Select = {
    columns: [
      ...[...shape.keys()].map((name) => ({ of: column(name, SOURCE), as: name })),
      { of: { kind: 'row-number', partitionBy: [number(1)], orderBy }, as: PLACE },
    ],
    from: { kind: 'table', ...source.relation, as: SOURCE },
    ...(where === undefined ? {} : { where: { kind: 'user', sql: where } }),
  };
  await client.query(`DROP TABLE IF EXISTS pg_temp.${SUSPECTS}`);
  const { rowCount } = await client.query(
    `CREATE TEMP TABLE ${SUSPECTS} ON COMMIT DROP AS\n${printSelect(query)}`,
  );
  return rowCount ?? 0;
}

const suspects: From = { kind: 'table', schema: 'pg_temp', name: SUSPECTS, as: SOURCE };

async function findRefusal(
  client: pg.Client,
  of: Expr,
  from: number,
  to: number,
): Promise<string | undefined> {
  const query: Select = {
    columns: [{ of: { kind: 'aggregate', name: 'count', of }, as: 'count' }],
    from: suspects,
    where: all([
      binary(column(PLACE, SOURCE), '>=', number(from)),
      binary(column(PLACE, SOURCE), '<=', number(to)),
    ]),
  };
  await client.query('SAVEPOINT edp_suspect');
  try {
    await client.query(printSelect(query));
    await client.query('RELEASE SAVEPOINT edp_suspect');
    return undefined;
  } catch (error) {
    if (!isOfValue(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT edp_suspect');
    return (error as Error).message;
  }
}

/** Whether the server refused a value. */
export function isOfValue(error: unknown): boolean {
  return /^22/.test((error as { code?: string }).code ?? '');
}

async function describe(
  client: pg.Client,
  task: SilverTask,
  { name, from }: SilverColumn,
  place: number,
): Promise<string> {
  const { key = keyOf(task), lineageColumn } = task.source;
  const shown = [...('column' in from ? [from.column] : []), ...key];
  const asText = (of: string): Expr => cast(column(of, SOURCE), 'text');
  const query: Select = {
    columns: [
      ...shown.map((of, i) => ({ of: asText(of), as: `value_${i}` })),
      ...(lineageColumn === undefined ? [] : [{ of: asText(lineageColumn), as: 'load' }]),
    ],
    from: suspects,
    where: binary(column(PLACE, SOURCE), '=', number(place)),
  };
  const { rows } = await client.query<Record<string, string | null>>(printSelect(query));
  const values = shown.map((of, i) => `${of} ${shorten(rows[0]?.[`value_${i}`] ?? null)}`);
  const load = rows[0]?.load;
  const [value, ...keys] = 'column' in from ? values : [undefined, ...values];
  return [
    `column ${name}${value === undefined ? '' : `, of ${value}`}`,
    ...(load == null ? [] : [`load ${load}`]),
    ...(keys.length === 0 ? [] : [`key ${keys.join(', ')}`]),
  ].join(', ');
}

/** Columns of the source that the key of silver is made of. */
function keyOf({ key, columns }: SilverTask): string[] {
  return columns
    .filter(({ name }) => key.includes(name))
    .flatMap(({ from }) => ('column' in from ? [from.column] : []));
}

function shorten(value: string | null): string {
  if (value === null) return 'NULL';
  const short = value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value;
  return JSON.stringify(short);
}

/** A key that several rows of the source have. @returns undefined where there is none */
export async function findDoubledKey(
  client: pg.Client,
  task: SilverTask,
): Promise<string | undefined> {
  const shape = await readShape(client, task.source.relation);
  const hasLoads = task.source.lineageColumn !== undefined;
  const rows = silverBlueprint(task, shape, []).rows('all');
  const keys = task.key.map((name) => column(name, 'made'));
  const loads: Expr = {
    kind: 'aggregate',
    name: 'array_agg',
    of: column(LINEAGE_COLUMN, 'made'),
    isDistinct: true,
  };
  const query: Select = {
    columns: [
      ...keys.map((of, i) => ({ of: cast(of, 'text'), as: `key_${i}` })),
      ...(hasLoads
        ? [
            {
              of: call('array_to_string', loads, cast({ kind: 'text', value: ', ' }, 'text')),
              as: 'loads',
            },
          ]
        : []),
    ],
    from: { kind: 'query', query: rows, as: 'made' },
    groupBy: keys,
    having: binary({ kind: 'aggregate', name: 'count' }, '>', number(1)),
    orderBy: keys.map((of) => ({ of })),
    limit: 1,
  };
  const { rows: found } = await client.query<Record<string, string | null>>(printSelect(query));
  const [first] = found;
  if (first === undefined) return undefined;
  const key = task.key.map((name, i) => `${name} ${shorten(first[`key_${i}`] ?? null)}`);
  const { loads: ids } = first;
  const of = ids == null || ids === '' ? '' : `, of ${ids.includes(',') ? 'loads' : 'load'} ${ids}`;
  const { task: name, relation } = task.source;
  return `${name ?? `${relation.schema}.${relation.name}`} has several rows with the key ${key.join(', ')}${of}`;
}
