/** What a load remembers of how a CSV file is read. */
import type { CsvSettings } from '../../model/csv-settings.js';
import type { Drift } from '../../model/drift.js';
import type { TextReading } from '../text/text-reading.js';
import { toText } from '../text/transcode.js';
import type { CsvDescription } from './describe-csv.js';
import type { Dialect } from './dialect.js';

export interface CsvReading extends TextReading {
  /** Not there in a ledger of before there was another format. */
  readonly format?: 'csv';
  readonly dialect: Dialect;
  readonly hasHeader: boolean;
  /** A name for each field; empty for an empty file. */
  readonly fields: readonly string[];
  readonly specified: CsvSettings;
  /** Offset from which lines look like a footer, though none was specified. */
  readonly footerStart?: number | undefined;
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
    fields,
    dataStart,
    dataLine,
    dataEnd,
    footerStart: footer?.start,
    specified,
    drift,
  };
}

/** What a user would have to say for another file to be read in the same way. */
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
