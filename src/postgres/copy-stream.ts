/**
 * COPY … FROM STDIN as write and finish, with backpressure. An error of the server is thrown by the
 * call during which it arrives.
 */
import type pg from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import { failpoint } from '../base/failpoints.js';
import { quoteColumns } from '../model/ddl.js';
import { COPY_HEADER, COPY_TRAILER } from '../values/copy-binary.js';
import { type TextColumn, toTextRows } from '../values/copy-text-rows.js';

/** Larger than a socket's high-water mark (16 kB, or 64 kB from Node 22 on). */
const SOCKET_BUFFER_BYTES = 128 * 1024;

export interface CopyColumn extends TextColumn {
  readonly name: string;
}

export class CopyStream {
  readonly #client: pg.Client;
  readonly #stream: CopyStreamQuery;
  readonly #failed: Promise<never>;
  /** The columns, where the rows go as text. */
  readonly #asText: readonly TextColumn[] | undefined;
  #hasBegun = false;
  #isOver = false;

  /** @param table quoted */
  constructor(client: pg.Client, table: string, columns: readonly CopyColumn[]) {
    this.#client = client;
    this.#asText = columns.some(({ other }) => other !== undefined) ? columns : undefined;
    const names = quoteColumns(columns.map(({ name }) => name));
    const format = this.#asText === undefined ? 'binary' : 'text';
    this.#stream = client.query(copyFrom(`COPY ${table} (${names}) FROM STDIN (FORMAT ${format})`));
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
   * @param rows in binary form
   * @returns whether the socket has finished with the bytes, so that their buffer may be reused
   */
  async write(rows: Buffer): Promise<boolean> {
    if (!this.#hasBegun) {
      this.#begin();
      await failpoint('copy.begin', this.#client);
    }
    await Promise.race([
      this.#failed,
      new Promise<void>((resolve, reject) => {
        this.#stream.write(this.#encode(rows), (error) => (error ? reject(error) : resolve()));
      }),
    ]);
    await failpoint('copy.middle', this.#client);
    // A socket that buffers less than its high-water mark calls back at once; one that buffers more
    // calls back when it has drained, and then holds nothing any more.
    return rows.length > SOCKET_BUFFER_BYTES;
  }

  #begin(): void {
    this.#hasBegun = true;
    if (this.#asText === undefined) this.#stream.write(COPY_HEADER);
  }

  #encode(rows: Buffer): Buffer {
    return this.#asText === undefined ? rows : toTextRows(rows, this.#asText);
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
    if (!this.#hasBegun) this.#begin();
    await failpoint('copy.end', this.#client);
    // To end a stream that has failed is an error of its own, which nobody would catch.
    if (this.#isOver) return this.#failed;
    await Promise.race([
      this.#failed,
      new Promise<void>((resolve) => {
        this.#stream.once('finish', resolve);
        this.#stream.end(this.#asText === undefined ? COPY_TRAILER : undefined);
      }),
    ]);
    this.#isOver = true;
    return this.#stream.rowCount;
  }
}
