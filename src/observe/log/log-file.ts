/**
 * A file that several processes append lines to, and that logrotate may rename or cut off meanwhile: each line
 * is one write with O_APPEND, so that lines of two processes never mix.
 */
import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { EdpError } from '../../base/errors.js';

/** The owner writes, the group may read; umask takes more away. */
const MODE = 0o640;
/** How often to look whether the file has been renamed. */
const LOOK_MS = 1000;

export class LogFile {
  readonly #file: string;
  readonly #warn: (text: string) => void;
  #descriptor: number;
  #lookedAt = performance.now();
  /** Whether the last line was written in part only. */
  #isTorn = false;
  #hasWarned = false;

  /** @throws EdpError `usage` */
  constructor(file: string, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
    try {
      this.#descriptor = openToAppend(file);
    } catch (error) {
      throw new EdpError('usage', `the log file ${file} cannot be opened: ${reasonOf(error)}`, {
        hint: 'name a file in a directory that is there and that this user may write to',
        cause: error,
      });
    }
  }

  /** A full disk must not stop the work: it is a warning, once. */
  write(line: string): void {
    try {
      this.#reopenIfRenamed();
      const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line);
      const written = writeSync(this.#descriptor, bytes);
      this.#isTorn = written < bytes.length;
      if (this.#isTorn) throw new Error('the disk may be full');
    } catch (error) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      this.#warn(`the log file cannot be written, so lines are missing in it: ${reasonOf(error)}`);
    }
  }

  close(): void {
    try {
      closeSync(this.#descriptor);
    } catch {
      // What is written is written.
    }
  }

  #reopenIfRenamed(): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const named = statSync(this.#file, { throwIfNoEntry: false });
    const open = fstatSync(this.#descriptor);
    if (named?.ino === open.ino && named.dev === open.dev) return;
    const descriptor = openToAppend(this.#file);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
  }
}

function openToAppend(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  // To open a pipe would wait for its reader.
  if (found?.isDirectory() || found?.isFIFO()) throw new Error('it is not a file');
  return openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, MODE);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
