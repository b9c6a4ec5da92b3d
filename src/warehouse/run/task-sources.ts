/** What a task reads in the end: a view keeps no rows, so what changes is what the view reads. */
import type pg from 'pg';
import { listUnseen, type ReadPoint } from '../../ledger/changes.js';
import type { Relation, Source, Task, ViewTask } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { describeLoads } from './staleness.js';

export function sourcesOf(task: Task): readonly Source[] {
  return 'calendar' in task ? [] : 'source' in task ? [task.source] : task.sources;
}

/** What the views among the sources read, and the views among that, and so on. */
export function behindViews(sources: readonly Source[], tasks: readonly Task[]): Source[] {
  return viewsAmong(sources, tasks).flatMap((view) => view.sources);
}

/** Views that keep no rows, and those that they read. */
function viewsAmong(sources: readonly Source[], tasks: readonly Task[]): ViewTask[] {
  return sources.flatMap((source) => {
    const view = tasks.find(({ name }) => name === source.task);
    if (view?.kind !== 'view' || view.isMaterialized) return [];
    return [view, ...viewsAmong(view.sources, tasks)];
  });
}

/** @returns why the table may be another one now though nothing that it reads changed */
export function findMoment(task: Task, tasks: readonly Task[]): string | undefined {
  const [first] = [task, ...viewsAmong(sourcesOf(task), tasks)].filter(
    (each) => 'asksMoment' in each && each.asksMoment,
  );
  return first === undefined ? undefined : `${first.name} asks the clock, or chance`;
}

/** All relations that the statements of a task name. */
export function relationsOf(task: Task): Relation[] {
  const lookedUp = task.kind === 'fact' ? task.lookUps.map(({ relation }) => relation) : [];
  return [...sourcesOf(task).map(({ relation }) => relation), ...lookedUp];
}

/** A relation whose changes nobody enters: views, and tables that other programs write. */
export async function findUntracked(
  client: pg.Client,
  sources: readonly Source[],
): Promise<string | undefined> {
  const foreign = sources.filter(({ task, key }) => task === undefined && key === undefined);
  for (const { relation } of foreign) {
    const { rows } = await client.query<{ known: boolean }>(
      `SELECT c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM edp.changes h
         WHERE h.relation = format('%I.%I', n.nspname, c.relname)) AS known
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
      [quoteRelation(relation)],
    );
    if (rows[0]?.known !== true) return `${relation.schema}.${relation.name}`;
  }
  return undefined;
}

/** @returns why all that is made of the sources is stale; undefined where none of them changed */
export async function findChange(
  client: pg.Client,
  sources: readonly Source[],
  point: ReadPoint,
): Promise<string | undefined> {
  for (const source of sources) {
    const unseen = await listUnseen(client, quoteRelation(source.relation), point);
    const name = source.task ?? `${source.relation.schema}.${source.relation.name}`;
    if (unseen === undefined) return `another database, or another ${name}`;
    if (unseen.length === 0) continue;
    return describeLoads(unseen, `${name} changed`);
  }
  return undefined;
}
