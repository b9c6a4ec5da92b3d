/** What the tables of a warehouse hold, without what may differ: dw_ times, and ids but for whom they mean. */
import type pg from 'pg';
import { quoteIdentifier } from '../../src/model/ddl.js';
import type { Task, Warehouse } from '../../src/model/warehouse/task.js';

/** Task → its rows as texts, sorted. */
export type Content = ReadonlyMap<string, readonly string[]>;

export type Cells = Readonly<Record<string, string | null>>;

/** Rows of a relation, each value as the server prints it. */
export async function readCells(
  client: pg.Client,
  relation: string,
  except: readonly string[] = [],
): Promise<Cells[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
     AND NOT attname = ANY ($2) ORDER BY attname`,
    [relation, except],
  );
  const list = rows.map(({ name }) => `${quoteIdentifier(name)}::text AS ${quoteIdentifier(name)}`);
  return (await client.query<Cells>(`SELECT ${list.join(', ')} FROM ${relation}`)).rows;
}

export const relationOf = ({ relation }: Task) =>
  `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;

const TIMES = ['dw_created_at', 'dw_updated_at'];

export async function readTask(
  client: pg.Client,
  task: Task,
  warehouse: Warehouse,
): Promise<Cells[]> {
  const cells = await readCells(client, relationOf(task), TIMES);
  if (task.kind === 'dimension' && !('calendar' in task)) {
    return cells.map(({ id, ...rest }) => ({ ...rest, id: isUnknown(id) ? 'unknown' : 'member' }));
  }
  if (task.kind !== 'fact') return cells;
  const names = new Map<string, Map<string | null, string>>();
  for (const lookUp of task.lookUps) {
    const dimension = warehouse.tasks.find(({ name }) => name === lookUp.dimension)!;
    const members = await readCells(client, relationOf(dimension));
    const keys = [
      ...lookUp.by.map((each) => each.dimension),
      ...(lookUp.hasVersions ? ['valid_from'] : []),
    ];
    names.set(
      lookUp.column,
      new Map(
        members.map((row) => [
          row.id ?? null,
          isUnknown(row.id) ? 'unknown' : keys.map((key) => row[key]).join('|'),
        ]),
      ),
    );
  }
  return cells.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        const members = names.get(name);
        return [name, members === undefined ? value : (members.get(value) ?? `no member ${value}`)];
      }),
    ),
  );
}

export function isUnknown(id: string | null | undefined): boolean {
  return id === '0' || id === '00000000-0000-0000-0000-000000000000';
}

/** Equal numbers in one form: a measure is a number, and no text. */
function plainNumber(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text;
}

export function printRows(rows: readonly Cells[], isExact: boolean): string[] {
  return rows
    .map((row) =>
      Object.keys(row)
        .sort()
        .map((name) => {
          const value = row[name];
          return `${name}=${value === null || value === undefined ? '∅' : isExact ? value : plainNumber(value)}`;
        })
        .join(' '),
    )
    .sort();
}

/** A task without a table has no rows, and an entry that says so. */
export async function readContent(client: pg.Client, warehouse: Warehouse): Promise<Content> {
  const content = new Map<string, readonly string[]>();
  for (const task of warehouse.tasks) {
    const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [
      relationOf(task),
    ]);
    content.set(
      task.name,
      rows[0].there
        ? printRows(
            await readTask(client, task, warehouse),
            task.kind === 'silver' || task.kind === 'dimension',
          )
        : ['(no table)'],
    );
  }
  return content;
}

/** Each difference as a line. */
export function compareContent(is: Content, wanted: Content, what: string): string[] {
  return [...wanted].flatMap(([name, rows]) =>
    compareRows(name, is.get(name) ?? ['(no table)'], rows, what),
  );
}

const MAX_SHOWN = 6;

export function compareRows(
  name: string,
  is: readonly string[],
  wanted: readonly string[],
  what: string,
): string[] {
  const left = [...wanted];
  const extra = is.filter((row) => {
    const i = left.indexOf(row);
    if (i >= 0) left.splice(i, 1);
    return i < 0;
  });
  return [
    ...extra.slice(0, MAX_SHOWN).map((row) => `${name}: is there, and not by ${what}: ${row}`),
    ...left.slice(0, MAX_SHOWN).map((row) => `${name}: is missing, by ${what}: ${row}`),
  ];
}
