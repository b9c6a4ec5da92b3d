/** Checks that look at each row by itself → the condition under which a row fails. */
import type pg from 'pg';
import type { Check } from '../../model/warehouse/task.js';
import {
  all,
  binary,
  cast,
  column,
  type Expr,
  number,
  type Select,
  some,
  text,
} from '../../relational/tree.js';
import { isComparable, readShape } from '../compile/relation-shape.js';
import { CHECKED, type CheckedRows, STAYING } from './outcome.js';

type Of<Kind extends Check['kind']> = Extract<Check, { readonly kind: Kind }>;

export type RowCheck = Of<'not_null' | 'accepted_values' | 'range' | 'matches' | 'relationships'>;

const ROW_KINDS: ReadonlySet<Check['kind']> = new Set([
  'not_null',
  'accepted_values',
  'range',
  'matches',
  'relationships',
]);

export function isRowCheck(check: Check): check is RowCheck {
  return ROW_KINDS.has(check.kind);
}

export function isUnique(check: Check): check is Of<'unique'> {
  return check.kind === 'unique';
}

/** The columns that a check looks at. */
export function columnsOf(check: Check): readonly string[] {
  if ('columns' in check) return check.columns;
  return 'column' in check ? [check.column] : [];
}

/** What narrows a check, where anything does. */
export function narrowing({ where }: Pick<Check, 'where'>): Expr[] {
  return where === undefined ? [] : [{ kind: 'user', sql: where }];
}

/** NULL passes all of them but not_null. */
export async function failsWhere(
  client: pg.Client,
  check: RowCheck,
  rows: CheckedRows,
): Promise<Expr> {
  return all([...narrowing(check), await condition(client, check, rows)]);
}

async function condition(client: pg.Client, check: RowCheck, rows: CheckedRows): Promise<Expr> {
  if (check.kind === 'not_null') {
    return some(check.columns.map((name) => ({ kind: 'is-null', of: column(name, CHECKED) })));
  }
  const of = column(check.column, CHECKED);
  const type = rows.shape.get(check.column) ?? 'text';
  switch (check.kind) {
    case 'accepted_values':
      return isOther(client, of, type, check.values);
    case 'range':
      return isOutside(of, type, check);
    case 'matches':
      return { kind: 'not', of: binary(cast(of, 'text'), '~', text(check.pattern)) };
    case 'relationships':
      return isOrphan(client, of, type, check, rows);
  }
}

/** Values that the type does not have are in no row. */
async function isOther(
  client: pg.Client,
  of: Expr,
  type: string,
  values: readonly string[],
): Promise<Expr> {
  const isPresent: Expr = { kind: 'is-null', of, isNegated: true };
  if (!isComparable(type)) {
    return all([isPresent, isNoneOf(cast(of, 'text'), values.map(text))]);
  }
  // 3.0 is the whole number 3.
  if (INTEGER_TYPE.test(type)) {
    const numbers = values.filter((value) => NUMBER.test(value));
    return all([
      isPresent,
      isNoneOf(
        of,
        numbers.map((value) => cast(text(value), 'numeric')),
      ),
    ]);
  }
  const { rows } = await client.query<{ value: string }>(
    `SELECT value FROM unnest($1::text[]) AS value
     WHERE edp.cast_or_null(value, CAST(NULL AS ${type}), NULL) IS NOT NULL`,
    [values],
  );
  return all([
    isPresent,
    isNoneOf(
      of,
      rows.map(({ value }) => cast(text(value), type)),
    ),
  ]);
}

function isNoneOf(of: Expr, list: readonly Expr[]): Expr {
  return list.length === 0
    ? { kind: 'boolean', value: true }
    : { kind: 'not', of: { kind: 'in', of, list } };
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const INTEGER_TYPE = /^(smallint|integer|bigint)$/;
const NUMERIC_TYPE = /^(smallint|integer|bigint|numeric|real|double precision)\b/;
const TEXT_TYPE = /^(pg_catalog\.)?(text|character|citext|name|varchar|bpchar)\b/;

/** A number in a column of text is compared as a number; text that is none is outside. */
function isOutside(of: Expr, type: string, { min, max }: Of<'range'>): Expr {
  const bounds = [min, max].filter((bound) => bound !== undefined);
  const areNumbers = bounds.every((bound) => NUMBER.test(bound));
  const isText = TEXT_TYPE.test(type);
  const value: Expr = areNumbers && isText ? { kind: 'try-cast', of, type: 'numeric' } : of;
  const bound = (limit: string): Expr =>
    areNumbers && (isText || NUMERIC_TYPE.test(type)) ? number(limit) : cast(text(limit), type);
  const isNoNumber = binary(value, '=', cast(text('NaN'), areNumbers && isText ? 'numeric' : type));
  return some([
    ...(min === undefined ? [] : [binary(value, '<', bound(min))]),
    ...(max === undefined ? [] : [binary(value, '>', bound(max))]),
    ...(areNumbers && isText
      ? [
          all([
            { kind: 'is-null', of, isNegated: true },
            { kind: 'is-null', of: value },
          ]),
        ]
      : []),
    ...(/^(numeric|real|double)/.test(type) || (areNumbers && isText) ? [isNoNumber] : []),
  ]);
}

/** Values of one type are compared as they are; others by their text, so that 7 finds '7'. */
async function isOrphan(
  client: pg.Client,
  of: Expr,
  type: string,
  { to }: Of<'relationships'>,
  { relation, from, shape, beside }: CheckedRows,
): Promise<Expr> {
  const isOwn = to.schema === relation.schema && to.name === relation.name;
  const isThere = (query: Select): Expr => ({ kind: 'exists', query });
  const there = isOwn ? shape : await readShape(client, to);
  const typeThere = there.get(to.column) ?? type;
  const isAlike = type === typeThere || (NUMERIC_TYPE.test(type) && NUMERIC_TYPE.test(typeThere));
  const equals = (parent: Expr) =>
    isAlike ? binary(parent, '=', of) : binary(cast(parent, 'text'), '=', cast(of, 'text'));
  const parents: Expr[] = [];
  if (!isOwn) {
    const parent = column(to.column, PARENT);
    const table = { kind: 'table', schema: to.schema, name: to.name, as: PARENT } as const;
    parents.push(isThere({ columns: [], from: table, where: equals(parent) }));
  } else {
    const staged: Select = {
      columns: [{ of: column(to.column, CHECKED), as: 'value' }],
      from,
    };
    parents.push(
      isThere({
        columns: [],
        from: { kind: 'query', query: staged, as: PARENT },
        where: equals(column('value', PARENT)),
      }),
    );
    if (beside !== undefined) {
      const where = all([equals(column(to.column, STAYING)), beside]);
      const table = { kind: 'table', ...relation, as: STAYING } as const;
      parents.push(isThere({ columns: [], from: table, where }));
    }
  }
  return all([
    { kind: 'is-null', of, isNegated: true },
    { kind: 'not', of: some(parents) },
  ]);
}

const PARENT = 'edp_parent';
