/** An HTTP server for the tests of a file, on loopback, that serves files and misbehaves on demand. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export const MODIFIED = 'Tue, 03 Nov 2026 10:00:00 GMT';

/** What is done to one request, in place of a right answer. */
export interface Misdeed {
  /** This status, with these headers. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection is reset after so many bytes of the body; at once for 0. */
  readonly resetAfter?: number;
  /** Nothing more comes after so many bytes of the body. */
  readonly stallAfter?: number;
  /** The body ends so early, whatever its length was said to be. */
  readonly endAfter?: number;
  /** The body says no length. */
  readonly isChunked?: boolean;
  /** So many bytes too much. */
  readonly extraBytes?: number;
  /** The whole file in answer to a range. */
  readonly ignoresRange?: boolean;
}

export interface ServedFile {
  bytes: Buffer;
  /** Null for none. */
  etag?: string | null;
  lastModified?: string | null;
  /** Whether parts are served. */
  hasRanges?: boolean;
  /** Whether If-Match and If-Unmodified-Since are looked at. */
  minds?: boolean;
  /** Headers of every right answer. */
  headers?: Readonly<Record<string, string>>;
  /** @param n how many requests for it came before */
  misdeed?: (n: number, request: http.IncomingMessage) => Misdeed | undefined;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

export class FileServer {
  readonly #server: http.Server;
  readonly #scheme: string;
  readonly #sockets = new Set<Socket>();
  readonly #files = new Map<string, ServedFile>();
  readonly #counts = new Map<string, number>();
  readonly requests: SeenRequest[] = [];
  /** `user:password` that every request must have. */
  credentials: string | undefined;

  /** @param tls files with a key and a certificate, for https */
  constructor(tls?: { readonly key: string; readonly cert: string }) {
    const answer: http.RequestListener = (request, response) => this.#answer(request, response);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server =
      tls === undefined
        ? http.createServer(answer)
        : https.createServer({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, answer);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param path with its slash */
  url(path: string, host = 'localhost'): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  /** @returns its URL */
  serve(path: string, file: ServedFile | Buffer | string): string {
    const served =
      typeof file === 'string' || Buffer.isBuffer(file) ? { bytes: Buffer.from(file) } : file;
    this.#files.set(path, served);
    this.#counts.set(path, 0);
    return this.url(path);
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  /** How many requests for it came. */
  countOf(path: string): number {
    return this.#counts.get(path) ?? 0;
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = request.url!.replace(/\?.*$/, '');
    this.requests.push({ method: request.method!, path: request.url!, headers: request.headers });
    const n = this.countOf(path);
    this.#counts.set(path, n + 1);
    const expected =
      this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401).end('who are you?');
      return;
    }
    const file = this.#files.get(path);
    if (file === undefined) {
      response.writeHead(404).end('not here');
      return;
    }
    const misdeed = file.misdeed?.(n, request) ?? {};
    if (misdeed.status !== undefined) {
      response.writeHead(misdeed.status, misdeed.headers).end('no');
      return;
    }
    this.#send(file, misdeed, request, response);
  }

  #send(
    file: ServedFile,
    misdeed: Misdeed,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): void {
    const { bytes, etag = '"1"', lastModified = MODIFIED, hasRanges = true, minds = true } = file;
    const headers: Record<string, string> = {
      ...(etag === null ? {} : { etag }),
      ...(lastModified === null ? {} : { 'last-modified': lastModified }),
      ...file.headers,
    };
    const match = request.headers['if-match'];
    const since = request.headers['if-unmodified-since'];
    const isOther =
      (match !== undefined && match !== etag) || (since !== undefined && since !== lastModified);
    if (minds && isOther) {
      response.writeHead(412, headers).end();
      return;
    }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (asked === null || !hasRanges || misdeed.ignoresRange === true) {
      this.#write(response, request, 200, headers, bytes, misdeed);
      return;
    }
    const start = Number(asked[1]);
    const end = Math.min(bytes.length, asked[2] === '' ? bytes.length : Number(asked[2]) + 1);
    if (start >= bytes.length) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    headers['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
    this.#write(response, request, 206, headers, bytes.subarray(start, end), misdeed);
  }

  #write(
    response: http.ServerResponse,
    request: http.IncomingMessage,
    status: number,
    headers: Record<string, string>,
    body: Buffer,
    misdeed: Misdeed,
  ): void {
    const { resetAfter, stallAfter, endAfter, extraBytes = 0, isChunked } = misdeed;
    const cut = [resetAfter, stallAfter, endAfter].find(
      (at) => at !== undefined && at < body.length,
    );
    response.writeHead(status, {
      ...(isChunked ? {} : { 'content-length': String(body.length) }),
      ...headers,
      ...misdeed.headers,
    });
    if (cut === undefined) {
      response.end(Buffer.concat([body, Buffer.alloc(extraBytes, 'x')]));
      return;
    }
    if (cut === 0 && resetAfter !== undefined) {
      reset(request.socket);
      return;
    }
    response.write(body.subarray(0, cut), () => {
      if (resetAfter !== undefined) {
        reset(request.socket);
      } else if (endAfter !== undefined) {
        request.socket.end();
      }
    });
  }
}

/** With TLS, a connection cannot be reset, only closed without the end that TLS has. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
