/** What a load remembers of how its file is read, by its format. Plain data: the ledger keeps it as JSON. */
import type { Drift } from '../model/drift.js';
import type { FileSettings } from '../model/file-settings.js';
import { type CsvReading, csvReadingOf, csvSettingsOf } from './csv/csv-reading.js';
import type { FileDescription } from './describe-file.js';
import { type JsonlReading, jsonlFormOf, jsonlReadingOf } from './jsonl/jsonl-reading.js';
import { type FileLayout, openFormat, type RecordForm } from './record-form.js';
import { withoutFooter } from './text/read-text.js';

export type Reading = CsvReading | JsonlReading;

/** @param specified what the user said */
export function readingOf(
  description: FileDescription,
  specified: FileSettings,
  drift: Drift | undefined,
): Reading {
  switch (description.format) {
    case 'csv':
      return csvReadingOf(description, specified.csv, drift);
    case 'jsonl':
      return jsonlReadingOf(description, specified.jsonl, drift);
  }
}

export function recordFormOf(reading: Reading): RecordForm {
  return reading.format === 'jsonl'
    ? jsonlFormOf(reading)
    : { format: 'csv', dialect: reading.dialect };
}

/** Where the records of the load's own file are. */
export function layoutOf(reading: Reading): FileLayout {
  const { dataStart, dataLine, dataEnd } = reading;
  const fields = reading.format === 'jsonl' ? [] : reading.fields;
  return { recordForm: recordFormOf(reading), fields, dataStart, dataLine, dataEnd };
}

/** What a user would have to say for another file to be read in the same way. */
export function settingsOf(reading: Reading): FileSettings {
  return reading.format === 'jsonl'
    ? { format: 'jsonl', csv: {}, jsonl: reading.specified }
    : { format: 'csv', csv: csvSettingsOf(reading), jsonl: {} };
}

/** A text without the lines at its end that the load passed over. */
export function bodyOf(text: AsyncIterable<Buffer>, reading: Reading): AsyncGenerator<Buffer> {
  const { lineEnd } = openFormat(recordFormOf(reading));
  const lines = reading.format === 'jsonl' ? 0 : (reading.specified.skipFooter ?? 0);
  return withoutFooter(text, lines, lineEnd);
}
