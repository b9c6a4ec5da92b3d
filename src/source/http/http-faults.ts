/** Faults of a server: temporary ones and permanent ones. */
import { EdpError } from '../../base/errors.js';
import { type Headers, readRetryAfter } from './http-headers.js';

/** A temporary fault: the request may succeed later. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault';
  /** The wait that the server requests. */
  readonly waitMs: number | undefined;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly waitMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
  }
}

/** Statuses after which the request is repeated. */
export const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Node's codes for faults of a connection. */
export const PASSING_CODES: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * The error for an unusable answer.
 *
 * @param shown the URL for messages
 */
export function faultOfStatus(shown: string, status: number, headers: Headers): Error {
  const answer = `${status}${STATUS_TEXT[status] === undefined ? '' : ` ${STATUS_TEXT[status]}`}`;
  if (PASSING_STATUS.has(status)) {
    const waitMs = readRetryAfter(headers);
    return new PassingFault(`the server answers ${answer}`, waitMs === undefined ? {} : { waitMs });
  }
  if (status === 404 || status === 410) {
    return new EdpError('no_such_file', `no such file: ${shown} (the server answers ${answer})`, {
      hint: 'check the URL',
    });
  }
  return new EdpError('source_refused', `${shown}: the server answers ${answer}`, {
    hint:
      status === 401 || status === 403
        ? 'a user and a password can stand in the URL: https://user:password@host/file.csv; a signed URL may have expired'
        : 'check the URL, or download the file by another program and load the copy',
  });
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  407: 'Proxy Authentication Required',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The fault of a request, or of the body of its answer. */
export function faultOfConnection(shown: string, error: unknown): Error {
  if (error instanceof EdpError || error instanceof PassingFault) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (PASSING_CODES.has(code) || code.startsWith('HPE_')) {
    const reason = message === 'aborted' ? 'the connection ended early' : message || code;
    return new PassingFault(reason, { cause: error });
  }
  if (code === 'ENOTFOUND') {
    return new EdpError('source_unreachable', `${shown}: there is no such host`, {
      hint: 'check the name of the host in the URL, and the network',
      cause: error,
    });
  }
  if (isTlsCode(code)) {
    return new EdpError('source_unreachable', `${shown}: no secure connection: ${message}`, {
      hint: 'for a certificate of your own authority, set NODE_EXTRA_CA_CERTS to the file of that authority',
      cause: error,
    });
  }
  return new EdpError('source_unreachable', `${shown} cannot be read: ${message || code}`, {
    hint: 'check the URL, the network and the proxy (HTTPS_PROXY, NO_PROXY)',
    cause: error,
  });
}

function isTlsCode(code: string): boolean {
  return /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|^UNABLE_TO_(?:VERIFY|GET_ISSUER)|^HOSTNAME_MISMATCH$/.test(
    code,
  );
}
