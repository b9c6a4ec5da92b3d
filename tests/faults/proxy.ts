/**
 * A network between edp and the server. It breaks at a given place: after a number of bytes in
 * either direction, counted over all connections, or before the answer to a COMMIT.
 */
import net from 'node:net';

export type Cut =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly direction: 'up' | 'down'; readonly at: number }
  /** The N-th commit arrives; its answer does not. */
  | { readonly kind: 'commit'; readonly nth: number };

/** The message Query with the text COMMIT. */
const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1');

export class Wire {
  readonly #server: net.Server;
  readonly #socketPath: string;
  readonly #sockets = new Set<net.Socket>();
  #cut: Cut = { kind: 'none' };
  /** Commits that passed. */
  commits = 0;
  /** Bytes that passed, by direction. */
  up = 0;
  down = 0;
  /** Connections that were cut. */
  cuts = 0;

  private constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#server = net.createServer((client) => this.#connect(client));
  }

  static async listen(socketPath: string): Promise<Wire> {
    const proxy = new Wire(socketPath);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  url(database: string): string {
    const { port } = this.#server.address() as net.AddressInfo;
    return `postgresql://edp@127.0.0.1:${port}/${database}?sslmode=disable`;
  }

  /** Starts to count. */
  arm(cut: Cut): void {
    this.#cut = cut;
    this.commits = 0;
    this.up = 0;
    this.down = 0;
    this.cuts = 0;
  }

  #connect(client: net.Socket): void {
    const server = net.connect(this.#socketPath);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay?.(true);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    let swallows = false;
    const relay = (direction: 'up' | 'down', from: net.Socket, to: net.Socket) => {
      from.on('data', (bytes: Buffer) => {
        const before = this[direction];
        this[direction] += bytes.length;
        const cut = this.#cut;
        if (cut.kind === 'bytes' && cut.direction === direction && this[direction] >= cut.at) {
          this.#cut = { kind: 'none' };
          this.cuts++;
          // Bytes in front of the cut still arrive.
          const rest = bytes.subarray(0, cut.at - before);
          from.pause();
          to.end(rest, end);
          return;
        }
        if (direction === 'up' && bytes.includes(COMMIT)) {
          this.commits++;
          if (cut.kind === 'commit' && this.commits === cut.nth) swallows = true;
        }
        if (swallows && direction === 'down') {
          this.#cut = { kind: 'none' };
          this.cuts++;
          end();
          return;
        }
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
    };
    relay('up', client, server);
    relay('down', server, client);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
