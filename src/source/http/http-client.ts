/**
 * One GET request: uses the proxy of the environment and the user of the URL, follows redirects,
 * and returns an answer whose body is read on demand.
 */
import { EnvHttpProxyAgent, request } from 'undici';
import { EdpError } from '../../base/errors.js';
import { tunable } from '../../base/failpoints.js';
import { unlessStopped } from '../stop-reading.js';
import { faultOfConnection, faultOfStatus } from './http-faults.js';
import { type Headers, header } from './http-headers.js';
import { decode, shownUrl } from './url-names.js';

/** A connection without data for this time is closed. */
const IDLE_MS = 30_000;
const CONNECT_MS = 10_000;
const MAX_REDIRECTS = 10;
/** Connections of a thread to one server: many files are identified at once. */
const MAX_CONNECTIONS = 16;
/**
 * Bytes of an unwanted body that are read, so that the connection can be used again; else it is
 * closed.
 */
export const MAX_DRAINED_BYTES = 64 * 1024;

export const OK = 200;
export const PARTIAL = 206;
export const CHANGED = 412;
export const NOT_SATISFIABLE = 416;

export interface Answer {
  /** 200, 206, 412 or 416; any other status is an error. */
  readonly status: number;
  readonly headers: Headers;
  /** Throws PassingFault or EdpError. */
  readonly body: AsyncIterable<Buffer>;
  /** Must be called for a body that is not read, or not read to its end. */
  close(): void;
}

/** One for all requests of a thread, so that connections are reused. */
let agent: EnvHttpProxyAgent | undefined;

/** Last redirect target of each URL, so that not each range request follows all redirects. */
const targets = new Map<string, Target>();

interface Target {
  readonly url: URL;
  readonly authorization: string | undefined;
}

export interface GetOptions {
  /** Whether to follow the redirects again; otherwise the last target is used. */
  readonly followsAnew: boolean;
}

/**
 * @param url with user and password if it has them
 * @throws PassingFault, EdpError `no_such_file`, `source_refused`, `source_unreachable`
 */
export async function get(
  url: string,
  headers: Record<string, string>,
  { followsAnew }: GetOptions,
): Promise<Answer> {
  const known = targets.get(url);
  if (known !== undefined && !followsAnew) {
    try {
      return await follow(url, known, headers);
    } catch {
      // The target may have been temporary: start again with the original URL.
      targets.delete(url);
    }
  }
  return follow(url, targetOf(url), headers);
}

function targetOf(text: string): Target {
  const url = new URL(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  if (username === '' && password === '') return { url, authorization: undefined };
  const pair = `${decode(username)}:${decode(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function follow(
  from: string,
  start: Target,
  headers: Record<string, string>,
): Promise<Answer> {
  const shown = shownUrl(from);
  let target = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await send(shown, target, headers);
    const location = header(answer.headers, 'location');
    if ([301, 302, 303, 307, 308].includes(answer.status) && location !== undefined) {
      answer.close();
      target = redirect(shown, target, location);
      continue;
    }
    if (![OK, PARTIAL, CHANGED, NOT_SATISFIABLE].includes(answer.status)) {
      answer.close();
      throw faultOfStatus(shown, answer.status, answer.headers);
    }
    if (target.url.href === targetOf(from).url.href) targets.delete(from);
    else targets.set(from, target);
    return answer;
  }
  throw new EdpError('source_refused', `${shown}: more than ${MAX_REDIRECTS} redirects`, {
    hint: 'the redirects of the server may lead in a circle; name the URL of the file itself',
  });
}

/** The target of a redirect. The user and the password of the URL are sent to no other host. */
function redirect(shown: string, { url, authorization }: Target, location: string): Target {
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next === undefined || !/^https?:$/.test(next.protocol)) {
    throw new EdpError('source_refused', `${shown}: the server redirects to no URL of the web`, {
      hint: 'name the URL of the file itself',
    });
  }
  if (url.protocol === 'https:' && next.protocol === 'http:') {
    throw new EdpError(
      'source_refused',
      `${shown}: the server redirects from https to http, where others could change what is read`,
      { hint: `if that is as it should be, name the other URL: ${shownUrl(next)}` },
    );
  }
  next.username = '';
  next.password = '';
  next.hash = '';
  return { url: next, authorization: next.host === url.host ? authorization : undefined };
}

async function send(
  shown: string,
  { url, authorization }: Target,
  headers: Record<string, string>,
): Promise<Answer> {
  const idleMs = tunable('http.idle_ms', IDLE_MS);
  agent ??= new EnvHttpProxyAgent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: Math.min(CONNECT_MS, idleMs) },
  });
  const stop = new AbortController();
  const giveUp = () => stop.abort(new EdpError('interrupted', 'the work was stopped'));
  try {
    const asked = request(url, {
      dispatcher: agent,
      signal: stop.signal,
      headersTimeout: idleMs,
      bodyTimeout: idleMs,
      headers: {
        'user-agent': 'edp',
        // Ranges are of the file's own bytes.
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
    });
    const { statusCode, headers: answered, body } = await unlessStopped(asked, giveUp);
    // Only the reader of the body handles its errors.
    body.on('error', () => {});
    let isBegun = false;
    return {
      status: statusCode,
      headers: answered,
      body: (async function* () {
        isBegun = true;
        try {
          const chunks = body[Symbol.asyncIterator]();
          for (;;) {
            const { value, done } = await unlessStopped(chunks.next(), giveUp);
            if (done === true) break;
            yield value as Buffer;
          }
        } catch (error) {
          throw faultOfConnection(shown, error, idleMs);
        }
      })(),
      close() {
        if (isBegun) body.destroy();
        else body.dump({ limit: MAX_DRAINED_BYTES }).catch(() => {});
      },
    };
  } catch (error) {
    throw faultOfConnection(shown, error, idleMs);
  }
}
