/** The bytes of a file that a load still lacks → ranges for its splits. */
import type { CommittedRange, Gap, SplitRange } from './ranges.js';

/** @param committed ranges of the receipts, ordered by `start` */
export function findGaps(
  dataStart: number,
  dataLine: number,
  size: number,
  committed: readonly CommittedRange[],
): Gap[] {
  const gaps: Gap[] = [];
  let start = dataStart;
  let firstLine = dataLine;
  for (const range of committed) {
    if (range.start > start) gaps.push({ start, end: range.start, firstLine });
    start = range.end;
    firstLine = range.firstLine + range.lineCount;
  }
  if (start < size) gaps.push({ start, end: size, firstLine });
  return gaps;
}

/**
 * Cuts a gap into ranges of about `splitBytes`. Only the first begins at a known record; for the
 * others the worker finds the first record.
 */
export function cutGap({ start, end }: Gap, splitBytes: number): SplitRange[] {
  const count = Math.max(1, Math.round((end - start) / splitBytes));
  const at = (index: number) => start + Math.floor(((end - start) * index) / count);
  return Array.from({ length: count }, (_, index) => ({
    from: at(index),
    until: index === count - 1 ? end : at(index + 1),
    isExact: index === 0,
  }));
}
