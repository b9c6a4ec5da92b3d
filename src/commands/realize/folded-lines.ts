/** What became of realized tables, as text, as JSON and as exit status. */
import { EdpError, type EXIT } from '../../base/errors.js';
import { chooseStatus } from '../../base/exit-statuses.js';
import type { Folding } from '../../realize/fold.js';
import type { FoldedTable } from '../../realize/fold-table.js';
import { formatCount, type Output, safeText } from '../../terminal/output.js';
import type { RealizeJson } from '../json/load.schema.js';

export function printFolded(
  output: Output<never>,
  { tables: folded, isInterrupted }: Folding,
): void {
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
  if (isInterrupted) output.line('interrupted: edp realize folds the tables that are left');
}

/** The code of the first table that is not folded, where it has one. */
export function failedCodeOf({ tables }: Folding): string | undefined {
  const failure = tables.find((one) => one.failure !== undefined)?.failure;
  return (failure as { code?: string } | undefined)?.code;
}

export function hasFailed({ tables }: Folding): boolean {
  return tables.some(({ failure }) => failure !== undefined);
}

/** @param own what holds of the command, but for its fold */
export function foldStatus(
  folding: Folding,
  own: Readonly<Partial<Record<keyof typeof EXIT, boolean>>>,
): number {
  return chooseStatus({
    ...own,
    interrupted: own.interrupted === true || folding.isInterrupted,
    failed: own.failed === true || hasFailed(folding),
  });
}

/** Whether all of it was done. */
export function isFolded(folding: Folding): boolean {
  return !folding.isInterrupted && !hasFailed(folding);
}

/** What a fold adds to the JSON of its command. */
export function toFoldingJson({
  tables,
  isInterrupted,
}: Folding): Pick<RealizeJson, 'tables' | 'interrupted'> {
  return {
    tables: tables.map(toFoldedJson),
    ...(isInterrupted ? { interrupted: true as const } : {}),
  };
}

function reasonOf(failure: unknown): string {
  const { message } = failure as Error;
  const hint = failure instanceof EdpError ? failure.hint : undefined;
  return safeText(hint === undefined ? message : `${message} (${hint})`);
}

function toFoldedJson({
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
