/** What was passed over, in words. */
import { PASSED_OVER_KINDS, type PassedOverKind } from '../../formats/text/passed-over.js';
import type { AccountingCounts } from '../../ledger/counts.js';
import { formatCount, formatNumber } from '../../terminal/output.js';

const NAMES: Readonly<Record<PassedOverKind, string>> = {
  comment: 'comment',
  preamble: 'preamble line',
  footer: 'footer line',
  blank: 'blank line',
  header: 'header',
};

/** The lines of a load that are no records, and the bytes of its text; nothing where they were not counted. */
export function describeAccounting({ passedOver, byteCounts }: AccountingCounts): string[] {
  if (passedOver === null || byteCounts === null) return [];
  const lines = listLines(passedOver);
  if (lines.length === 0) return [];
  const { records, ...others } = byteCounts;
  const rest = Object.values(others).reduce((sum, bytes) => sum + bytes, 0);
  return [
    `passed over: ${lines.join(', ')}; ${formatCount(records + rest)} bytes of text = ${formatCount(records)} of records + ${formatCount(rest)} passed over`,
  ];
}

function listLines(passedOver: NonNullable<AccountingCounts['passedOver']>): string[] {
  return PASSED_OVER_KINDS.filter((kind) => passedOver[kind] > 0).map((kind) =>
    formatNumber(passedOver[kind], NAMES[kind]),
  );
}

/** For a line about a file: the lines that are no records, but for its header. */
export function countPassedOver({ passedOver }: AccountingCounts): number {
  if (passedOver === null) return 0;
  const all = PASSED_OVER_KINDS.reduce((sum, kind) => sum + passedOver[kind], 0);
  return all - Math.min(1, passedOver.header);
}
