/** How a load reads a CSV file. */
import type { CsvSettings } from '../../model/csv-settings.js';
import type { Drift } from '../../model/drift.js';
import type { TextReading } from '../text/text-reading.js';
import { toText } from '../text/transcode.js';
import type { CsvForm } from './csv-format.js';
import type { CsvDescription } from './describe-csv.js';
import type { Dialect } from './dialect.js';

export interface CsvReading extends TextReading {
  /** Missing in ledgers that are older than JSON lines. */
  readonly format?: 'csv';
  readonly dialect: Dialect;
  readonly hasHeader: boolean;
  /** A name for each field; empty for an empty file. */
  readonly fields: readonly string[];
  readonly specified: CsvSettings;
}

export function csvReadingOf(
  description: CsvDescription,
  specified: CsvSettings,
  drift: Drift | undefined,
): CsvReading {
  const { form, detection, recordForm, fields, dataStart, dataLine, dataEnd, footer } = description;
  return {
    format: 'csv',
    dialect: recordForm.dialect,
    encoding: form.encoding,
    hasHeader: detection.hasHeader,
    passesHeaders: true,
    fields,
    dataStart,
    dataLine,
    dataEnd,
    footerStart: footer?.start,
    specified,
    drift,
  };
}

/** @param header the header line of the file, without its line end; empty where there is none */
export function csvFormOf({ dialect, passesHeaders }: CsvReading, header: Buffer): CsvForm {
  const hasHeader = passesHeaders === true && header.length > 0;
  return { format: 'csv', dialect, ...(hasHeader ? { header: header.toString('latin1') } : {}) };
}

/** The settings with which another file is read in the same way. */
export function csvSettingsOf({ dialect, hasHeader, specified }: CsvReading): CsvSettings {
  return {
    delimiter: toText(dialect.delimiter, dialect.encoding),
    quote: dialect.quote,
    escape: dialect.escape,
    lineEnd: dialect.lineEnd,
    comment: toText(dialect.comment, dialect.encoding),
    ragged: dialect.ragged,
    header: hasHeader,
    ...specified,
  };
}
