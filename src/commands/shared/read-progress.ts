/** The progress of a command that reads files and loads nothing. */
import type { InferenceProgress } from '../../infer/infer.js';
import { formatBytes, formatCount, type Output } from '../../terminal/output.js';
import { makeProgress } from '../../terminal/progress.js';

/** Smaller files are read too fast for a progress bar. */
const MIN_BYTES = 16 * 1024 * 1024;

export async function makeReadProgress(
  output: Output,
  totalBytes: number,
): Promise<InferenceProgress & { stop(): void }> {
  if (totalBytes < MIN_BYTES) return { advance: () => {}, stop: () => {} };
  let bytes = 0;
  let records = 0;
  const progress = await makeProgress(output, () => ({
    parts: [
      `read ${formatBytes(bytes)} of ${formatBytes(totalBytes)}, ${formatCount(records)} records`,
    ],
  }));
  progress.start(totalBytes);
  return {
    advance(moreBytes, moreRecords) {
      bytes += moreBytes;
      records += moreRecords;
      progress.update(bytes);
    },
    stop: () => progress.stop(),
  };
}
