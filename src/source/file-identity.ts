/** Which version of a file was identified. */

/** The version of a file that was identified; whoever reads it makes sure it is still that one. */
export interface FileIdentity {
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly inode: number;
}
