/** What a user may say about a file: what its records are, and how they are written, for each format. */
import { z } from 'zod';
import { type Choices, wordsOf } from './choices.js';
import type { CsvSettings } from './csv-settings.js';

/** What the records of a file are written in. */
export const INPUT_FORMAT_CHOICES = {
  csv: 'fields between delimiters',
  jsonl: 'a JSON object in each line',
} as const satisfies Choices;
export type Format = keyof typeof INPUT_FORMAT_CHOICES;
export const FORMATS = wordsOf(INPUT_FORMAT_CHOICES);

export const formatSchema = z.enum(FORMATS, { error: `expected ${FORMATS.join(' or ')}` });

/** How the text of a file is got out of it. */
export type TextSettings = Pick<CsvSettings, 'encoding' | 'compression'>;

/** What was specified; a value that is not there was not. */
export interface FileSettings {
  /** Undefined where the name or the content of a file decides. */
  readonly format?: Format;
  readonly csv: CsvSettings;
  /** For files of all other formats. */
  readonly text: TextSettings;
}

export const NO_SETTINGS: FileSettings = { csv: {}, text: {} };

/** What was specified for files of a format. */
export function settingsFor({ csv, text }: FileSettings, format: Format): CsvSettings {
  return format === 'csv' ? csv : text;
}

export function withSettings(
  settings: FileSettings,
  format: Format,
  own: CsvSettings,
): FileSettings {
  return format === 'csv' ? { ...settings, csv: own } : { ...settings, text: own };
}
