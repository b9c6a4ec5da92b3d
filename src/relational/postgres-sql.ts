/**
 * A tree → SQL of PostgreSQL 14 and later, a line for each clause. Nested queries are not indented: a text
 * may hold line ends.
 */
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import type { Expr, From, Join, Order, Output, Select } from './tree.js';

/** Looser operators first. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  OR: 1,
  AND: 2,
  '=': 4,
  '<>': 4,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '||': 5,
  '~': 5,
  '->>': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
};
const NOT = 3;
const TIGHT = 9;

export function printSelect(query: Select): string {
  const parts = [
    ...(query.with === undefined || query.with.length === 0 ? [] : [printWith(query.with)]),
    `SELECT ${query.isDistinct === true ? 'DISTINCT ' : ''}${printOutputs(query.columns)}`,
    ...(query.from === undefined ? [] : [`FROM ${printFrom(query.from)}`]),
    ...(query.joins ?? []).map(printJoin),
    ...(query.where === undefined ? [] : [`WHERE ${printExpr(query.where)}`]),
    ...(query.groupBy === undefined || query.groupBy.length === 0
      ? []
      : [`GROUP BY ${query.groupBy.map((each) => printExpr(each)).join(', ')}`]),
    ...(query.having === undefined ? [] : [`HAVING ${printExpr(query.having)}`]),
    ...(query.orderBy === undefined || query.orderBy.length === 0
      ? []
      : [`ORDER BY ${query.orderBy.map(printOrder).join(', ')}`]),
    ...(query.limit === undefined ? [] : [`LIMIT ${query.limit}`]),
    ...(query.union ?? []).map((other) => `UNION ALL\n${printSelect(other)}`),
  ];
  return parts.join('\n');
}

function printWith(parts: NonNullable<Select['with']>): string {
  const list = parts.map(
    ({ name, query }) => `${quoteIdentifier(name)} AS (\n${printSelect(query)}\n)`,
  );
  return `WITH ${list.join(',\n')}`;
}

function printOutputs(outputs: readonly Output[]): string {
  return outputs
    .map(({ of, as }) => {
      const value = printExpr(of);
      return of.kind === 'column' && of.name === as ? value : `${value} AS ${quoteIdentifier(as)}`;
    })
    .join(',\n  ');
}

export function printFrom(from: From): string {
  switch (from.kind) {
    case 'table': {
      const name = [from.schema, from.name]
        .flatMap((part) => (part === undefined ? [] : [quoteIdentifier(part)]))
        .join('.');
      return from.as === undefined ? name : `${name} AS ${quoteIdentifier(from.as)}`;
    }
    case 'query':
      return `(\n${printSelect(from.query)}\n) AS ${quoteIdentifier(from.as)}`;
    case 'rows-of':
      return `${printExpr(from.of)} AS ${quoteIdentifier(from.as)} (value)`;
    case 'user':
      // A comment at the end of the user's text ends with its line.
      return `(\n${from.sql}\n) AS ${quoteIdentifier(from.as)}`;
  }
}

function printJoin({ kind, from, on }: Join): string {
  return `${kind === 'left' ? 'LEFT JOIN' : 'JOIN'} ${printFrom(from)} ON ${printExpr(on)}`;
}

function printOrder({ of, isDescending, nulls }: Order): string {
  return [
    printExpr(of),
    ...(isDescending === true ? ['DESC'] : []),
    ...(nulls === undefined ? [] : [`NULLS ${nulls.toUpperCase()}`]),
  ].join(' ');
}

/** @param around precedence of what stands around it: looser expressions get parentheses */
export function printExpr(expr: Expr, around = 0): string {
  const wrapped = (precedence: number, sql: string) => (precedence < around ? `(${sql})` : sql);
  switch (expr.kind) {
    case 'column':
      return [expr.of, expr.name]
        .flatMap((part) => (part === undefined ? [] : [quoteIdentifier(part)]))
        .join('.');
    case 'text':
      return quoteLiteral(expr.value);
    case 'number':
      return wrapped(expr.text.startsWith('-') ? 0 : TIGHT, expr.text);
    case 'null':
      return 'NULL';
    case 'boolean':
      return expr.value ? 'true' : 'false';
    case 'cast':
      return `CAST(${printExpr(expr.of)} AS ${expr.type})`;
    case 'try-cast':
      return printTryCast(expr);
    case 'by-bytes':
      return `(${printExpr(expr.of)} COLLATE "C")`;
    case 'call':
      return `${expr.name}(${expr.of.map((each) => printExpr(each)).join(', ')})`;
    case 'aggregate':
      return printAggregate(expr);
    case 'binary': {
      const own = PRECEDENCE[expr.operator] ?? TIGHT;
      // An operator that stands on the right of its equal is looser there: a - (b - c).
      const right = printExpr(expr.right, ['AND', 'OR'].includes(expr.operator) ? own : own + 0.5);
      return wrapped(own, `${printExpr(expr.left, own)} ${expr.operator} ${right}`);
    }
    case 'not':
      return wrapped(NOT, `NOT ${printExpr(expr.of, NOT + 0.5)}`);
    case 'is-null':
      return wrapped(
        NOT,
        `${printExpr(expr.of, TIGHT)} IS ${expr.isNegated === true ? 'NOT ' : ''}NULL`,
      );
    case 'is-distinct': {
      const is = expr.isNegated === true ? 'IS NOT DISTINCT FROM' : 'IS DISTINCT FROM';
      return wrapped(NOT, `${printExpr(expr.left, TIGHT)} ${is} ${printExpr(expr.right, TIGHT)}`);
    }
    case 'any':
      return wrapped(4, `${printExpr(expr.of, TIGHT)} = ANY (${printExpr(expr.list)})`);
    case 'in':
      return wrapped(
        4,
        `${printExpr(expr.of, TIGHT)} IN (${expr.list.map((each) => printExpr(each)).join(', ')})`,
      );
    case 'case':
      return printCase(expr);
    case 'at-zone':
      return `timezone(${quoteLiteral(expr.zone)}, ${printExpr(expr.of)})`;
    case 'truncate':
      return `date_trunc(${quoteLiteral(expr.unit)}, ${printExpr(expr.of)})`;
    case 'row-number':
      return `row_number() OVER (${printPartition(expr)})`;
    case 'window':
      return printWindow(expr);
    case 'exists':
      return wrapped(
        NOT,
        `${expr.isNegated === true ? 'NOT ' : ''}EXISTS (\n${printSelect(expr.query)}\n)`,
      );
    case 'row':
      return `ROW(${expr.of.map((each) => printExpr(each)).join(', ')})`;
    case 'user':
      return `(${expr.sql}\n)`;
  }
}

