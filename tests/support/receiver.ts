/** An HTTP server on loopback that keeps what is posted to it, and answers as it is told. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** After the head: a byte now and then without end, or the end of the connection in the middle. */
  readonly rest?: 'trickles' | 'breaks';
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
}

/**
 * @param answer for the n-th request, from 0; undefined for none, ever
 * @param tls key and certificate, for https
 */
export async function startReceiver(
  answer: (n: number) => ReceiverAnswer | undefined = () => ({ status: 200 }),
  tls?: { readonly key: string; readonly cert: string },
): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const take: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers, url: path = '' } = request;
      const given = answer(received.length);
      received.push({ path, headers, body: Buffer.concat(chunks).toString() });
      if (given?.rest !== undefined) writeRest(response, given, given.rest);
      else if (given !== undefined) response.writeHead(given.status, given.headers).end('ok');
    });
  };
  const server = tls === undefined ? http.createServer(take) : https.createServer(tls, take);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const scheme = tls === undefined ? 'http' : 'https';
  return { url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

function writeRest(
  response: http.ServerResponse,
  { status, headers }: ReceiverAnswer,
  rest: 'trickles' | 'breaks',
): void {
  response.writeHead(status, { ...headers, 'content-length': '100000' }).write('x');
  if (rest === 'breaks') {
    setTimeout(() => response.destroy(), 50);
    return;
  }
  const timer = setInterval(() => response.write('x'), 200);
  response.on('close', () => clearInterval(timer));
}
