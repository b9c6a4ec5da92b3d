/** CSV files, as all who read files see them. */
import type { CsvSettings } from '../../model/csv-settings.js';
import type { InputFormat } from '../text/input-format.js';
import type { CsvForm } from './csv-format.js';
import { type CsvReading, csvFormOf, csvReadingOf, csvSettingsOf } from './csv-reading.js';
import {
  type CsvDescription,
  describeCsv,
  describeCsvSample,
  listCsvOddities,
  summarizeCsv,
} from './describe-csv.js';

export const csvFiles = {
  suffixes: ['.csv', '.tsv', '.tab', '.psv'],
  describe: describeCsv,
  describeSample: (sample, name, settings) => describeCsvSample(sample, name, undefined, settings),
  summarize: summarizeCsv,
  listOddities: listCsvOddities,
  readingOf: csvReadingOf,
  formOf: csvFormOf,
  fieldsOf: ({ fields }) => fields,
  settingsOf: csvSettingsOf,
  footerLinesOf: ({ specified }) => specified.skipFooter ?? 0,
} satisfies InputFormat<CsvSettings, CsvForm, CsvDescription, CsvReading>;
