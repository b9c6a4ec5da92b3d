/** The rest of a file → splits, for a load and for a dry run. */
import { openFormat } from '../formats/open-format.js';
import { cutGap, findGaps } from '../formats/text/cut-ranges.js';
import type { FileSplit } from '../formats/text/file-split.js';
import type { CommittedRange } from '../formats/text/ranges.js';
import { isDecoded } from '../formats/text/read-text.js';
import { streamSplits } from '../formats/text/stream-splits.js';
import type { PreparedFile } from './prepare-files.js';

/** Bytes that are worth a separate split, for any number of records. */
const MIN_SHARE_BYTES = 4 * 1024 * 1024;

export interface SplitPlan {
  /** In the order of the file. For a file that is not plain text, they are made during reading. */
  readonly splits: readonly FileSplit[] | AsyncIterable<FileSplit>;
  /** Size of these splits in bytes of the file. */
  readonly openBytes: number;
  /** Approximate bytes that a worker takes at a time. */
  readonly batchBytes: number;
  readonly dataStart: number;
  /** Undefined if it is known only after reading everything. */
  readonly dataEnd: number | undefined;
  readonly dataLine: number;
}

export interface SplitSettings {
  /** Approximate number of records that a worker takes at a time. */
  readonly readBatchSize: number;
  readonly processCount: number;
}

/** @param committed ranges of the receipts, in the order of the file */
export function planSplits(
  { target, description, recordForm, file }: PreparedFile,
  committed: readonly CommittedRange[],
  { readBatchSize, processCount }: SplitSettings,
): SplitPlan {
  const { form, dataStart, dataLine, recordBytes, textBytes, skipFooter } = description;
  const batchBytes = Math.max(1, Math.round(readBatchSize * recordBytes));
  if (isDecoded(form)) {
    const splits = streamSplits(file, openFormat(recordForm), {
      name: target.file.name,
      form,
      gaps: findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, committed),
      splitBytes: batchBytes,
      textBytes,
      processCount,
      skipFooter,
    });
    return { splits, openBytes: file.size, batchBytes, dataStart, dataLine, dataEnd: undefined };
  }
  const { dataEnd = file.size } = description;
  // All workers also share a file with a few long records.
  const share = Math.max(MIN_SHARE_BYTES, Math.ceil(file.size / processCount));
  const gaps = findGaps(dataStart, dataLine, dataEnd, committed);
  const splits = gaps.flatMap((gap) =>
    cutGap(gap, Math.min(batchBytes, share)).map((range) => ({
      range,
      firstLine: range.isExact ? gap.firstLine : undefined,
    })),
  );
  const openBytes = gaps.reduce((sum, { start, end }) => sum + end - start, 0);
  return { splits, openBytes, batchBytes, dataStart, dataLine, dataEnd };
}
