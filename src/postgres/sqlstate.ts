/**
 * The meaning of a SQLSTATE for a split: try again, reject one record, or stop.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
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
 * Whether the server refused because of a record's values, so that one record can be found and
 * rejected.
 */
export function isDataError(code: string | undefined): boolean {
  return (
    code !== undefined &&
    (code.startsWith('22') || // data exception
      code.startsWith('23') || // integrity constraint violation
      code === '54000' || // program_limit_exceeded: row or index row too big
      code === '54001' || // statement_too_complex: JSON nested too deep
      code === '44000' || // with check option violation
      code === 'P0001') // raised by a trigger
  );
}
