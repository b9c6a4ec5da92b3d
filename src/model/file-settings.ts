/** The settings of a file that a user may specify: its format, and how the records are written. */
import { z } from 'zod';
import { type Choices, wordsOf } from './choices.js';
import type { CsvSettings } from './csv-settings.js';

/** Formats of records. */
export const INPUT_FORMAT_CHOICES = {
  csv: 'fields between delimiters',
  jsonl: 'a JSON object in each line',
} as const satisfies Choices;

/** Formats of change events, which `edp realize` reads. */
export const EVENT_FORMAT_CHOICES = {
  cloudevents: 'a CloudEvent in each line',
  debezium: 'a change of Debezium in each line, with its schema or without',
} as const satisfies Choices;
export type EventFormat = keyof typeof EVENT_FORMAT_CHOICES;
export const EVENT_FORMATS = wordsOf(EVENT_FORMAT_CHOICES);

export type PlainFormat = keyof typeof INPUT_FORMAT_CHOICES;
export type Format = PlainFormat | EventFormat;
export const INPUT_FORMATS = wordsOf(INPUT_FORMAT_CHOICES);
export const FORMATS = [...INPUT_FORMATS, ...EVENT_FORMATS] as const;

export const formatSchema = z.enum(INPUT_FORMATS, {
  error: `expected ${INPUT_FORMATS.join(' or ')}`,
});

export function isEventFormat(format: string): format is EventFormat {
  return (EVENT_FORMATS as readonly string[]).includes(format);
}

/** The command that loads files of a format. @param format undefined in a ledger from before there was another one than CSV */
export function loadCommandOf(format: string | undefined): 'edp ingest' | 'edp realize' {
  return format !== undefined && isEventFormat(format) ? 'edp realize' : 'edp ingest';
}

/** How the bytes of a file become text. */
export type TextSettings = Pick<CsvSettings, 'encoding' | 'compression'>;

/** The settings that were specified; the others are undefined. */
export interface FileSettings {
  /** Without it, the format is detected by the file's name or content. */
  readonly format?: Format;
  readonly csv: CsvSettings;
  /** For files of all other formats. */
  readonly text: TextSettings;
  /** Whether the files hold change events: their content tells of which kind. */
  readonly hasEvents?: true;
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
