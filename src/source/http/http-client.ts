/**
 * One GET request: uses the proxy of the environment and the user of the URL, follows redirects,
 * and returns an answer whose body is read on demand.
 */
import { EdpError } from '../../base/errors.js';
import { tunable } from '../../base/failpoints.js';
import { faultOfConnection, faultOfStatus } from './http-faults.js';
import { header } from './http-headers.js';
import { type Response, send } from './send.js';
import { decode, shownUrl } from './url-names.js';

/** A connection without data for this time is closed. */
const IDLE_MS = 30_000;
const MAX_REDIRECTS = 10;

export const OK = 200;
export const PARTIAL = 206;
export const CHANGED = 412;
export const NOT_SATISFIABLE = 416;

/** Its status is 200, 206, 412 or 416; any other is an error. Its body throws PassingFault or EdpError. */
export type Answer = Response;

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
    const answer = await ask(shown, target, headers);
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

async function ask(
  shown: string,
  { url, authorization }: Target,
  headers: Record<string, string>,
): Promise<Answer> {
  const idleMs = tunable('http.idle_ms', IDLE_MS);
  try {
    const { body, ...answer } = await send(
      url,
      {
        'user-agent': 'edp',
        // Ranges are of the file's own bytes.
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
      idleMs,
    );
    return { ...answer, body: withFaults(shown, body) };
  } catch (error) {
    throw faultOfConnection(shown, error);
  }
}

async function* withFaults(shown: string, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw faultOfConnection(shown, error);
  }
}
