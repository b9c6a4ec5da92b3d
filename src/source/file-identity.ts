/** Which version of a file was identified. Plain data: it travels to other threads. */

/** The version of a file that was identified. Each reader makes sure that it is still that one. */
export type FileIdentity = LocalIdentity | HttpIdentity;

interface Version {
  /** For messages: the absolute path, or the URL without what is secret in it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export interface LocalIdentity extends Version {
  readonly kind: 'local';
  readonly modifiedMs: number;
  readonly inode: number;
}

/** A file of an HTTP server. One of `etag` and `lastModified` is there. */
export interface HttpIdentity extends Version {
  readonly kind: 'http';
  /** The whole URL, with user and password where it has them: never printed and never stored. */
  readonly url: string;
  /** A strong one. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export function isSameVersion(a: FileIdentity, b: FileIdentity): boolean {
  if (a.size !== b.size) return false;
  if (a.kind === 'local') {
    return b.kind === 'local' && a.modifiedMs === b.modifiedMs && a.inode === b.inode;
  }
  return b.kind === 'http' && a.etag === b.etag && a.lastModified === b.lastModified;
}
