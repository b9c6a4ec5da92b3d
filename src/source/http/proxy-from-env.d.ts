declare module 'proxy-from-env' {
  /** @returns URL of the proxy of the environment for a URL; empty for none */
  export function getProxyForUrl(url: string): string;
}
