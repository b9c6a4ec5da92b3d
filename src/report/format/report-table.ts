/** An aligned table to look at: the first rows, and how many more there are. */
import { formatCount, formatTable } from '../../terminal/output.js';
import type { ReportWriter, ResultColumn, ResultRow, WriterOptions } from './report-writer.js';

const MAX_ROWS = 1000;

export function tableWriter(
  columns: readonly ResultColumn[],
  { width }: Pick<WriterOptions, 'width'> = {},
): ReportWriter {
  const shown: ResultRow[] = [];
  return {
    maxRows: MAX_ROWS,
    head: () => '',
    rows(batch) {
      shown.push(...batch);
      return '';
    },
    tail(rowsLeftOut) {
      const names = columns.map((column) => column.name);
      const more =
        rowsLeftOut === 0
          ? ''
          : `… and ${formatCount(rowsLeftOut)} more rows; --format csv writes them all\n`;
      return `${formatTable(names, shown, { width })}\n${more}`;
    },
  };
}
