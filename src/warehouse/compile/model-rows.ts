/** A model: the rows of a statement of the user. */
import type { ModelTask } from '../../model/warehouse/task.js';
import { column, type Select } from '../../relational/tree.js';
import type { Blueprint, Within } from './blueprint.js';
import type { Shape } from './relation-shape.js';
import { isSlice } from './slice-conditions.js';

export function modelBlueprint(task: ModelTask, shape: Shape): Blueprint {
  const names = [...shape.keys()];
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
