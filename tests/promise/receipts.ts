/** Counts of a run, and its entries in the log of changes, against the tables before and after. */
import type pg from 'pg';
import type { Task, Warehouse } from '../../src/model/warehouse/task.js';
import type { TaskResult } from '../../src/warehouse/run/task-results.js';
import { type Cells, printRows, readCells, relationOf } from './dump.js';
import type { Project } from './project.js';
import { type Reckoned, sliceOf } from './reckon.js';

interface Snapshot {
  readonly oid: number;
  readonly rows: readonly Cells[];
}

export type Snapshots = ReadonlyMap<string, Snapshot>;

export async function snapshot(client: pg.Client, warehouse: Warehouse): Promise<Snapshots> {
  const found = new Map<string, Snapshot>();
  for (const task of warehouse.tasks) {
    if (task.kind === 'view') continue;
    const { rows } = await client.query<{ oid: number | null }>(
      'SELECT to_regclass($1)::oid AS oid',
      [relationOf(task)],
    );
    const oid = rows[0]!.oid;
    if (oid === null) continue;
    found.set(task.name, {
      oid,
      rows: await readCells(client, relationOf(task), ['dw_created_at', 'dw_updated_at']),
    });
  }
  return found;
}

interface Counted {
  inserted: number;
  updated: number;
  deleted: number;
}

export async function compareReceipts(
  client: pg.Client,
  warehouse: Warehouse,
  results: readonly TaskResult[],
  before: Snapshots,
  reckoned: Reckoned | undefined,
): Promise<string[]> {
  const after = await snapshot(client, warehouse);
  const problems: string[] = [];
  for (const task of warehouse.tasks) {
    if (task.kind === 'view') continue;
    const [old, now] = [before.get(task.name), after.get(task.name)];
    const own = results.filter((result) => result.task === task.name);
    if (old === undefined || now === undefined || old.oid !== now.oid || own.length === 0) continue;
    if (own.some(({ state }) => state === 'failed' || state === 'skipped')) continue;
    const wanted = differences(task, old.rows, now.rows);
    for (const slice of new Set([...wanted.keys(), ...own.map((result) => result.slice)])) {
      const is = own.find((result) => result.slice === slice)?.rows;
      const { inserted = 0, updated = 0, deleted = 0 } = is ?? {};
      const should = wanted.get(slice) ?? { inserted: 0, updated: 0, deleted: 0 };
      const line = JSON.stringify({ inserted, updated, deleted });
      if (line !== JSON.stringify(should)) {
        problems.push(
          `${task.name} ${slice}: the receipt has ${line}, the table changed by ${JSON.stringify(should)}`,
        );
      }
    }
    problems.push(...compareCounts(task, own, reckoned));
  }
  return problems;
}

function compareCounts(
  task: Task,
  own: readonly TaskResult[],
  reckoned: Reckoned | undefined,
): string[] {
  const counts = reckoned?.counts.get(task.name);
  if (counts === undefined) return [];
  return own.flatMap(({ slice, rows, state }) => {
    if (state === 'unchanged') return [];
    const wanted = JSON.stringify(counts.get(slice) ?? { read: 0, nullKey: 0, unknown: 0 });
    const is = JSON.stringify({ read: rows.read, nullKey: rows.nullKey, unknown: rows.unknown });
    return is === wanted
      ? []
      : [`${task.name} ${slice}: the receipt has ${is}, plain computation ${wanted}`];
  });
}

/** What tells rows of its table apart. */
export function keyOf(task: Task): readonly string[] {
  if (task.kind === 'model') return task.key;
  if (task.kind === 'silver') {
    return task.history === undefined ? task.key : [...task.key, 'valid_from'];
  }
  if (task.kind === 'dimension') {
    if ('calendar' in task) return ['date'];
    return task.type2 === undefined ? task.naturalKey : [...task.naturalKey, 'valid_from'];
  }
  if (task.kind !== 'fact') return [];
  return 'key' in task
    ? task.key
    : ['date', ...task.lookUps.map(({ column }) => column), ...task.columns];
}

