/** What lies before the first record of a file, and behind its last one. It belongs to no split. */
import { openFormat } from '../formats/open-format.js';
import { type PassedOver, PassedOverTally } from '../formats/text/passed-over.js';
import { type Accounting, addBytes } from '../ledger/counts.js';
import type { SplitPlan } from './plan-splits.js';
import type { PreparedFile } from './prepare-files.js';

export interface CountedTail {
  readonly passedOver: PassedOver;
  /** Length of the whole text. */
  readonly textBytes: number;
}

/**
 * @param end of the last split
 * @returns undefined where the file cannot be read any more
 */
export async function countTail(
  { recordForm }: PreparedFile,
  { readTail }: Pick<SplitPlan, 'readTail'>,
  end: number,
): Promise<CountedTail | undefined> {
  const tally = new PassedOverTally();
  try {
    const bytes = await readTail(end);
    if (bytes.length > 0) openFormat(recordForm).walkTail(bytes, tally);
    return { passedOver: tally.counts, textBytes: end + bytes.length };
  } catch {
    // All records are loaded: this must not make a failure of it.
    return undefined;
  }
}

/**
 * The bytes of a text.
 *
 * @param between those of its splits; undefined where they were not counted
 * @param isComplete whether all splits were read
 * @param tail what lies behind them, if they were
 */
export function withEnds(
  { description: { head } }: PreparedFile,
  between: Accounting | undefined,
  isComplete: boolean,
  tail: CountedTail | undefined,
): Accounting | undefined {
  if (between === undefined || (isComplete && tail === undefined)) return undefined;
  const ends = [head, tail?.passedOver ?? {}];
  return ends.reduce((sum, passedOver) => addBytes(sum, { recordBytes: 0, passedOver }), between);
}
