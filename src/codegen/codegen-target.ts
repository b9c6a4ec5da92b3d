/** What `edp codegen` can make. A target is a pure function of the catalogue: the same model gives the same bytes. */
import type { Catalogue } from './catalogue.js';

export interface GeneratedFile {
  /** From the root of the project, or from `--out`; with `/` on every system. */
  readonly path: string;
  readonly text: string;
}

export interface Target {
  readonly describe: string;
  /** Whether its files stand at the root of the project, since events refer to them; otherwise below `--out`. */
  readonly isAtRoot: boolean;
  generate(catalogue: Catalogue): Iterable<GeneratedFile>;
}
