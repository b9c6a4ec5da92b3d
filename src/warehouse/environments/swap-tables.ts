/** Tables and views of an environment take the place of production's, all together, in the caller's transaction. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Task } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { type Belonging, giveBelongings, listBelongings } from '../run/belongings.js';
import {
  carryViews,
  type DependentView,
  dropped,
  dropViews,
  type ForeignKey,
  listForeignKeys,
  listViews,
} from '../run/dependents.js';
import { movePartitions, sharePartitions } from '../run/partition-parts.js';
import { findFree, findRelation } from '../run/swap.js';
import { assertOwn, readState } from '../run/task-state.js';

/** A task of production, and the one of the environment that takes its place. */
export interface Swap {
  readonly task: Task;
  readonly own: Task;
  /** Indexes of people that the environment's table has already. */
  readonly carried: readonly string[];
}

interface Replaced {
  readonly oid: number;
  readonly belongings: readonly Belonging[];
  readonly foreignKeys: readonly ForeignKey[];
}

/** @returns when readers of production began to wait, as `performance.now()` tells it */
export async function swapTables(client: pg.Client, swaps: readonly Swap[]): Promise<number> {
  // Nobody alters them while their belongings are listed; queries go on.
  await lockTables(client, swaps, 'SHARE UPDATE EXCLUSIVE');
  const replaced: Replaced[] = [];
  const views: DependentView[] = [];
  for (const swap of swaps) {
    const found = await describeReplaced(client, swap);
    if (found === undefined) continue;
    replaced.push(found);
    views.push(...(await listViews(client, found.oid)));
  }
  await lockTables(client, swaps, 'ACCESS EXCLUSIVE');
  const lockedAt = performance.now();

  const oids = new Set(replaced.map(({ oid }) => oid));
  const dependent = eachLast(views);
  await dropViews(client, dependent);
  const foreignKeys = replaced.flatMap((each) => each.foreignKeys);
  for (const { drop } of foreignKeys) await client.query(drop);
  await dropAll(client, oids);
  await createMissing(client, [...new Set(swaps.map(({ task }) => task.relation.schema))]);
  for (const { task, own } of swaps) {
    await freeNames(client, own, task.relation.schema);
    await client.query(
      `ALTER TABLE ${quoteRelation(own.relation)} SET SCHEMA ${quoteIdentifier(task.relation.schema)}`,
    );
    await movePartitions(client, quoteRelation(task.relation));
  }
  await giveBelongings(client, foreignKeysLast(replaced.flatMap(({ belongings }) => belongings)));
  for (const { task } of swaps) await sharePartitions(client, quoteRelation(task.relation));
  // A key between two of them belongs to the one that has it.
  const added = foreignKeys.filter(({ of }) => !oids.has(of)).map(({ add }) => add);
  await giveBelongings(
    client,
    added.map((statement) => ({ statement, isOfColumns: false })),
  );
  await carryViews(
    client,
    dependent.filter(({ oid }) => !oids.has(oid)),
  );
  return lockedAt;
}

/** Where nothing was made in production so far, it has no schemas. */
async function createMissing(client: pg.Client, schemas: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regnamespace(quote_ident(name)) IS NULL',
    [schemas],
  );
  for (const { name } of rows) await client.query(`CREATE SCHEMA ${quoteIdentifier(name)}`);
}

/** To lock a view would lock what it reads. */
async function lockTables(
  client: pg.Client,
  swaps: readonly Swap[],
  mode: 'SHARE UPDATE EXCLUSIVE' | 'ACCESS EXCLUSIVE',
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
     JOIN pg_class c ON c.oid = to_regclass(name) WHERE c.relkind IN ('r', 'p') ORDER BY place`,
    [swaps.map(({ task }) => quoteRelation(task.relation))],
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  await client.query(`LOCK TABLE ${names} IN ${mode} MODE`);
}

/** @returns undefined where production has none yet */
async function describeReplaced(
  client: pg.Client,
  { task, carried }: Swap,
): Promise<Replaced | undefined> {
  const table = quoteRelation(task.relation);
  const oid = await findRelation(client, table);
  if (oid === undefined) return undefined;
  const state = await readState(client, task.name);
  await assertOwn(client, task.name, state, table, oid);
  const made = state?.indexes ?? null;
  const belongings = await listBelongings(client, oid, made && [...made, ...carried]);
  return { oid, belongings, foreignKeys: await listForeignKeys(client, oid) };
}

/** Indexes and sequences move with their table: one that is called like something there gets another name. */
async function freeNames(client: pg.Client, own: Task, schema: string): Promise<void> {
  const { rows } = await client.query<{ part: string; name: string }>(
    `SELECT format('%I.%I', c.relnamespace::regnamespace::text, c.relname) AS part, c.relname::text AS name
     FROM pg_class c JOIN pg_class other ON other.relname = c.relname
       AND other.relnamespace = to_regnamespace(quote_ident($2))
     WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = $1::regclass
                       OR indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass)
                     UNION SELECT objid FROM pg_depend WHERE refobjid = $1::regclass AND deptype IN ('a', 'i'))
       AND c.relkind NOT IN ('r', 'p')`,
    [quoteRelation(own.relation), schema],
  );
  for (const { part, name } of rows) {
    const free = await findFree(client, [own.relation.schema, schema], name);
    await client.query(`ALTER TABLE ${part} RENAME TO ${quoteIdentifier(free)}`);
    await client.query(
      'UPDATE edp.tasks SET indexes = array_replace(indexes, $2, $3) WHERE task = $1',
      [own.name, name, free],
    );
  }
}

/** A view behind each of those that it reads: of lists that are each in order, that is where it stands last. */
function eachLast(views: readonly DependentView[]): DependentView[] {
  const seen = new Set<number>();
  const last = [...views].reverse().filter(({ oid }) => !seen.has(oid) && seen.add(oid));
  return last.reverse();
}

async function dropAll(client: pg.Client, oids: ReadonlySet<number>): Promise<void> {
  const { rows } = await client.query<{ name: string; kind: string }>(
    `SELECT oid::regclass::text AS name, relkind::text AS kind FROM pg_class WHERE oid = ANY ($1::oid[])`,
    [[...oids]],
  );
  for (const { name, kind } of rows) await client.query(`DROP ${dropped(kind)} ${name}`);
}

function foreignKeysLast(belongings: readonly Belonging[]): Belonging[] {
  const isForeignKey = ({ statement }: Belonging) =>
    / ADD CONSTRAINT .* FOREIGN KEY /.test(statement);
  return [...belongings.filter((each) => !isForeignKey(each)), ...belongings.filter(isForeignKey)];
}
