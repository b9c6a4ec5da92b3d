/** One request to one URL, without redirects: connection, proxy, time limits. */
import http from 'node:http';
import https from 'node:https';
import { EdpError } from '../../base/errors.js';
import { unlessStopped } from '../stop-reading.js';
import { PassingFault } from './http-faults.js';
import type { Headers } from './http-headers.js';
import { makeAgent, proxyFor } from './proxy-agent.js';

const CONNECT_MS = 10_000;
/** Connections of a thread to one server: many files are identified at once. */
const MAX_CONNECTIONS = 16;
/** Bytes of an unwanted body that are read, so that the connection can be used again. */
export const MAX_DRAINED_BYTES = 64 * 1024;

export interface Response {
  readonly status: number;
  readonly headers: Headers;
  /** Throws errors of the connection, PassingFault, EdpError `interrupted`. */
  readonly body: AsyncIterable<Buffer>;
  /** Must be called for a body that is not read, or not read to its end. */
  close(): void;
}

interface Connections {
  readonly agent: http.Agent;
  /** Ends those that are being made by a proxy, which no request knows of. */
  close(): void;
}

/** By the scheme of the URL and its proxy, for all requests of a thread, so that connections are reused. */
const all = new Map<string, Connections>();

async function connectionsFor(url: URL): Promise<Connections> {
  const proxy = await proxyFor(url);
  const key = `${url.protocol} ${proxy}`;
  const known = all.get(key);
  if (known !== undefined) return known;
  const abort = new AbortController();
  const agent = await makeAgent(url.protocol === 'https:', proxy, {
    keepAlive: true,
    maxSockets: MAX_CONNECTIONS,
    signal: abort.signal,
  });
  const made = {
    agent,
    close() {
      all.delete(key);
      abort.abort();
    },
  };
  all.set(key, made);
  return made;
}

/**
 * @param idleMs time without data after which the request fails
 * @throws PassingFault, EdpError `interrupted`, or an error of the connection
 */
export async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  idleMs: number,
): Promise<Response> {
  const { request } = url.protocol === 'https:' ? https : http;
  const { agent, close } = await connectionsFor(url);
  const asked = request(url, { agent, headers });
  let hasSocket = false;
  const connectMs = Math.min(CONNECT_MS, idleMs);
  // A reused connection is there already.
  asked.on('socket', (socket) => {
    hasSocket = true;
    if (!socket.connecting) return;
    const timer = setTimeout(
      () => asked.destroy(new PassingFault(`no connection within ${connectMs / 1000} s`)),
      connectMs,
    );
    const end = () => clearTimeout(timer);
    socket.once('connect', end).once('close', end);
  });
  let fail!: (error: Error) => void;
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    fail = reject;
    asked.once('response', resolve);
    // Later errors are those of the body, too.
    asked.on('error', reject);
  });
  asked.end();
  const answer = await within(answered, idleMs, (error) => {
    // A request that has no socket yet, as where a proxy does not answer, tells nobody that it ends.
    fail(error);
    asked.destroy(error);
    if (!hasSocket) close();
  });
  // Only the reader of the body handles its errors.
  answer.on('error', () => {});
  return {
    status: answer.statusCode!,
    headers: answer.headers,
    body: readBody(answer, idleMs),
    close: () => discard(answer, idleMs),
  };
}

async function* readBody(answer: http.IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  const chunks = answer[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await within(chunks.next(), idleMs, (error) => answer.destroy(error));
    if (done === true) break;
    yield value as Buffer;
  }
  if (!answer.complete) throw new PassingFault('the connection ended in the middle of the answer');
}

/** A short rest is read; otherwise the connection is closed. */
function discard(answer: http.IncomingMessage, idleMs: number): void {
  // Its connection is another request's by now; an empty body was read without a byte.
  if (answer.readableEnded) return;
  const left = Number(answer.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (!answer.readableFlowing && !answer.readableDidRead && left <= MAX_DRAINED_BYTES) {
    answer.setTimeout(idleMs, () => answer.destroy());
    answer.resume();
  } else {
    answer.destroy();
  }
}

/** Waits for data. @param giveUp ends the wait with an error */
async function within<T>(
  wait: Promise<T>,
  idleMs: number,
  giveUp: (error: Error) => void,
): Promise<T> {
  const timer = setTimeout(
    () => giveUp(new PassingFault(`no byte came for ${idleMs / 1000} s`)),
    idleMs,
  );
  try {
    return await unlessStopped(wait, () =>
      giveUp(new EdpError('interrupted', 'the work was stopped')),
    );
  } finally {
    clearTimeout(timer);
  }
}
