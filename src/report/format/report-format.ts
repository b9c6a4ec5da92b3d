/** How a report may be written down. */
import type { ResultColumn } from '../cursor.js';
import { csvWriter } from './report-csv.js';
import { jsonWriter } from './report-json.js';
import { tableWriter } from './report-table.js';
import type { ReportWriter, WriterOptions } from './report-writer.js';

export type FormatName = 'csv' | 'json' | 'table';

export const FORMATS: Readonly<
  Record<
    FormatName,
    {
      extension: string;
      writer(columns: readonly ResultColumn[], options: WriterOptions): ReportWriter;
    }
  >
> = {
  csv: { extension: 'csv', writer: csvWriter },
  json: { extension: 'json', writer: jsonWriter },
  table: { extension: 'txt', writer: tableWriter },
};
