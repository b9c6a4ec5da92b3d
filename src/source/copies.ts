/**
 * Copies of files that can only be read once, from beginning to end, in `.edp/spool`. A load needs
 * them because it is identified and resumed by content, and reads many places of a file.
 */
import { EdpError } from '../base/errors.js';
import { withRetryNotes } from './http/retry-notes.js';
import type { InputFile } from './source.js';
import { readOnce } from './sources.js';
import { type Spool, withSpool } from './spool.js';
import { isStdin } from './standard-input.js';

/** Interval of the progress messages of a download. */
const NOTE_INTERVAL_MS = 10_000;

export interface CopyOptions {
  /** Takes a line for the user, such as the progress of a download. */
  note(text: string): void;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` with the files. A file is copied first if parts of it cannot be read; the copies
 * exist until `work` ends.
 *
 * @param directory the project's
 * @throws EdpError `io`, `source_refused`, `source_unreachable`, `interrupted`
 */
export async function withReadableFiles<T>(
  directory: string,
  files: readonly InputFile[],
  options: CopyOptions,
  work: (files: readonly InputFile[]) => Promise<T>,
): Promise<T> {
  const run = () => {
    if (!files.some(mustBeCopied)) return work(files);
    return withSpool(directory, async (spool) => {
      const readable: InputFile[] = [];
      for (const file of files) readable.push(await toReadable(file, spool, options));
      return work(readable);
    });
  };
  return files.some(({ remote }) => remote !== undefined)
    ? withRetryNotes(options.note, run)
    : run();
}

/** Whether parts of a file cannot be read, so that it is copied first. */
export function mustBeCopied(file: InputFile): boolean {
  if (file.copy !== undefined) return false;
  return file.remote === undefined ? isStdin(file) : file.remote.mustBeCopied !== undefined;
}

/** The file itself, or a copy if parts of it cannot be read. */
export async function toReadable(
  file: InputFile,
  spool: Spool,
  { note, signal }: CopyOptions,
): Promise<InputFile> {
  if (!mustBeCopied(file)) return file;
  const { name, remote } = file;
  if (remote !== undefined) note(`${name} is copied into .edp/spool first: ${remote.mustBeCopied}`);
  try {
    const copy = await readOnce(file, (bytes) => {
      const watched = remote === undefined ? bytes : watch(bytes, name, remote.size, note);
      return spool.write(watched, signal);
    });
    return { ...file, copy };
  } catch (error) {
    if (signal.aborted) throw new EdpError('interrupted', `${name} was not copied to its end`);
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${name} cannot be copied: ${(error as Error).message}`, {
      hint: 'a file of which parts cannot be read is copied into .edp/spool before it is loaded: make room there',
      cause: error,
    });
  }
}

async function* watch(
  bytes: AsyncIterable<Buffer>,
  name: string,
  size: number | undefined,
  note: (text: string) => void,
): AsyncGenerator<Buffer> {
  let done = 0;
  let last = performance.now();
  const megabytes = (count: number) => `${Math.round(count / 1e6)} MB`;
  for await (const chunk of bytes) {
    yield chunk;
    done += chunk.length;
    if (performance.now() - last < NOTE_INTERVAL_MS) continue;
    last = performance.now();
    note(`${name}: ${megabytes(done)}${size === undefined ? '' : ` of ${megabytes(size)}`} copied`);
  }
}