/** Only a type with modifiers, as numeric(5, 2), is parsed for each value. */
function printTryCast({ of, type }: Extract<Expr, { kind: 'try-cast' }>): string {
  const written = type.includes('(') ? quoteLiteral(type) : 'NULL';
  return `CAST(edp.cast_or_null(${printExpr(of)}, CAST(NULL AS ${type}), ${written}) AS ${type})`;
}

function printPartition(
  expr: Extract<Expr, { kind: 'row-number' }> | Extract<Expr, { kind: 'window' }>,
): string {
  const partition = expr.partitionBy.map((each) => printExpr(each)).join(', ');
  const order = expr.orderBy.map(printOrder).join(', ');
  return `PARTITION BY ${partition} ORDER BY ${order}`;
}

function printWindow(expr: Extract<Expr, { kind: 'window' }>): string {
  // The frame of the others ends with the row itself.
  const frame =
    expr.name === 'last_value' ? ' ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING' : '';
  return `${expr.name}(${printExpr(expr.of)}) OVER (${printPartition(expr)}${frame})`;
}

function printAggregate(expr: Extract<Expr, { kind: 'aggregate' }>): string {
  const of = expr.of === undefined ? '*' : printExpr(expr.of);
  const filter = expr.filter === undefined ? '' : ` FILTER (WHERE ${printExpr(expr.filter)})`;
  return `${expr.name}(${expr.isDistinct === true ? 'DISTINCT ' : ''}${of})${filter}`;
}

function printCase({ when, else: otherwise }: Extract<Expr, { kind: 'case' }>): string {
  const cases = when.map((each) => `WHEN ${printExpr(each.if)} THEN ${printExpr(each.value)}`);
  const end = otherwise === undefined ? '' : ` ELSE ${printExpr(otherwise)}`;
  return `CASE ${cases.join(' ')}${end} END`;
}
