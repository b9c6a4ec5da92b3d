/**
 * The formats of a report. The options of every command know this list, so a writer is loaded only
 * when it is used.
 */
import { meaningsOf } from '../../model/choices.js';
import type { MakeWriter } from './report-writer.js';

export interface ReportFormat {
  readonly meaning: string;
  /** Extension of the file. */
  readonly extension: string;
  /** Whether it is for people: without `--out`, it is written to standard output. */
  readonly isShown: boolean;
  /** Whether `--safe-cells` applies to it. */
  readonly hasSafeCells: boolean;
  /** Whether it is bytes that a terminal cannot show. */
  readonly isBinary: boolean;
  /** Whether it says which relations were read. */
  readonly showsSources: boolean;
  load(): Promise<MakeWriter>;
}

const formats = {
  csv: {
    meaning: 'CSV by RFC 4180, which COPY of PostgreSQL reads back',
    extension: 'csv',
    isShown: false,
    hasSafeCells: true,
    isBinary: false,
    showsSources: false,
    load: async () => (await import('./report-csv.js')).csvWriter,
  },
  json: {
    meaning: 'a JSON array with an object for each row, every digit kept',
    extension: 'json',
    isShown: false,
    hasSafeCells: false,
    isBinary: false,
    showsSources: false,
    load: async () => (await import('./report-json.js')).jsonWriter,
  },
  table: {
    meaning: 'the first rows in aligned columns, on standard output unless --out names a file',
    extension: 'txt',
    isShown: true,
    hasSafeCells: false,
    isBinary: false,
    showsSources: false,
    load: async () => (await import('./report-table.js')).tableWriter,
  },
  html: {
    meaning: 'a page with a chart and a table, which needs no network and prints well',
    extension: 'html',
    isShown: false,
    hasSafeCells: true,
    isBinary: false,
    showsSources: true,
    load: async () => (await import('./report-html.js')).htmlWriter,
  },
  xlsx: {
    meaning: 'a workbook of Excel, with numbers as numbers and times as dates',
    extension: 'xlsx',
    isShown: false,
    hasSafeCells: false,
    isBinary: true,
    showsSources: true,
    load: async () => (await import('./xlsx/report-xlsx.js')).xlsxWriter,
  },
  parquet: {
    meaning: 'Parquet, with the types of the columns',
    extension: 'parquet',
    isShown: false,
    hasSafeCells: false,
    isBinary: true,
    showsSources: false,
    load: async () => (await import('./parquet/report-parquet.js')).parquetWriter,
  },
} as const satisfies Readonly<Record<string, ReportFormat>>;

export type FormatName = keyof typeof formats;

export const FORMATS: Readonly<Record<FormatName, ReportFormat>> = formats;
export const FORMAT_CHOICES = meaningsOf(FORMATS);
