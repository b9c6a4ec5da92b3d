/** How far a command is that reads files and loads nothing: a bar on a terminal, else a line now and then. */
import type { InferenceProgress } from '../../infer/infer.js';
import { makeBar } from '../../terminal/bar.js';
import { formatBytes, formatCount, type Output } from '../../terminal/output.js';

const PLAIN_INTERVAL_MS = 10_000;
/** Less is read before anyone wonders. */
const MIN_BYTES = 16 * 1024 * 1024;

export function makeReadProgress(
  output: Output,
  totalBytes: number,
): InferenceProgress & { stop(): void } {
  let bytes = 0;
  let records = 0;
  if (totalBytes < MIN_BYTES) return { advance: () => {}, stop: () => {} };
  const describe = () =>
    `read ${formatBytes(bytes)} of ${formatBytes(totalBytes)}, ${formatCount(records)} records`;
  if (!output.isTerminal) {
    let last = performance.now();
    return {
      advance(moreBytes, moreRecords) {
        bytes += moreBytes;
        records += moreRecords;
        if (performance.now() - last < PLAIN_INTERVAL_MS) return;
        last = performance.now();
        output.note(describe());
      },
      stop: () => {},
    };
  }
  const bar = makeBar(output, 'reading {bar} {percentage} %  {text}');
  bar.start(totalBytes, 0, { text: '' });
  return {
    advance(moreBytes, moreRecords) {
      bytes += moreBytes;
      records += moreRecords;
      bar.update(Math.min(bytes, totalBytes), { text: describe() });
    },
    stop: () => bar.stop(),
  };
}
