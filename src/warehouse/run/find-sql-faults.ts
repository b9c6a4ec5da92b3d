/** SQL of edp.yaml that the server cannot plan: unknown types and functions, conditions that are none. */
import type pg from 'pg';
import type { Path, WarehouseFault } from '../../model/warehouse/resolving.js';
import type {
  Check,
  SilverColumn,
  SilverTask,
  Task,
  Warehouse,
} from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import type { Expr, From, Select } from '../../relational/tree.js';
import { SOURCE } from '../compile/blueprint.js';
import { findShape, type Shape } from '../compile/relation-shape.js';
import { cleaned } from '../compile/silver-columns.js';

/** What the text itself brings about, and neither the rights of the role nor a table that went meanwhile. */
const OF_TEXT = /^(42(?!501|P01)[0-9A-Z]{3}|2201B)$/;

/** Asks the server for no rows. What reads tables that are still to be made is left to the run. */
export async function findSqlFaults(
  client: pg.Client,
  { tasks }: Warehouse,
): Promise<WarehouseFault[]> {
  const faults: WarehouseFault[] = [];
  for (const task of tasks) {
    if (task.kind === 'silver') faults.push(...(await ofOverlap(client, task)));
    if (task.kind === 'silver' && hasSql(task)) faults.push(...(await ofSilver(client, task)));
    faults.push(...(await ofChecks(client, task)));
  }
  return faults;
}

function hasSql({ source, where, columns }: SilverTask): boolean {
  const isOfUser = ({ from, type }: SilverColumn) => 'sql' in from || type !== undefined;
  return source.task === undefined && (where !== undefined || columns.some(isOfUser));
}

async function ofSilver(client: pg.Client, task: SilverTask): Promise<WarehouseFault[]> {
  const { source, where, columns } = task;
  const shape = await findShape(client, source.relation);
  if (shape === undefined) return [];
  const from: From = { kind: 'table', ...source.relation, as: SOURCE };
  const condition: Expr | undefined =
    where === undefined ? undefined : { kind: 'user', sql: where };
  const whole = { columns: columns.map((each) => output(each, shape)), from };
  const query = condition === undefined ? whole : { ...whole, where: condition };
  const refused = await refusal(client, query);
  if (refused === undefined) return [];
  const path: Path = ['silver', task.name.replace(/^silver\./, '')];
  const faults: WarehouseFault[] = [];
  for (const each of columns) {
    const message = await refusal(client, { columns: [output(each, shape)], from });
    const part = 'sql' in each.from ? 'sql' : 'type';
    const at = [...path, 'columns', each.name, part];
    if (message !== undefined) faults.push({ path: at, message });
  }
  if (condition !== undefined) {
    const message = await refusal(client, { columns: [], from, where: condition });
    if (message !== undefined) faults.push({ path: [...path, 'where'], message });
  }
  return faults.length > 0 ? faults : [{ path, message: refused }];
}

/** What has no time in it cannot be looked back at by hours. */
async function ofOverlap(
  client: pg.Client,
  { name, source, incrementalBy }: SilverTask,
): Promise<WarehouseFault[]> {
  if (incrementalBy?.overlap === undefined || source.task !== undefined) return [];
  const { column: by, overlap } = incrementalBy;
  const type = (await findShape(client, source.relation))?.get(by);
  if (type === undefined || /^(date|time)/.test(type)) return [];
  const message = `${by} is ${type}, so there is no looking back ${overlap}; leave overlap out`;
  return [{ path: ['silver', name.replace(/^silver\./, ''), 'overlap'], message }];
}

const output = (column: SilverColumn, shape: Shape) => ({
  of: cleaned(column, shape),
  as: column.name,
});

async function ofChecks(client: pg.Client, { name, checks }: Task): Promise<WarehouseFault[]> {
  const faults: WarehouseFault[] = [];
  for (const [i, check] of checks.entries()) {
    const message = check.kind === 'matches' ? await badPattern(client, check) : undefined;
    const path = ['checks', name, i, 'matches', 'pattern'];
    if (message !== undefined) faults.push({ path, message });
  }
  return faults;
}

function badPattern(client: pg.Client, { pattern }: Extract<Check, { kind: 'matches' }>) {
  return asked(() => client.query("SELECT '' ~ $1", [pattern]));
}

function refusal(client: pg.Client, query: Select): Promise<string | undefined> {
  return asked(() => client.query(`SELECT FROM (\n${printSelect(query)}\n) AS asked LIMIT 0`));
}

/** @returns what the server says against it */
async function asked(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    // Other faults show where the task runs.
    return OF_TEXT.test(code) ? message : undefined;
  }
}
