/** What the log of the embedded server says about its end. */

/** Beside the data, and beside the socket where the path is not too long for one. */
export const LOG_NAME = 'postgres.log';

const FAILURE = /^.*?\b(?:PANIC|FATAL): {2}(?!the database system is )(.*)$/gm;

/** @param log of a server, also of its earlier starts */
export function endOfServer(log: string): string {
  const own = log.slice(Math.max(0, log.lastIndexOf('starting PostgreSQL ')));
  return [...own.matchAll(FAILURE)].at(-1)?.[1] ?? lastLines(own);
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ') || 'its log is empty';
}
