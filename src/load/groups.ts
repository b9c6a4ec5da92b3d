/** Groups files that are claimed together, and loads that are loaded together. */
import { isDeepStrictEqual } from 'node:util';
import type { FileSplit } from '../formats/text/file-split.js';

/** Small files that a worker takes together. */
const MAX_GROUP_FILES = 16;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
/**
 * Groups per worker among the files claimed at once, so that no worker waits for another's last
 * group.
 */
const GROUPS_PER_WORKER = 2;

/**
 * Files claimed at once: small ones share round trips; big ones stay free for other runs until
 * their turn.
 */
export function inWaves<File>(
  files: readonly File[],
  sizeOf: (file: File) => number,
  processCount: number,
): File[][] {
  const groups = GROUPS_PER_WORKER * processCount;
  const waves: File[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const size = sizeOf(file);
    const last = waves.at(-1);
    if (
      last === undefined ||
      last.length >= groups * MAX_GROUP_FILES ||
      bytes + size > groups * MAX_GROUP_BYTES
    ) {
      waves.push([file]);
      bytes = size;
    } else {
      last.push(file);
      bytes += size;
    }
  }
  return waves;
}

/** The properties of a load that decide which loads it can be grouped with. */
export interface Groupable {
  readonly prepared: {
    readonly target: { readonly table: object };
    readonly plan: { readonly columns: readonly object[] };
    readonly file: { readonly size: number };
  };
}

export interface GroupableWithSplits extends Groupable {
  readonly plan: {
    readonly splits: readonly Pick<FileSplit, 'range'>[] | AsyncIterable<unknown>;
    readonly batchBytes: number;
  };
}

/** Groups loads that one worker can load in one transaction. */
export function inGroups<Load extends GroupableWithSplits>(
  loads: readonly Load[],
  processCount: number,
): Load[][] {
  const fairShare = Math.ceil(loads.length / (GROUPS_PER_WORKER * processCount));
  const maxFiles = Math.min(MAX_GROUP_FILES, fairShare);
  const groups: Load[][] = [];
  let bytes = 0;
  for (const load of loads) {
    const last = groups.at(-1);
    const { size } = load.prepared.file;
    if (
      last !== undefined &&
      last.length < maxFiles &&
      bytes + size <= Math.min(MAX_GROUP_BYTES, load.plan.batchBytes) &&
      isWholeInOneSplit(load) &&
      isWholeInOneSplit(last[0]!) &&
      isAlike(load, last[0]!)
    ) {
      last.push(load);
      bytes += size;
    } else {
      groups.push([load]);
      bytes = size;
    }
  }
  return groups;
}

/** Whether one COPY can take the rows of both files. */
export function isAlike({ prepared: a }: Groupable, { prepared: b }: Groupable): boolean {
  return a.target.table === b.target.table && isDeepStrictEqual(a.plan.columns, b.plan.columns);
}

export function sumBytes(loads: readonly Groupable[]): number {
  return loads.reduce((sum, { prepared }) => sum + prepared.file.size, 0);
}

function isWholeInOneSplit({ plan: { splits } }: GroupableWithSplits): boolean {
  return Array.isArray(splits) && splits.length === 1 && splits[0].range.isExact;
}
