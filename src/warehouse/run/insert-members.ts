/** Members of a dimension that is made anew: each has the id that it has, or had. */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier } from '../../model/ddl.js';
import type { Relation } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import { quoteRelation, readShape } from '../compile/relation-shape.js';
import { insertRows } from './insert-rows.js';
import {
  type Dimension,
  forgetAll,
  forgetBack,
  highestGone,
  idFromBefore,
  isAnyGone,
  joinGone,
  keepIds,
  nextId,
} from './member-ids.js';

/** Members keep the ids that they have in another table, or had once, if that has the same key. */
export async function insertWithIds(
  client: pg.Client,
  blueprint: Dimension,
  idsFrom: Relation,
): Promise<{ rowCount: number | null }> {
  const { relation, key, rest, rows } = blueprint;
  const table = quoteRelation(relation);
  const before = quoteRelation(idsFrom);
  const types = await readShape(client, idsFrom);
  const own = await readShape(client, relation);
  const hasSame =
    ['id', ...key].every((name) => types.get(name) === own.get(name)) &&
    (await isUnique(client, before, key));
  if (!hasSame) {
    await forgetAll(client, blueprint);
    return insertRows(client, blueprint);
  }
  const columns = quoteColumns([...key, ...rest]);
  const made = `(\n${printSelect(rows('all'))}\n) AS made`;
  if (blueprint.id !== 'uuid') {
    await client.query(
      `SELECT setval(pg_get_serial_sequence($1, 'id'),
         greatest(1, (SELECT max(id) FROM ${before}), ${highestGone(blueprint)}))`,
      [table],
    );
  }
  const isSame = key
    .map((name) => `before.${quoteIdentifier(name)} = made.${quoteIdentifier(name)}`)
    .join(' AND ');
  const values = [...key, ...rest].map((name) => `made.${quoteIdentifier(name)}`).join(', ');
  const isBack = await isAnyGone(client, blueprint);
  const id = [
    'before.id',
    ...(isBack ? [idFromBefore(blueprint)] : []),
    nextId(blueprint, relation),
  ];
  const inserted = await client.query(
    `INSERT INTO ${table} (id, ${columns}) SELECT coalesce(${id.join(', ')}), ${values}
     FROM ${made} LEFT JOIN ${before} AS before ON ${isSame} ${isBack ? joinGone(blueprint, 'made', own) : ''}`,
  );
  await forgetBack(client, blueprint, relation);
  await keepIds(
    client,
    blueprint,
    `FROM ${before} AS made WHERE NOT EXISTS (SELECT FROM ${table} AS kept WHERE kept.id = made.id)`,
  );
  return inserted;
}

/** Whether one row at most has each value of these columns, and no fewer of them are enough. */
async function isUnique(
  client: pg.Client,
  table: string,
  columns: readonly string[],
): Promise<boolean> {
  const { rows } = await client.query<{ is: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indpred IS NULL
       AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey))
         = (SELECT array_agg(name ORDER BY name) FROM unnest($2::text[]) AS name)) AS is`,
    [table, columns],
  );
  return rows[0]!.is;
}
