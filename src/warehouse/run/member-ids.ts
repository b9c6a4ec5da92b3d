/** Ids of members that are gone from a dimension: who comes back has the id from before. */
import type pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import type { Relation } from '../../model/warehouse/task.js';
import { printExpr } from '../../relational/postgres-sql.js';
import type { Blueprint } from '../compile/blueprint.js';
import { unknownId } from '../compile/fact-rows.js';
import { isSameWhereEqual, quoteRelation, type Shape } from '../compile/relation-shape.js';

/** An index holds no longer keys. */
const MAX_KEY_BYTES = 1000;

export type Dimension = Blueprint & { readonly id: NonNullable<Blueprint['id']> };

export function hasIds(blueprint: Blueprint): blueprint is Dimension {
  return blueprint.id !== undefined;
}

function keyOf({ key }: Blueprint, of: string): string {
  return `ARRAY[${key.map((name) => `${of}.${quoteIdentifier(name)}::text`).join(', ')}]`;
}

/** Keeps the ids of members of a table, called `made`. @param from SQL: FROM and WHERE, which tell who goes */
export async function keepIds(
  client: pg.Client,
  blueprint: Dimension,
  from: string,
): Promise<void> {
  await client.query(
    `INSERT INTO edp.member_ids (task, key, id)
     SELECT $1, key, id FROM (SELECT ${keyOf(blueprint, 'made')} AS key, made.id::text AS id ${from}
       AND made.id <> ${printExpr(unknownId(blueprint.id))}) AS gone
     WHERE octet_length(array_to_string(key, '')) <= ${MAX_KEY_BYTES}
     ON CONFLICT (task, key) DO UPDATE SET id = excluded.id`,
    [blueprint.task],
  );
}

/** @returns whether a member of this dimension was ever gone */
export async function isAnyGone(client: pg.Client, { task }: Blueprint): Promise<boolean> {
  const { rows } = await client.query<{ any: boolean }>(
    'SELECT EXISTS (SELECT FROM edp.member_ids WHERE task = $1) AS any',
    [task],
  );
  return rows[0]!.any;
}

/**
 * SQL of a join of the members who are gone, called `gone`, to rows of members. Who comes back may have a key that is
 * equal and written otherwise: 1.00 for 1.0.
 *
 * @param of what the rows are called
 * @param types of the columns of the dimension
 */
export function joinGone(blueprint: Dimension, of: string, types: Shape): string {
  const { key, task } = blueprint;
  const isPlain = (name: string) => isSameWhereEqual(types.get(name) ?? '');
  const isSame = key.map((name, i) => {
    const [kept, value] = [`gone.key[${i + 1}]`, `${of}.${quoteIdentifier(name)}`];
    return isPlain(name)
      ? `${kept} = ${value}::text`
      : `CAST(${kept} AS ${types.get(name)}) = ${value}`;
  });
  const condition = key.every(isPlain) ? [`gone.key = ${keyOf(blueprint, of)}`] : isSame;
  return `LEFT JOIN edp.member_ids AS gone ON ${[`gone.task = ${quoteLiteral(task)}`, ...condition].join(' AND ')}`;
}

/** SQL of the id that a member had, by {@link joinGone}; NULL for one that is new. */
export function idFromBefore({ id }: Dimension): string {
  return `CAST(gone.id AS ${id})`;
}

/** SQL of an id that no member had. @param relation the table, or the one that takes its place */
export function nextId({ id }: Dimension, relation: Relation): string {
  if (id === 'uuid') return 'gen_random_uuid()';
  return `nextval(pg_get_serial_sequence(${quoteLiteral(quoteRelation(relation))}, 'id'))`;
}

/** SQL of the highest of the ids that members had; NULL for none. */
export function highestGone({ task, id }: Dimension): string {
  return `(SELECT max(CAST(gone.id AS ${id})) FROM edp.member_ids AS gone WHERE gone.task = ${quoteLiteral(task)})`;
}

/** Forgets those who are back. */
export async function forgetBack(
  client: pg.Client,
  { task, id }: Dimension,
  relation: Relation,
): Promise<void> {
  await client.query(
    `DELETE FROM edp.member_ids AS gone WHERE gone.task = $1 AND EXISTS
       (SELECT FROM ${quoteRelation(relation)} AS made WHERE made.id = CAST(gone.id AS ${id}))`,
    [task],
  );
}

/** Ids begin anew. */
export async function forgetAll(client: pg.Client, { task }: Blueprint): Promise<void> {
  await client.query('DELETE FROM edp.member_ids WHERE task = $1', [task]);
}

/** Takes over the ids of those who are gone from another dimension. */
export async function copyIds(client: pg.Client, from: string, { task }: Blueprint): Promise<void> {
  await client.query('DELETE FROM edp.member_ids WHERE task = $1', [task]);
  await client.query(
    'INSERT INTO edp.member_ids (task, key, id) SELECT $2, key, id FROM edp.member_ids WHERE task = $1',
    [from, task],
  );
}
