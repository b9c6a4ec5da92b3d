/**
 * The one error class that edp throws on purpose, and what becomes of any error at the top.
 *
 * A throw means configuration, infrastructure or a bug. Bad data is never thrown: it is a value
 * (a reject). Errors are told apart by `code`, SQLSTATE or class, never by message text.
 */

/** 1 failed, nothing lost, run again to resume · 2 usage or configuration (DESIGN §5). */
export type FailureStatus = 1 | 2;

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  doneWithRejects: 3,
  interrupted: 130,
} as const;

export interface EdpErrorOptions {
  /** What to do next; printed on a line of its own. */
  readonly hint?: string;
  /** Where it happened: `file:line`, `file (byte n)`, `table.column`. */
  readonly place?: string;
  readonly cause?: unknown;
}

/** Stable codes. Scripts may rely on them (`--json` prints them), so they are only ever added to. */
export type EdpErrorCode =
  | 'usage'
  | 'config'
  | 'model'
  | 'no_such_file'
  | 'not_a_file'
  | 'not_csv'
  | 'not_jsonl'
  | 'corrupt_file'
  | 'unknown_table'
  | 'header_mismatch'
  | 'table_mismatch'
  | 'file_changed'
  | 'record_too_long'
  | 'database_unreachable'
  | 'database_refused'
  | 'database_error'
  | 'embedded_failed'
  | 'unknown_load'
  | 'load_busy'
  | 'load_undone'
  | 'no_lineage'
  | 'still_referenced'
  | 'undo_blocked'
  | 'unknown_report'
  | 'report_failed'
  | 'too_many_rejects'
  | 'interrupted'
  | 'io';

const USAGE_CODES: ReadonlySet<EdpErrorCode> = new Set([
  'usage',
  'config',
  'model',
  'no_such_file',
  'not_a_file',
  'unknown_table',
  'unknown_load',
  'load_undone',
  'no_lineage',
  'unknown_report',
]);

export class EdpError extends Error {
  override readonly name = 'EdpError';
  readonly code: EdpErrorCode;
  readonly hint: string | undefined;
  readonly place: string | undefined;

  constructor(code: EdpErrorCode, message: string, options: EdpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.place = options.place;
  }

  get exitStatus(): FailureStatus {
    return USAGE_CODES.has(this.code) ? 2 : 1;
  }
}

/** A run that ended early: what ended it, and what `--json` has to say of what it did until then. */
export class FailedRun extends Error {
  override readonly name = 'FailedRun';
  readonly result: object;

  constructor(cause: unknown, result: object) {
    super('the run failed', { cause });
    this.result = result;
  }
}

/** An error as plain data, so that it can cross a thread. Nothing in it is an Error instance. */
export interface ErrorData {
  readonly message: string;
  readonly edpCode?: EdpErrorCode;
  readonly hint?: string;
  readonly place?: string;
  /** SQLSTATE, or Node's error code such as ENOSPC. */
  readonly code?: string;
  readonly severity?: string;
  readonly detail?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly stack?: string;
}

export function toErrorData(error: unknown): ErrorData {
  if (error instanceof EdpError) {
    return {
      message: error.message,
      edpCode: error.code,
      hint: error.hint,
      place: error.place,
      code: (error.cause as { code?: string } | undefined)?.code,
      stack: error.stack,
    };
  }
  if (error instanceof Error) {
    const { code, severity, detail, column, constraint } = error as Error & Partial<ErrorData>;
    return {
      message: error.message,
      code,
      severity,
      detail,
      column,
      constraint,
      stack: error.stack,
    };
  }
  return { message: String(error) };
}

/** The reverse of {@link toErrorData}, on the other side of the thread boundary. */
export function fromErrorData(data: ErrorData): Error {
  if (data.edpCode !== undefined) {
    return new EdpError(data.edpCode, data.message, { hint: data.hint, place: data.place });
  }
  const error = new Error(data.message);
  if (data.stack !== undefined) error.stack = data.stack;
  const { code, severity, detail, column, constraint } = data;
  return Object.assign(error, { code, severity, detail, column, constraint });
}
