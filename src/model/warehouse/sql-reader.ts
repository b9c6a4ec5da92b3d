/** What SQL of the user reads, by the parser of PostgreSQL itself. */

import { hasTemplate, NO_TEMPLATES } from './no-templates.js';
import { asksMoment } from './sql-moment.js';
import { asNode, listOf, type Node, nodesIn, textOf } from './sql-node.js';
import { type OutputOrigins, originsOf } from './sql-origins.js';
import { type RenameRelation, renameRelations } from './sql-renaming.js';
import type { ColumnsOf } from './sql-scope.js';
import { columnsRead, outputColumns, type QueryRelation, relationsRead } from './sql-tree.js';
import { unknownColumns } from './sql-unknown-columns.js';

export interface SqlFault {
  /** In the text, from 1. */
  readonly line: number;
  readonly message: string;
}

export interface QueryReading {
  readonly relations: readonly (QueryRelation & { readonly line: number })[];
  /** Names of the columns that it gives; undefined where the text does not say them all. */
  readonly columns: readonly string[] | undefined;
  /** Whether it gives other rows later though nothing that it reads changed. */
  readonly asksMoment: boolean;
  /** Of which columns each of them is computed. @param columnsOf the tables that it reads */
  origins(columnsOf: ColumnsOf): readonly OutputOrigins[];
  /** Names that none of the tables has. @param columnsOf undefined for a table that is not known */
  unknown(columnsOf: ColumnsOf): readonly (SqlName & { readonly known: readonly string[] })[];
}

export interface SqlName {
  readonly column: string;
  /** In the text, from 1. */
  readonly line: number;
}

export interface SqlReader {
  /** One SELECT. */
  readQuery(sql: string): QueryReading | SqlFault;
  /** One SELECT that reads other relations in the place of those that it names. @param to undefined: it stays */
  renameRelations(sql: string, to: RenameRelation): string;
  /** A value or a condition over columns. */
  readExpression(sql: string): ExpressionReading | SqlFault;
}

export interface ExpressionReading {
  /** Names of the columns that it reads. */
  readonly columns: readonly string[];
  readonly asksMoment: boolean;
}

type Parse = (sql: string) => unknown;

/** The parser is 2 MB of code, so it is loaded only where a project has SQL. */
export async function loadSqlReader(): Promise<SqlReader> {
  const { default: parser } = await import('libpg-query');
  await parser.loadModule();
  const parse: Parse = (sql) => parser.parseSync(sql);
  return {
    readQuery: (sql) => readQuery(parse, sql),
    renameRelations: (sql, to) => renameRelations(parse(sql), sql, to),
    readExpression: (sql) => readExpression(parse, sql),
  };
}

export function isSqlFault<T extends object>(reading: T | SqlFault): reading is SqlFault {
  return 'message' in reading;
}

function readQuery(parse: Parse, sql: string): QueryReading | SqlFault {
  const statements = listStatements(parse, sql);
  if (isSqlFault(statements)) return statements;
  const [first, second] = statements;
  if (first === undefined) return { line: 1, message: 'the file has no SQL; write one SELECT' };
  if (second !== undefined) {
    return {
      line: lineOfByte(sql, second.start),
      message: 'a second statement begins here, and edp takes one SELECT',
    };
  }
  const select = asNode(first.statement.SelectStmt);
  const message = select === undefined ? 'it is no SELECT' : findForbidden(select);
  if (select === undefined || message !== undefined) {
    return { line: lineOfByte(sql, first.start), message: message! };
  }
  const relations = relationsRead(first.statement).map((relation) => ({
    ...relation,
    line: lineOfByte(sql, relation.offset),
  }));
  return {
    relations,
    columns: outputColumns(select),
    asksMoment: asksMoment(select),
    origins: (columnsOf) => originsOf(select, columnsOf),
    unknown: (columnsOf) =>
      unknownColumns(select, columnsOf).map(({ offset, ...rest }) => ({
        ...rest,
        line: lineOfByte(sql, offset),
      })),
  };
}

function findForbidden(select: Node): string | undefined {
  if (select.intoClause !== undefined) return 'SELECT INTO makes a table; remove INTO';
  for (const [kind] of nodesIn(select)) {
    if (kind === 'InsertStmt' || kind === 'UpdateStmt' || kind === 'DeleteStmt') {
      return 'it changes a table, and edp takes a SELECT that only reads';
    }
    if (kind === 'MergeStmt') return 'it changes a table, and edp takes a SELECT that only reads';
    if (kind === 'LockingClause') return 'it locks rows; remove FOR UPDATE or FOR SHARE';
    if (kind === 'ParamRef') return 'it has a parameter ($1), and nobody gives its value';
  }
  return undefined;
}

