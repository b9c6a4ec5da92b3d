/** A URL → its current version, by a request for its first bytes. */
import type { HttpIdentity } from '../file-identity.js';
import { get, NOT_SATISFIABLE, OK, PARTIAL } from './http-client.js';
import { PassingFault } from './http-faults.js';
import {
  readContentCoding,
  readContentLength,
  readContentRange,
  readValidator,
} from './http-headers.js';
import { MAX_TRIES, withRetries } from './http-retry.js';
import { shownUrl } from './url-names.js';

export interface Probe {
  /** Bytes; undefined if the server does not report it. */
  readonly size: number | undefined;
  /** Undefined if parts of the file cannot be read. */
  readonly version: HttpIdentity | undefined;
  /** Why parts cannot be read. */
  readonly obstacle: string | undefined;
  /** The first bytes of that version. */
  readonly head: Buffer;
}

const NOTHING = Buffer.alloc(0);

/**
 * Not HEAD: only a range request shows whether the server supports ranges, and a signed URL is
 * valid for GET only.
 *
 * @param headBytes number of first bytes to get, at least one
 * @throws PassingFault, EdpError as `get` does
 */
export async function probeUrl(url: string, headBytes: number): Promise<Probe> {
  const { status, headers, body, close } = await get(
    url,
    { range: `bytes=0-${headBytes - 1}` },
    { followsAnew: true },
  );
  const cannot = (obstacle: string, size?: number): Probe => {
    close();
    return { size, version: undefined, obstacle, head: NOTHING };
  };
  const coding = readContentCoding(headers, new URL(url).pathname);
  if (coding !== undefined) return cannot(`the server packs it for the transfer (${coding})`);
  const range = readContentRange(headers);
  const length = readContentLength(headers);
  const isEmpty =
    (status === NOT_SATISFIABLE && range?.size === 0) || (status === OK && length === 0);
  if (status !== PARTIAL && !isEmpty) {
    return cannot('the server does not serve parts of it', length);
  }
  const size = isEmpty ? 0 : range?.size;
  if (size === undefined) return cannot('the server does not say how long it is');
  const end = Math.min(headBytes, size);
  if (!isEmpty && (range?.start !== 0 || range.end !== end)) {
    return cannot('the server serves other parts of it than it is asked for', size);
  }
  const validator = readValidator(headers);
  if (Object.keys(validator).length === 0) {
    return cannot(
      'the server says nothing by which a change would show (a strong ETag, or Last-Modified)',
      size,
    );
  }
  if (isEmpty) close();
  return {
    size,
    version: { kind: 'http', path: shownUrl(url), url, size, ...validator },
    obstacle: undefined,
    head: isEmpty ? NOTHING : await collect(body, end),
  };
}

async function collect(body: AsyncIterable<Buffer>, announced: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
  }
  if (length !== announced) {
    throw new PassingFault(`the server sent ${length} bytes and announced ${announced}`);
  }
  return Buffer.concat(chunks);
}

/**
 * The version of a file that supports range requests.
 *
 * @param shown the URL for messages
 * @throws EdpError `no_such_file`, `source_refused`, `source_unreachable`
 */
export function identifyUrl(
  url: string,
  shown: string,
  headBytes: number,
): Promise<{ readonly version: HttpIdentity; readonly head: Buffer }> {
  return withRetries(shown, MAX_TRIES, async () => {
    const { version, obstacle, head } = await probeUrl(url, headBytes);
    // One host name may belong to servers that behave differently.
    if (version === undefined) throw new PassingFault(`${obstacle!}, this time`);
    return { version, head };
  });
}
