/** Files of JSON lines, as all who read files see them. */
import type { TextSettings } from '../../model/file-settings.js';
import type { InputFormat } from '../text/input-format.js';
import {
  describeJsonl,
  describeJsonlSample,
  type JsonlDescription,
  listJsonlOddities,
  looksLikeJsonl,
  summarizeJsonl,
} from './describe-jsonl.js';
import type { JsonlForm } from './jsonl-form.js';
import { type JsonlReading, jsonlFormOf, jsonlReadingOf } from './jsonl-reading.js';

export const jsonlFiles = {
  suffixes: ['.jsonl', '.ndjson'],
  content: { isLike: looksLikeJsonl, why: 'each of its first lines is a JSON object' },
  describe: (file, name, table, settings) =>
    describeJsonl(file, name, table !== undefined, settings),
  describeSample: (sample, name) => describeJsonlSample(sample, name),
  summarize: summarizeJsonl,
  listOddities: listJsonlOddities,
  readingOf: jsonlReadingOf,
  formOf: jsonlFormOf,
  fieldsOf: () => [],
  settingsOf: ({ specified }) => specified,
  footerLinesOf: () => 0,
} satisfies InputFormat<TextSettings, JsonlForm, JsonlDescription, JsonlReading>;
