/** A receiver of OTLP over HTTP: where it is, how edp shows it, as what edp presents itself, and how long it waits. */
import http from 'node:http';
import https from 'node:https';
import type { Resource } from '@opentelemetry/resources';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { edpVersion } from '../base/package-files.js';
import { decode } from '../source/http/url-names.js';
import { harmlessName } from './harmless.js';

/** Of each delivery, with all tries. */
export const OTLP_LIMIT_MS = 3000;

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
 * The connections of one exporter. It waits for the end of an answer as long as anything comes of it, and so would
 * the process.
 */
export class OtlpConnections {
  #agent: http.Agent | undefined;

  readonly agentFor = (protocol: string): http.Agent => {
    const settings = { keepAlive: true };
    const agent = protocol === 'https:' ? new https.Agent(settings) : new http.Agent(settings);
    this.#agent ??= sendingWhole(agent);
    return this.#agent;
  };

  /** Ends those that are open; what was sent by them fails. */
  destroy(): void {
    this.#agent?.destroy();
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
    request.end = () => end(Buffer.concat(chunks));
    addRequest.call(taker, request, ...rest);
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
