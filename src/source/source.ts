/**
 * The interface of all sources of files: a source lists files, identifies the current version of a
 * file, and opens that version. All rooms above read files through this interface only.
 *
 * A source is a file of this room and two lines in sources.ts; tests/load/source-conformance.test.ts tests
 * all of them by the same rules.
 */
import type { Readable } from 'node:stream';
import type { FileIdentity } from './file-identity.js';

export interface InputFile {
  /** As the user specified it, for messages and the ledger. Secrets of a URL are removed. */
  readonly name: string;
  /**
   * Absolute; the path of a URL. Its last part is the file's own name, which determines the table.
   */
  readonly path: string;
  /** Location on a server; undefined for a local file. */
  readonly remote?: RemoteFile | undefined;
  /** Path of the copy that is read instead of the file (copies.ts). */
  readonly copy?: string | undefined;
}

/** Properties of a file that its server reports. */
export interface RemoteFile {
  /** The whole URL, with user and password if it has them: never printed and never stored. */
  readonly url: string;
  /** Bytes; undefined if the server does not report it. */
  readonly size: number | undefined;
  /** Why parts of it cannot be read, so that it must be copied first; undefined if they can. */
  readonly mustBeCopied: string | undefined;
}

export interface Source {
  /**
   * @param name as the user specified it
   * @param directory directory of the project, for relative names
   * @returns the files in the order to load them; empty if there is no such file
   * @throws EdpError `source_refused`, `source_unreachable`
   */
  list(name: string, directory: string): Promise<readonly InputFile[]>;

  /**
   * The current version.
   *
   * @throws EdpError `io`, `source_refused`, `source_unreachable`
   */
  version(file: InputFile): Promise<FileIdentity>;

  /**
   * Opens a version that this source identified.
   *
   * @throws EdpError `file_changed` if the file has another version now
   */
  open(identity: FileIdentity): Promise<OpenFile>;

  /**
   * Passes all bytes of a file to `take`, if parts of the file cannot be read. After an interrupted
   * transfer, `take` is called again with all bytes from the first one; the result of the last call
   * counts.
   *
   * @throws EdpError `io`, `source_refused`, `source_unreachable`
   */
  readOnce<T>(file: InputFile, take: (bytes: AsyncIterable<Buffer>) => Promise<T>): Promise<T>;
}

/** The bytes that windows are read from: a file, or its decoded text. */
export interface ByteSource {
  /**
   * @param length may exceed the rest: then fewer bytes are read, and none at the end
   * @throws EdpError `file_changed`, `source_unreachable`
   */
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;

  /**
   * Announces that the bytes from `from` to about `until` are read next, in order. A remote source
   * requests all of them at once. Reading other bytes is still allowed.
   */
  willRead?(from: number, until: number): void;
}

/** An open version of a file. Each byte belongs to that version; otherwise an error is thrown. */
export interface OpenFile extends ByteSource {
  /**
   * The bytes in [from, until), on demand.
   *
   * @throws EdpError as errors of the stream: `file_changed`, `source_unreachable`
   */
  stream(from: number, until: number): Readable;
  /** The current version. @throws EdpError `file_changed` if there is none */
  version(): Promise<FileIdentity>;
  close(): Promise<void>;
}
