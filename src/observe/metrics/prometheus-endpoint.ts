/** An address that Prometheus scrapes, for commands that stay. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EdpError } from '../../base/errors.js';
import type { Target, TargetContext } from './target.js';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface Endpoint extends Target {
  readonly port: number;
}

/** @param port 0 for any that is free @throws EdpError `usage` where it cannot listen there */
export async function openEndpoint(
  host: string,
  port: number,
  { registry }: Pick<TargetContext, 'registry'>,
): Promise<Endpoint> {
  const server = createServer((request, response) => {
    // Anybody may ask for anything, such as `//`, which is no URL.
    const [pathname] = (request.url ?? '').split('?');
    if (pathname !== '/metrics' || !['GET', 'HEAD'].includes(request.method ?? '')) {
      response.writeHead(pathname === '/metrics' ? 405 : 404).end();
      return;
    }
    registry
      .refresh()
      .then(() => registry.toText())
      .then(
        (text) => response.writeHead(200, { 'Content-Type': CONTENT_TYPE }).end(text),
        () => response.writeHead(500).end(),
      );
  });
  // The command decides when it ends.
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new EdpError('usage', `--metrics cannot listen at ${host}:${port}: ${error.code}`, {
          hint: 'name an address of this machine, and a port that is free',
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
