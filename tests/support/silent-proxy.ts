/** A network between edp and the server that swallows everything from some moment on. */
import net from 'node:net';
import { onTestFinished } from 'vitest';
import type { TestDatabase } from './database.js';

export interface SilentProxy {
  /** For `--database-url`. */
  readonly url: string;
  /** Swallows what open connections send, and, if `all`, what new ones send, too. */
  silence(all: boolean): void;
}

/** @param silenceMs how long edp waits for an answer before it asks */
export async function startSilentProxy(
  { config }: TestDatabase,
  silenceMs: number,
): Promise<SilentProxy> {
  const sockets = new Set<net.Socket>();
  const silent = new Set<net.Socket>();
  let isSilent = false;
  const server = net.createServer((client) => {
    const upstream = net.connect(`${config.host}/.s.PGSQL.5432`);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (bytes: Buffer) => {
        if (!(isSilent || silent.has(client))) to.write(bytes);
      });
      from.on('end', () => {
        if (!(isSilent || silent.has(client))) to.end();
      });
      from.on('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `postgresql://edp@127.0.0.1:${port}/${config.database}?sslmode=disable&tcp_user_timeout=${silenceMs}`,
    silence(all) {
      isSilent = all;
      for (const socket of sockets) silent.add(socket);
    },
  };
}
