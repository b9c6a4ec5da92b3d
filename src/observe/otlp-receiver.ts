/** A receiver of OTLP over HTTP: where it is, how edp shows it, as what edp presents itself, and how long it waits. */
import type http from 'node:http';
import type { Resource } from '@opentelemetry/resources';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { edpVersion } from '../base/package-files.js';
import { makeAgent, proxyFor } from '../source/http/proxy-agent.js';
import { decode } from '../source/http/url-names.js';
import { harmlessName } from './harmless.js';

/** Of each delivery, with all tries. */
export const OTLP_LIMIT_MS = 3000;
/** An exporter sends one delivery after the other, or a few side by side. */
const MAX_SOCKETS = 8;

export interface OtlpReceiver {
  readonly url: string;
  /** Beside those of OTEL_EXPORTER_OTLP_HEADERS. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without what may be secret. */
  readonly shown: string;
  readonly version: string;
  readonly resource: Resource;
}

export function receiverOf(base: string, signal: 'metrics' | 'traces'): OtlpReceiver {
  const url = new URL(base);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`;
  const login = `${decode(username)}:${decode(password)}`;
  const version = edpVersion();
  return {
    url: url.href,
    headers:
      username === '' && password === ''
        ? {}
        : { Authorization: `Basic ${Buffer.from(login).toString('base64')}` },
    shown: harmlessName(url.href),
    version,
    resource: resourceOf(version),
  };
}

/** What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes first. */
function resourceOf(version: string): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'edp', 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector] }));
}

/**
 * The connections of one exporter, by the proxy of the environment. It waits for the end of an answer as long as
 * anything comes of it, and so would the process.
 */
export class OtlpConnections {
  readonly #url: URL;
  readonly #ends = new AbortController();
  #agent: Promise<http.Agent> | undefined;

  constructor({ url }: Pick<OtlpReceiver, 'url'>) {
    this.#url = new URL(url);
  }

  readonly agentFor = (): Promise<http.Agent> => {
    this.#agent ??= this.#makeAgent();
    return this.#agent;
  };

  async #makeAgent(): Promise<http.Agent> {
    const settings = { keepAlive: true, maxSockets: MAX_SOCKETS, signal: this.#ends.signal };
    const isSecure = this.#url.protocol === 'https:';
    return sendingWhole(await makeAgent(isSecure, await proxyFor(this.#url), settings));
  }

  /** Ends those that are open, and those that a proxy is making; what was sent by them fails. */
  async destroy(): Promise<void> {
    this.#ends.abort();
    await this.#agent?.then(
      (agent) => agent.destroy(),
      () => {},
    );
  }
}

/** What agents are asked to do with a new request, and what packages of agents override. */
interface RequestTaker {
  addRequest(request: http.ClientRequest, ...rest: unknown[]): void;
}

/**
 * The exporter streams its body, which node sends in chunks without a length; servers of WSGI, gateways and small
 * receivers do not take that. A body that comes with the end of a request is sent with its length.
 */
function sendingWhole(agent: http.Agent): http.Agent {
  const taker = agent as http.Agent & RequestTaker;
  const { addRequest } = taker;
  taker.addRequest = (request, ...rest) => {
    const chunks: Uint8Array[] = [];
    const end = request.end.bind(request);
    request.write = (chunk: Uint8Array) => chunks.push(chunk) > 0;
    request.end = () => {
      const body = Buffer.concat(chunks);
      request.setHeader('content-length', body.length);
      // An agent for a proxy writes the head as soon as it is asked.
      addRequest.call(taker, request, ...rest);
      return end(body);
    };
  };
  return agent;
}

/** @returns what has gone wrong; after `ms` that it took too long */
export async function withinTime(
  ms: number,
  work: Promise<Error | undefined>,
): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error('timed out')), ms);
  });
  return await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

/** Never more than the code: an answer may quote what was sent. */
export function describeOtlpFault(error: Error): string {
  const { code } = error as { readonly code?: string | number };
  if (typeof code === 'number') return `it answered ${code}`;
  // The exporter tries these again, and then does not say which it was.
  if (/retryable status/.test(error.message)) return 'it answered 429, 502, 503 or 504';
  const found = /\b(E[A-Z]{4,}|CERT_[A-Z_]+)\b/.exec(`${code ?? ''} ${error.message}`)?.[1];
  if (found !== undefined) return found;
  return /time(d )?\s?out/i.test(error.message)
    ? `no answer within ${OTLP_LIMIT_MS / 1000} s`
    : 'it could not be reached, or did not accept them';
}
