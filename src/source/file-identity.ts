/** The identified version of a file. Plain data, which is sent to other threads. */

/** The identified version of a file. Each reader verifies that the file still has it. */
export type FileIdentity = LocalIdentity | HttpIdentity;

interface Version {
  /** For messages: the absolute path, or the URL without its secrets. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export interface LocalIdentity extends Version {
  readonly kind: 'local';
  readonly modifiedMs: number;
  /** When content or metadata changed: a program that writes can set the other time back, and not this one. */
  readonly changedMs: number;
  readonly inode: number;
}

/** A file on an HTTP server. At least one of `etag` and `lastModified` is defined. */
export interface HttpIdentity extends Version {
  readonly kind: 'http';
  /** The whole URL, with user and password if it has them: never printed and never stored. */
  readonly url: string;
  /** A strong ETag. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export function isSameVersion(a: FileIdentity, b: FileIdentity): boolean {
  if (a.size !== b.size) return false;
  if (a.kind === 'local') {
    return (
      b.kind === 'local' &&
      a.modifiedMs === b.modifiedMs &&
      a.changedMs === b.changedMs &&
      a.inode === b.inode
    );
  }
  return b.kind === 'http' && a.etag === b.etag && a.lastModified === b.lastModified;
}
