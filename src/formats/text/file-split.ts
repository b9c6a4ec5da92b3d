/** A split of a file, before it is known of what load. */
import type { Segment } from './cut-text.js';
import type { SplitRange } from './ranges.js';

export interface FileSplit {
  readonly range: SplitRange;
  /** The bytes of the range, where they are not those of the file. */
  readonly segment?: Segment | undefined;
  /** Line, from 1, at the start; known for exact ranges only. */
  readonly firstLine: number | undefined;
  /** Bytes of the file that it stands for, where they are not as many as in the range. */
  readonly sourceBytes?: number;
  /** To be called when nobody reads the segment any more. */
  readonly release?: () => void;
}
