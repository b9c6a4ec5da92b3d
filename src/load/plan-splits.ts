/** What is left of a file → splits, for a load and for a dry run. */
import { openFormat } from '../formats/record-form.js';
import { cutGap, findGaps } from '../formats/text/cut-ranges.js';
import type { FileSplit } from '../formats/text/file-split.js';
import type { CommittedRange } from '../formats/text/ranges.js';
import { isDecoded } from '../formats/text/read-text.js';
import { streamSplits } from '../formats/text/stream-splits.js';
import type { PreparedFile } from './prepare-files.js';

/** Bytes of a file that are worth a split of their own, whatever the number of records. */
const MIN_SHARE_BYTES = 4 * 1024 * 1024;

export interface SplitPlan {
  /** In the order of the file. Those of a file that is not plain text are made while it is read. */
  readonly splits: readonly FileSplit[] | AsyncIterable<FileSplit>;
  /** Bytes of the file that they stand for. */
  readonly openBytes: number;
  /** About how many bytes a worker is to take at a time. */
  readonly batchBytes: number;
  readonly dataStart: number;
  /** Undefined where it shows only when all is read. */
  readonly dataEnd: number | undefined;
  readonly dataLine: number;
}

export interface SplitSettings {
  /** Records a worker takes at a time, about. */
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
  // A file of a few long records keeps all workers busy, too.
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
