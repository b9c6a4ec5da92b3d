/** How a report may be written down. */
import type { ResultColumn } from '../cursor.js';
import { csvWriter } from './csv.js';
import { jsonWriter } from './json.js';
import { tableWriter } from './table.js';
import type { ReportWriter, WriterOptions } from './writer.js';

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
