/** A table or view that is made anew takes the place of the one before, with what belongs to it and refers to it. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Relation } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { giveBelongings, listBelongings } from './belongings.js';
import { carryViews, dropped, dropViews, listForeignKeys, listViews } from './dependents.js';
import { nameOf } from './describe-changes.js';
import { keepSlices } from './keep-slices.js';
import { type Made, type Making, makeEmpty, makeNew } from './make-table.js';
import { copyIds } from './member-ids.js';
import { lockSwaps } from './swap-lock.js';
import { assertOwn, type TaskState } from './task-state.js';

const NEXT = '__next';

/** @param isEmpty whether no rows are made yet */
export async function replaceTable(
  client: pg.Client,
  state: TaskState | undefined,
  making: Making,
  isEmpty: boolean,
): Promise<Made> {
  const { relation } = making.blueprint;
  const table = quoteRelation(relation);
  const oid = await findRelation(client, table);
  const make = isEmpty ? makeEmpty : makeNew;
  if (oid === undefined) {
    const idsFrom = await takeIds(client, making);
    return named(client, table, await make(client, { ...making, ...idsFrom }));
  }
  await assertOwn(client, making.blueprint.task, state, table, oid);
  const next = { ...relation, name: nextName(relation.name) };
  const made = await make(client, {
    ...making,
    blueprint: { ...making.blueprint, relation: next },
    replaces: relation,
    idsFrom: relation,
    // A view that showed the dimension of others has no ids of its own.
    ...((await kindOf(client, oid)) === 'VIEW' ? await takeIds(client, making) : {}),
  });
  const heldBack = made.slices.flatMap(({ slice, isHeldBack }) => (isHeldBack ? [slice] : []));
  const kept = await keepSlices(
    client,
    { ...making.blueprint, relation: next },
    relation,
    heldBack,
  );
  const indexes = await swapIn(client, relation, next, oid, state);
  return named(client, table, { ...made, indexes, rowChange: made.rowChange + kept });
}

/** Ids of a dimension that another one goes on with. */
async function takeIds(
  client: pg.Client,
  { idsOf, blueprint }: Making,
): Promise<{ idsFrom?: Relation }> {
  if (idsOf === undefined) return {};
  if ((await findRelation(client, quoteRelation(idsOf.relation))) === undefined) return {};
  await copyIds(client, idsOf.task, blueprint);
  return { idsFrom: idsOf.relation };
}

async function named(client: pg.Client, table: string, made: Made): Promise<Made> {
  const relation = await nameOf(client, table);
  const { indexes = await listIndexes(client, table) } = made;
  return { ...made, indexes, changes: made.changes.map((change) => ({ ...change, relation })) };
}

export function nextName(name: string): string {
  return `${name.slice(0, 63 - NEXT.length)}${NEXT}`;
}

/** @param table as in SQL */
export async function findRelation(client: pg.Client, table: string): Promise<number | undefined> {
  const { rows } = await client.query<{ oid: number | null }>(
    'SELECT to_regclass($1)::oid AS oid',
    [table],
  );
  return rows[0]?.oid ?? undefined;
}

/** @returns names of the indexes that were made with the table */
export async function swapIn(
  client: pg.Client,
  relation: Relation,
  next: Relation,
  oid: number,
  state: TaskState | undefined,
): Promise<string[]> {
  const table = quoteRelation(relation);
  await lockSwaps(client);
  const views = await listViews(client, oid);
  const belongings = await listBelongings(client, oid, state?.indexes ?? null);
  const foreignKeys = await listForeignKeys(client, oid);
  await dropViews(client, views);
  for (const { drop } of foreignKeys) await client.query(drop);
  await client.query(`DROP ${await kindOf(client, oid)} ${table}`);
  await client.query(
    `ALTER TABLE ${quoteRelation(next)} RENAME TO ${quoteIdentifier(relation.name)}`,
  );
  await renameParts(client, table, next.name, relation.name);
  const indexes = await listIndexes(client, table);
  await giveBelongings(client, [
    ...belongings,
    ...foreignKeys.map(({ add }) => ({ statement: add, isOfColumns: false })),
  ]);
  await carryViews(client, views);
  return indexes;
}

/** @param table as in SQL */
export async function listIndexes(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** The task may have made a view before. */
async function kindOf(client: pg.Client, oid: number): Promise<string> {
  const { rows } = await client.query<{ kind: string }>(
    'SELECT relkind::text AS kind FROM pg_class WHERE oid = $1',
    [oid],
  );
  return dropped(rows[0]?.kind ?? null);
}

/** Indexes and sequences have the name of their table in theirs. */
async function renameParts(
  client: pg.Client,
  table: string,
  from: string,
  to: string,
): Promise<void> {
  const { rows } = await client.query<{ part: string; schema: string; name: string }>(
    `SELECT c.oid::regclass::text AS part, n.nspname::text AS schema, c.relname::text AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE starts_with(c.relname, $2) AND (c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1::regclass)
       OR c.relkind = 'S' AND c.oid IN (SELECT objid FROM pg_depend WHERE refobjid = $1::regclass))`,
    [table, from],
  );
  for (const { part, schema, name } of rows) {
    const own = await findFree(client, [schema], `${to}${name.slice(from.length)}`.slice(0, 63));
    await client.query(`ALTER TABLE ${part} RENAME TO ${quoteIdentifier(own)}`);
  }
}

/** A table that somebody renamed has the names of its parts still. */
export async function findFree(
  client: pg.Client,
  schemas: readonly string[],
  name: string,
): Promise<string> {
  for (let i = 0; ; i++) {
    const free = i === 0 ? name : `${name.slice(0, 60)}${i}`;
    const names = schemas.map((schema) => quoteRelation({ schema, name: free }));
    const { rows } = await client.query<{ taken: boolean }>(
      'SELECT bool_or(to_regclass(name) IS NOT NULL) AS taken FROM unnest($1::text[]) AS name',
      [names],
    );
    if (!rows[0]!.taken) return free;
  }
}
