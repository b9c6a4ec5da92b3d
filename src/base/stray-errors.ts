/**
 * Errors that reach no handler: thrown by a callback, a rejection that nobody waits for, an `error` event without a
 * listener, a thread that ends beside its work. Node would end the process at once, with a message of its own. Here
 * the command is stopped in order instead, and ends with the error like with any other.
 */

/** Why the signal of a command is aborted. */
export class StrayError extends Error {
  override readonly name = 'StrayError';

  constructor(cause: unknown) {
    super('an error reached no handler', { cause });
  }
}

type Handler = (error: Error) => void;

let handler: Handler | undefined;

/** Takes all such errors of the process from now on, in place of the handler before. */
export function takeStrays(handle: Handler): void {
  if (handler === undefined) process.on('uncaughtException', reportStray);
  handler = handle;
}

/** For those who hear of such an error by an event. */
export function reportStray(error: unknown): void {
  if (handler === undefined) throw error;
  handler(error instanceof Error ? error : new Error(String(error)));
}

/** The error for which a command is stopped, if it is for one. */
export function strayOf({ reason }: AbortSignal): unknown {
  return reason instanceof StrayError ? reason.cause : undefined;
}