/** So that the text can be nothing but one expression. */
const AROUND = ['SELECT (', ')'] as const;

function readExpression(parse: Parse, sql: string): ExpressionReading | SqlFault {
  const statements = listStatements(parse, sql, AROUND);
  if (isSqlFault(statements)) return statements;
  const select = asNode(statements[0]?.statement.SelectStmt);
  const targets = select?.targetList;
  const isOne =
    statements.length === 1 &&
    Array.isArray(targets) &&
    targets.length === 1 &&
    ['fromClause', 'whereClause', 'groupClause', 'sortClause', 'valuesLists', 'larg'].every(
      (clause) => select?.[clause] === undefined,
    ) &&
    asNode(asNode(targets[0])?.ResTarget)?.name === undefined;
  if (!isOne) return { line: 1, message: 'expected one expression of SQL' };
  for (const [kind, node] of nodesIn(select!)) {
    const message = forbiddenInValue(kind, node);
    if (message !== undefined) return { line: 1, message };
  }
  const columns = columnsRead(select!);
  const qualified = columns.find((names) => names.length !== 1);
  if (qualified !== undefined) {
    const written = qualified.join('.');
    return { line: 1, message: `"${written}": columns are written without a table` };
  }
  return { columns: [...new Set(columns.flat())], asksMoment: asksMoment(select!) };
}

const AGGREGATE =
  /^(count|sum|avg|min|max|array_agg|string_agg|jsonb?_agg|jsonb?_object_agg|bool_(and|or)|every|mode)$/;

function forbiddenInValue(kind: string, node: Node): string | undefined {
  if (kind === 'SubLink') return 'it reads another table; sql/models/ is the place for that';
  if (kind === 'ParamRef') return 'it has a parameter ($1), and nobody gives its value';
  if (kind !== 'FuncCall') return undefined;
  const name = textOf(listOf(node.funcname).at(-1)) ?? '';
  return node.over !== undefined || AGGREGATE.test(name)
    ? `${name} reads other rows; sql/models/ is the place for that`
    : undefined;
}

interface Statement {
  readonly statement: Node;
  /** In bytes. */
  readonly start: number;
}

function listStatements(
  parse: Parse,
  sql: string,
  [before, behind]: readonly [string, string] = ['', ''],
): Statement[] | SqlFault {
  const nul = sql.indexOf('\0');
  if (nul >= 0) return { line: sql.slice(0, nul).split('\n').length, message: 'SQL has no NUL' };
  // The parser takes no empty text.
  const text = `${before}${sql}\n${behind};`;
  try {
    const tree = asNode(parse(text));
    return listOf(tree?.stmts).flatMap((raw) => {
      const statement = asNode(asNode(raw)?.stmt);
      const start = asNode(raw)?.stmt_location;
      return statement === undefined
        ? []
        : [{ statement, start: skipBlank(sql, typeof start === 'number' ? start : 0) }];
    });
  } catch (error) {
    return toFault(error, text, before.length, sql);
  }
}

/**
 * @param text as it is parsed, with what edp puts around it
 * @param before how many characters of that stand in front, all in the first line
 */
function toFault(error: unknown, text: string, before: number, sql: string): SqlFault {
  const { message, sqlDetails } = error as Error & { sqlDetails?: { cursorPosition?: number } };
  const position = sqlDetails?.cursorPosition ?? before;
  const isBehind = position >= before + [...sql].length;
  const line = [...text].slice(0, position).join('').split('\n').length;
  const isOfTemplate = /^syntax error at or near "[{%]/.test(message) && hasTemplate(sql);
  return {
    line: Math.min(line, sql.split('\n').length),
    message: isOfTemplate
      ? NO_TEMPLATES
      : isBehind
        ? message.replace(/ at or near "[^"]*"$/, ' at its end')
        : message,
  };
}

/** Comments in front of a statement are part of it for the parser. */
function skipBlank(sql: string, start: number): number {
  const rest = Buffer.from(sql).subarray(start).toString();
  const skipped = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(rest)?.[0] ?? '';
  return start + Buffer.byteLength(skipped);
}

function lineOfByte(sql: string, offset: number): number {
  return Buffer.from(sql).subarray(0, offset).toString().split('\n').length;
}
