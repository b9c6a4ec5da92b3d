/**
 * The meaning of a SQLSTATE for a split: try again, reject one record, or stop.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { DatabaseError } from 'pg';
import { EdpError } from '../base/errors.js';

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT', // the embedded server's socket is gone while it restarts
  'ENOTFOUND',
  'EAI_AGAIN',
]);

export const TOO_MANY_CONNECTIONS = '53300';

/** pg reports a connection that ended during a query without any code. */
export const CONNECTION_LOST = 'connection_lost';

export function isConnectionError(code: string | undefined): boolean {
  return (
    code !== undefined &&
    (code.startsWith('08') || // connection exception
      code === '57P01' || // admin_shutdown
      code === '57P02' || // crash_shutdown
      code === '57P03' || // cannot_connect_now
      code === CONNECTION_LOST ||
      NETWORK_CODES.has(code))
  );
}

/** Gives the code of a lost connection to an error of a query that has none. */
export function withConnectionCode(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EdpError) return error;
  return (error as { code?: string }).code === undefined
    ? Object.assign(error, { code: CONNECTION_LOST })
    : error;
}

/** Whether another attempt may succeed. */
export function isTransient(code: string | undefined): boolean {
  return (
    isConnectionError(code) ||
    code === '40001' || // serialization_failure
    code === '40P01' || // deadlock_detected
    code === '55P03' || // lock_not_available
    code === TOO_MANY_CONNECTIONS
  );
}

/**
 * Classes of what passes, or is wrong with the session or the server. A record never is the reason,
 * even if one of its triggers reports them.
 */
const NOT_ABOUT_RECORDS = /^(08|25|28|40|53|57|58|F0|XX00[12]|55P03|55006)/; // in the order of the appendix, with object_in_use

/**
 * Classes of what is mostly wrong with a table, a function or a privilege, but may also be about one
 * record: a trigger can raise them, a policy refuses single rows with 42501. Where some record
 * passes, it is.
 */
const ABOUT_RECORDS_IF_SOME_PASS = /^(0A|3D|3F|42|55|XX)/;

/** A value that is too long for the type name. */
const NAME_TOO_LONG = '42622';

/** Whether the server's refusal may be about one record, which can then be found and rejected. */
export function mayBeAboutRecord(error: unknown): error is DatabaseError {
  return (
    error instanceof DatabaseError &&
    error.code !== undefined &&
    !isConnectionError(error.code) &&
    !NOT_ABOUT_RECORDS.test(error.code)
  );
}

/** Whether a refusal of a single record is about that record, whatever becomes of the others. */
export function isAboutRecord({ code }: DatabaseError): boolean {
  return code === NAME_TOO_LONG || !ABOUT_RECORDS_IF_SOME_PASS.test(code!);
}
