/**
 * Reads a range of a file in order, and resumes interrupted transfers.
 *
 * Every answer must belong to the identified version: a condition makes the server refuse another
 * one, and the headers are checked, too, because some servers ignore conditions.
 */
import { changed } from '../changed-file.js';
import type { HttpIdentity } from '../file-identity.js';
import { type Answer, CHANGED, get, NOT_SATISFIABLE, PARTIAL } from './http-client.js';
import { PassingFault } from './http-faults.js';
import {
  conditionOf,
  type Headers,
  hasSameValidator,
  readContentCoding,
  readContentRange,
  readValidator,
} from './http-headers.js';
import { MAX_TRIES, withRetries } from './http-retry.js';
import { MAX_DRAINED_BYTES } from './send.js';

export class RangeReader {
  readonly #file: HttpIdentity;
  readonly #until: number;
  #position: number;
  /** The answer that is being read, and its remaining bytes. */
  #answer: Answer | undefined;
  #body: AsyncIterator<Buffer> | undefined;
  #left = 0;

  constructor(file: HttpIdentity, from: number, until: number) {
    this.#file = file;
    this.#position = from;
    this.#until = Math.min(until, file.size);
  }

  /** Offset of the next bytes in the file. */
  get position(): number {
    return this.#position;
  }

  get until(): number {
    return this.#until;
  }

  /**
   * @returns the next bytes, as many as were received; undefined at the end
   * @throws EdpError `file_changed`, `source_refused`, `source_unreachable`
   */
  async next(): Promise<Buffer | undefined> {
    if (this.#position >= this.#until) return undefined;
    const chunk = await withRetries(this.#file.path, MAX_TRIES, async () => {
      try {
        return await this.#receive();
      } catch (error) {
        this.#left = Number.POSITIVE_INFINITY;
        this.close();
        throw error;
      }
    });
    this.#position += chunk.length;
    return chunk;
  }

  async #receive(): Promise<Buffer> {
    if (this.#body === undefined) await this.#ask();
    const { value, done } = await this.#body!.next();
    if (done === true) throw new PassingFault(`the answer ended ${this.#left} bytes early`);
    // The surplus bytes may be anywhere in it.
    if (value.length > this.#left) throw new PassingFault('the answer is longer than it says');
    this.#left -= value.length;
    if (this.#left === 0) {
      const { done: isEnd } = await this.#body!.next();
      if (isEnd !== true) throw new PassingFault('the answer is longer than it says');
      this.#answer = undefined;
      this.#body = undefined;
    }
    return value;
  }

  async #ask(): Promise<void> {
    const file = this.#file;
    const range = `bytes=${this.#position}-${this.#until - 1}`;
    const answer = await get(file.url, { range, ...conditionOf(file) }, { followsAnew: false });
    this.#answer = answer;
    const { status, headers } = answer;
    if (status === CHANGED || status === NOT_SATISFIABLE || isOfOtherVersion(headers, file)) {
      throw changed(file);
    }
    const part = readContentRange(headers);
    if (
      status !== PARTIAL ||
      readContentCoding(headers, new URL(file.url).pathname) !== undefined
    ) {
      throw new PassingFault('the server does not serve a part of the file this time');
    }
    if (part?.start !== this.#position || part.end > this.#until) {
      throw new PassingFault('the server serves another part of the file than it is asked for');
    }
    this.#left = part.end - part.start;
    this.#body = answer.body[Symbol.asyncIterator]();
  }

  /** Ends the transfer. A short rest of an answer is read, so that the connection can be reused. */
  close(): void {
    const answer = this.#answer;
    const body = this.#body;
    this.#answer = undefined;
    this.#body = undefined;
    if (answer === undefined) return;
    if (body === undefined || this.#left > MAX_DRAINED_BYTES) answer.close();
    else void drain(answer, body, this.#left);
  }
}

/** Whether an answer belongs to another version than the identified one. */
function isOfOtherVersion(headers: Headers, file: HttpIdentity): boolean {
  const range = readContentRange(headers);
  if (range?.size !== undefined && range.size !== file.size) return true;
  return !hasSameValidator(readValidator(headers), file);
}

async function drain(answer: Answer, body: AsyncIterator<Buffer>, bytes: number): Promise<void> {
  try {
    for (let left = bytes; left >= 0; ) {
      const { value, done } = await body.next();
      if (done === true) return;
      left -= value.length;
    }
    answer.close();
  } catch {
    // The connection is closed, which is also fine.
  }
}