function differences(
  task: Task,
  old: readonly Cells[],
  now: readonly Cells[],
): Map<string, Counted> {
  const key = keyOf(task);
  const isExact = task.kind === 'silver' || task.kind === 'dimension';
  const date = task.kind === 'fact' ? 'date' : task.kind === 'model' ? task.date : undefined;
  const sliceOfRow = (row: Cells) => (date === undefined ? '' : (row[date] ?? 'null'));
  const nameOf = (row: Cells) =>
    printRows([Object.fromEntries(key.map((name) => [name, row[name] ?? null]))], false)[0]!;
  const [left, right] = [old, now].map((rows) => new Map(rows.map((row) => [nameOf(row), row])));
  const counts = new Map<string, Counted>();
  const count = (row: Cells, what: keyof Counted) => {
    const slice = sliceOfRow(row);
    const own = counts.get(slice) ?? { inserted: 0, updated: 0, deleted: 0 };
    counts.set(slice, own);
    own[what]++;
  };
  for (const [name, row] of right!) {
    const before = left!.get(name);
    if (before === undefined) count(row, 'inserted');
    else if (printRows([before], isExact)[0] !== printRows([row], isExact)[0])
      count(row, 'updated');
  }
  for (const [name, row] of left!) if (!right!.has(name)) count(row, 'deleted');
  return counts;
}

/** The dates that entries of silver since an entry have, against those of the rows that changed. */
export async function compareEntries(
  client: pg.Client,
  warehouse: Warehouse,
  project: Project,
  before: Snapshots,
  since: number,
): Promise<string[]> {
  const after = await snapshot(client, warehouse);
  const problems: string[] = [];
  for (const task of warehouse.tasks) {
    if (task.kind !== 'silver') continue;
    const [old, now] = [before.get(task.name), after.get(task.name)];
    if (old === undefined || now === undefined || old.oid !== now.oid) continue;
    const [left, right] = [old.rows, now.rows].map((rows) =>
      rows.map((row) => printRows([row], true)[0]!),
    );
    const changed = [
      ...old.rows.filter((_, i) => !right!.includes(left![i]!)),
      ...now.rows.filter((_, i) => !left!.includes(right![i]!)),
    ];
    for (const fact of warehouse.tasks) {
      if (fact.kind !== 'fact' || fact.source.task !== task.name) continue;
      const spec = project.facts[fact.name.slice('gold.'.length)]!;
      const { history } = task;
      const isZoned =
        history?.by === 'at' || history?.by === 'seen' || history?.timezone !== undefined;
      const type =
        fact.date === 'valid_from'
          ? history?.by === 'day'
            ? 'date'
            : isZoned
              ? 'timestamptz'
              : 'timestamp'
          : fact.date === 'day'
            ? 'date'
            : 'timestamptz';
      const wanted = new Set(
        changed.map((row) => sliceOf(row[fact.date] ?? null, type, spec) ?? 'null'),
      );
      const { slice, timezone } = fact;
      const name =
        slice === 'day' && timezone === undefined
          ? fact.date
          : JSON.stringify([fact.date, slice, timezone ?? 'UTC']);
      const { rows } = await client.query<{ date: string }>(
        `SELECT DISTINCT jsonb_array_elements_text(dates -> $1) AS date FROM edp.changes WHERE relation = $2 AND change_id > $3`,
        [name, `silver.${task.name.slice('silver.'.length)}`, since],
      );
      const is = rows.map(({ date }) => date).sort();
      if (JSON.stringify(is) !== JSON.stringify([...wanted].sort())) {
        problems.push(
          `${task.name}: entries have for ${name} ${is}, rows that changed have ${[...wanted].sort()}`,
        );
      }
    }
  }
  return problems;
}
