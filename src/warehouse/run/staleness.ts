/**
 * What of a task is stale: by what changed in the relations that it reads since it read them, and never by
 * a clock. Where a change cannot be traced to rows, all of the table is compared.
 */
import type pg from 'pg';
import { listUnseen, type ReadPoint, type UnseenChange } from '../../ledger/changes.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { DimensionTask, FactTask, LookUp, SilverTask } from '../../model/warehouse/task.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { column } from '../../relational/tree.js';
import type { Blueprint, Trace, Within } from '../compile/blueprint.js';
import { DATE, unknownId } from '../compile/fact-rows.js';
import { quoteRelation, type Shape } from '../compile/relation-shape.js';
import { keySourcesOf } from '../compile/silver-columns.js';
import { isKeyedBy, readsLast } from '../compile/silver-rows.js';
import { sliceText } from '../compile/slice-conditions.js';
import { readerKey, sliceValue } from '../compile/slice-value.js';

import { listChanged } from './changed-keys.js';
import { findStaleVersions } from './stale-versions.js';

/** What is to be made, and why. */
export interface Work {
  readonly within: Within;
  readonly reason: string;
  /** Slice → why this one; for the others {@link reason}. */
  readonly reasons: ReadonlyMap<string, string>;
  /** For keys: how the rows that have them are known. */
  readonly trace?: Trace;
  /** Whether it is read because nobody knows what changed. */
  readonly isLook?: boolean;
}

export const everything = (reason: string): Work => ({
  within: 'all',
  reason,
  reasons: new Map(),
});

const MAX_LOADS_NAMED = 5;

/** Names the loads whose rows came, and those whose rows went: they were undone, replaced, or do not count now. */
export function describeLoads(
  changes: readonly Pick<UnseenChange, 'kind' | 'loadId'>[],
  otherwise: string,
): string {
  if (changes.length === 0 || changes.some(({ loadId }) => loadId === null)) return otherwise;
  const came = changes.filter(({ kind }) => kind !== 'deleted').map(({ loadId }) => loadId!);
  const went = changes.map(({ loadId }) => loadId!).filter((id) => !came.includes(id));
  return [
    ...(came.length === 0 ? [] : [nameLoads(came)]),
    ...(went.length === 0 ? [] : [`rows of ${nameLoads(went)} are gone`]),
  ].join('; ');
}

function nameLoads(ids: readonly number[]): string {
  const loads = [...new Set(ids)].sort((a, b) => a - b);
  const named = loads.slice(0, MAX_LOADS_NAMED).join(', ');
  const more = loads.length > MAX_LOADS_NAMED ? `, … (${loads.length})` : '';
  return `${loads.length === 1 ? 'load' : 'loads'} ${named}${more}`;
}

/** @returns undefined where nothing is stale */
export async function findStaleKeys(
  client: pg.Client,
  task: SilverTask | DimensionTask,
  blueprint: Blueprint,
  point: ReadPoint,
): Promise<Work | undefined> {
  const name = quoteRelation(task.source.relation);
  const unseen = await listUnseen(client, name, point);
  if (unseen === undefined) return everything('another database, or another source');
  if (unseen.length === 0) return undefined;
  const loads = unseen.map(({ loadId }) => loadId);
  const reason = describeLoads(unseen, `${task.source.task ?? name} changed`);
  const trace = isTraceable(task, unseen)
    ? { loads: [...new Set(loads.filter((id) => id !== null))] }
    : findKeys(task, blueprint, unseen);
  if (blueprint.affected === undefined || trace === undefined) return everything(reason);
  return { within: 'keys', reason, reasons: new Map(), trace };
}

/**
 * The keys that changed in a table of silver, or in a realized one. Of a dimension without attributes, their rows are
 * not looked at.
 */
function findKeys(
  task: SilverTask | DimensionTask,
  { rest }: Blueprint,
  unseen: readonly UnseenChange[],
): Trace | undefined {
  const isOfKeys =
    task.kind === 'dimension' &&
    rest.length === 0 &&
    !task.readsCurrent &&
    task.source.goneBy === undefined;
  const columns = task.kind === 'silver' ? keySourcesOf(task) : task.naturalKey;
  if (isOfKeys || columns === undefined) return undefined;
  const keys = listChanged(unseen, { columns, isOfVersions: false });
  return keys && { keys };
}

/**
 * Whether all rows that the changes concern can be found by their loads: those of the source that have
 * the load now, and those of silver that had it.
 */
function isTraceable(task: SilverTask | DimensionTask, unseen: readonly UnseenChange[]): boolean {
  if (task.source.lineageColumn === undefined) return false;
  if (unseen.some(({ kind, loadId }) => kind === 'definition' || loadId === null)) return false;
  const has = (kind: string) => unseen.some((change) => change.kind === kind);
  if (ofMembers(task)) return !has('updated') && !has('deleted') && keepsKey(task);
  if (!has('updated') && !has('deleted')) return true;
  // A row that one load updated may have gone with another one: nothing of both is left.
  if (has('updated') && has('deleted')) return false;
  // A dimension does not know the loads of its rows.
  if (has('deleted')) return task.kind === 'silver';
  return keepsKey(task);
}

/**
 * Whether a row counts by what came after it of the same member: other rows than those with the load are concerned, and
 * an end that goes has left no row.
 */
