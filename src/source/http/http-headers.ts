/** Reads the version, the size and the range of a file from the headers of an answer. */

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The first value of a header. */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** Identifies a version; empty if the server sends nothing reliable. */
export interface Validator {
  readonly etag?: string;
  readonly lastModified?: string;
}

/**
 * A strong ETag identifies bytes, a weak one does not. Last-Modified has whole seconds, so it
 * identifies a version only if that second is over (RFC 9110 §8.8.2.2).
 */
export function readValidator(headers: Headers): Validator {
  const etag = header(headers, 'etag');
  if (etag !== undefined && /^".*"$/.test(etag)) return { etag };
  const lastModified = header(headers, 'last-modified');
  if (lastModified === undefined) return {};
  const modified = Date.parse(lastModified);
  const now = Date.parse(header(headers, 'date') ?? '');
  return Number.isNaN(modified) || now - modified < 1000 ? {} : { lastModified };
}

export function hasSameValidator(a: Validator, b: Validator): boolean {
  return a.etag === b.etag && a.lastModified === b.lastModified;
}

/** The condition of the request; the server answers 412 for another version. */
export function conditionOf({ etag, lastModified }: Validator): Record<string, string> {
  if (etag !== undefined) return { 'if-match': etag };
  return lastModified === undefined ? {} : { 'if-unmodified-since': lastModified };
}

/** Part of a file: [start, end) of `size` bytes, which may be unknown. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly size: number | undefined;
}

/** `bytes 0-99/200`; a star means an unknown size, or a range that does not exist. */
export function readContentRange(headers: Headers): ContentRange | undefined {
  const value = header(headers, 'content-range') ?? '';
  const none = /^bytes \*\/(\d+)$/.exec(value);
  if (none !== null) return { start: 0, end: 0, size: Number(none[1]) };
  const part = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(value);
  if (part === null) return undefined;
  return {
    start: Number(part[1]),
    end: Number(part[2]) + 1,
    size: part[3] === '*' ? undefined : Number(part[3]),
  };
}

/** Length of the body as it is sent; undefined where the server does not say. */
export function readContentLength(headers: Headers): number | undefined {
  const value = header(headers, 'content-length');
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

/**
 * Compression for the transfer, which edp did not request; undefined for none.
 *
 * @param path path of the URL: many servers report for `events.csv.gz`, which is itself compressed,
 *   that it is compressed for the transfer
 */
export function readContentCoding(headers: Headers, path: string): string | undefined {
  const coding = header(headers, 'content-encoding')?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return undefined;
  const isGzip = coding === 'gzip' || coding === 'x-gzip';
  return isGzip && /\.t?gz$/i.test(path) ? undefined : coding;
}

/** `Retry-After` in milliseconds: a number of seconds, or a date. */
export function readRetryAfter(headers: Headers, now = Date.now()): number | undefined {
  const value = header(headers, 'retry-after')?.trim();
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
