/** The lines before the first record and behind the last one, as the ledger and as the file has them. */
import { openFormat } from '../../formats/open-format.js';
import {
  bytesOf,
  describePassedOver,
  type PassedOver,
  PassedOverTally,
} from '../../formats/text/passed-over.js';
import { readBytes } from '../../source/open-file.js';
import type { FoundDifference } from './difference.js';
import type { Snapshot, VerifySubject } from './prepare-verify.js';

/**
 * Compares the ends of the loaded file with their counts, and checks that the ledger accounts for
 * each byte of its text.
 *
 * @param isCovered whether the receipts have all records; otherwise nobody knows where the tail begins
 */
export async function compareEnds(
  { file, stored, layout, readTail }: VerifySubject,
  { load, receipts }: Snapshot,
  isCovered: boolean,
): Promise<FoundDifference[]> {
  const { head, tail, header } = stored;
  if (head === null) return [];
  const format = openFormat(layout.recordForm);
  const found: FoundDifference[] = [];
  const compare = (byteOffset: number, inLedger: PassedOver, inFile: PassedOver) => {
    const [ledgers, files] = [describePassedOver(inLedger), describePassedOver(inFile)];
    if (ledgers === files) return;
    const detail = `${files}; in the ledger ${ledgers}`;
    found.push({ kind: 'passed_over_differ', byteOffset, detail });
  };
  const ofHead = new PassedOverTally();
  format.walkHead(await readBytes(file, 0, layout.dataStart), header, ofHead);
  compare(0, head, ofHead.counts);
  if (load.state !== 'loaded' || tail === null || !isCovered) return found;

  const end = receipts.at(-1)?.end ?? layout.dataStart;
  const ofTail = new PassedOverTally();
  const bytes = await readTail(end);
  format.walkTail(bytes, ofTail);
  compare(end, tail, ofTail.counts);
  const ofReceipts = receipts.reduce((sum, receipt) => sum + receipt.end - receipt.start, 0);
  const accounted = bytesOf(head) + ofReceipts + bytesOf(tail);
  const textBytes = end + bytes.length;
  if (accounted !== textBytes) {
    const detail = `the ledger accounts for ${accounted} bytes of ${textBytes}`;
    found.push({ kind: 'bytes_unaccounted', detail });
  }
  return found;
}
