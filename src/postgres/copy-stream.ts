/**
 * COPY … FROM STDIN (binary) as write and finish, with backpressure. An error of the server is
 * thrown by the call during which it arrives.
 */
import type pg from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import { failpoint } from '../base/failpoints.js';
import { quoteColumns } from '../model/ddl.js';
import { COPY_HEADER, COPY_TRAILER } from '../values/copy-binary.js';

/** Larger than a socket's high-water mark (16 kB, or 64 kB from Node 22 on). */
const SOCKET_BUFFER_BYTES = 128 * 1024;

export class CopyStream {
  readonly #client: pg.Client;
  readonly #stream: CopyStreamQuery;
  readonly #failed: Promise<never>;
  #hasHeader = false;
  #isOver = false;

  /** @param table quoted */
  constructor(client: pg.Client, table: string, columns: readonly string[]) {
    this.#client = client;
    this.#stream = client.query(
      copyFrom(`COPY ${table} (${quoteColumns(columns)}) FROM STDIN (FORMAT binary)`),
    );
    this.#failed = new Promise((_, reject) => {
      // A connection that breaks may follow an error of the server.
      this.#stream.on('error', (error) => {
        this.#isOver = true;
        reject(error);
      });
    });
    // The next write or finish throws the failure. None may be pending now, so this handler keeps
    // the rejection from ending the process.
    this.#failed.catch(() => {});
  }

  /**
   * Resolves when the stream can take more.
   *
   * @returns whether the socket has finished with the bytes, so that their buffer may be reused
   */
  async write(rows: Buffer): Promise<boolean> {
    if (!this.#hasHeader) {
      this.#hasHeader = true;
      this.#stream.write(COPY_HEADER);
      await failpoint('copy.begin', this.#client);
    }
    await Promise.race([
      this.#failed,
      new Promise<void>((resolve, reject) => {
        this.#stream.write(rows, (error) => (error ? reject(error) : resolve()));
      }),
    ]);
    await failpoint('copy.middle', this.#client);
    // A socket that buffers less than its high-water mark calls back at once; one that buffers more
    // calls back when it has drained, and then holds nothing any more.
    return rows.length > SOCKET_BUFFER_BYTES;
  }

  /**
   * Aborts a COPY that will not be finished, so that the session can continue. Does nothing after
   * the COPY has ended.
   */
  abort(): void {
    if (!this.#isOver) this.#stream.destroy(new Error('given up'));
  }

  /** Resolves when the server has taken every row. @returns how many */
  async finish(): Promise<number> {
    if (!this.#hasHeader) this.#stream.write(COPY_HEADER);
    await failpoint('copy.end', this.#client);
    await Promise.race([
      this.#failed,
      new Promise<void>((resolve) => {
        this.#stream.once('finish', resolve);
        this.#stream.end(COPY_TRAILER);
      }),
    ]);
    this.#isOver = true;
    return this.#stream.rowCount;
  }
}
