/** The rest of a file → splits, for a load and for a dry run. */
import { tunable } from '../base/failpoints.js';
import { openFormat } from '../formats/open-format.js';
import { cutGap, findGaps } from '../formats/text/cut-ranges.js';
import type { FileSplit } from '../formats/text/file-split.js';
import type { CommittedRange } from '../formats/text/ranges.js';
import { isDecoded, type TextTail } from '../formats/text/read-text.js';
import { streamSplits } from '../formats/text/stream-splits.js';
import { readBytes } from '../source/open-file.js';
import type { PreparedFile } from './prepare-files.js';

/** Bytes that are worth a separate split, for any number of records. */
const MIN_SHARE_BYTES = 4 * 1024 * 1024;

/**
 * Size of splits where records may refer to some behind them: most files are one. Their rows are moved one after
 * the other in any case.
 */
const RELATED_BYTES = 64 * 1024 * 1024;

export interface SplitPlan {
  /** In the order of the file. For a file that is not plain text, they are made during reading. */
  readonly splits: readonly FileSplit[] | AsyncIterable<FileSplit>;
  /** Size of these splits in bytes of the file. */
  readonly openBytes: number;
  /** Approximate bytes that a worker takes at a time. */
  readonly batchBytes: number;
  /** Whether records may refer to others of the file. */
  readonly areRelated: boolean;
  readonly dataStart: number;
  /** Undefined if it is known only after reading everything. */
  readonly dataEnd: number | undefined;
  readonly dataLine: number;
  /**
   * The text behind the last record, once all splits were read.
   *
   * @param end end of the last split
   * @throws EdpError `file_changed`, and those of the file's source
   */
  readTail(end: number): Promise<Buffer>;
}

export interface SplitSettings {
  /** Approximate number of records that a worker takes at a time. */
  readonly readBatchSize: number;
  readonly processCount: number;
  /** Whether records may refer to others of the file. */
  readonly areRelated: boolean;
}

/** @param committed ranges of the receipts, in the order of the file */
export function planSplits(
  { target, description, recordForm, file }: PreparedFile,
  committed: readonly CommittedRange[],
  { readBatchSize, processCount, areRelated }: SplitSettings,
): SplitPlan {
  const { form, dataStart, dataLine, recordBytes, textBytes, skipFooter } = description;
  const relatedBytes = tunable('split.related_bytes', RELATED_BYTES);
  const batchBytes = areRelated
    ? relatedBytes
    : Math.max(1, Math.round(readBatchSize * recordBytes));
  if (isDecoded(form)) {
    let tail: TextTail | undefined;
    const splits = streamSplits(file, openFormat(recordForm), {
      name: target.file.name,
      form,
      gaps: findGaps(dataStart, dataLine, Number.MAX_SAFE_INTEGER, committed),
      splitBytes: batchBytes,
      textBytes,
      processCount,
      skipFooter,
      takeTail: (found) => {
        tail = found;
      },
    });
    const readTail = async (end: number) =>
      tail === undefined ? NO_BYTES : tail.bytes.subarray(Math.max(0, end - tail.start));
    const openBytes = file.size;
    return {
      splits,
      openBytes,
      batchBytes,
      areRelated,
      dataStart,
      dataLine,
      dataEnd: undefined,
      readTail,
    };
  }
  const { dataEnd = file.size } = description;
  // All workers also share a file with a few long records.
  const share = areRelated
    ? relatedBytes
    : Math.max(MIN_SHARE_BYTES, Math.ceil(file.size / processCount));
  const gaps = findGaps(dataStart, dataLine, dataEnd, committed);
  const splits = gaps.flatMap((gap) =>
    cutGap(gap, Math.min(batchBytes, share)).map((range) => ({
      range,
      firstLine: range.isExact ? gap.firstLine : undefined,
    })),
  );
  const openBytes = gaps.reduce((sum, { start, end }) => sum + end - start, 0);
  const readTail = (end: number) => readBytes(file, end, file.size);
  return { splits, openBytes, batchBytes, areRelated, dataStart, dataLine, dataEnd, readTail };
}

const NO_BYTES = Buffer.alloc(0);

/** The same splits, the first of which stand for so many bytes of the file less. */
export function withoutBytes<T extends FileSplit>(
  splits: readonly T[] | AsyncIterable<T>,
  bytes: number,
): readonly T[] | AsyncIterable<T> {
  if (bytes === 0) return splits;
  return (async function* () {
    let left = bytes;
    for await (const split of splits) {
      const { sourceBytes = 0 } = split;
      const off = Math.min(left, sourceBytes);
      left -= off;
      yield { ...split, sourceBytes: sourceBytes - off };
    }
  })();
}
