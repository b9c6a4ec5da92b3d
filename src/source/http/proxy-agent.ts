/** The proxy of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) → how a request is connected. */
import http from 'node:http';
import https from 'node:https';
import { EdpError } from '../../base/errors.js';

export interface AgentOptions {
  readonly keepAlive: boolean;
  readonly maxSockets: number;
  /** Ends connections that a proxy is making. */
  readonly signal: AbortSignal;
}

/** @returns empty for none */
export async function proxyFor(url: URL): Promise<string> {
  const { getProxyForUrl } = await import('proxy-from-env');
  return getProxyForUrl(url.href);
}

/** @param proxy as {@link proxyFor} returns it. @throws EdpError `source_unreachable` */
export async function makeAgent(
  isSecure: boolean,
  proxy: string,
  { signal, ...options }: AgentOptions,
): Promise<http.Agent> {
  if (proxy === '') return isSecure ? new https.Agent(options) : new http.Agent(options);
  if (!URL.canParse(proxy)) {
    throw new EdpError('source_unreachable', 'the proxy of the environment is no URL', {
      hint: 'set HTTP_PROXY and HTTPS_PROXY to http://host:port, or NO_PROXY to the host',
    });
  }
  // The proxy reads and forwards a request over http, and only passes on the bytes of https.
  if (isSecure) {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return new HttpsProxyAgent(proxy, { ...options, signal });
  }
  const { HttpProxyAgent } = await import('http-proxy-agent');
  return new HttpProxyAgent(proxy, options);
}
