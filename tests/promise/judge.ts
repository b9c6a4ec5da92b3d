/** Holds the tables against a rebuild, and against plain computation. */
import type pg from 'pg';
import type { Warehouse } from '../../src/model/warehouse/task.js';
import {
  compareContent,
  compareRows,
  isUnknown,
  printRows,
  readCells,
  readContent,
  readTask,
  relationOf,
} from './dump.js';
import type { Bronze } from './place.js';
import type { Project } from './project.js';
import { keyOf } from './receipts.js';
import { type Reckoned, reckon } from './reckon.js';
import { rebuild } from './runs.js';

export interface Place {
  readonly config: pg.ClientConfig;
  readonly client: pg.Client;
  readonly bronze: Bronze;
}

export async function judge(
  place: Place,
  warehouse: Warehouse,
  project: Project,
): Promise<{ problems: string[]; reckoned: Reckoned }> {
  const is = await readContent(place.client, warehouse);
  const fresh = await rebuild(place.config, warehouse);
  const reckoned = reckon(project, await place.bronze.read());
  const problems = [
    ...fresh.failed.map((each) => `a rebuild fails: ${each}`),
    ...compareContent(is, fresh.content, 'a rebuild'),
    ...(await compareReckoned(place.client, warehouse, reckoned)),
    ...(await compareUnknownKeys(place.client, reckoned)),
    ...(await compareQueries(place.client, warehouse)),
    ...(await listStrayParts(place.client)),
  ];
  return { problems, reckoned };
}

async function compareReckoned(
  client: pg.Client,
  warehouse: Warehouse,
  { tables }: Reckoned,
): Promise<string[]> {
  const problems: string[] = [];
  for (const task of warehouse.tasks) {
    const wanted = tables.get(task.name);
    if (wanted === undefined || 'calendar' in task) continue;
    const names = new Set(wanted.rows.flatMap((row) => Object.keys(row)));
    const cells = (await readTask(client, task, warehouse)).map((row) =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => names.has(name) || wanted.rows.length === 0),
      ),
    );
    const isExact = task.kind === 'silver';
    problems.push(
      ...compareRows(
        task.name,
        printRows(cells, isExact),
        printRows(wanted.rows, isExact),
        'plain computation',
      ),
    );
  }
  return problems;
}

async function compareUnknownKeys(client: pg.Client, { unknownKeys }: Reckoned): Promise<string[]> {
  const { rows } = await client.query<{ line: string; key: string[] }>(
    "SELECT concat_ws(' ', task, slice, dimension) AS line, key FROM edp.unknown_keys WHERE task !~ '__'",
  );
  const is = rows.map(({ line, key }) => `${line} ${JSON.stringify(key)}`);
  return compareRows('edp.unknown_keys', is, [...unknownKeys], 'plain computation');
}

/** Partitions have schema, owner and name of their table. */
async function listStrayParts(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ stray: string }>(
    `SELECT format('partition %s of %s', i.inhrelid::regclass, i.inhparent::regclass) AS stray
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
     WHERE p.relkind = 'p' AND p.relname !~ '^aside_' AND (c.relnamespace <> p.relnamespace OR c.relowner <> p.relowner
       OR NOT starts_with(c.relname, p.relname))`,
  );
  return rows.map(({ stray }) => stray);
}

/** Models and views: their own statement, asked now. */
async function compareQueries(client: pg.Client, warehouse: Warehouse): Promise<string[]> {
  const problems: string[] = [];
  for (const task of warehouse.tasks) {
    if (task.kind !== 'model' && task.kind !== 'view') continue;
    await client.query(`CREATE TEMP VIEW asked AS ${task.sql}`);
    const wanted = printRows(await readCells(client, 'asked'), false);
    await client.query('DROP VIEW asked');
    const is = printRows(
      await readCells(client, relationOf(task), ['dw_created_at', 'dw_updated_at']),
      false,
    );
    problems.push(...compareRows(task.name, is, wanted, 'its statement'));
  }
  return problems;
}

/** Dimension → natural key → id. */
export type Ids = ReadonlyMap<string, ReadonlyMap<string, string>>;

export async function readIds(client: pg.Client, warehouse: Warehouse): Promise<Ids> {
  const ids = new Map<string, Map<string, string>>();
  for (const task of warehouse.tasks) {
    if (task.kind !== 'dimension' || 'calendar' in task) continue;
    const rows = await readCells(client, relationOf(task));
    ids.set(
      `${task.name} ${task.idType}`,
      new Map(
        rows
          .filter(({ id }) => !isUnknown(id))
          .map((row) => [
            keyOf(task)
              .map((name) => row[name])
              .join('|'),
            row.id!,
          ]),
      ),
    );
  }
  return ids;
}

/** Members that stayed keep their ids. */
export function compareIds(before: Ids, after: Ids): string[] {
  return [...after].flatMap(([name, members]) =>
    [...members].flatMap(([key, id]) => {
      const old = before.get(name)?.get(key);
      return old === undefined || old === id
        ? []
        : [`${name}: member ${key} had id ${old}, and has ${id}`];
    }),
  );
}
