/** The settings of a file that a user may specify: its format, and how the records are written. */
import { z } from 'zod';
import { type Choices, wordsOf } from './choices.js';
import type { CsvSettings } from './csv-settings.js';

/** Formats of records. */
export const INPUT_FORMAT_CHOICES = {
  csv: 'fields between delimiters',
  jsonl: 'a JSON object in each line',
} as const satisfies Choices;
export type Format = keyof typeof INPUT_FORMAT_CHOICES;
export const FORMATS = wordsOf(INPUT_FORMAT_CHOICES);

export const formatSchema = z.enum(FORMATS, { error: `expected ${FORMATS.join(' or ')}` });

/** How the bytes of a file become text. */
export type TextSettings = Pick<CsvSettings, 'encoding' | 'compression'>;

/** The settings that were specified; the others are undefined. */
export interface FileSettings {
  /** Without it, the format is detected by the file's name or content. */
  readonly format?: Format;
  readonly csv: CsvSettings;
  /** For files of all other formats. */
  readonly text: TextSettings;
  /** Flags of the command line that only CSV has; a file of another format does not fit them. */
  readonly csvFlags?: readonly string[];
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
