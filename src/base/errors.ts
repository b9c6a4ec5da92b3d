/**
 * The one error class that edp throws on purpose, and the conversion of errors to plain data.
 *
 * A throw means configuration, infrastructure or a bug. Bad data is never thrown: it is a value (a
 * reject). Code distinguishes errors by `code`, SQLSTATE or class, never by message text.
 */
import { type EdpErrorCode, ERROR_CODES, type FailureStatus } from './error-codes.js';

/** docs/codes.md says what each means (exit-statuses.ts). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  doneWithRejects: 3,
  difference: 4,
  interrupted: 130,
} as const;

export interface EdpErrorOptions {
  /** What to do next; printed on a line of its own. */
  readonly hint?: string;
  /** Where it happened: `file:line`, `file (byte n)`, `table.column`. */
  readonly place?: string;
  readonly cause?: unknown;
}

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
    return ERROR_CODES[this.code].exitStatus;
  }
}

/**
 * A run that ended early: its cause, and the result that `--json` prints for what it did until
 * then.
 */
export class FailedRun extends Error {
  override readonly name = 'FailedRun';
  readonly result: object;

  constructor(cause: unknown, result: object) {
    super('the run failed', { cause });
    this.result = result;
  }
}

/** An error as plain data, so that it can cross a thread. It contains no Error instance. */
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
