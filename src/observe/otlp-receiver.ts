/** A receiver of OTLP over HTTP: where it is, how edp shows it, and as what edp presents itself. */
import type { Resource } from '@opentelemetry/resources';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { edpVersion } from '../base/package-files.js';
import { shownUrl } from '../source/http/url-names.js';

/** Of each delivery, with all tries. */
export const OTLP_LIMIT_MS = 3000;

export interface OtlpReceiver {
  readonly url: string;
  /** Beside those of OTEL_EXPORTER_OTLP_HEADERS. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without what is secret. */
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
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const version = edpVersion();
  return {
    url: url.href,
    headers:
      username === '' && password === ''
        ? {}
        : { Authorization: `Basic ${Buffer.from(login).toString('base64')}` },
    shown: shownUrl(url),
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

/** Never more than the code: an answer may quote what was sent. */
export function describeOtlpFault(error: Error): string {
  const { code } = error as { readonly code?: string | number };
  if (typeof code === 'number') return `it answered ${code}`;
  const found = /\b(E[A-Z]{4,}|CERT_[A-Z_]+)\b/.exec(`${code ?? ''} ${error.message}`)?.[1];
  if (found !== undefined) return found;
  return /time(d )?\s?out/i.test(error.message)
    ? `no answer within ${OTLP_LIMIT_MS / 1000} s`
    : 'it could not be reached, or did not accept them';
}
