/** How commands print counts by name: undeclared metrics, corrections. */
import { toShellWord } from '../../base/shell-word.js';
import { groupCorrections, OTHER_FIELDS, type RemarkCounts } from '../../ledger/remarks.js';
import type { Drift } from '../../model/drift.js';
import { formatCount, formatNumber, type Output, safeText } from '../../terminal/output.js';

export function printRemarks(output: Output, { unknownMetrics, corrections }: RemarkCounts): void {
  for (const [name, count] of Object.entries(unknownMetrics)) {
    output.warn(
      `metric ${JSON.stringify(safeText(name))} is not declared: kept beside ${formatNumber(count, 'row')}; edp promote ${toShellWord(name)} makes it a column`,
    );
  }
  const grouped = groupCorrections(corrections);
  // What edp.yaml declares is done in every load: no reason for a warning.
  for (const line of describeCorrected(grouped)) output.note(line);
  for (const line of describeUndeclared(grouped)) output.warn(line);
}

type Corrections = ReturnType<typeof groupCorrections>;

/** A line for each column, and for each field without a declared column. */
export function describeCorrections(corrections: Corrections): string[] {
  return [...describeCorrected(corrections), ...describeUndeclared(corrections)];
}

const FATES: readonly string[] = Object.values(OTHER_FIELDS);

function describeCorrected(corrections: Corrections): string[] {
  return Object.entries(corrections).flatMap(([column, counts]) => {
    const acted = Object.entries(counts).filter(([name]) => !FATES.includes(name));
    const list = acted.map(([name, count]) => `${formatCount(count)} by ${name}`).join(', ');
    const shown = JSON.stringify(safeText(column));
    return acted.length === 0 ? [] : [`column ${shown}: values corrected as declared: ${list}`];
  });
}

function describeUndeclared(corrections: Corrections): string[] {
  return Object.entries(corrections).flatMap(([column, counts]) =>
    Object.entries(counts)
      .filter(([fate]) => FATES.includes(fate))
      .map(
        ([fate, count]) =>
          `no column is declared for ${JSON.stringify(safeText(column))}: ${fate === OTHER_FIELDS.keep ? 'kept' : 'passed over'} in ${formatNumber(count, 'record')}`,
      ),
  );
}

/** How a file's fields differed from those of the table. */
export function describeDrift(drift: Drift | undefined): string[] {
  if (drift === undefined) return [];
  const list = (names: readonly string[]) => names.map((name) => safeText(name)).join(', ');
  const fate = drift.onNew === 'keep' ? 'kept beside the rows' : 'passed over';
  return [
    drift.new.length > 0 ? `fields without a column, ${fate}: ${list(drift.new)}` : '',
    drift.missing.length > 0 ? `fields that the file did not have: ${list(drift.missing)}` : '',
    drift.isReordered ? 'the order of its fields differed from the declaration' : '',
  ].filter(Boolean);
}

export function remarksJson({ unknownMetrics, corrections }: RemarkCounts): {
  readonly unknownMetrics: RemarkCounts['unknownMetrics'];
  readonly corrections: ReturnType<typeof groupCorrections>;
} {
  return { unknownMetrics, corrections: groupCorrections(corrections) };
}
