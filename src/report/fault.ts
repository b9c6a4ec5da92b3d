/** An error of the server in a report → its position in the file, and what to do. */
import pg from 'pg';
import { EdpError } from '../base/errors.js';
import { isConnectionError } from '../postgres/sqlstate.js';
import { LacksMetrics } from './model-variables.js';

/** The data of a report for a message; `line` if it is known without the server. */
export interface FaultPlace {
  readonly name: string;
  readonly file: string;
  readonly line?: number;
}

const HINTS: Readonly<Record<string, string>> = {
  '42P01': 'nothing of it is loaded yet: load something first with edp ingest',
  '3F000': 'nothing of it is loaded yet: load something first with edp ingest',
  '42703':
    'check the name; a column that edp.yaml declares is in the table once something is loaded into it',
  '42601': 'a report is one SELECT in the SQL of PostgreSQL',
  '42501': 'let the owner GRANT SELECT on it to your role',
  '25006': 'a report only reads; take out what writes or locks',
  '40001':
    'the standby had to replay what the report still read: run it again; with --out FILE edp does so by itself',
  '57014': 'the server stopped it: narrow it with --from and --to, or raise statement_timeout',
};

/** Relations, schemas; of a built-in report, also columns, which are there or not with the model of the project. */
const NOT_THERE: ReadonlySet<string> = new Set(['42P01', '3F000']);
const COLUMN_NOT_THERE = '42703';

/** Whether a report failed only as what it reads is not there, or not yet. */
export function hasNothingToRead(error: EdpError, isBuiltin: boolean): boolean {
  if (error.code !== 'report_failed') return false;
  const { cause } = error;
  if (error instanceof LacksMetrics) return isBuiltin;
  if (!(cause instanceof pg.DatabaseError)) return false;
  return NOT_THERE.has(cause.code ?? '') || (isBuiltin && cause.code === COLUMN_NOT_THERE);
}

/** The server understood the statement and refused a value. */
export function isDataFault(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;
}

export function toConnectionLost(error: unknown): EdpError {
  return new EdpError('database_error', `the database went away: ${(error as Error).message}`, {
    hint: 'nothing was written; run the report again',
    cause: error,
  });
}

/**
 * @param statement the text whose characters the server counted; its lines are the file's
 * @returns the error itself if it is not from the server
 */
export function toReportError(error: unknown, report: FaultPlace, statement?: string): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (isConnectionError(error.code)) return toConnectionLost(error);
  const line = report.line ?? lineOf(error.position, statement);
  const hint = [error.hint, HINTS[error.code ?? '']].filter((text) => text !== undefined);
  return new EdpError('report_failed', `${error.message} (${error.code})`, {
    place: line === undefined ? report.file : `${report.file}:${line}`,
    hint: hint.length > 0 ? hint.join('\n    ') : `mend the SQL of report ${report.name}`,
    cause: error,
  });
}

/** @param position counted by the server from 1, in characters, not in UTF-16 units */
function lineOf(position: string | undefined, statement = ''): number | undefined {
  if (position === undefined) return undefined;
  let line = 1;
  let remaining = Number(position) - 1;
  for (const character of statement) {
    if (remaining-- <= 0) break;
    if (character === '\n') line++;
  }
  return line;
}
