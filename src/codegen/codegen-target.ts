/** What `edp codegen` can make. A target is a pure function of the catalogue: the same model gives the same bytes. */
import type { Catalogue } from './catalogue.js';

export interface GeneratedFile {
  /** From the root of the project, or from `--out`; with `/` on every system. */
  readonly path: string;
  /** Says {@link GENERATED} somewhere, unless it is the lock file, so that it can be told from what others have put there. */
  readonly text: string;
}

export interface Target {
  readonly describe: string;
  /** Whether its files stand at the root of the project, since events refer to them; otherwise below `--out`. */
  readonly isAtRoot: boolean;
  /** The folder that has all of its files, and paths of files in it that can be its own: such a one that it no longer makes is removed. */
  readonly folder: string;
  readonly files: RegExp;
  /**
   * One of the files that it makes, with what must not be forgotten, such as numbers that are never given twice. It is made of
   * what it was before, and is no file that may go.
   */
  readonly lockFile?: string;
  /** The target whose lock file it reads, and does not make. */
  readonly lockedBy?: Target;
  /** Whether it shows which tasks read a table, for which the sections of the warehouse must be read, too. */
  readonly showsReaders?: true;
  /** @param lock text of the lock file, as it is; undefined where there is none */
  generate(catalogue: Catalogue, lock?: string): Iterable<GeneratedFile>;
}
