/**
 * Members of an environment have the ids that production gave them: before the environment's dimension takes the
 * place of production's, those that came in both meanwhile, and had two ids, get production's.
 */
import type pg from 'pg';
import { type Change, recordChanges } from '../../ledger/changes.js';
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import type { DimensionTask, FactTask, Task, Warehouse } from '../../model/warehouse/task.js';
import { withTransaction } from '../../postgres/connection.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { type CompiledTask, compileTask } from '../compile/compile-task.js';
import { unknownId } from '../compile/fact-rows.js';
import { findShape, quoteRelation } from '../compile/relation-shape.js';
import { nameOf } from '../run/describe-changes.js';

const MOVED = 'pg_temp.edp_moved_ids';

type Adopting = DimensionTask & { readonly idsOf: NonNullable<DimensionTask['idsOf']> };

/** @param made tasks of the environment. @returns number of members that have another id now */
export async function adoptIds(
  client: pg.Client,
  made: readonly Task[],
  warehouse: Warehouse,
): Promise<number> {
  let moved = 0;
  for (const task of made.filter(isAdopting)) {
    const facts = made.filter((each): each is FactTask => each.kind === 'fact');
    const compiled = await compileTask(client, task, warehouse);
    if (!(await hasSameKey(client, task, compiled))) continue;
    moved += await withTransaction(client, () => adopt(client, task, compiled, facts));
  }
  return moved;
}

function isAdopting(task: Task): task is Adopting {
  return 'idsOf' in task && task.idsOf !== undefined;
}

/** Ids of a dimension with another key, or another type of ids, begin anew. */
async function hasSameKey(
  client: pg.Client,
  { idsOf, relation }: Adopting,
  { blueprint }: CompiledTask,
): Promise<boolean> {
  const [own, other] = [await findShape(client, relation), await findShape(client, idsOf.relation)];
  return ['id', ...blueprint.key].every(
    (name) => own?.get(name) !== undefined && own.get(name) === other?.get(name),
  );
}

async function adopt(
  client: pg.Client,
  task: Adopting,
  { blueprint: { key } }: CompiledTask,
  facts: readonly FactTask[],
): Promise<number> {
  const table = quoteRelation(task.relation);
  const ids = idsOf(task, key);
  await client.query(`DROP TABLE IF EXISTS ${MOVED}`);
  await client.query(
    `CREATE TEMP TABLE edp_moved_ids ON COMMIT DROP AS
     SELECT own.id AS old, their.id AS new FROM ${table} AS own JOIN ${ids.theirs} AS their ON ${ids.isSame}
     WHERE own.id <> ${ids.unknown} AND own.id <> their.id
     UNION ALL SELECT own.id, CAST(gone.id AS ${task.idType}) FROM ${ids.gone} JOIN ${table} AS own
       ON ${ids.textKey('own')} = gone.key AND own.id::text <> gone.id`,
  );
  if (task.idType !== 'uuid') await giveFreeIds(client, table, ids);
  await client.query(
    `INSERT INTO edp.member_ids (task, key, id)
     SELECT $1, ${ids.textKey('their')}, their.id::text FROM ${ids.theirs} AS their
       WHERE their.id <> ${ids.unknown} AND NOT EXISTS (SELECT FROM ${table} AS own WHERE ${ids.isSame})
     UNION ALL SELECT $1, gone.key, gone.id FROM ${ids.gone}
       WHERE NOT EXISTS (SELECT FROM ${table} AS own WHERE ${ids.textKey('own')} = gone.key)
     ON CONFLICT (task, key) DO UPDATE SET id = excluded.id`,
    [task.name],
  );
  const { rows } = await client.query<{ count: number }>(`SELECT count(*) AS count FROM ${MOVED}`);
  const count = rows[0]!.count;
  if (count === 0) return 0;
  const changes = await moveIds(client, table, 'id', task.idType);
  for (const fact of facts) {
    const columns = fact.lookUps.filter(({ dimension }) => dimension === task.name);
    for (const { column } of columns) {
      changes.push(...(await moveIds(client, quoteRelation(fact.relation), column, task.idType)));
    }
  }
  await recordChanges(client, changes);
  return count;
}

/** SQL of what production knows of its members. */
interface KnownIds {
  readonly theirs: string;
  /** Members who are not there any more. */
  readonly gone: string;
  readonly unknown: string;
  /** Whether `own` and `their` are one member. */
  readonly isSame: string;
  textKey(of: string): string;
}

function idsOf({ idsOf: production, idType }: Adopting, key: readonly string[]): KnownIds {
  const column = (of: string, name: string) => `${of}.${quoteIdentifier(name)}`;
  return {
    theirs: quoteRelation(production.relation),
    gone: `(SELECT key, id FROM edp.member_ids WHERE task = ${quoteLiteral(production.task)}) AS gone`,
    unknown: printExpr(unknownId(idType)),
    isSame: key.map((name) => `${column('own', name)} = ${column('their', name)}`).join(' AND '),
    textKey: (of) => `ARRAY[${key.map((name) => `${column(of, name)}::text`).join(', ')}]`,
  };
}

/** Members that production does not know keep away from its ids. */
async function giveFreeIds(client: pg.Client, table: string, ids: KnownIds): Promise<void> {
  await client.query(
    `SELECT setval(pg_get_serial_sequence($1, 'id'), greatest(1, (SELECT max(id) FROM ${table}),
       (SELECT max(id) FROM ${ids.theirs}), (SELECT max(CAST(gone.id AS bigint)) FROM ${ids.gone})))`,
    [table],
  );
  await client.query(
    `INSERT INTO ${MOVED} (old, new)
     SELECT own.id, nextval(pg_get_serial_sequence($1, 'id')) FROM ${table} AS own
     WHERE own.id <> ${ids.unknown}
       AND (EXISTS (SELECT FROM ${ids.theirs} AS their WHERE their.id = own.id)
         OR own.id::text IN (SELECT gone.id FROM ${ids.gone}))
       AND NOT EXISTS (SELECT FROM ${ids.theirs} AS their WHERE ${ids.isSame})
       AND NOT EXISTS (SELECT FROM ${ids.gone} WHERE gone.key = ${ids.textKey('own')})`,
    [table],
  );
}

/** In two steps where ids are numbers, as one may be the next one's old id. */
async function moveIds(
  client: pg.Client,
  table: string,
  column: string,
  idType: DimensionTask['idType'],
): Promise<Change[]> {
  const name = quoteIdentifier(column);
  const sign = idType === 'uuid' ? '' : '-';
  const { rowCount } = await client.query(
    `UPDATE ${table} AS made SET ${name} = ${sign}moved.new FROM ${MOVED} AS moved WHERE made.${name} = moved.old`,
  );
  if (sign !== '') await client.query(`UPDATE ${table} SET ${name} = -${name} WHERE ${name} < 0`);
  if (rowCount === null || rowCount === 0) return [];
  return [{ relation: await nameOf(client, table), kind: 'updated', rows: rowCount }];
}
