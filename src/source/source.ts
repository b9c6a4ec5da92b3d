/**
 * What all places that files come from have in common: a source lists files, says which version of one is
 * there, and opens that version. Everything above reads files through this and never by itself.
 *
 * A source is a file of this room and a line in sources.ts; tests/load/source-conformance.test.ts holds all of
 * them to the same rules.
 */
import type { Readable } from 'node:stream';
import type { FileIdentity } from './file-identity.js';

export interface InputFile {
  /** As the user named it, for messages and the ledger. What is secret in a URL is not in it. */
  readonly name: string;
  /** Absolute. Of a URL, the path in it. The last part of it is the file's own name, which finds the table. */
  readonly path: string;
  /** Where it is, if it is on a server. */
  readonly remote?: RemoteFile | undefined;
  /** Path of the copy that is read in place of the file (copies.ts). */
  readonly copy?: string | undefined;
}

/** What the server of a file says about it. */
export interface RemoteFile {
  /** The whole URL, with user and password where it has them: never printed and never stored. */
  readonly url: string;
  /** Bytes; undefined where the server does not say. */
  readonly size: number | undefined;
  /** Why parts of it cannot be read, so that it must be copied first; undefined where they can. */
  readonly mustBeCopied: string | undefined;
}

export interface Source {
  /**
   * @param name as the user gave it
   * @param directory the project's, for names that are relative
   * @returns the files in the order to load them; none where there is no such file
   * @throws EdpError `source_refused`, `source_unreachable`
   */
  list(name: string, directory: string): Promise<readonly InputFile[]>;

  /**
   * The version that is there now.
   *
   * @throws EdpError `io`, `source_refused`, `source_unreachable`
   */
  version(file: InputFile): Promise<FileIdentity>;

  /**
   * Opens a version that this source identified.
   *
   * @throws EdpError `file_changed` where another version is there by now
   */
  open(identity: FileIdentity): Promise<OpenFile>;

  /**
   * Hands over all bytes of a file of which parts cannot be read. Where a transfer breaks off, `take` is
   * called again with all bytes from the first one; the result of its last call is that of the whole.
   *
   * @throws EdpError `io`, `source_refused`, `source_unreachable`
   */
  readOnce<T>(file: InputFile, take: (bytes: AsyncIterable<Buffer>) => Promise<T>): Promise<T>;
}

/** What windows are read from: a file, or what was made of one. */
export interface ByteSource {
  /**
   * @param length may be more than there is: fewer bytes are read then, and none at the end
   * @throws EdpError `file_changed`, `source_unreachable`
   */
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;

  /**
   * Says that the bytes from `from` to about `until` are read next, in order. A source that is far away asks
   * for all of them at once; it is no fault to read others.
   */
  willRead?(from: number, until: number): void;
}

/** A version of a file that is open. Each byte that it gives is of that version, or an error comes. */
export interface OpenFile extends ByteSource {
  /**
   * The bytes in [from, until), as they are asked for.
   *
   * @throws EdpError as errors of the stream: `file_changed`, `source_unreachable`
   */
  stream(from: number, until: number): Readable;
  /** The version that is there now. @throws EdpError `file_changed` where none is */
  version(): Promise<FileIdentity>;
  close(): Promise<void>;
}
