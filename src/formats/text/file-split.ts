/** A split of a file, not yet assigned to a load. */
import type { Segment } from './cut-text.js';
import type { SplitRange } from './ranges.js';

export interface FileSplit {
  readonly range: SplitRange;
  /** The bytes of the range, where they are not bytes of the file. */
  readonly segment?: Segment | undefined;
  /** Line, from 1, at the start of the range; known for exact ranges only. */
  readonly firstLine: number | undefined;
  /** Bytes of the file that the split stands for, where the range has another length. */
  readonly sourceBytes?: number;
  /** Must be called when the segment is no longer read. */
  readonly release?: () => void;
}
