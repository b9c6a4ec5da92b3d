/**
 * One POST to a receiver: by the proxy of the environment, without redirects, within a time. It works on after
 * Ctrl-C and after an error, when no file is read any more.
 */
import http from 'node:http';
import https from 'node:https';
import { PASSING_CODES, PASSING_STATUS } from '../source/http/http-faults.js';
import { readRetryAfter } from '../source/http/http-headers.js';
import { makeAgent, proxyFor } from '../source/http/proxy-agent.js';
import { decode } from '../source/http/url-names.js';

/** How long a receiver may write the rest of its answer, which nobody reads. */
const REST_MS = 1000;

/** Why something was not delivered: it quotes neither the URL nor the answer. */
export class DeliveryFault extends Error {
  override readonly name = 'DeliveryFault';
  /** Whether another try may do better. */
  readonly mayPass: boolean;
  /** The wait that the receiver asks for. */
  readonly waitMs: number | undefined;
  /** Whether the try ended since its time was over. */
  readonly isLate: boolean;

  constructor(message: string, mayPass: boolean, waitMs?: number, isLate = false) {
    super(message);
    this.mayPass = mayPass;
    this.waitMs = waitMs;
    this.isLate = isLate;
  }
}

export interface Posted {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

/**
 * @param signal ends it
 * @throws DeliveryFault
 */
export async function post(
  { url, headers, body }: Posted,
  signal: AbortSignal,
): Promise<PostAnswer> {
  try {
    const answer = await send(new URL(url), headers, body, signal);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new DeliveryFault(
      `it answers ${answer.status}`,
      PASSING_STATUS.has(answer.status),
      readRetryAfter(answer.headers),
    );
  } catch (error) {
    throw toDeliveryFault(error, signal);
  }
}

export function toDeliveryFault(error: unknown, signal: AbortSignal): DeliveryFault {
  if (error instanceof DeliveryFault) return error;
  if (signal.aborted) return new DeliveryFault('it does not answer in time', true, undefined, true);
  const { code } = error as NodeJS.ErrnoException;
  // Messages have addresses and, of a proxy, its URL.
  const isConnection = PASSING_CODES.has(code ?? '') || code === 'ECONNREFUSED';
  return new DeliveryFault(code ?? 'it cannot be reached', isConnection);
}

async function send(
  target: URL,
  headers: Posted['headers'],
  body: Posted['body'],
  signal: AbortSignal,
): Promise<PostAnswer> {
  const { username, password } = target;
  target.username = '';
  target.password = '';
  const isSecure = target.protocol === 'https:';
  const agent = await makeAgent(isSecure, await proxyFor(target), {
    keepAlive: false,
    maxSockets: 4,
    signal,
  });
  const { request } = isSecure ? https : http;
  return await new Promise<PostAnswer>((resolve, reject) => {
    const asked = request(target, {
      method: 'POST',
      agent,
      signal,
      headers: {
        'user-agent': 'edp',
        'content-length': String(Buffer.byteLength(body)),
        ...(username === ''
          ? {}
          : {
              authorization: `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64')}`,
            }),
        ...headers,
      },
    });
    // A proxy that does not answer has no socket, so that a request without one hears of no end.
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      // The head says all: who waited for the rest would send again what has arrived, if it came slowly or never.
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
      dropRest(answer);
    });
    asked.end(body);
  });
}

/** The process does not wait for it. */
function dropRest(answer: http.IncomingMessage): void {
  answer.on('error', () => {}).resume();
  answer.socket.unref();
  const timer = setTimeout(() => answer.destroy(), REST_MS).unref();
  answer.once('close', () => clearTimeout(timer));
}
