/** What became of realized tables, as text and as JSON. */
import { EdpError } from '../../base/errors.js';
import type { FoldedTable } from '../../realize/fold.js';
import { formatCount, type Output, safeText } from '../../terminal/output.js';
import type { RealizeJson } from '../json/load.schema.js';

export function printFolded(output: Output<never>, folded: readonly FoldedTable[]): void {
  const done = folded.filter(({ failure }) => failure === undefined);
  if (done.length > 0) {
    output.table(
      ['realized table', 'inserted', 'updated', 'deleted'],
      done.map(({ table, rows }) => [
        safeText(table),
        formatCount(rows.inserted),
        formatCount(rows.updated),
        formatCount(rows.deleted),
      ]),
    );
  }
  for (const { table, failure } of folded) {
    if (failure === undefined) continue;
    output.warn(
      `table ${safeText(table)} is not folded: ${reasonOf(failure)}. Its events are kept; when that is mended, edp realize folds them`,
    );
  }
}

export function hasFailed(folded: readonly FoldedTable[]): boolean {
  return folded.some(({ failure }) => failure !== undefined);
}

function reasonOf(failure: unknown): string {
  const { message } = failure as Error;
  const hint = failure instanceof EdpError ? failure.hint : undefined;
  return safeText(hint === undefined ? message : `${message} (${hint})`);
}

export function toFoldedJson({
  table,
  rows,
  history,
  failure,
}: FoldedTable): RealizeJson['tables'][number] {
  return {
    table,
    rows,
    ...(history === undefined ? {} : { history }),
    ...(failure === undefined ? {} : { reason: reasonOf(failure) }),
  };
}
