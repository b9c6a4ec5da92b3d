/** A model: the rows of a statement of the user. */
import { EdpError } from '../../base/errors.js';
import type { ModelTask } from '../../model/warehouse/task.js';
import { column, number, type Select } from '../../relational/tree.js';
import { type Blueprint, NULL_KEY, READ, type Within } from './blueprint.js';
import type { Shape } from './relation-shape.js';
import { isSlice } from './slice-conditions.js';

/** @throws EdpError `task_failed` where its date is none */
export function modelBlueprint(task: ModelTask, shape: Shape): Blueprint {
  assertDate(task, shape);
  const names = [...shape.keys()];
  const rows = (within: Within): Select => ({
    columns: [
      ...names.map((name) => ({ of: column(name, 'model'), as: name })),
      { of: number(1), as: READ },
      { of: number(0), as: NULL_KEY },
    ],
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
    isCounted: true,
    reads: { kind: 'aggregate', name: 'count' },
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

/** A slice is a day: rows of the same day would not be made with it. */
function assertDate({ name, date, file }: ModelTask, shape: Shape): void {
  if (date === undefined) return;
  const type = shape.get(date);
  if (type === 'date') return;
  const what =
    type === undefined ? 'is no column of the statement' : `is ${type}, and must be a date`;
  throw new EdpError('task_failed', `${name}: date "${date}" ${what}`, {
    place: file,
    hint: type === undefined ? 'name one of its columns' : `CAST(${date} AS date) AS ${date}`,
  });
}
