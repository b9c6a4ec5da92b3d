/**
 * The way of a statement of one row, which is what most statements are. To start the query for many rows takes longer than to
 * run it, and an array of rows is not needed.
 */
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import {
  bothWhole,
  CHANGE_COLUMNS,
  isSameKey,
  NEXT_SEQUENCE,
  type RowOp,
  wholeRow,
} from './event-sql.js';
import type { CapturedModel } from './plan.js';
import { shapeId } from './shape-sql.js';

const OPS: Readonly<Record<RowOp, string>> = {
  insert: 'create',
  update: 'update',
  delete: 'delete',
};

export function singleRowVariables(models: readonly CapturedModel[]): string[] {
  return [...models.map((_, i) => `  change_${i} text[];`), '  is_single boolean;'];
}

/**
 * Sets row_count: 0 or 1 where all is in variables, more where the general way is to be taken.
 *
 * @param isPossible SQL: whether this way may be taken for a create or delete
 */
export function singleRow(models: readonly CapturedModel[], op: RowOp, isPossible: string): string {
  const clear = models.map((_, i) => `      change_${i} := NULL;`).join('\n');
  const [first, ...others] = models.map((model, i) => read(model, op, i, isPossible));
  return `${first}
      IF NOT FOUND THEN
        row_count := ${op === 'update' ? 'CASE WHEN EXISTS (SELECT FROM old_rows) THEN 2 ELSE 0 END' : '0'};
      END IF;
${others.map((one) => `      IF row_count = 1 THEN\n${one}\n      END IF;\n`).join('')}      IF row_count > 1 THEN
${clear}
      END IF;`;
}

function read(model: CapturedModel, op: RowOp, i: number, isPossible: string): string {
  const rows = op === 'insert' ? 'new_rows' : 'old_rows';
  const count =
    i === 0 ? `, CASE WHEN EXISTS (SELECT FROM ${rows} OFFSET 1) THEN 2 ELSE 1 END` : '';
  const into = `change_${i}, is_single${i === 0 ? ', row_count' : ''}`;
  const hasFilter = model.where !== undefined;
  const row = op === 'delete' ? 'o' : 'n';
  if (op !== 'update') {
    const whole = wholeRow(model, row);
    return `      SELECT ${hasFilter ? `CASE WHEN ${row}.r THEN ${whole} END` : whole}, ${isPossible}${count}
        INTO ${into} FROM ${oneOf(model, rows)} AS ${row} LIMIT 1;${
          isPossible === 'true'
            ? ''
            : '\n      IF NOT is_single THEN\n        row_count := 2;\n      END IF;'
        }`;
  }
  const attributes = model.attributes.length;
  const isUpdate = hasFilter ? `n.r AND o.r AND ${isSameKey(model)}` : isSameKey(model);
  const isSingle = hasFilter ? `NOT (n.r OR o.r) OR (${isUpdate})` : isUpdate;
  return `      SELECT CASE WHEN ${isUpdate} THEN ${bothWhole(model)} END, (${isSingle}) IS TRUE${count}
        INTO ${into} FROM ${oneOf(model, 'new_rows')} AS n, ${oneOf(model, 'old_rows')} AS o LIMIT 1;
      IF NOT is_single THEN
        -- Another key, or another side of the filter.
        row_count := 2;
      ELSIF change_${i}[:${attributes}] IS NOT DISTINCT FROM change_${i}[${attributes + 1}:${2 * attributes}] AND change_${i}[${2 * attributes + 1}] IS NULL THEN
        change_${i} := NULL;
      END IF;`;
}

/** One row, each of whose values is evaluated once. */
function oneOf({ attributes, where, source }: CapturedModel, rows: string): string {
  const values = attributes.map(({ value }, i) => `${value} AS a${i}`);
  const filter = where === undefined ? [] : [`coalesce((${where}\n), false) AS r`];
  const isPlain = filter.length === 0 && attributes.every(({ isColumn }) => isColumn);
  return `(SELECT ${[...filter, ...values].join(', ')} FROM ${rows} AS ${quoteIdentifier(source.name)}${isPlain ? '' : ' LIMIT 1'})`;
}

/** Writes what is in the variables. */
export function writeSingle(models: readonly CapturedModel[], op: RowOp): string {
  const insert = (model: CapturedModel, i: number, slot: number) =>
    `      INSERT INTO edp_capture.outbox_${slot} (${CHANGE_COLUMNS})
      VALUES (${NEXT_SEQUENCE}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, ${quoteLiteral(OPS[op])}, clock_timestamp(), ${shapeId(model)}, change_${i});`;
  return models
    .map(
      (model, i) => `  IF change_${i} IS NOT NULL THEN
    IF (SELECT last_value FROM edp_capture.current_outbox) = 0 THEN
${insert(model, i, 0)}
    ELSE
${insert(model, i, 1)}
    END IF;
  END IF;`,
    )
    .join('\n');
}
