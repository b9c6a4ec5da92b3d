/** A model: the rows of a statement of the user. */
import type pg from 'pg';
import type { ModelTask } from '../../model/warehouse/task.js';
import { column, type Select } from '../../relational/tree.js';
import type { Blueprint, Within } from './blueprint.js';
import { isSlice } from './slice-conditions.js';

export async function modelBlueprint(client: pg.Client, task: ModelTask): Promise<Blueprint> {
  const names = await describe(client, task.sql);
  const rows = (within: Within): Select => ({
    columns: names.map((name) => ({ of: column(name, 'model'), as: name })),
    from: { kind: 'user', sql: task.sql, as: 'model' },
    ...(typeof within === 'object' && task.date !== undefined
      ? { where: isSlice(column(task.date, 'model'), 'date', within.slices) }
      : {}),
  });
  return {
    task: task.name,
    relation: task.relation,
    key: task.key,
    rest: names.filter((name) => !task.key.includes(name)),
    rows,
    isCounted: false,
    ...(task.date === undefined
      ? {}
      : { slice: { column: task.date, unit: 'day', type: 'date' } as const }),
    hasUnknownMember: false,
    hasTimes: true,
    hasPrimaryKey: true,
    mayRepeatKey: true,
    notNull: task.key,
    indexes: task.date === undefined ? [] : [[task.date]],
    generated: {},
    lookUps: [],
  };
}

/** The columns of a statement. */
async function describe(client: pg.Client, sql: string): Promise<string[]> {
  const { fields } = await client.query(`SELECT * FROM (\n${sql}\n) AS model LIMIT 0`);
  return fields.map(({ name }) => name);
}
