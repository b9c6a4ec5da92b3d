/** The rows of a task that its checks look at: those that are staged, or those of its table. */
import type pg from 'pg';
import type { Relation } from '../../model/warehouse/task.js';
import {
  binary,
  call,
  cast,
  column,
  type Expr,
  type From,
  type Output,
  text,
} from '../../relational/tree.js';
import { type Blueprint, NULL_KEY, READ } from '../compile/blueprint.js';
import { unknownId } from '../compile/fact-rows.js';
import { readShape, type Shape } from '../compile/relation-shape.js';
import { NO_DATE } from '../compile/slice-conditions.js';
import { CHECKED, type CheckedRows } from './outcome.js';

const STAGED: Relation = { schema: 'pg_temp', name: 'edp_stage' };

type Checked = Pick<
  Blueprint,
  'task' | 'relation' | 'slice' | 'generated' | 'hasUnknownMember' | 'id'
>;

/** @param beside which rows of the table the stage does not replace */
export async function stagedRows(
  client: pg.Client,
  { task, relation, slice, generated }: Checked,
  beside: Expr | undefined,
): Promise<CheckedRows> {
  const staged = await readShape(client, STAGED);
  const own = [...staged].filter(([name]) => name !== READ && name !== NULL_KEY);
  const computed = Object.entries(generated);
  const shape: Shape = new Map([...own, ...computed.map(([name]) => [name, 'numeric'] as const)]);
  const stage: From = { kind: 'table', ...STAGED, as: CHECKED };
  const columns = [
    ...own.map(([name]): Output => ({ of: column(name, CHECKED), as: name })),
    ...computed.map(([name, sql]): Output => ({ of: { kind: 'user', sql }, as: name })),
  ];
  const from: From =
    computed.length === 0 ? stage : { kind: 'query', query: { columns, from: stage }, as: CHECKED };
  return {
    place: task,
    from,
    shape,
    relation,
    ...sliced(slice),
    ...(beside === undefined ? {} : { beside }),
  };
}

/** All rows of a table but the unknown member. */
export async function publishedRows(
  client: pg.Client,
  { task, relation, slice, hasUnknownMember, id }: Omit<Checked, 'generated'>,
): Promise<CheckedRows> {
  const shape = await readShape(client, relation);
  const table: From = { kind: 'table', ...relation, as: CHECKED };
  const columns = [...shape.keys()].map((name) => ({ of: column(name, CHECKED), as: name }));
  const where = binary(column('id', CHECKED), '<>', unknownId(id ?? 'int'));
  const from: From = hasUnknownMember
    ? { kind: 'query', query: { columns, from: table, where }, as: CHECKED }
    : table;
  return { place: task, from, shape, relation, ...sliced(slice) };
}

function sliced(slice: Checked['slice']): Pick<CheckedRows, 'slice'> {
  return slice === undefined ? {} : { slice: sliceText(slice.column) };
}

function sliceText(name: string): Expr {
  return call('coalesce', cast(column(name, CHECKED), 'text'), text(NO_DATE));
}