function ofMembers(task: SilverTask | DimensionTask): boolean {
  if (task.source.versions === undefined) return false;
  return task.source.versions.hasEnds || (task.kind === 'silver' && readsLast(task));
}

/** Whether a row of the source gives the same key whatever is updated in it: a key made of its own key alone. */
function keepsKey(task: SilverTask | DimensionTask): boolean {
  const { versions, key } = task.source;
  const own = versions?.key ?? key ?? [];
  return task.kind === 'dimension'
    ? task.naturalKey.every((name) => own.includes(name))
    : isKeyedBy(task, own);
}

/** @returns undefined where nothing is stale */
export async function findStaleSlices(
  client: pg.Client,
  task: FactTask,
  shape: Shape,
  point: ReadPoint,
): Promise<Work | undefined> {
  const name = quoteRelation(task.source.relation);
  const unseen = await listUnseen(client, name, point);
  if (unseen === undefined) return everything('another database, or another source');
  const reasons = new Map<string, string>();
  if (unseen.length > 0) {
    const reason = describeLoads(unseen, `${task.source.task ?? name} changed`);
    const slices = await slicesOf(client, task, shape, unseen);
    if (slices === undefined) return everything(reason);
    for (const slice of slices) reasons.set(slice, reason);
  }
  for (const lookUp of task.lookUps) {
    const dimension = await listUnseen(client, quoteRelation(lookUp.relation), point);
    if (dimension === undefined || dimension.some(({ kind }) => kind === 'definition')) {
      return everything(`${lookUp.dimension} changed`);
    }
    if (lookUp.hasVersions) {
      const columns = lookUp.by.map((each) => each.dimension);
      const keys = listChanged(dimension, { columns, isOfVersions: true });
      if (keys === undefined) return everything(`${lookUp.dimension} changed`);
      for (const slice of await findStaleVersions(client, task, shape, lookUp, keys)) {
        reasons.set(slice, `a version changed in ${lookUp.dimension}`);
      }
      continue;
    }
    const has = (kind: string) => dimension.some((change) => change.kind === kind);
    const arrived =
      has('inserted') || has('updated') ? await findArrived(client, task, shape, lookUp) : [];
    for (const slice of arrived) reasons.set(slice, `a key arrived in ${lookUp.dimension}`);
    for (const slice of has('deleted') ? await findGone(client, task, lookUp) : []) {
      reasons.set(slice, `a key is gone from ${lookUp.dimension}`);
    }
  }
  if (reasons.size === 0) return undefined;
  const [first] = reasons.values();
  return { within: { slices: [...reasons.keys()] }, reason: first!, reasons };
}

/** @returns undefined where the changes do not tell */
async function slicesOf(
  client: pg.Client,
  task: FactTask,
  shape: Shape,
  unseen: readonly UnseenChange[],
): Promise<ReadonlySet<string> | undefined> {
  const { date, slice: unit, timezone } = task;
  const reader = { column: date, unit, ...(timezone === undefined ? {} : { timezone }) };
  const key = readerKey(reader);
  const slices = new Set<string>();
  const loads: number[] = [];
  for (const { kind, loadId, dates } of unseen) {
    const listed = dates?.[key];
    if (Array.isArray(listed)) for (const slice of listed) slices.add(slice);
    else if (kind === 'inserted' && loadId !== null) loads.push(loadId);
    else return undefined;
  }
  if (loads.length === 0) return slices;
  const { lineageColumn } = task.source;
  if (lineageColumn === undefined || task.source.task !== undefined) return undefined;
  // What was updated or deleted before this point is in entries of its own.
  const value = printExpr(sliceValue(column(date, 'source'), shape.get(date) ?? '', reader));
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT ${sliceText(value)} AS slice
     FROM ${quoteRelation(task.source.relation)} AS source
     WHERE source.${quoteIdentifier(lineageColumn)} = ANY ($1::bigint[])`,
    [loads],
  );
  for (const { slice } of rows) slices.add(slice);
  return slices;
}

/** Slices that looked up a key that is there now. */
async function findArrived(
  client: pg.Client,
  task: FactTask,
  shape: Shape,
  lookUp: LookUp,
): Promise<string[]> {
  const isKey = lookUp.by
    .map(({ dimension, source }, i) => {
      const key = `CAST(u.key[${i + 1}] AS ${shape.get(source)})`;
      return `d.${quoteIdentifier(dimension)} = ${key}`;
    })
    .join(' AND ');
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT u.slice FROM edp.unknown_keys u WHERE u.task = $1 AND u.dimension = $2
       AND (u.key = '{}' OR EXISTS (SELECT FROM ${quoteRelation(lookUp.relation)} d WHERE ${isKey}))`,
    [task.name, lookUp.column],
  );
  return rows.map(({ slice }) => slice);
}

/** Slices that hold an id that is not there any more. */
async function findGone(client: pg.Client, task: FactTask, lookUp: LookUp): Promise<string[]> {
  const id = quoteIdentifier(lookUp.column);
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT ${sliceText(`f.${DATE}`)} AS slice FROM ${quoteRelation(task.relation)} f
     WHERE f.${id} <> ${printExpr(unknownId(lookUp.idType))}
       AND NOT EXISTS (SELECT FROM ${quoteRelation(lookUp.relation)} d WHERE d.id = f.${id})`,
  );
  return rows.map(({ slice }) => slice);
}
