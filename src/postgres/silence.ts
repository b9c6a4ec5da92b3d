/**
 * Ends a connection on which the server has fallen silent.
 *
 * A server may say nothing for hours (it builds an index, it waits for a lock), and a connection
 * whose network swallows everything looks the same; keepalives of TCP only find that the machine at
 * the other end is gone, which may be a proxy. So where a statement has had no answer for a while,
 * another connection asks the server what that session does. If it works, edp waits on. If it is
 * idle or gone, or the server cannot be asked, the connection is closed on both sides, so that the
 * server keeps no lock of it. Where the server answered, the statement fails like one whose connection was cut, and may be tried again; else the command ends.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';

/** How long a statement may be without any byte from the server before edp asks. */
export const SILENCE_MS = 60_000;
/** Answers against the session in a row that end it: its statement may just be on its way. */
const MAX_DOUBTS = 2;
/** Between two questions, as part of the silence. */
const DOUBT_SHARE = 6;

/** What another connection has found out about the session. */
export type Answer = 'works' | 'idle' | 'unknown';

/** Private state of pg: its socket, and whether a statement is running. */
interface Internals {
  readonly connection: {
    readonly stream: {
      readonly bytesRead: number;
      readonly destroyed: boolean;
      destroy(error?: Error): void;
    };
  };
  readonly readyForQuery: boolean;
}

/**
 * Watches a connection until it is closed. Keeps no process alive.
 *
 * @param label the server in messages
 * @param ask opens another connection to the server, and asks it about this session; `ends` it
 *   where it is idle
 */
export function watchForSilence(
  client: pg.Client,
  label: string,
  silenceMs: number,
  ask: (ends: boolean) => Promise<Answer>,
): void {
  const { connection } = client as unknown as Internals;
  const { stream } = connection;
  const pollMs = Math.max(50, Math.ceil(silenceMs / DOUBT_SHARE));
  let bytesRead = stream.bytesRead;
  let heardAt = performance.now();
  let doubts = 0;
  let isAsking = false;
  const timer = setInterval(async () => {
    if (stream.destroyed) {
      clearInterval(timer);
      return;
    }
    if (isAsking) return;
    const isWaiting = !(client as unknown as Internals).readyForQuery;
    if (!isWaiting || stream.bytesRead !== bytesRead) {
      bytesRead = stream.bytesRead;
      heardAt = performance.now();
      doubts = 0;
      return;
    }
    if (performance.now() - heardAt < silenceMs) return;
    isAsking = true;
    const answer = await ask(doubts + 1 >= MAX_DOUBTS).catch(() => 'unknown' as const);
    isAsking = false;
    if ((client as unknown as Internals).readyForQuery || stream.bytesRead !== bytesRead) return;
    if (answer === 'works') {
      heardAt = performance.now();
      doubts = 0;
    } else if (++doubts >= MAX_DOUBTS) {
      clearInterval(timer);
      stream.destroy(silenceError(label, answer, performance.now() - heardAt));
    }
  }, pollMs);
  timer.unref();
}

function silenceError(label: string, answer: Answer, silentMs: number): Error {
  const message = `no answer from ${label} for ${Math.round(silentMs / 1000)} s`;
  if (answer === 'idle') {
    // As the system reports a connection that it gives up by itself.
    return Object.assign(new Error(`${message}: the connection is broken`), { code: 'ETIMEDOUT' });
  }
  return new EdpError('database_unreachable', `${message}, and none to a new connection`, {
    hint: 'check the network and the server, then run the same command again: what has committed is kept',
  });
}
