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

/** What was said; a value that is not there was not. */
export interface FileSettings {
  /** Of a file of which nobody said it, the name or the content tells it. */
  readonly format?: Format;
  readonly csv: CsvSettings;
  readonly jsonl: TextSettings;
}

export const NO_SETTINGS: FileSettings = { csv: {}, jsonl: {} };
